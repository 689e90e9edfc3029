#!/bin/sh
# size.sh [check|readme]: what the library costs on microcontrollers, a line a configuration:
#   TARGET NAME text data bss state_bytes max_stack_bytes
# tokenizer-fast is tokenizer with XMPP_CFG_FAST 1: the object that make bench counts the instructions of, too.
# Each program of tests/size/ is linked with the header as a unit (-Os, --gc-sections, newlib-nano)
# and the empty image is taken off. state_bytes: the caller's struct. max_stack_bytes: the deepest
# chain of calls in xmpp.h by GCC's own figures, transports and the application excluded.
# Then core-scram with TLS, a line a profile of xmpp_tls_bearssl.h, with BearSSL from Debian's source:
#   TARGET NAME text data bss ram-512 ram-4096 ram-16384 max_stack_bytes xmpp.h tls bearssl
# ram-N: all that the caller gives, with records of N bytes: structs, records, and 1.5 KB of buffers.
# max_stack_bytes: what painting has measured in an emulator (make firmware), as the header tells it.
# The last three are what of text is whose; the rest is the C library's and the program's.
# check: also compares with the budgets and with the README's tables, and counts passed and failed.
# readme: writes those tables.
set -u
cd "$(dirname "$0")/.." || exit 2
mode=${1:-print}
work=build/size
table=$work/table.txt
tls_table=$work/tls.txt
names="tokenizer tokenizer-fast jid core-plain core-scram-sha-1 core-scram core-scram-dns core-scram-sm core-scram-template all error-texts"
mkdir -p $work build/results
: >$table
: >$tls_table
profiles="pin_chacha ec_chacha ec_aesgcm rsa_chacha full"

# measure TARGET COMPILER FLAGS...
measure() {
    target=$1 cc=$2
    shift 2
    dir=$work/$target
    rm -rf "$dir"
    mkdir -p "$dir"
    flags="-std=c99 -Os -ffunction-sections -fdata-sections -fcallgraph-info=su -I. $*"
    link="-nostartfiles -Wl,--gc-sections -Wl,-e,start -Wl,--defsym=memory=0x20000000 -Wl,--no-warn-rwx-segments
        -Wl,--defsym=client=0x20002000 -Wl,--defsym=io_ops=0x20003000 -Wl,--defsym=sink=0x20003100"
    mkdir "$dir/fast"
    $cc $flags -DXMPP_NO_POSIX -DXMPP_IMPLEMENTATION -x c -c -o "$dir/xmpp.o" xmpp.h || return 1
    $cc $flags -DXMPP_CFG_FAST=1 -DXMPP_NO_POSIX -DXMPP_IMPLEMENTATION -x c -c -o "$dir/fast/xmpp.o" xmpp.h || return 1
    base=
    for name in empty $names; do
        of=$dir
        [ $name != tokenizer-fast ] || of=$dir/fast         # with XMPP_CFG_FAST 1
        $cc $flags -c -o "$dir/$name.o" tests/size/${name%-fast}.c &&
            $cc "$@" $link -o "$dir/$name.elf" "$dir/$name.o" "$of/xmpp.o" || return 1
        sizes=$(${cc%gcc}size "$dir/$name.elf" | awk 'NR == 2 { print $1, $2, $3 }')
        if [ $name = empty ]; then
            base=$sizes
            continue
        fi
        state=$(${cc%gcc}nm -S "$dir/$name.o" | awk '$4 == "state_bytes" { print $2 }')
        ${cc%gcc}nm -S --size-sort "$dir/$name.elf" >"$dir/$name.symbols"
        ${cc%gcc}nm -u "$dir/$name.o" | awk '{ print $2 }' >"$dir/$name.roots"
        stack=$(/usr/bin/python3 tests/size/stack.py "$dir/$name.symbols" "$dir/$name.roots" \
            "$of"/*xmpp*.ci 2>"$dir/$name.stack")
        if [ $? -ne 0 ]; then
            cat "$dir/$name.stack" >&2
            return 1
        fi
        echo "$target $name $sizes $base $((0x$state)) $stack" |
            awk '{ for (i = 4; i <= 5; i++) if ($i - $(i + 3) < 4) $i = $(i + 3)     # what aligning leaves
                   printf "%-13s %-19s %6d %5d %5d %5d %5d\n", $1, $2, $3-$6, $4-$7, $5-$8, $9, $10 }' |
            tee -a $table
    done
}

# measure_tls TARGET COLUMN COMPILER FLAGS...: after measure of the same target. COLUMN: of the header's table of stacks
measure_tls() {
    target=$1 column=$2 cc=$3
    shift 3
    mul=                        # BearSSL takes every Cortex-M for one with a slow multiply
    [ $target != cortex-m4 ] || mul=-DBR_LOMUL=0
    sh tests/firmware/sources.sh get && sh tests/firmware/sources.sh bearssl size-$target "$cc" -Os $mul "$@" 2>$dir/bearssl.said || {
        cat $dir/bearssl.said >&2
        return 1
    }
    src=build/src/bearssl/inc lib=build/bearssl/size-$target/libbearssl.a
    flags="-std=c99 -Os -ffunction-sections -fdata-sections -DXMPP_NO_POSIX -I. -Itests/size -isystem $src $*"
    $cc $flags -DXMPP_TLS_BEARSSL_IMPLEMENTATION -x c -c -o $dir/tls.o xmpp_tls_bearssl.h &&
        $cc $flags -DXMPP_BEARSSL_HASHES -DXMPP_TLS_BEARSSL_IMPLEMENTATION -x c -c -o $dir/tls-hashes.o xmpp_tls_bearssl.h &&
        $cc $flags -DXMPP_BEARSSL_HASHES -DXMPP_IMPLEMENTATION -x c -c -o $dir/xmpp-hashes.o xmpp_tls_bearssl.h || return 1
    [ $mode = check ] || printf '%-13s %-19s %6s %4s %4s %6s %6s %6s %5s %6s %6s %6s\n' \
        TARGET NAME text data bss r-512 r-4096 r-16k stack xmpp.h tls bearssl
    for name in $profiles pin_chacha-hashes; do
        profile=${name%-hashes} kind=${name#$profile}
        pinned=
        [ $profile != pin_chacha ] || pinned=-DPINNED
        $cc $flags $pinned -DPROFILE=xmpp_bearssl_profile_$profile -c -o $dir/tls-$name.o tests/size/tls.c &&
            $cc "$@" $link -Wl,--defsym=__flash_size=0x100000 -Wl,-Map=$dir/tls-$name.map -o $dir/tls-$name.elf $dir/tls-$name.o $dir/tls$kind.o $dir/xmpp$kind.o $lib || return 1
        stack=$(awk -v p=profile_$profile -v n="$column" '/Stack, painted/ { on = 1 } on && $1 == p { print $(n + 1); exit }' xmpp_tls_bearssl.h)
        rams=
        for n in 512 4096 16384; do
            rams="$rams $((0x$(${cc%gcc}nm -S $dir/tls-$name.o | awk -v s=ram_$n '$4 == s { print $2 }')))"
        done
        /usr/bin/python3 tests/size/split.py $target tls-$name "${base:-0 0 0}" "$(${cc%gcc}size $dir/tls-$name.elf | awk 'NR == 2 { print $1, $2, $3 }')" \
            "$rams" "${stack:-0}" $dir/tls-$name.map | tee -a $tls_table
    done
}

flash=22016          # 21.5 KB
# The aim with a P-256 chain is 46 KB, of which xmpp.h's aim is 14 KB. Until that is met this keeps what was reached.
tls_flash=60416 pin_flash=51712
status=0
[ $mode = check ] || printf '%-13s %-19s %6s %5s %5s %5s %5s\n' TARGET NAME text data bss state stack
both() {            # TARGET COLUMN COMPILER FLAGS...
    [ -n "$(command -v $3)" ] || { echo "FAIL there is no $3" >&2; return 1; }
    target=$1 column=$2
    shift 2
    measure $target "$@" && measure_tls $target $column "$@"
}
both cortex-m4 1 arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb --specs=nano.specs || status=1
both cortex-m0plus 2 arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb --specs=nano.specs || status=1
both rv32imc 3 riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32 --specs=picolibc.specs || status=1
if [ $mode = readme ]; then
    exec /usr/bin/python3 tests/size/readme.py $table $tls_table README.md write
fi
[ $mode = check ] || exit $status

# ---- the budgets, and the README's table ----
passed=0 failed=0
verdict() {     # verdict WORDS STATUS
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
    fi
}
verdict "every configuration links and its stack is known" $status
# The aim is 14336 (README, Sizes). Until it is met this keeps what was reached.
verdict "cortex-m4 core-scram: text + data at most $flash bytes" \
    "$(awk -v most=$flash '$1 == "cortex-m4" && $2 == "core-scram" { print (($3 + $4) > most); n = 1 } END { if (!n) print 1 }' $table)"
verdict "xmpp_client: at most 512 bytes" \
    "$(awk '$2 == "core-scram" { n = 1; if ($6 > 512) bad = 1 } END { print (bad || !n) }' $table)"
verdict "xmpp_sm: at most 160 bytes" \
    "$(awk '$2 == "core-scram" { c[$1] = $6 } $2 == "core-scram-sm" { n = 1; if ($6 - c[$1] > 160) bad = 1 } END { print (bad || !n) }' $table)"
verdict "stack: at most 512 bytes on cortex-m4 in every configuration" \
    "$(awk '$1 == "cortex-m4" { n = 1; if ($7 > 512) bad = 1 } END { print (bad || !n) }' $table)"
verdict "no mutable globals: data and bss are 0" \
    "$(awk '{ n = 1; if ($4 + $5) bad = 1 } END { print (bad || !n) }' $table)"
# most FIELD BYTES TARGET NAME: a budget of the TLS table. RAM has the stack with it.
most() {
    awk -v f="$1" -v most="$2" -v t="$3" -v n="$4" '$1 == t && $2 == n { v = f == "flash" ? $3 + $4 : f == "bearssl" ? $12 : $6 + $9
        print (v > most || $9 == 0); seen = 1 } END { if (!seen) print 1 }' $tls_table
}
verdict "cortex-m4 with TLS and a P-256 chain: BearSSL at most 35 KB" "$(most bearssl 35840 cortex-m4 tls-ec_chacha)"
verdict "cortex-m4 with TLS and a P-256 chain: text + data at most $tls_flash bytes" "$(most flash $tls_flash cortex-m4 tls-ec_chacha)"
verdict "cortex-m4 with TLS and a pinned key: text + data at most $pin_flash bytes" "$(most flash $pin_flash cortex-m4 tls-pin_chacha)"
verdict "cortex-m4 with TLS and a P-256 chain: at most 14 KB of RAM, stack included" "$(most ram 14336 cortex-m4 tls-ec_chacha)"
verdict "cortex-m0plus with TLS and a P-256 chain: at most 16 KB of RAM, stack included" "$(most ram 16384 cortex-m0plus tls-ec_chacha)"
verdict "cortex-m0plus with TLS and a pinned key: at most 13 KB of RAM, stack included" "$(most ram 13312 cortex-m0plus tls-pin_chacha)"
/usr/bin/python3 tests/size/readme.py $table $tls_table README.md
verdict "the README's tables show these sizes" $?
echo "$passed $failed" >build/results/size.count
[ $failed -eq 0 ]
