#!/usr/bin/env bash
# Fetch the Kafka broker that the tests start, once for all checkouts of this user, and print the folder of its jars.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pom=$root/tests/servers/kafka/pom.xml
for command in java mvn; do
  command -v "$command" >/dev/null || {
    echo "The tests need '$command' to run a Kafka broker (Debian: default-jre-headless, maven)." >&2
    exit 1
  }
done
# Named by what is in it: another version of the pom gets another folder.
jars=${XDG_CACHE_HOME:-$HOME/.cache}/clustergenie/kafka-$(sha256sum "$pom" | cut -c1-12)
mkdir -p "$(dirname "$jars")"
exec 9>"$jars.lock"
flock 9
if [[ ! -d $jars ]]; then
  rm -rf "$jars.part"
  mvn -q -B -f "$pom" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$jars.part" >&2
  mv "$jars.part" "$jars"
fi
echo "$jars"
