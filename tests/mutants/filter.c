/* Runs those tests of a cmocka program alone whose names fit $ONLY_TESTS.  SPDX: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

__attribute__((constructor)) static void only_some(void)
{
    if (getenv("ONLY_TESTS") != NULL)
        cmocka_set_test_filter(getenv("ONLY_TESTS"));
}
