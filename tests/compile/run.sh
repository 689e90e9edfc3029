#!/bin/bash
# run.sh: does the header compile wherever it should, without a warning, and leave nothing behind?
# One line a test; what the compilers said stands below a failed one.
set -u
cd "$(dirname "$0")/../.." || exit 2
here=tests/compile
work=build/compile
rm -rf $work
mkdir -p $work build/results
passed=0 failed=0

warn="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align -Wcast-qual -Wundef"
warn="$warn -Wvla -Wswitch-enum -Wwrite-strings -Wformat=2 -Werror"
warn_c="$warn -Wstrict-prototypes -Wmissing-prototypes"
headers=xmpp.h
[ ! -e xmpp_tls_bearssl.h ] || headers="xmpp.h xmpp_tls_bearssl.h"

# try NAME COMMAND...: passes when the command succeeds
try() {
    local name=$1
    shift
    if timeout 120 "$@" >$work/said 2>&1; then
        passed=$((passed + 1))
        echo "ok   $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        head -n 25 $work/said
    fi
}

# ---- alone, in every language version ----
implement="-DXMPP_IMPLEMENTATION -DXMPP_TLS_BEARSSL_IMPLEMENTATION"
for header in $headers; do
    echo "#include \"$header\"" >$work/alone.c
    cp $work/alone.c $work/alone.cpp
    for cc in gcc clang; do
        for std in c99 c11; do
            for define in "" "$implement"; do
                try "$cc -std=$std $header ${define:+with its implementation}" \
                    $cc -std=$std $warn_c -I. $define -O1 -c -o $work/alone.o $work/alone.c
            done
        done
        for std in c++11 c++20; do
            for define in "" "$implement"; do
                try "$cc -std=$std $header ${define:+with its implementation}" \
                    $cc -x c++ -std=$std $warn -I. $define -O1 -c -o $work/alone.o $work/alone.cpp
            done
        done
        for char in -funsigned-char -fsigned-char -fshort-enums; do
            try "$cc $char $header" \
                $cc -std=c99 $warn_c $char -I. $implement -fsyntax-only $work/alone.c
        done
    done
done
try "the header itself as a translation unit" \
    gcc -x c -DXMPP_IMPLEMENTATION $warn_c -c -o $work/unit.o xmpp.h
try "the default in full at -Os" gcc -std=c99 -Os $warn_c -x c -DXMPP_IMPLEMENTATION -c -o $work/unit.o xmpp.h
try "as static functions (XMPP_STATIC)" \
    gcc -std=c99 $warn_c -Wno-unused-function -x c -DXMPP_STATIC -DXMPP_IMPLEMENTATION -c -o $work/static.o xmpp.h

# ---- two units ----
cat >$work/one.c <<'C'
#include "xmpp.h"
#include "xmpp.h"
int main(void) { return xmpp_utf8_valid("", 0) ? 0 : 1; }
C
printf '#define XMPP_IMPLEMENTATION\n#include "xmpp.h"\n#include "xmpp.h"\n' >$work/two.c
cp $work/one.c $work/one.cpp
try "two units link and run" sh -c "gcc -std=gnu99 $warn_c -I. -o $work/two $work/one.c $work/two.c && $work/two"
try "a C++ unit and a C unit link and run" sh -c "gcc -std=gnu99 -I. -c -o $work/two.o $work/two.c &&
    g++ -std=c++11 -I. -o $work/two $work/one.cpp $work/two.o && $work/two"
try "units with the same XMPP_CFG_IQS agree" sh -c \
    "gcc -std=gnu99 -I. -DEXPECT=XMPP_OK -o $work/abi $here/abi.c $work/two.c && $work/abi"
try "units with different XMPP_CFG_IQS are told so by xmpp_init" sh -c \
    "gcc -std=gnu99 -I. -DXMPP_CFG_IQS=9 -DEXPECT=XMPP_E_ABI -c -o $work/abi.o $here/abi.c &&
     gcc -std=gnu99 -I. -o $work/abi $work/abi.o $work/two.c && $work/abi"

# ---- every combination of switches ----
switches=$(cat $headers | grep -o 'XMPP_NO_[A-Z0-9_]*' | sort -u)
count=$(echo $switches | wc -w)
try "at most five XMPP_NO_* switches (there are $count)" test "$count" -le 5
[ "$count" -le 7 ] || count=7
for ((bits = 0; bits < 1 << count; bits++)); do
    defines='' i=0
    for switch in $switches; do
        (((bits >> i) & 1)) && defines="$defines -D$switch"
        i=$((i + 1))
    done
    try "switches:${defines:- none}" gcc -std=c99 $warn_c -I. -x c -DXMPP_IMPLEMENTATION $defines -fsyntax-only xmpp.h
done

# ---- what it leaves behind, and what it must not call ----
try "only XMPP_* macros leak" bash $here/macros.sh "" $headers
try "only XMPP_* macros leak from the implementation" bash $here/macros.sh "$implement" $headers
try "calls nothing that allocates, prints or jumps" /usr/bin/python3 $here/calls.py $headers
try "has no mutable globals" sh -c "gcc -fno-pie -x c -DXMPP_IMPLEMENTATION -c -o $work/unit.o xmpp.h &&
    ! nm $work/unit.o | grep -E ' [bBdDC] '"
for cc in gcc clang; do
    try "$cc: a user's switch over events" $cc -std=c99 $warn_c -I. -c -o $work/switch.o $here/switch.c
    try "$cc: a user's switch over events in C++" \
        $cc -x c++ -std=c++11 $warn -I. -c -o $work/switch.o $here/switch.c
done
try "the format attribute warns of a wrong argument" sh -c \
    "! gcc -std=c99 -Wformat -Werror -DWRONG -I. -fsyntax-only $here/switch.c"

# ---- snippets, examples, installation ----
try "the first program is the same in README.md, xmpp.h and examples/hello.c" /usr/bin/python3 $here/snippets.py same
/usr/bin/python3 $here/snippets.py extract $work/snippet >$work/list 2>$work/said ||
    try "snippets can be extracted" cat $work/no-such-file
while read -r snippet name; do
    try "$name compiles" gcc -std=gnu99 -Wall -Wextra -Wno-unused -Werror -I. -fsyntax-only "$snippet"
done <$work/list
for example in examples/*.c; do
    for cc in gcc clang; do
        try "$cc $example" $cc -std=gnu99 $warn_c -I. -c -o $work/example.o "$example"
    done
done
for example in event_loop fleet; do
    try "$example without epoll" gcc -std=gnu99 $warn_c -DUSE_POLL -I. -c -o $work/example.o examples/$example.c
done
# 16-bit int, 16-bit size_t, no C library but these
mkdir -p $work/free
cat >$work/free/string.h <<'END'
#include <stddef.h>
void *memcpy(void *, const void *, size_t), *memmove(void *, const void *, size_t), *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t), strcmp(const char *, const char *), strncmp(const char *, const char *, size_t);
size_t strlen(const char *);
END
for size in -Os -O2; do
    try "clang --target=msp430 $size, 16-bit int" clang --target=msp430 -ffreestanding -std=c99 $warn_c $size -DXMPP_NO_POSIX \
        -DXMPP_IMPLEMENTATION -I. -isystem $work/free -c -o $work/example.o -x c xmpp.h
done
mkdir -p $work/bearssl             # BearSSL's headers alone, not the host's C library
cp -r /usr/include/bearssl /usr/include/bearssl.h $work/bearssl/
try "arm-none-eabi-gcc examples/mcu.c" arm-none-eabi-gcc -std=c99 $warn_c -mcpu=cortex-m4 -mthumb -Os -I. \
    -isystem $work/bearssl -c -o $work/example.o examples/mcu.c
try "the sizes that xmpp_tls_bearssl.h tells" sh $here/tls_sizes.sh $work/bearssl
# the contents list of the header names its sections, all of them, in their order
try "the contents of xmpp.h" /usr/bin/python3 $here/contents.py
try "make install" bash $here/install.sh $work/root

echo "$passed $failed" >build/results/compile.count
[ $failed -eq 0 ]
