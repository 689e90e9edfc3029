#!/bin/sh
# setup.sh demo|check|size|ports|bench|coverage|mutants|lint|proof|fuzz: sees to it that the programs and libraries which that target needs are
# there. As root it installs the Debian packages that are missing; otherwise it says which, and fails.
# It starts no daemon and touches no server's configuration.
set -u
want=${1:-check}
CC=${CC:-cc}
policy=/usr/sbin/policy-rc.d
packages=

# need PACKAGE TEST...: PACKAGE is missing when the command TEST fails
need() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || packages="$packages $package"
}
has() { command -v "$1"; }
# has_header COMPILER HEADER: can the compiler find it?
has_header() { printf '#include <stdio.h>\n#include <%s>\n' "$2" | $1 -E -x c - ; }
has_cmocka() {
    printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n%s\n' \
        '#include <cmocka.h>' | $CC -E -x c -
}

# compilers for microcontrollers, and what unpacks BearSSL's source for them
need_cross() {
    need gcc-arm-none-eabi has arm-none-eabi-gcc
    need libnewlib-arm-none-eabi has_header "arm-none-eabi-gcc --specs=nano.specs" string.h
    need gcc-riscv64-unknown-elf has riscv64-unknown-elf-gcc
    need picolibc-riscv64-unknown-elf has_header "riscv64-unknown-elf-gcc --specs=picolibc.specs" string.h
    need dpkg-dev has dpkg-source
    need xz-utils has xz
    need python3 test -x /usr/bin/python3
}
need_firmware() {
    need_cross
    need qemu-system-arm has qemu-system-arm
    need qemu-system-misc has qemu-system-riscv32
}
need_demo() {
    need gcc has "${CC%% *}"
    need libc6-dev has_header "$CC" stdlib.h
    need libbearssl-dev has_header "$CC" bearssl.h
    need python3 test -x /usr/bin/python3
    need openssl has openssl
    need prosody test -x /usr/bin/prosody
}
need_check() {
    need_demo
    need_firmware
    need gcc has gcc
    need g++ has g++
    need clang has clang++
    need libexpat1-dev has_header "$CC" expat.h
    need valgrind has_header "$CC" valgrind/memcheck.h
    need libcmocka-dev has_cmocka
    need libssl-dev has_header "$CC" openssl/ssl.h
    need libmbedtls-dev has_header "$CC" mbedtls/ssl.h
    need ejabberd test -x /usr/sbin/ejabberdctl
    need prosody-modules test -d /usr/lib/prosody/modules/mod_auth_ccert
    need dnsmasq-base test -x /usr/sbin/dnsmasq
    need python3-slixmpp test -d /usr/lib/python3/dist-packages/slixmpp
}

need_mutants() {
    need gcc has "${CC%% *}"
    need libc6-dev has_header "$CC" stdlib.h
    need libbearssl-dev has_header "$CC" bearssl.h
    need libcmocka-dev has_cmocka
    need libexpat1-dev has_header "$CC" expat.h
    need openssl has openssl
    need python3 test -x /usr/bin/python3
}
need_ports() {
    need_demo
    need_cross
    need gcc has gcc
    need clang has clang
    need gcc-i686-linux-gnu has i686-linux-gnu-gcc
    need libc6-dev-i386-cross has_header i686-linux-gnu-gcc stdlib.h
    need gcc-powerpc-linux-gnu has powerpc-linux-gnu-gcc
    need libc6-dev-powerpc-cross has_header powerpc-linux-gnu-gcc stdlib.h
    need gcc-s390x-linux-gnu has s390x-linux-gnu-gcc
    need libc6-dev-s390x-cross has_header s390x-linux-gnu-gcc stdlib.h
    need gcc-aarch64-linux-gnu has aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross has_header aarch64-linux-gnu-gcc stdlib.h
    need qemu-user has qemu-s390x
    need musl-tools has musl-gcc
    need gcc-mingw-w64-x86-64 has x86_64-w64-mingw32-gcc
    need wine has wine
    need wine64 test -e /usr/lib/wine/wine64
    need gcc-avr has avr-gcc
    need avr-libc has_header "avr-gcc -mmcu=atmega2560" avr/io.h
    need arduino-core-avr test -d /usr/share/arduino/hardware/arduino/avr
    need qemu-system-misc has qemu-system-avr
    need gcc-xtensa-lx106 has xtensa-lx106-elf-gcc
    need picolibc-xtensa-lx106-elf test -e /usr/lib/xtensa-lx106-elf/picolibc.specs
    need python3-slixmpp test -d /usr/lib/python3/dist-packages/slixmpp
    need libmbedtls-dev has_header "$CC" mbedtls/ssl.h
}
need_lint() {
    need gcc has gcc
    need g++ has g++
    need clang has clang++
    need clang-tidy has clang-tidy
    need cppcheck has cppcheck
    need libbearssl-dev has_header gcc bearssl.h
    need python3 test -x /usr/bin/python3
}
# libFuzzer and the sanitizers are in a package of their own
has_libfuzzer() {
    echo 'int LLVMFuzzerTestOneInput(const void *p, __SIZE_TYPE__ n) { (void)p; (void)n; return 0; }' |
        clang -fsanitize=fuzzer,address -x c - -o /dev/null
}
need_fuzz() {
    need clang has clang
    need libclang-rt-14-dev has_libfuzzer
    need libc6-dev has_header clang stdlib.h
    need libexpat1-dev has_header clang expat.h
    need libbearssl-dev has_header clang bearssl.h
    need python3 test -x /usr/bin/python3
}
need_proof() {
    need gcc has "${CC%% *}"
    need libc6-dev has_header "$CC" stdlib.h
    need libcmocka-dev has_cmocka
    need libbearssl-dev has_header "$CC" bearssl.h
    need frama-c-base has frama-c
}
need_bench() {
    need python3 test -x /usr/bin/python3
    need gcc-arm-none-eabi has arm-none-eabi-gcc
    need libnewlib-arm-none-eabi has_header "arm-none-eabi-gcc --specs=nano.specs" string.h
    need qemu-system-arm has qemu-system-arm
    need libc6-dev has_header "$CC" stdlib.h
    need gcc has "${CC%% *}"
    need g++ has g++
    need pkg-config has pkg-config
    need valgrind has_header "$CC" valgrind/callgrind.h
    need libexpat1-dev has_header "$CC" expat.h
    need libxml2-dev test -e /usr/include/libxml2/libxml/parser.h
    need libiksemel-dev has_header "$CC" iksemel.h
    need libstrophe-dev has_header "$CC" strophe.h
    need libssl-dev has_header "$CC" openssl/evp.h
    need libbearssl-dev has_header "$CC" bearssl.h
    need libloudmouth1-dev test -d /usr/include/loudmouth-1.0
    need libgloox-dev test -d /usr/include/gloox
    need openssl has openssl
}
need_coverage() {
    need gcc has gcc
    need gcovr has gcovr
    need libc6-dev has_header gcc stdlib.h
    need libcmocka-dev has_cmocka
    need libbearssl-dev has_header gcc bearssl.h
    need openssl has openssl
    need python3 test -x /usr/bin/python3
}

case $want in
demo) need_demo ;;
check) need_check ;;
size) need_cross ;;
ports) need_ports ;;
bench) need_bench ;;
coverage) need_coverage ;;
mutants) need_mutants ;;
lint) need_lint ;;
proof) need_proof ;;
fuzz) need_fuzz ;;
*) echo "usage: setup.sh demo|check|size|ports|bench|coverage|mutants|lint|proof|fuzz" >&2; exit 2 ;;
esac
[ -n "$packages" ] || exit 0
packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ')
packages=${packages% }

tell() {
    echo "make $want needs these packages (names of Debian 12): $packages" >&2
    echo "as root:  apt-get install --no-install-recommends $packages" >&2
    exit 1
}
command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || tell

log=build/logs/setup.log
mkdir -p build/logs || exit 1
: >"$log"
made_policy=
clean_up() { [ -z "$made_policy" ] || rm -f "$policy"; }
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then     # 101: forbidden. invoke-rc.d then starts and stops nothing
    made_policy=1
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit 1
fi
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=120 $packages </dev/null >>"$log" 2>&1
}
echo "setup: installing $packages"
install || { apt-get update -q >>"$log" 2>&1 && install; } || {
    tail -n 15 "$log" >&2
    echo "setup: could not install them; see $log" >&2
    exit 1
}
