# winsock.sh - read by run.sh: the Winsock xmpp_io and its example, run under wine against Prosody.

winsock() {
    local folder=examples/ports/winsock program libs="$BEARSSL -lws2_32 -lbcrypt -liphlpapi" word name what
    for program in $folder/hello_winsock.c tests/ports/winsock_resolver.c; do
        $CC -std=gnu99 -O1 $warn $FLAGS -I. -I$folder -isystem $bearssl -o "$work/mingw/$(basename "$program" .c).exe" "$program" $libs \
            >$work/mingw/winsock.log 2>&1 || {
            tell FAIL mingw winsock "$program does not compile: $work/mingw/winsock.log"
            return
        }
    done
    [ -x /usr/bin/prosody ] || { tell skipped mingw winsock "prosody is not there: prosody"; return; }
    make -s build/xmpp >$work/mingw/winsock.log 2>&1 || { tell FAIL mingw winsock "build/xmpp does not compile"; return; }
    $python tests/ports/winsock.py $work/mingw/hello_winsock.exe $work/mingw/winsock_resolver.exe 2>$work/mingw/winsock.log |
        while read -r word name what; do
            tell "$word" mingw "winsock-$name" "$what"
        done
    [ "${PIPESTATUS[0]}" -eq 0 ] || tell FAIL mingw winsock "winsock.py ended badly: $work/mingw/winsock.log"
}
winsock
