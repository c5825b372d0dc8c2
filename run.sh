#!/usr/bin/env bash
# Builds Crescent and serves a model on this machine:
#   ./run.sh [--port 8080] [--grpc-port 8081] [--model PATH] [--check] [any other option of 'crescent serve']
# The first requests are answered here in the terminal; then the node serves until Ctrl-C. With --check it ends instead.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$root/eng/package-set.sh"

require_dotnet
choose_package_set src/Crescent.Cli
echo "building Crescent (the first time this takes a minute) ..."
build_release src/Crescent.Cli
write_launcher

# The bundled model is asked, twice, for what was slipped into the first quarter of a novel; another model continues a text.
first=(--first-request "Once upon a time")
case " ${CRESCENT_MODEL:+--model }$* " in
  *" --model "* | *" --model="*) ;;
  *)
    document=$root/artifacts/first-document.txt
    head -c 84000 "$root/models/texts/persuasion.txt" | awk '
      NR == 81 { print "The magic number for the silver lighthouse is 48213.\n" }
      NR == 245 { print "The captain of the Meridian was Esther Holloway.\n" }
      { print }' > "$document"
    first=(--first-document "$document" --first-request "What is the magic number for the silver lighthouse?" --first-request "Who was the captain of the Meridian?")
    ;;
esac
exec "$root/artifacts/crescent" serve "${first[@]}" "$@"
