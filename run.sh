#!/usr/bin/env bash
# Builds Crescent and serves a model on this machine:
#   ./run.sh [--port 8080] [--grpc-port 8081] [--model PATH] [--check] [any other option of 'crescent serve']
# The first request is answered here in the terminal; then the node serves until Ctrl-C. With --check it ends instead.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$root/eng/package-set.sh"

require_dotnet
choose_package_set src/Crescent.Cli
echo "building Crescent (the first time this takes a minute) ..."
build_release src/Crescent.Cli
write_launcher

exec "$root/artifacts/crescent" serve --first-request "Once upon a time" "$@"
