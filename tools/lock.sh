#!/usr/bin/env bash
# Renew requirements.lock and requirements-dev.lock from pyproject.toml (needs uv; see CONTRIBUTING.md).
# Arguments go to uv, e.g. `tools/lock.sh --upgrade-package litestar`; without any, versions stay where they can.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(command -v uv || true)
[[ -x .venv/bin/uv ]] && uv=.venv/bin/uv
if [[ -z $uv ]]; then
  echo "tools/lock.sh needs uv: install it with '.venv/bin/pip install uv' and run this again." >&2
  exit 1
fi

lock() { # output, then more arguments
  local output=$1
  shift
  # No header and no index: the locks say what, never where from (docs/decisions/0005).
  "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url --no-emit-find-links --group build --output-file "$output" "$@" >/dev/null
}

lock requirements.lock "$@"
lock requirements-dev.lock --group dev --constraint requirements.lock "$@"
