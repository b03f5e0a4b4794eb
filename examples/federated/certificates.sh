#!/bin/sh
# Certificates for trying it out: certificates.sh DIR [NAME-OR-ADDRESS]
# Between institutions take those of your own authority; server.key stays on the server.
set -eu
mkdir -p "$1"
cd "$1"
host=${2:-127.0.0.1}
case $host in
    *[!0-9.]*) named="DNS:$host" ;;
    *) named="IP:$host" ;;
esac
openssl req -x509 -newkey rsa:3072 -nodes -days 30 -subj "/CN=neurofuse trial authority" \
    -keyout ca.key -out ca.pem -addext "basicConstraints=critical,CA:TRUE" \
    -addext "keyUsage=critical,keyCertSign,cRLSign"
openssl req -newkey rsa:3072 -nodes -subj "/CN=$host" -keyout server.key -out server.csr
printf 'subjectAltName=%s,IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n' "$named" >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
    -extfile server.ext -out server.pem
rm server.csr server.ext
chmod 600 ca.key server.key
