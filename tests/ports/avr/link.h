/* link.h - the host's end of the UART: starts the emulator that the environment's FAR_COMMAND names, and talks to it by its
   standard input and output.  SPDX: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static FILE    *far_out, *far_in;
static pid_t    far_pid;
static unsigned far_memory;                     /* bytes that the machine has for buffers and arguments */
static bool     far_dns;
static unsigned long far_turns;                 /* how often the direction changed */
static void far_broken(const char *why);        /* of who includes this */

static void far_stop(void)
{
    if (far_pid == 0)
        return;
    kill(far_pid, SIGKILL);
    waitpid(far_pid, NULL, 0);
    fclose(far_out);
    fclose(far_in);
    far_pid = 0;
}

static unsigned far_get8(void)
{
    int b;

    if (fflush(far_out) != 0 || (b = getc(far_in)) == EOF) {
        far_stop();
        far_broken("the emulator has ended");
        b = 0;
    }
    return (unsigned)b;
}

static unsigned far_get16(void) { unsigned v = far_get8(); return v << 8 | far_get8(); }
static __attribute__((unused)) uint32_t far_get32(void) { uint32_t v = far_get16(); return v << 16 | far_get16(); }
static int far_int(void) { return (int16_t)far_get16(); }
static void far_get(void *to, size_t n)
{
    unsigned char *p = (unsigned char *)to;

    while (n-- > 0)
        *p++ = (unsigned char)far_get8();
}
static void far_put8(unsigned v) { putc((int)(v & 255), far_out); }
static void far_put16(unsigned v) { far_put8(v >> 8); far_put8(v); }
static __attribute__((unused)) void far_put32(uint32_t v) { far_put16(v >> 16); far_put16(v & 65535); }
static void far_put(const void *p, size_t n)
{
    if (n > 65534)
        far_broken("longer than a 16-bit size_t can tell");
    far_put16((unsigned)n);
    if (n > 0)
        fwrite(p, 1, n, far_out);
}
static void far_put_text(const char *s)
{
    if (s == NULL)
        far_put16(65535);
    else
        far_put(s, strlen(s));
}

static void far_start(void)
{
    const char *command = getenv("FAR_COMMAND");
    int to[2], from[2];

    if (far_pid != 0)
        return;
    if (command == NULL || pipe(to) != 0 || pipe(from) != 0 || (far_pid = fork()) < 0) {
        fprintf(stderr, "FAR_COMMAND has to start the emulator\n");
        exit(2);
    }
    if (far_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);       /* it ends with us, however we end */
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        close(from[0]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    far_out = fdopen(to[1], "wb");
    far_in = fdopen(from[0], "rb");
    signal(SIGPIPE, SIG_IGN);
    atexit(far_stop);
    if (far_get8() != FAR_HELLO)
        far_broken("no greeting");
    far_memory = far_get16();
    far_dns = far_get8() != 0;
}
