#!/usr/bin/env bash
# Install Debian packages where that is possible: as root, on a system that has apt-get. Else it fails and changes nothing.
set -euo pipefail

[[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || exit 1
printf 'Installing %s ...\n' "$*" >&2
export DEBIAN_FRONTEND=noninteractive
# A package that brings a service does not start it: whoever needs one here starts a private one. See invoke-rc.d(8).
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt=(apt-get -qq -o Acquire::Retries=3)
told=$({ "${apt[@]}" update && "${apt[@]}" -y install --no-install-recommends "$@"; } </dev/null 2>&1) || {
  printf '%s\n' "$told" >&2
  exit 1
}
