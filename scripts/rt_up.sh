#!/bin/sh
# Starts a Request Tracker 5 of our own with the reference company's queues, for trials and tests.
#   scripts/rt_up.sh [FOLDER] [PORT]      default: .cache/rt 8871; stop it with Ctrl-C
# The first start makes FOLDER; later ones go on with what is there. Nothing outside FOLDER is written.
# RT_WEBHOOK_URL and RT_WEBHOOK_SECRET: where changes are reported, and what the reports are signed with.
# RT_BCRYPT_COST: what checking a token may cost (12 takes a quarter of a second a request).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/.cache/rt}
port=${2:-8871}
server=$(dpkg -L request-tracker5 2>/dev/null | grep 'libexec/rt-server$' || true)
if [ -z "$server" ] || ! command -v rt-setup-database-5 >/dev/null 2>&1; then
  echo "not installed: Request Tracker. Install request-tracker5 rt5-db-sqlite rt5-standalone libdbd-sqlite3-perl." >&2
  exit 2
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
umask 077
mkdir -p "$folder/conf.d" "$folder/var" "$folder/mason" "$folder/sessions" "$folder/mail"

# A service does not run as root: what is here belongs to nobody else, and so does the server.
as=""
[ "$(id -u)" = 0 ] && as="setpriv --reuid=nobody --regid=nogroup --clear-groups --"

secret() { od -An -N18 -tx1 /dev/urandom | tr -d ' \n'; }
for name in root agent; do
  [ -f "$folder/$name.password" ] || secret > "$folder/$name.password"
done
sed -n '/^queues:/,/^[^ ]/s/^  \([a-z-]*\):.*/\1/p' "$root/integrations/sandbox/company.yaml" > "$folder/queues"
cp "$root/integrations/sandbox/rt/initialdata.pl" "$folder/initialdata.pl"
cat > "$folder/RT_SiteConfig.pm" <<PM
Set(\$rtname, 'itdesk'); Set(\$Organization, 'itdesk.test'); Set(\$Timezone, 'UTC');
Set(\$WebDomain, '127.0.0.1'); Set(\$WebPort, $port); Set(\$WebPath, ''); Set(\$WebBaseURL, 'http://127.0.0.1:$port');
Set(\$DatabaseType, 'SQLite'); Set(\$DatabaseName, '$folder/var/rt.sqlite3'); Set(\$DatabaseHost, '');
Set(\$MailCommand, 'testfile'); Set(\$LogToSyslog, ''); Set(\$LogToSTDERR, 'warning');
Set(\$WebSessionClass, 'Apache::Session::File'); Set(\$BcryptCost, ${RT_BCRYPT_COST:-12});
Set(\$CopilotWebhookURL, '${RT_WEBHOOK_URL:-}'); Set(\$CopilotWebhookSecret, '${RT_WEBHOOK_SECRET:-}');
\$RT::MasonDataDir = '$folder/mason'; \$RT::MasonSessionDir = '$folder/sessions';
PM
cat "$root/integrations/sandbox/rt/lifecycle.pm" >> "$folder/RT_SiteConfig.pm"
[ -z "$as" ] || chown -R nobody:nogroup "$folder"

export COPILOT_RT_HOME="$folder" RT_SITE_CONFIG="$folder/RT_SiteConfig.pm" RT_SITE_CONFIG_DIR="$folder/conf.d"
export HOME="$folder" TMPDIR="$folder/mail"
cd "$folder"
if [ ! -f "$folder/ready" ]; then
  rm -f "$folder/var/rt.sqlite3"
  setup="$as rt-setup-database-5"
  if ! { $setup --action init --root-password-file "$folder/root.password" &&
    $setup --action insert --skip-create --datafile "$folder/initialdata.pl"; } > "$folder/setup.log" 2>&1 ||
    [ ! -s "$folder/copilot.token" ]; then
    echo "Request Tracker could not be set up. See $folder/setup.log." >&2
    exit 1
  fi
  touch "$folder/ready"
fi
echo "Request Tracker: http://127.0.0.1:$port (user agent, password in $folder/agent.password)"
echo "COPILOT_TICKETS_SYSTEM=rt COPILOT_TICKETS_URL=http://127.0.0.1:$port COPILOT_TICKETS_TOKEN=\$(cat $folder/copilot.token)"
exec $as "$server" --host 127.0.0.1 --port "$port" --server Starlet --max-workers 2 2>> "$folder/server.log"
