#!/usr/bin/env bash
# Build the console and put it into the package: web/tools/build.sh. Quick when nothing has changed.
set -euo pipefail
web=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(dirname "$web")
into=$root/src/clustergenie/_ui
stamp=$into/.built-from

sources() { # a sum over everything the build looks at
  (cd "$web" && find index.html package.json package-lock.json tsconfig*.json vite.config.ts openapi.json public src tools \
    -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

[[ -f $stamp && $(<"$stamp") == "$(sources)" ]] && exit 0

node=$web/tools/node.sh
if ! "$node" node --version >/dev/null 2>&1; then
  echo "Installing Node for the console ..." >&2
  "$root/.venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input install \
    --require-hashes --requirement "$root/requirements-ui.lock"
fi
echo "Building the console ..." >&2
cd "$web"
"$node" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
"$node" npm run --silent build
rm -rf "$into.new"
cp -r dist "$into.new"
"$node" node tools/compress.mjs "$into.new"
sources >"$into.new/.built-from"
rm -rf "$into"
mv "$into.new" "$into"
