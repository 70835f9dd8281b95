#!/usr/bin/env bash
# Build the console and put it into the package: web/tools/build.sh. Quick when nothing has changed.
# With --deps only Node and the packages are installed, for the checks and the tests.
set -euo pipefail
web=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(dirname "$web")
into=$root/src/clustergenie/_ui
stamp=$into/.built-from
installed=$web/node_modules/.made-from
node=$web/tools/node.sh

sources() { # a sum over everything the build looks at
  (cd "$web" && find index.html package.json package-lock.json tsconfig*.json vite.config.ts openapi.json public src tools \
    -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
}
packages() { cat "$web/package.json" "$web/package-lock.json" | sha256sum; }
built() { [[ -f $stamp && $(<"$stamp") == "$(sources)" ]]; }

install_packages() {
  if ! "$node" node --version >/dev/null 2>&1; then
    echo "Installing Node for the console ..." >&2
    "$root/.venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input install \
      --require-hashes --requirement "$root/requirements-ui.lock"
  fi
  [[ -f $installed && $(<"$installed") == "$(packages)" ]] && return
  echo "Installing the console's packages ..." >&2
  # No scripts of packages are run: a stolen package then cannot do anything here.
  (cd "$web" && "$node" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  packages >"$installed"
}

[[ ${1:-} == --deps ]] || ! built || exit 0

# One at a time: start.sh and test.sh may be run side by side in a new clone.
exec 9<"$web/package.json"
flock 9
if [[ ${1:-} == --deps ]]; then
  install_packages
  exit 0
fi
built && exit 0

install_packages
echo "Building the console ..." >&2
from=$(sources) # before the build: a file that is changed meanwhile is built the next time
cd "$web"
told=$("$node" npm run --silent build 2>&1) || {
  printf '%s\n' "$told" >&2
  exit 1
}
rm -rf "$into.new"
cp -r dist "$into.new"
"$node" node tools/compress.mjs "$into.new"
printf '%s\n' "$from" >"$into.new/.built-from"
rm -rf "$into"
mv "$into.new" "$into"
