#!/usr/bin/env bash
# Measures what the bundled model recalls of long prompts with dense attention:
#
#   tests/bench/quality/run.sh              the whole of RESULTS.md, results.json and the heat map, 4K to 64K; it says first how
#                                           long that takes, and a run that was stopped goes on where it was
#   tests/bench/quality/run.sh OPTIONS      options of 'crescent eval' that take the place of these, such as --length 4k,16k or
#                                           --kv-type q8_0, whose rows are added and compared
#
# Answers stay in artifacts/quality, or where CRESCENT_QUALITY_CACHE says.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../.." && pwd)
source "$root/eng/package-set.sh"

answers=${CRESCENT_QUALITY_CACHE:-$root/artifacts/quality}
here=$root/tests/bench/quality

lengths=(--length 4k,8k,16k,32k,64k)
for option in "$@"; do
  case "$option" in --length | --length=*) lengths=() ;; esac
done

require_dotnet
choose_package_set src/Crescent.Cli
echo "building Crescent ..."
build_release src/Crescent.Cli
write_launcher

"$root/artifacts/crescent" eval "${lengths[@]}" --out "$answers" "$@"
cp "$answers/results.md" "$here/RESULTS.md"
cp "$answers/results.json" "$answers"/heatmap-*.svg "$here"
