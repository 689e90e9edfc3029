# compile.sh - read by run.sh: both headers with their implementation, without a warning, for machines that no test runs on
# (and some that do). No C library but the functions that the headers name is needed: the header is given them.

# What <string.h> has to have, as tests/compile/run.sh writes it.
mkdir -p $work/compile/free
sed -n "/free\/string.h <<'END'/,/^END/p" tests/compile/run.sh | sed '1d;$d' >$work/compile/free/string.h

# compiles NAME PACKAGES CC FLAGS...: at -Os and -O2
compiles() {
    local name=$1 packages=$2 header size log
    shift 2
    command -v "$1" >/dev/null || { tell skipped compile "$name" "$1 is not there: $packages"; return; }
    for header in $headers; do
        log=$work/compile/$name-$header.log
        : >"$log"
        printf '#include "%s"\n' $header >$work/compile/$header.c
        for size in -Os -O2; do
            "$@" $warn $size -DXMPP_NO_POSIX -DXMPP_IMPLEMENTATION -DXMPP_TLS_BEARSSL_IMPLEMENTATION -I. -isystem $bearssl \
                -c -o "$work/compile/$name.o" $work/compile/$header.c >>"$log" 2>&1 || {
                tell FAIL compile "$name" "$header $size: $log"
                grep -a error "$log" | head -n 5 | sed 's/^/        /'
                continue 2
            }
        done
        tell ok compile "$name" "$header at -Os and -O2"
    done
}

headers="xmpp.h xmpp_tls_bearssl.h"
arm="arm-none-eabi-gcc -std=c99 -mthumb"
compiles cortex-m0 gcc-arm-none-eabi $arm -mcpu=cortex-m0
compiles cortex-m3 gcc-arm-none-eabi $arm -mcpu=cortex-m3
compiles cortex-m4 gcc-arm-none-eabi $arm -mcpu=cortex-m4
compiles cortex-m33 gcc-arm-none-eabi $arm -mcpu=cortex-m33
compiles rv32imc "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf" \
    riscv64-unknown-elf-gcc -std=c99 -march=rv32imc -mabi=ilp32 --specs=picolibc.specs
compiles lx106 "gcc-xtensa-lx106 picolibc-xtensa-lx106-elf" \
    xtensa-lx106-elf-gcc -std=c99 --specs=/usr/lib/xtensa-lx106-elf/picolibc.specs
compiles msp430 clang clang --target=msp430 -ffreestanding -std=c99 -isystem $work/compile/free
compiles powerpc "gcc-powerpc-linux-gnu libc6-dev-powerpc-cross" powerpc-linux-gnu-gcc -std=c99
compiles aarch64 "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" aarch64-linux-gnu-gcc -std=c99
compiles s390x "gcc-s390x-linux-gnu libc6-dev-s390x-cross" s390x-linux-gnu-gcc -std=c99
