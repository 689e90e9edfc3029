#!/bin/bash
# install.sh FOLDER: does make install put everything below DESTDIR, and can a program be built from there?
set -eu
root=$1
rm -rf "$root"
make -s install DESTDIR="$PWD/$root" PREFIX=/opt/x
at=$root/opt/x
for file in include/xmpp.h include/xmpp_tls_bearssl.h bin/xmpp share/pkgconfig/xmpp.h.pc; do
    test -s "$at/$file" || { echo "$file was not installed"; exit 1; }
done
version=$(sed -n 's/^#define XMPP_VERSION  *"\(.*\)".*/\1/p' xmpp.h)
grep -qx "Version: $version" "$at/share/pkgconfig/xmpp.h.pc"
grep -qx 'prefix=/opt/x' "$at/share/pkgconfig/xmpp.h.pc"
grep -qx 'Cflags: -I${includedir}' "$at/share/pkgconfig/xmpp.h.pc"
"$at/bin/xmpp" --version | grep -F "$version"
printf '#include "xmpp.h"\nint main(void) { return 0; }\n' >"$root/t.c"
gcc -I"$at/include" -o "$root/t" "$root/t.c" && "$root/t"
