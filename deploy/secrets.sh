#!/usr/bin/env bash
# Make this installation's own passwords for deploy/docker-compose.yml, once: what is there is never changed.
# deploy/secrets is closed to everyone else (0700); the files in it are readable (0444), because Compose shows them to
# containers whose users have other numbers. deploy/.env (0600) has what Compose itself fills in.
set -euo pipefail
here=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
secrets=$here/secrets

word() { LC_ALL=C tr -dc 'A-Za-z0-9' < <(head -c 4096 /dev/urandom) | head -c "$1" || true; } # safe inside a URL
keep() {                                                                                        # name, content
  [[ -s $secrets/$1 ]] || printf '%s' "$2" >"$secrets/$1.new"
  [[ ! -f $secrets/$1.new ]] || mv -f "$secrets/$1.new" "$secrets/$1"
  chmod 0444 "$secrets/$1"
}

umask 077
mkdir -p "$secrets"
chmod 0700 "$secrets"
for name in mysql_password mysql_root_password redis_password grafana_password; do
  keep "$name" "$(word 32)"
done
keep secret_key "$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
keep database_url "mysql://clustergenie:$(<"$secrets/mysql_password")@mysql:3306/clustergenie"
keep redis_url "redis://:$(<"$secrets/redis_password")@redis:6379/0"
keep redis_conf "requirepass $(<"$secrets/redis_password")
maxmemory 192mb
maxmemory-policy volatile-lru
appendonly yes
"
# A viewer's API key for Prometheus; empty until the operator makes one (docs/RUNBOOK.md).
[[ -f $secrets/scrape_token ]] || install -m 0644 /dev/null "$secrets/scrape_token"

if [[ ! -s $here/.env ]]; then
  cat >"$here/.env.new" <<ENV
# Read by docker compose. Passwords are in secrets/; every other setting of the compose file may be put here.
KAFKA_CLUSTER_ID=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | head -c 22)
ENVIRONMENT=dev
# The address and port at which the console and the API are published.
CLUSTERGENIE_LISTEN=127.0.0.1
CLUSTERGENIE_PUBLISHED_PORT=8080
# Where browsers and agents reach it; for others than this machine: its name, and TLS in front of it.
CLUSTERGENIE_PUBLIC_URL=http://127.0.0.1:8080
ENV
  mv "$here/.env.new" "$here/.env"
fi
chmod 0600 "$here/.env"
