# run.sh - read by tests/ports/run.sh: an ATmega2560 in qemu-system-avr, where an int and a size_t have 16 bits and all of
# memory is 8 KB. One image a suite. The tokenizer, JIDs and sessions are those of tests/unit and tests/sessions: the programs
# run here, what they test runs there.

avr_cc="avr-gcc -std=gnu99 -Os -mmcu=atmega2560 -Wall -Wextra -Wno-type-limits -Werror -ffunction-sections -fdata-sections -Wl,--gc-sections"

# image NAME SOURCE FLAGS...: its flash and, for the emulator's loader, its initialised memory
image() {
    local name=$1 source=$2
    shift 2
    $avr_cc "$@" -I. -Itests/ports/avr -o $work/avr/$name.elf tests/ports/avr/$source &&
        avr-objcopy -O binary -j .data $work/avr/$name.elf $work/avr/$name.data
}

emulator() {    # IMAGE: its serial line is standard input and output
    echo "exec qemu-system-avr -M mega2560 -display none -monitor none -serial stdio -bios $work/avr/$1.elf" \
        "-device loader,file=$work/avr/$1.data,addr=0x800200,force-raw=on"
}

# The image tells by its serial line and goes on for ever: it is ended when it has counted its tests.
until_counted() {
    local said=$work/avr/said pid tries=0
    sh -c "$1" </dev/null >$said 2>&1 &
    pid=$!
    until grep -q ' passed, .* failed' $said || ! kill -0 $pid 2>/dev/null || [ $((tries += 1)) -gt 3000 ]; do
        sleep 0.2
    done
    kill $pid 2>/dev/null
    cat $said
}

avr_suite() {
    local suite=$1 log=$work/avr/$1.log status
    case $suite in
    tokenizer)
        image xml pieces.c -DWITH_XML && $host_cc -DXMPP_FAR='"far_pieces.h"' -o $work/avr/test_xml tests/unit/test_xml.c $work/avr/cmocka.o &&
            FAR_COMMAND=$(emulator xml) timeout 900 $work/avr/test_xml ;;
    jid)
        image jid pieces.c -DWITH_JID && $host_cc -DXMPP_FAR='"far_pieces.h"' -DFAR_JID -o $work/avr/test_jid tests/unit/test_jid.c $work/avr/cmocka.o &&
            FAR_COMMAND=$(emulator jid) timeout 900 $work/avr/test_jid ;;
    scram)
        image scram scram.c && until_counted "$(emulator scram)" ;;
    sessions)
        image client client.c && FAR_COMMAND=$(emulator client) timeout 1800 $work/avr/run -m rx64 $(ls tests/sessions/*.txt | grep -v /dns.txt) ;;
    sessions-bytes) # each byte that comes takes four on the serial line: not all of them
        FAR_COMMAND=$(emulator client) timeout 900 $work/avr/run -m bytes tests/sessions/{login,message,stream,xml}.txt ;;
    sessions-dns)   # with the memory of the resolver
        image client-dns client.c -DWITH_DNS -DSTACK=450 && FAR_COMMAND=$(emulator client-dns) timeout 900 $work/avr/run -m rx64 tests/sessions/dns.txt ;;
    esac >$log 2>&1
    status=$?
    judge avr "$suite" $status $log
    # what there is no room for, by reason
    sed -n 's/^skip .*: //p' $log | sort | uniq -c | while read -r count why; do
        tell skipped avr "$suite" "$count transcripts: $why"
    done
}

avr() {
    local tool suite
    for tool in avr-gcc qemu-system-avr; do
        command -v $tool >/dev/null || { tell skipped avr everything "$tool is not there: gcc-avr avr-libc qemu-system-misc"; return; }
    done
    mkdir -p $work/avr
    CC=gcc FLAGS=
    build_cmocka avr >$work/avr/build.log 2>&1
    host_cc="gcc -std=gnu99 -O1 -g -Wall -Wextra -Werror -I. -Itests/ports/avr -I$cmocka/include"
    # trees are read here as they stand there: XMPP_CFG_FAST is in their form
    $host_cc -DXMPP_FAR='"far.h"' -DXMPP_CFG_FAST=0 -o $work/avr/run tests/sessions/run.c >>$work/avr/build.log 2>&1
    for suite in tokenizer jid scram sessions sessions-bytes sessions-dns; do
        avr_suite $suite
    done
}
avr
