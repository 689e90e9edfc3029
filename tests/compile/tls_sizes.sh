#!/bin/sh
# tls_sizes.sh DIR: are the sizes that xmpp_tls_bearssl.h tells under MEMORY those of its structs? DIR: BearSSL's headers.
cd "$(dirname "$0")/../.." || exit 2
work=build/compile
cat >$work/tls_sizes.c <<'END'
#include "xmpp_tls_bearssl.h"
#define SIZE_OF(type) char size_of_##type[sizeof(type)];
SIZE_OF(xmpp_bearssl) SIZE_OF(xmpp_bearssl_x509) SIZE_OF(xmpp_bearssl_pinned) SIZE_OF(xmpp_bearssl_session) SIZE_OF(xmpp_bearssl_binding)
END
bad=0
column() {      # COLUMN CC FLAGS...
    n=$1 cc=$2
    shift 2
    $cc "$@" -I. -c -o $work/tls_sizes.o $work/tls_sizes.c || exit 1
    for name in xmpp_bearssl xmpp_bearssl_x509 xmpp_bearssl_pinned xmpp_bearssl_session xmpp_bearssl_binding; do
        is=$((0x$(nm -S $work/tls_sizes.o | awk -v s="size_of_$name" '$4 == s { print $2 }')))
        says=$(awk -v s="$name" -v n="$n" '/MEMORY \(bytes\)/ { on = 1 } on && $1 == s { m = 0
            for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+$/ && ++m == n) print $i; exit }' xmpp_tls_bearssl.h)
        [ "$is" = "$says" ] || { echo "$name: the header says $says, it is $is ($cc)"; bad=1; }
    done
}
column 1 arm-none-eabi-gcc -std=c99 -mcpu=cortex-m4 -mthumb -isystem "$1"
[ "$(uname -m)" != x86_64 ] || column 2 gcc -std=gnu99
exit $bad
