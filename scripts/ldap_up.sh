#!/bin/sh
# Start an OpenLDAP server with the sandbox's people: ldap_up.sh FOLDER PORT [CERTIFICATE KEY [TLS_PORT]]
# Needs Debian's slapd and ldap-utils. Everything lies in FOLDER, the service account's password is in
# integrations/sandbox/ldap/people.ldif. Stop it: kill "$(cat FOLDER/slapd.pid)".
set -eu
mkdir -p "$1/data"
home=$(realpath "$1") port=$2 certificate=${3-} key=${4-} tls_port=${5-}
seed=$(realpath "$(dirname "$0")/../integrations/sandbox/ldap")
PATH=$PATH:/usr/sbin:/usr/local/sbin
schema=$(dirname "$(dpkg -L slapd | grep 'schema/core.schema$')")
modules=$(dirname "$(dpkg -L slapd | grep 'memberof.la$')")
rootpw=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
tls=
listen="ldap://127.0.0.1:$port/"
if [ -n "$certificate" ]; then
  tls="TLSCertificateFile $certificate\nTLSCertificateKeyFile $key"
  [ -z "$tls_port" ] || listen="$listen ldaps://127.0.0.1:$tls_port/"
fi
sed -e "s|@SCHEMA@|$schema|; s|@MODULES@|$modules|; s|@HOME@|$home|; s|@SEED@|$seed|; s|@ROOTPW@|$rootpw|; s|@TLS@|$tls|" \
  "$seed/slapd.conf.in" >"$home/slapd.conf"
chmod 600 "$home/slapd.conf"
printf %s "$rootpw" >"$home/rootpw"
chmod 600 "$home/rootpw"
# Two listening addresses are one argument.
slapd -f "$home/slapd.conf" -h "$listen" -d 0 >"$home/slapd.log" 2>&1 &
url="ldap://127.0.0.1:$port"
for _ in $(seq 100); do
  ldapsearch -x -H "$url" -s base -b '' namingContexts >/dev/null 2>&1 && break
  sleep 0.05
done
if [ ! -e "$home/seeded" ]; then
  admin="-x -H $url -D cn=admin,dc=corp,dc=test -y $home/rootpw"
  # shellcheck disable=SC2086  # several arguments
  ldapadd $admin -f "$seed/people.ldif" >/dev/null
  # shellcheck disable=SC2086
  ldapmodify $admin -e relax -f "$seed/disabled.ldif" >/dev/null
  touch "$home/seeded"
fi
