#!/usr/bin/env bash
# Builds Crescent and serves a model on this machine:
#   ./run.sh [--port 8080] [--grpc-port 8081] [--model PATH] [--check] [any other option of 'crescent serve']
# The first request is answered here in the terminal; then the node serves until Ctrl-C. With --check it ends instead.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$root/eng/package-set.sh"

require_dotnet
choose_package_set

echo "building Crescent (the first time this takes a minute) ..."
mkdir -p "$root/artifacts"
log="$root/artifacts/build.log"
if ! (cd "$root" && dotnet build src/Crescent.Cli -c Release -v q -p:PackageSet="$PackageSet") >"$log" 2>&1; then
  grep -E 'error|warning' "$log" | sort -u >&2 || cat "$log" >&2
  echo "error: the build failed; its output is in $log" >&2
  exit 1
fi
write_launcher

exec "$root/artifacts/crescent" serve --first-request "In the beginning" "$@"
