#!/usr/bin/env bash
# Measures what the bundled model recalls of long prompts with dense attention, and how well it predicts a long text:
#
#   tests/bench/quality/run.sh              the whole of RESULTS.md, results.json and the heat map, up to 64K; it says first how
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

require_dotnet
choose_package_set src/Crescent.Cli
echo "building Crescent ..."
build_release src/Crescent.Cli
write_launcher

measure() { "$root/artifacts/crescent" eval --out "$answers" "$@"; }
if [ $# -gt 0 ]; then
  measure "$@"
else
  measure --length 4k,8k,16k,32k,64k
  measure --task perplexity --length 1k,4k,16k,32k,64k
  measure --task agreement,attention --length 1k,4k,16k
fi
for part in results measures; do
  [ ! -f "$answers/$part.md" ] || cat "$answers/$part.md"
done > "$here/RESULTS.md"
cp "$answers"/{results.json,heatmap-*.svg,measures.jsonl} "$here"
