#!/bin/sh
# run.sh: what a login leaves in memory (secrets.c), what reading the client's own key does (own_key.c), what a TLS session does
# on the stack (tls_stack.c), and what depends on secrets (ct.c, by valgrind), as two compilers make it for speed and for size;
# then that all notice when a defence is taken out.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=build/secrets.d
mkdir -p $work/broken
passed=0 failed=0
flags="-std=gnu99 -g -Wall -Wextra -Wl,-z,now"      # now: the loader would save registers on the searched stack
memcheck="valgrind -q --expensive-definedness-checks=yes"

tell() {            # OK_OR_FAIL WHAT
    echo "$1 $2"
    case $1 in ok) passed=$((passed + 1)) ;; *) failed=$((failed + 1)) ;; esac
}

openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $work/ec.key
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $work/rsa.key

# try NAME INCLUDE COMPILER...: builds a program against the headers in that folder, and runs it
try() {
    name=$1 include=$2 before= library= keys=
    shift 2
    case $name in
    ct) before=$memcheck ;;
    own_key) library=-lbearssl keys="$work/ec.key $work/rsa.key" ;;
    tls_stack) library=-lbearssl ;;
    esac
    "$@" $flags -I$include -o $work/$name tests/secrets/$name.c $library >$work/log 2>&1 &&
        $before $work/$name $keys >>$work/log 2>&1
}

for compiler in gcc clang; do
    for level in -O2 -Os; do
        for name in secrets own_key tls_stack ct; do
            if try $name . $compiler $level; then
                tell ok "$name $compiler $level: $(grep -a ' passed' $work/log)"
            else
                tell FAIL "$name $compiler $level"
                grep -a -e FAIL -e ' at 0x' -e error $work/log | head -n 12
            fi
        done
    done
done

# broken NAME WHAT SED [HEADER]: the test must fail with xmpp.h changed so, or HEADER
broken() {
    header=${4:-xmpp.h}
    cp xmpp.h $work/broken/xmpp.h
    sed "$3" $header >$work/broken/$header
    if cmp -s $header $work/broken/$header; then
        tell FAIL "$2: there is no such line any more"
    elif try $1 $work/broken gcc -O2; then
        tell FAIL "$1 does not notice: $2"
    elif grep -aq '^FAIL' $work/log; then
        tell ok "$1 notices: $2"
    else
        tell FAIL "$2: it does not compile"
    fi
}
broken ct "memcmp for the server's proof" 's/!xmpp_same(theirs, p->t, k->size)/memcmp(theirs, p->t, k->size) != 0/'
broken ct "base64 by a table" 's|^    return (char)(v + 65 + .*|    return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[v];|'
broken secrets "the scratch memory of a login is not wiped" '/^    xmpp_wipe(out, room);/d'
broken secrets "the control part is not wiped" '/^        xmpp_wipe(c->ctl + c->ctl_n, n);/d'
broken secrets "the nonce is not wiped" 's/^        xmpp_wipe(c->sasl - XMPPI_NONCE, .*/        ;/'
broken secrets "the stack is not wiped" 's/^    xmppi_sasl_burn();//'
broken secrets "input is not wiped" '/^    xmpp_wipe(c->rx, c->rx_size);/d'
own=xmpp_tls_bearssl.h
broken own_key "stdio has a buffer" '/^    (void)setvbuf/d' $own
broken own_key "the decoder of the key is not wiped" '/^    xmppi_tls_wipe(&o->skey, /d' $own
broken own_key "what was read is not wiped" '/^    xmppi_tls_wipe(piece, /d' $own
broken own_key "half a key is not wiped" '/^        xmppi_tls_wipe(o->mem + used, /d' $own
broken own_key "the key is not wiped" '/^    xmppi_tls_wipe(o->mem, o->size)/d' $own
for what in "keep_session:a session that is kept" "offer:a session that is offered"; do
    broken tls_stack "the copy of ${what#*:} is not wiped" "/xmppi_tls_${what%%:*}(xmpp_bearssl \*t/,/^}/s/^    xmppi_tls_wipe(&sp.*//" $own
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
