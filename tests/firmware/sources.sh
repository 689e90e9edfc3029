#!/bin/sh
# sources.sh get                      source packages of Debian 12 unpacked: build/src/bearssl, build/src/lwip, and build/src/cmocka for the tests of tests/ports
# sources.sh bearssl NAME CC FLAGS    BearSSL built from there for one target: build/bearssl/NAME/libbearssl.a; NAME tells its flags apart
# apt's own lists and settings are not touched; the archives must have the sums below. Other releases of Debian have other
# versions, which are not tried.
set -eu
cd "$(dirname "$0")/../.."
work=$PWD/build/src
mkdir -p "$work"

private_apt() {     # with lists of its own, which are those of sources
    "$@" -q -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts="$work/apt/none" \
        -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o APT::Sandbox::User="$(id -un)"
}

# The machine's own sources, as sources of source packages, in the one-line form.
source_list() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb /deb-src /p'
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -e "$file" ] || awk '
            function out(   u, s, i, j) {
                u = split(uris, U); s = split(suites, S)
                for (i = 1; i <= u; i++) for (j = 1; j <= s; j++)
                    print "deb-src " (key == "" ? "" : "[signed-by=" key "] ") U[i] " " S[j] " " parts
                uris = suites = parts = key = ""
            }
            /^URIs:/ { sub(/^[^:]*: */, ""); uris = $0 }
            /^Suites:/ { sub(/^[^:]*: */, ""); suites = $0 }
            /^Components:/ { sub(/^[^:]*: */, ""); parts = $0 }
            /^Signed-By:/ { sub(/^[^:]*: */, ""); key = $0 }
            /^[ \t]*$/ { if (uris != "") out() }
            END { if (uris != "") out() }' "$file"
    done
}

# Without lists it fails, and with old ones it may.
download() { (cd "$work" && private_apt apt-get source --download-only "$1"); }

get() {     # PACKAGE VERSION SUM
    [ ! -e "$work/$1" ] || return 0
    # each step by &&: the caller's || takes set -e away
    mkdir -p "$work/apt/none" "$work/apt/lists/partial" "$work/apt/cache/archives/partial" &&
        source_list >"$work/apt/sources.list" && rm -rf "$work/$1.part" &&
        { download "$1=$2" || { private_apt apt-get update; download "$1=$2"; }; } &&
        echo "$3  $(echo "$work/$1"_*.orig.tar.?z)" | sha256sum -c --quiet - &&
        (cd "$work" && dpkg-source -x "$1_$2.dsc" "$1.part") && mv "$work/$1.part" "$work/$1"
}

case ${1:-} in
get)
    {
        get bearssl 0.6+dfsg.1-3 \
            102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004 &&
        get lwip 2.1.3+dfsg1-2 \
            0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24 &&
        get cmocka 1.1.5-2.1 \
            f0ccd8242d55e2fd74b16ba518359151f6f8383ff8aef4976e48393f77bba8b6
    } >"${work}.log" 2>&1 || { tail -n 15 "${work}.log" >&2; exit 1; }
    ;;
bearssl)
    out=build/bearssl/$2 cc=$3
    shift 3
    [ ! -e "$out/libbearssl.a" ] || exit 0
    mkdir -p "$out/o"
    # without its own clock and seeder: the transport has both
    export cc out flags="-ffunction-sections -fdata-sections -DBR_USE_UNIX_TIME=0 -DBR_USE_URANDOM=0 -I$work/bearssl/inc -I$work/bearssl/src $*"
    find "$work/bearssl/src" -name '*.c' -print0 |
        xargs -0 -P "$(nproc)" -n 12 sh -c 'for f; do $cc $flags -c "$f" -o "$out/o/$(basename "$f" .c).o" || exit 255; done' sh
    ar=$(echo "${cc%% *}" | sed 's/gcc$/ar/')
    command -v "$ar" >/dev/null || ar=ar
    rm -f "$out/part.a"
    $ar rcs "$out/part.a" "$out"/o/*.o
    mv "$out/part.a" "$out/libbearssl.a"
    rm -r "$out/o"
    ;;
*) sed -n 's/^# //p' "$0" | head -4; exit 2 ;;
esac
