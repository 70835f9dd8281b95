#!/usr/bin/env bash
# Set up what ClusterGenie needs in this folder, then run it: ./start.sh [--detach] [flags of `clustergenie serve`]
# ./start.sh --full runs everything instead, in containers: databases, bus, observability and two replicas of each role.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=${CLUSTERGENIE_DATA_DIR:-$root/.data}
detach=no
flags=()

if [[ ${1:-} == --full ]]; then
  shift
  exec "$root/deploy/up.sh" "$@"
fi

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
# Without its console the control plane is still whole: the API and the command line do everything.
[[ ${CG_SKIP_UI:-} == 1 ]] || "$root/web/tools/build.sh" ||
  echo "The console could not be built (see above), so ClusterGenie runs without it." >&2
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
ready() { # prints where our server is, once it answers there; it alone knows, as its port may come from a file or be 0
  "$root/.venv/bin/python" - "$data/serve.json" "$server" <<'PYTHON' 2>/dev/null
import json, pathlib, sys, urllib.request

told = json.loads(pathlib.Path(sys.argv[1]).read_text())
assert told["pid"] == int(sys.argv[2])  # else it is a server that was here before
urllib.request.urlopen(told["url"] + "/readyz", timeout=2)
print(told["url"])
PYTHON
}

deadline=$((SECONDS + 60))
until url=$(ready); do
  kill -0 "$server" 2>/dev/null || fail "ClusterGenie did not start."
  if ((SECONDS >= deadline)); then
    kill "$server" 2>/dev/null || true
    fail "ClusterGenie was not ready within a minute, so it was stopped."
  fi
  sleep 0.1
done
printf 'ClusterGenie runs at %s (log: %s). Stop it and its local droplets with %s/stop.sh\n' "$url" "$log" "$root"
link=$(written | grep -o 'http[^ ]*/setup#token=[^ ]*' | tail -n 1) || link=
[[ -z $link ]] || printf 'There is no API key yet. Make the first one, once and within the hour, at %s\n' "$link"
