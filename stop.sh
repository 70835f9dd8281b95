#!/usr/bin/env bash
# Stop the ClusterGenie that start.sh started, and every local droplet: ./stop.sh [--data-dir DIR]
# ./stop.sh --full stops the containers of ./start.sh --full; what they have stored stays.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=${CLUSTERGENIE_DATA_DIR:-$root/.data}
case ${1:-} in
  --full) exec "$root/deploy/up.sh" --down ;;
  --data-dir) data=${2:?--data-dir needs a folder} ;;
  --data-dir=*) data=${1#*=} ;;
  "") ;;
  *)
    echo "stop.sh does not know '$1': ./stop.sh [--data-dir DIR | --full]" >&2
    exit 2
    ;;
esac

if [[ ! -d $data ]]; then
  echo "Nothing to stop: there is no $data."
  exit 0
fi
"$root/tools/venv.sh"
exec "$root/.venv/bin/clustergenie" stop --data-dir "$data" --droplets
