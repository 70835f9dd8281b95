#!/usr/bin/env bash
# Make .venv from the lock: `tools/venv.sh` for running, `tools/venv.sh --dev` for tests and checks too.
# Quick when nothing has changed: stamps in .venv remember what it was made from, and where.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
purpose=run
[[ ${1:-} == --dev ]] && purpose="test"
declare -A locks=([run]=$root/requirements.lock [test]=$root/requirements-dev.lock)
lock=${locks[$purpose]}
place=$venv/.made-at

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

new_enough() { command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() { # prints the first Python that is new enough; where PYTHON is set, no other will do
  local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11)
  [[ -n ${PYTHON:-} ]] && candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    if new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

no_python() {
  local found
  found=$("${PYTHON:-python3}" --version 2>&1) || found="there is no ${PYTHON:-python3}"
  die "ClusterGenie needs Python 3.11 or newer, and $found here: install one, or name it with PYTHON=/path/to/python3."
}

make_venv() {
  local python version
  if [[ -z ${PYTHON:-} ]] && ! command -v python3 >/dev/null; then
    "$root/tools/apt.sh" python3 python3-venv || no_python
  fi
  python=$(find_python) || no_python
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    "$root/tools/apt.sh" "$version-venv" ||
      die "$python cannot make virtual environments: install its venv module (on Debian or Ubuntu: sudo apt-get install $version-venv)."
  fi
  "$python" -m venv --clear "$venv"
}

usable() { # the scripts in a venv hold its absolute path, so a clone that was moved needs a new one
  [[ -x $venv/bin/python ]] && { [[ ! -f $place ]] || [[ $(<"$place") == "$root" ]]; } &&
    "$venv/bin/python" -c 'import pip' 2>/dev/null
}

stamp() { printf '%s' "$venv/.made-to-$1"; }
made_from() { cat "${locks[$1]}" "$root/pyproject.toml" | sha256sum; }
made() {
  [[ -x $venv/bin/python && -f $place && $(<"$place") == "$root" ]] &&
    [[ -f $(stamp $purpose) && $(<"$(stamp $purpose)") == "$(made_from $purpose)" ]]
}

made && exit 0

# One set-up at a time: start.sh and test.sh may be run side by side in a new clone.
exec 9<"$root/pyproject.toml"
flock 9
made && exit 0

if ! usable; then
  say "Making $venv ..."
  make_venv
fi
say "Installing what $(basename "$lock") names ..."
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"; }
pip install --require-hashes --requirement "$lock"
pip install --no-deps --no-index --no-build-isolation --editable "$root"
printf '%s' "$root" >"$place"
made_from $purpose >"$(stamp $purpose)"
[[ $purpose == run ]] || made_from run >"$(stamp run)" # what tests need holds all that running needs
