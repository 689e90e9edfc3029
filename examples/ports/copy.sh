#!/bin/sh
# copy.sh PORT DIR: makes DIR from a port's folder and the headers that it needs.
#   freertos   into your sources           arduino      your sketchbook's libraries/xmpp
#   zephyr     a module of its own         platformio   lib/xmpp, or anywhere: a library with an example project
#   esp-idf    components/xmpp
set -eu
[ $# = 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
port=$1 to=$2
here=$(cd "$(dirname "$0")" && pwd)
core=$here/../../xmpp.h tls=$here/../tls/xmpp_tls_mbedtls.h sockets=$here/xmpp_io_sockets.h

folder() {  # PORT: what it holds; a file that was changed after an earlier copy is overwritten
    mkdir -p "$to"
    (cd "$here/$1" && tar cf - .) | (cd "$to" && tar xf -)
}

case $port in
freertos)       folder freertos; cp "$core" "$tls" "$sockets" "$to" ;;
zephyr|esp-idf) folder "$port"; mkdir -p "$to/include"; cp "$core" "$tls" "$sockets" "$to/include" ;;
arduino)        folder arduino; cp "$core" "$tls" "$to/src" ;;
platformio)     folder arduino; cp "$core" "$tls" "$to/src"
                cp "$here/platformio/library.json" "$to"
                cp "$here/platformio/platformio.ini" "$to/examples/Presence" ;;
*)              echo "$port: no such port" >&2; exit 2 ;;
esac
