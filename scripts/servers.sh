#!/bin/sh
# Installs the programs that some tests drive, where this is a Debian machine and we may install.
# Without them those tests are skipped with a reason.
set -eu
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || missing="$missing postgresql"
command -v rt-setup-database-5 >/dev/null 2>&1 ||
  missing="$missing request-tracker5 rt5-db-sqlite rt5-standalone dbconfig-no-thanks libdbd-sqlite3-perl"
[ -x /usr/sbin/slapd ] && command -v ldapsearch >/dev/null 2>&1 || missing="$missing slapd ldap-utils"
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "installing for the tests:$missing"
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "not installed:$missing - the tests that need them will be skipped"
fi
