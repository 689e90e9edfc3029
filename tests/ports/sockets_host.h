/* What examples/ports/xmpp_io_sockets.h needs of a board, on the host. */
#include <sys/random.h>
#include <time.h>

static int host_random(void *out, size_t n)
{
    return getrandom(out, n, 0) == (ssize_t)n ? XMPP_OK : XMPP_E_ENTROPY;
}

static uint32_t host_utc(void)
{
    return (uint32_t)time(NULL);
}

static uint32_t host_millis(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000);
}

static const xmpp_sockets_platform host_board = { host_random, host_utc, host_millis };
