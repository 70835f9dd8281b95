#!/usr/bin/env bash
# Set up what ClusterGenie needs in this folder, then run it: ./start.sh [--detach] [flags of `clustergenie serve`]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=${CLUSTERGENIE_DATA_DIR:-$root/.data}
detach=no
flags=()

while (($#)); do
  case $1 in
    --detach) detach=yes ;;
    --data-dir)
      data=${2:?--data-dir needs a folder}
      shift
      ;;
    --data-dir=*) data=${1#*=} ;;
    *) flags+=("$1") ;;
  esac
  shift
done

"$root/tools/venv.sh"
if [[ -z ${CLUSTERGENIE_CONFIG:-} && -f $root/clustergenie.toml ]]; then
  export CLUSTERGENIE_CONFIG=$root/clustergenie.toml # the same settings from every working directory
fi
serve=("$root/.venv/bin/clustergenie" serve --data-dir "$data" ${flags[@]+"${flags[@]}"})
[[ $detach == yes ]] || exec "${serve[@]}"

mkdir -p "$data"
log=$data/serve.log
touch "$log"
before=$(stat -c %s "$log")
# A session of its own: closing the terminal, or Ctrl-C in it, does not reach the server.
setsid "${serve[@]}" >>"$log" 2>&1 </dev/null &
server=$!

written() { tail -c "+$((before + 1))" "$log"; }
fail() {
  printf '%s The last lines of %s:\n' "$1" "$log" >&2
  written | tail -n 20 >&2
  exit 1
}
ready() { # the server says in its log where it is; only it knows, when the port is 0 or comes from a file
  url=$(written | grep -oE 'https?://[][0-9a-zA-Z.:-]+' | sed -n 1p) &&
    "$root/.venv/bin/python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + "/readyz", timeout=2)' \
      "$url" 2>/dev/null
}

deadline=$((SECONDS + 60))
until ready; do
  kill -0 "$server" 2>/dev/null || fail "ClusterGenie did not start."
  if ((SECONDS >= deadline)); then
    kill "$server" 2>/dev/null || true
    fail "ClusterGenie was not ready within a minute, so it was stopped."
  fi
  sleep 0.1
done
kill -0 "$server" 2>/dev/null || fail "ClusterGenie did not start."
printf 'ClusterGenie runs at %s (log: %s). Stop it and its local droplets with %s/stop.sh\n' "$url" "$log" "$root"
