#!/bin/bash
# run.sh [HOST...]: the tests of tests/unit and tests/sessions on other machines: byte orders, sizes of int and pointers,
# C libraries, signs of char. One line for each host and suite: ok, FAIL, or skipped with its reason; what a failed
# one said stands below it and in build/ports/HOST/SUITE.log. Exit status 0 when nothing failed.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=build/ports
mkdir -p $work
python=/usr/bin/python3
hosts=${*:-i686 powerpc s390x aarch64 musl unsigned-char signed-char mingw avr copy compile}
cmocka=build/src/cmocka
bearssl=build/src/bearssl/inc

# The same as the Makefile's, without what a C library's own headers do not stand.
warn="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align -Wcast-qual -Wundef -Wvla"
warn="$warn -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wwrite-strings -Wformat=2 -Werror"

# tell WORD HOST SUITE WHAT...: one line, and the same in the list that is counted at the end
tell() {
    local word=$1 host=$2 suite=$3
    shift 3
    printf '%-8s%-14s%-20s%s\n' "$word" "$host" "$suite" "$*" | tee -a $work/results
}

# judge HOST SUITE STATUS LOG: ok or FAIL by what a test program said: cmocka's counts, or a last line "N passed, N failed"
judge() {
    local host=$1 suite=$2 status=$3 log=$4 passed failed
    passed=$(sed -n -e 's/\r$//' -e 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' -e 's/^\([0-9]*\) passed, [0-9]* failed.*/\1/p' "$log" | tail -n 1)
    failed=$(sed -n -e 's/\r$//' -e 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' -e 's/^[0-9]* passed, \([0-9]*\) failed.*/\1/p' "$log" | tail -n 1)
    if [ "$status" -eq 0 ] && [ "${passed:-0}" -gt 0 ] && [ "${failed:-0}" -eq 0 ]; then
        tell ok "$host" "$suite" "$passed passed"
    else
        tell FAIL "$host" "$suite" "${passed:-0} passed, ${failed:-0} failed, exit status $status: $log"
        { grep -aE -A3 '^FAIL|^\[  (ERROR|LINE|FAILED)|error:' "$log" || tail -n 8 "$log"; } | head -n 12 | sed 's/^/        /'
    fi
}

# What a host is: its compiler (CC), flags, what runs its programs (RUN), what a compiler and a runner are in (PACKAGES), and
# how far apart the cuts of the transcripts are (STRIDE): every byte where it is fast.
describe() {
    FLAGS=-static RUN='' STRIDE=1 PACKAGES='' BEARSSL=build/bearssl/$1/libbearssl.a
    case $1 in
    i686) CC=i686-linux-gnu-gcc PACKAGES="gcc-i686-linux-gnu libc6-dev-i386-cross" ;;
    powerpc) CC=powerpc-linux-gnu-gcc RUN=qemu-ppc STRIDE=16 PACKAGES="gcc-powerpc-linux-gnu libc6-dev-powerpc-cross qemu-user" ;;
    s390x) CC=s390x-linux-gnu-gcc RUN=qemu-s390x STRIDE=16 PACKAGES="gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user" ;;
    aarch64) CC=aarch64-linux-gnu-gcc RUN=qemu-aarch64 STRIDE=16 PACKAGES="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" ;;     # the tokenizer by NEON
    musl) CC=musl-gcc PACKAGES=musl-tools ;;
    unsigned-char) CC=gcc FLAGS=-funsigned-char BEARSSL=-lbearssl PACKAGES="gcc libbearssl-dev" ;;
    signed-char) CC=gcc FLAGS=-fsigned-char BEARSSL=-lbearssl PACKAGES="gcc libbearssl-dev" ;;
    mingw) CC=x86_64-w64-mingw32-gcc RUN=wine STRIDE=16 PACKAGES="gcc-mingw-w64-x86-64 wine wine64" ;;
    esac
}

# Why a suite is left out on a host; nothing when it is not.
left_out() {    # HOST SUITE
    case $1/$2 in
    mingw/test_posix) echo "tests the POSIX sockets of xmpp.h" ;;
    esac
}

build_cmocka() {
    local have="-DHAVE_MALLOC_H -DHAVE_INTTYPES_H -DHAVE_STRINGS_H -DHAVE_SIGNAL_H -DHAVE_GCC_THREAD_LOCAL_STORAGE"
    [ "$1" = mingw ] || have="$have -DHAVE_SIGLONGJMP -DHAVE_STRSIGNAL -DHAVE_STRUCT_TIMESPEC -DHAVE_CLOCK_REALTIME -DHAVE_CLOCK_GETTIME"
    : >"$work/$1/config.h"
    $CC -w -O1 $FLAGS $have -include stdint.h -I"$work/$1" -I$cmocka/include -c -o "$work/$1/cmocka.o" $cmocka/src/cmocka.c
}

build_bearssl() { [ "$BEARSSL" = -lbearssl ] || sh tests/firmware/sources.sh bearssl "$1" "$CC" -Os; }

# One suite of one host: `run.sh suite HOST SUITE`, so that several run at the same time.
suite() {
    local host=$1 suite=$2 log=$work/$1/$2.log program=$work/$1/$2 source=tests/unit/$2.c why
    describe "$host"
    why=$(left_out "$host" "$suite")
    if [ -n "$why" ]; then
        tell skipped "$host" "$suite" "$why"
        return
    fi
    [ "$suite" != sessions ] || source=tests/sessions/run.c
    [ "$RUN" != wine ] || program=$program.exe
    if ! $CC -std=gnu99 -O1 -g -Wall -Wextra -Werror $FLAGS -pthread -I. -I$cmocka/include -I$bearssl -o "$program" "$source" \
        "$work/$host/cmocka.o" $BEARSSL >"$log" 2>&1; then
        tell FAIL "$host" "$suite" "does not compile: $log"
        grep -a error "$log" | head -n 5 | sed 's/^/        /'
        return
    fi
    case $suite in
    sessions) timeout 900 $RUN "$program" -s $STRIDE tests/sessions/*.txt >"$log" 2>&1 ;;
    test_tls*) timeout 900 $RUN "$program" $work/certs >"$log" 2>&1 ;;
    test_certs) timeout 900 $RUN "$program" $work/table >"$log" 2>&1 ;;
    *) timeout 900 $RUN "$program" >"$log" 2>&1 ;;
    esac </dev/null
    judge "$host" "$suite" $? "$log"
}
if [ "${1:-}" = suite ]; then
    suite "$2" "$3"
    exit 0
fi

suites=$(for test in tests/unit/test_*.c; do basename "$test" .c; done; echo sessions)
: >$work/results
sh tests/firmware/sources.sh get || exit 1

# Given a folder, the TLS tests take the certificates that are there. Those of tls_certs.sh hold for a day.
rm -rf $work/certs $work/table
mkdir -p $work/certs
sh tests/unit/tls_certs.sh $work/certs >$work/certs.log 2>&1 || { cat $work/certs.log >&2; exit 1; }
$python tests/unit/test_certs.py $work/table || exit 1

# wine: no sounds, windows or menus of a desktop; its folder is ours
export WINEPREFIX=$PWD/$work/wine WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe=" DISPLAY=

for host in $hosts; do
    case $host in
    compile) . tests/ports/compile.sh; continue ;;
    avr) . tests/ports/avr/run.sh; continue ;;
    copy) $python tests/ports/copy_run.py >$work/copy.log 2>&1 </dev/null; judge copy examples/ports $? $work/copy.log; continue ;;
    esac
    describe "$host"
    for tool in $CC $RUN; do
        command -v "$tool" >/dev/null || { tell skipped "$host" everything "$tool is not there: $PACKAGES"; continue 2; }
    done
    mkdir -p "$work/$host"
    if ! { build_cmocka "$host" && build_bearssl "$host"; } >"$work/$host/build.log" 2>&1; then
        tell FAIL "$host" everything "cmocka or BearSSL does not compile: $work/$host/build.log"
        continue
    fi
    [ "$RUN" != wine ] || wine wineboot -i >>"$work/$host/build.log" 2>&1 </dev/null
    printf "$host %s\n" $suites | xargs -P "$(nproc)" -n 2 bash tests/ports/run.sh suite
    [ "$host" != mingw ] || . tests/ports/winsock.sh
done

# grep -c says 1 when there is none
passed=$(grep -c '^ok ' $work/results) failed=$(grep -c '^FAIL ' $work/results) skipped=$(grep -c '^skipped ' $work/results)
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
