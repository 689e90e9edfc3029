#!/bin/bash
# macros.sh DEFINES HEADER...: prints the macros other than XMPP_* and xmpp_* that including the headers defines or
# changes, beyond those of the system headers that they include; fails when there are any.
# Macros that ask the C library for POSIX are allowed: they have to be set before its first header.
set -eu
defines=$1
shift
system=$(sed -n 's/^ *# *include *\(<[a-z_/0-9.]*>\).*/\1/p' "$@" | sort -u)
prelude=$(for h in $system; do
    case $h in '<winsock'* | '<windows'* | '<ws2'*) ;; *) printf '#if __has_include(%s)\n#include %s\n#endif\n' "$h" "$h" ;; esac
done)
body=$(printf '#include "%s"\n' "$@")
macros() { gcc -std=gnu99 -I. $defines -E -dM -x c - | sort; }
# what follows -D on the command line is there on both sides
diff <(printf '%s\n' "$prelude" | macros) <(printf '%s\n%s\n' "$prelude" "$body" | macros) |
    grep '^[<>] #define' | grep -vE '^[<>] #define (XMPPI?_|xmpp_|_[A-Z0-9_]*_SOURCE\b)' && exit 1
exit 0
