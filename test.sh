#!/usr/bin/env bash
# Set up what the tests need, then run every check and test: ./test.sh [--fast] [arguments of pytest, e.g. -k name]
# --fast leaves out the tests marked slow. With CI=true nothing may be left out: a skipped test has failed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
pytest_args=()
chosen=0
on_every_database=(tests/conformance/test_job_stores.py tests/jobs tests/events tests/droplets tests/clusters
  tests/monitoring tests/diagnosis tests/auth/test_keyring.py tests/auth/test_standing.py
  tests/ratelimit/test_rules.py -m "not slow")
for argument; do
  if [[ $argument == --fast ]]; then
    [[ ${CI:-} != true ]] || { echo "test.sh: --fast leaves tests out, which CI may not." >&2; exit 2; }
    pytest_args+=(-m "not slow")
    chosen=1
  else
    pytest_args+=("$argument")
    chosen=1
  fi
done

# --- what the machine needs: Debian packages (later: the database servers), then Python packages --------------------
need() { # command, Debian package
  command -v "$1" >/dev/null || tools/apt.sh "$2" || {
    echo "test.sh needs '$1': install it (on Debian or Ubuntu: sudo apt-get install $2)." >&2
    exit 1
  }
}
need shellcheck shellcheck
need git git
need redis-server redis-server # tests start their own, on private ports
need chromium chromium
[[ -n ${CG_TEST_MYSQL_URL:-} ]] || {
  PATH=$PATH:/usr/sbin need mariadbd mariadb-server-core # the server alone: nothing that the system would start
  need my_print_defaults mariadb-client-core
}
[[ -n ${CG_TEST_POSTGRES_URL:-} ]] || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need initdb postgresql
need systemd-analyze systemd
need java default-jre-headless # the tests start a Kafka broker
need mvn maven
tools/kafka.sh >/dev/null
tools/venv.sh --dev
web/tools/build.sh
web/tools/build.sh --deps # a console that is built may have come without its packages
tools/issuer.sh
export PATH=$root/.venv/bin:$PATH

# --- a private place for all temporary state (a short name: it ends up in paths of Unix sockets) ---------------------
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/cg.XXXXXX")
chmod 711 "$TMPDIR" # PostgreSQL does not run as root, and passes through to its folder
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
testing=
# shellcheck disable=SC2317 # the traps call it
stop() { # signal, exit code: the tests stop what they have started before this script is gone
  trap '' INT TERM HUP
  echo "test.sh: stopped by $1" >&2
  if [[ -n $testing ]]; then kill -INT "$testing"; else jobs -pr | xargs -r kill; fi || true
  wait
  exit "$2"
}
trap 'stop SIGINT 130' INT
trap 'stop SIGTERM 143' TERM
trap 'stop SIGHUP 129' HUP
# Settings of the person who runs the tests do not reach them.
while IFS= read -r name; do unset "$name"; done < <(compgen -e | grep -E '^(CLUSTERGENIE|KAFKA)_' || true)
unset ENVIRONMENT LOG_LEVEL

# --- the static checks, side by side, before the tests: both cores are the tests' own after that ---------------------
checks=()
failed=()
check() { # name, command...
  local name=$1
  shift
  "$@" >"$TMPDIR/$name.log" 2>&1 &
  checks+=("$name:$!")
}
sources=(src tests)
[[ -d bench ]] && sources+=(bench)
check mypy mypy
check import-linter lint-imports
check ruff-lint ruff check "${sources[@]}"
check ruff-format ruff format --check "${sources[@]}"
check shellcheck shellcheck ./*.sh tools/*.sh web/tools/*.sh deploy/*.sh .ci/run
check deploy-tools tools/deploy-tools.sh # the first time it builds helm, beside the other checks
check console web/tools/node.sh npm --prefix web run --silent check
check console-units web/tools/node.sh npm --prefix web run --silent test
for entry in "${checks[@]}"; do
  name=${entry%:*}
  if wait "${entry##*:}"; then
    echo "ok      $name"
  else
    failed+=("$name")
    echo "FAILED  $name"
    sed 's/^/        /' "$TMPDIR/$name.log"
  fi
done

# --- the tests -----------------------------------------------------------------------------------------------------
status=0
run_tests() { # arguments of pytest
  set -m # a job of its own: in any other a shell lets its background ignore interrupts
  python -m pytest -n 2 --dist loadfile "$@" </dev/null &
  testing=$!
  set +m
  wait "$testing" || status=$?
  testing=
}
run_tests ${pytest_args[@]+"${pytest_args[@]}"}
# What goes through the database once more on each of the others: all of it as a rule, nothing in a run of chosen tests.
if ((!chosen)); then
  for database in mariadb postgresql; do
    echo "--- the same on $database"
    CG_TEST_DATABASE=$database run_tests "${on_every_database[@]}"
  done
fi
if ((${#failed[@]})); then
  echo "Checks that failed: ${failed[*]}" >&2
  ((status)) || status=1
fi
exit "$status"
