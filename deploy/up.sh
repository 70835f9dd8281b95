#!/usr/bin/env bash
# Start everything of deploy/docker-compose.yml and say where it is: ./start.sh --full. With --down, stop it again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() { printf '%s\n' "$@" >&2; exit 1; }

case ${1:-} in
  "" | --down) ;;
  *)
    echo "start.sh --full takes no further arguments, and not '$1': settings go into deploy/.env." >&2
    exit 2
    ;;
esac

one_machine="On this machine alone, without containers, ./start.sh runs the whole control plane as one process."
command -v docker >/dev/null ||
  die "./start.sh --full needs Docker, and there is no 'docker' command here: install Docker Engine with its Compose plugin." "$one_machine"
told=$(docker version --format '{{.Server.Version}}' 2>&1) ||
  die "./start.sh --full needs a running Docker engine, and none answers: ${told##*$'\n'}" "$one_machine"
docker compose version >/dev/null 2>&1 ||
  die "./start.sh --full needs Docker's Compose plugin (version 2.23 or newer), and this 'docker' has none: install docker-compose-plugin." "$one_machine"

"$here/secrets.sh"
compose=(docker compose --project-directory "$here" --env-file "$here/.env" -f "$here/docker-compose.yml" --profile full)
if [[ ${1:-} == --down ]]; then
  exec "${compose[@]}" down
fi
"${compose[@]}" up --detach --build --wait --wait-timeout 600 || {
  "${compose[@]}" ps --all >&2 || true
  die "Not everything came up: 'docker compose -f deploy/docker-compose.yml logs SERVICE' says why."
}

setting() { sed -n "s/^$1=//p" "$here/.env" | tail -n 1; }
port=$(setting CLUSTERGENIE_PUBLISHED_PORT)
cat <<SAID
ClusterGenie runs at http://$(setting CLUSTERGENIE_LISTEN):${port:-8080}
  Prometheus  http://127.0.0.1:9090
  Grafana     http://127.0.0.1:3001   user admin, password in deploy/secrets/grafana_password
  first key   docker compose -f deploy/docker-compose.yml logs api | grep -m1 setup
Stop it with ./stop.sh --full; what it has stored stays in Docker's volumes.
SAID
