#!/bin/sh
# Starts a Roundup tracker of our own with the reference company's queues, for trials and tests.
#   scripts/roundup_up.sh [FOLDER] [PORT]      default: .cache/roundup 8874; stop it with Ctrl-C
# The first start makes FOLDER; later ones go on with what is there. Nothing outside FOLDER is written.
# ROUNDUP_PBKDF2_ROUNDS: what checking a password may cost. ROUNDUP_FAILED_LOGINS: how many within ten minutes, 0 is any.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/.cache/roundup}
port=${2:-8874}
PATH="$PATH:$root/.venv/bin"
if ! command -v roundup-admin >/dev/null 2>&1; then
  echo "not installed: Roundup. Install it with pip install roundup." >&2
  exit 2
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
umask 077
tracker="$folder/tracker"
# Roundup does not run as root: then what is here belongs to nobody else.
as=""
[ "$(id -u)" = 0 ] && as="setpriv --reuid=nobody --regid=nogroup --clear-groups --"

secret() { od -An -N18 -tx1 /dev/urandom | tr -d ' \n'; }
if [ ! -f "$folder/ready" ]; then
  rm -rf "$tracker"
  for name in admin agent copilot; do secret > "$folder/$name.password"; done
  { roundup-admin -i "$tracker" install classic sqlite </dev/null; } > "$folder/setup.log" 2>&1
  rm "$tracker/detectors/nosyreaction.py" "$tracker/detectors/statusauditor.py"
  cp "$root/integrations/sandbox/roundup/schema.py" "$root/integrations/sandbox/roundup/initial_data.py" "$tracker/"
  cp "$root/integrations/sandbox/roundup/changes.py" "$tracker/detectors/"
  sed -n '/^queues:/,/^[^ ]/s/^  \([a-z-]*\):.*/\1/p' "$root/integrations/sandbox/company.yaml" > "$tracker/queues"
  cp "$folder/agent.password" "$folder/copilot.password" "$tracker/"
fi
set_option() { sed -i "s|^#* *$1 *=.*|$1 = $2|" "$tracker/config.ini"; }
set_option web "http://127.0.0.1:$port/it/"
set_option domain itdesk.test
set_option password_pbkdf2_default_rounds "${ROUNDUP_PBKDF2_ROUNDS:-250000}"
set_option api_failed_login_limit "${ROUNDUP_FAILED_LOGINS:-4}"
[ -z "$as" ] || chown -R nobody:nogroup "$folder"
cd "$folder"
export HOME="$folder" PYTHONDONTWRITEBYTECODE=1
if [ ! -f "$folder/ready" ]; then
  if ! $as roundup-admin -i "$tracker" initialise "$(cat "$folder/admin.password")" </dev/null >> "$folder/setup.log" 2>&1; then
    echo "Roundup could not be set up. See $folder/setup.log." >&2
    exit 1
  fi
  touch "$folder/ready"
fi
echo "Roundup: http://127.0.0.1:$port/it/ (user agent, password in $folder/agent.password)"
echo "COPILOT_TICKETS_SYSTEM=roundup COPILOT_TICKETS_URL=http://127.0.0.1:$port/it COPILOT_TICKETS_USER=copilot COPILOT_TICKETS_PASSWORD=\$(cat $folder/copilot.password)"
exec $as roundup-server -n 127.0.0.1 -p "$port" "it=$tracker" 2>> "$folder/server.log"
