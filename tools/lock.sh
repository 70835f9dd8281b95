#!/usr/bin/env bash
# Renew every requirements*.lock from pyproject.toml (needs uv; see CONTRIBUTING.md).
# Arguments go to uv, e.g. `tools/lock.sh --upgrade-package litestar`; without any, versions stay where they can.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(command -v uv || true)
[[ -x .venv/bin/uv ]] && uv=.venv/bin/uv
if [[ -z $uv ]]; then
  echo "tools/lock.sh needs uv: install it with '.venv/bin/pip install uv' and run this again." >&2
  exit 1
fi

lock() { # output, then what to lock and more arguments
  local output=$1
  shift
  # No header and no index: the locks say what, never where from (docs/decisions/0005).
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url --no-emit-find-links --output-file "$output" "$@" >/dev/null
}

lock requirements.lock pyproject.toml --group build "$@"
lock requirements-dev.lock pyproject.toml --group build --group dev --constraint requirements.lock "$@"
lock requirements-all.lock pyproject.toml --extra all --constraint requirements-dev.lock "$@" # what the image holds
lock requirements-ui.lock --group ui "$@"
echo "Install the locks (tools/venv.sh --dev), then renew the bill of materials: .venv/bin/python tools/sbom.py" >&2
lock requirements-tools.lock --group tools "$@"
