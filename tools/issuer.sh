#!/usr/bin/env bash
# Install the OpenID provider that the tests log in at, from its lock; quick when it is there. No scripts of packages run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root/tests/security/issuer"
stamp=node_modules/.made-from
wanted=$(cat package.json package-lock.json | sha256sum)
[[ -f $stamp && $(<"$stamp") == "$wanted" ]] && exit 0
exec 9<package.json # one at a time: tests may install it as well
flock 9
[[ -f $stamp && $(<"$stamp") == "$wanted" ]] && exit 0
"$root/web/tools/node.sh" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
printf '%s\n' "$wanted" >"$stamp"
