#!/bin/sh
# Makes the certificates that the tests test_tls*.c use, fresh, so that none of them expires. Usage: tls_certs.sh DIR
set -e
umask 077
mkdir -p "$1"
cd "$1"

key() {         # key NAME ec|rsa|weak|p384
    case $2 in
    ec)   openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    p384) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1.key" ;;
    rsa)  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    weak) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$1.key" ;;
    esac
}

issue() {       # issue NAME KEY ISSUER CN EXTENSIONS [options of openssl x509]
    name=$1 kind=$2 issuer=$3 cn=$4 ext=$5
    shift 5
    key "$name" "$kind"
    openssl req -new -key "$name.key" -subj "/CN=$cn" -out "$name.csr"
    printf '%b' "$ext" > "$name.ext"
    openssl x509 -req -in "$name.csr" -CA "$issuer.pem" -CAkey "$issuer.key" -CAcreateserial \
        -days 100 -sha256 "$@" -extfile "$name.ext" -out "$name.pem" 2>/dev/null
    openssl x509 -in "$name.pem" -outform DER -out "$name.der"
}

root() {        # root NAME KEY
    key "$1" "$2"
    openssl req -x509 -new -key "$1.key" -subj "/O=xmpp.h tests/CN=$1" -days 200 -out "$1.pem" \
        -addext keyUsage=critical,keyCertSign
    openssl x509 -in "$1.pem" -outform DER -out "$1.der"
}

leaf='basicConstraints=CA:FALSE\n'
san="${leaf}subjectAltName=DNS:xmpp.test\n"

root ca ec
root other rsa
issue middle ec ca 'middle' 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n'
issue good ec middle 'ignored' "${leaf}subjectAltName=DNS:xmpp.test,DNS:*.wild.test,DNS:other.example,email:a@b.example\n"
issue rsa rsa other 'ignored' "$san"
issue sha384 ec ca 'ignored' "$san" -sha384
issue p384 p384 ca 'ignored' "$san" -sha512
issue weak weak ca 'ignored' "$san"
issue sha1 ec ca 'ignored' "$san" -sha1
issue cn ec ca 'xmpp.test' "$leaf"
issue server ec ca 'ignored' "${leaf}subjectAltName=otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.xmpp.test\n"
issue srv ec ca 'ignored' "${leaf}subjectAltName=otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.XMPP.test\n"
issue addr ec ca 'ignored' "${leaf}subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:xmpp.test\n"
# dNSName "xmpp.test" NUL ".evil"
issue zero ec ca 'ignored' "${leaf}subjectAltName=DER:30:11:82:0F:78:6D:70:70:2E:74:65:73:74:00:2E:65:76:69:6C\n"
issue critical ec ca 'ignored' "${san}1.2.3.4=critical,DER:05:00\n"
issue late ec ca 'ignored' "$san" -days 15000
issue noca ec good 'ignored' "$san"
issue client_ec ec ca 'someone' "${leaf}extendedKeyUsage=clientAuth\n"
issue client_rsa rsa ca 'someone' "${leaf}extendedKeyUsage=clientAuth\n"
# no extensions: a certificate of version 1
key v1 ec
openssl req -new -key v1.key -subj "/CN=xmpp.test" -out v1.csr
openssl x509 -req -in v1.csr -signkey v1.key -days 100 -out v1.pem 2>/dev/null
openssl x509 -in v1.pem -outform DER -out v1.der
openssl rsa -in client_rsa.key -traditional -out client_rsa1.key 2>/dev/null
openssl ec -in client_ec.key -out client_ec1.key 2>/dev/null
openssl pkcs8 -topk8 -in client_ec.key -passout pass:x -out encrypted.key

for name in good rsa p384 v1 weak; do
    openssl pkey -in $name.key -pubout -outform DER | openssl dgst -sha256 -binary > $name.spki
done
openssl dgst -sha256 -binary good.der > good.end
openssl dgst -sha384 -binary sha384.der > sha384.end
openssl dgst -sha512 -binary p384.der > p384.end
cat good.pem middle.pem > good.chain
cat noca.pem good.pem middle.pem > noca.chain
cat middle.pem good.pem > order.chain
cat ca.pem other.pem > both.pem
