#!/usr/bin/env bash
# Measures Crescent against llama.cpp on this machine:
#
#   tests/bench/run.sh                the whole of RESULTS.md, results.json and depth.svg, in about 40 minutes; a run that
#                                     was stopped goes on where it was
#   tests/bench/run.sh --only NAME    the rows with NAME in their id, such as decode-S or prefill-B-Q8_0; others are kept
#   tests/bench/run.sh --quick        a few rows once, in about 3 minutes, into artifacts/bench/quick
#   --force                           on a busy machine too; its rows say so
#
# The first run builds llama.cpp from the source that npm's node-llama-cpp carries, which takes 10 to 20 minutes, and makes
# random models of about 9 GB. Both stay in artifacts/bench, or where CRESCENT_BENCH_CACHE says.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
source "$root/eng/package-set.sh"

llama_package=node-llama-cpp@3.22.1
cache=${CRESCENT_BENCH_CACHE:-$root/artifacts/bench}
llama=$cache/llama.cpp

# require PROGRAM PURPOSE
require() {
  command -v "$1" >/dev/null || { echo "error: $1 is missing; it is needed to $2" >&2; exit 1; }
}

# logged WHAT COMMAND...: runs quietly; a failure shows the end of what it said.
logged() {
  local what=$1 log=$llama/build.log
  shift
  "$@" >>"$log" 2>&1 || { tail -5 "$log" >&2; echo "error: $what failed; its output is in $log" >&2; exit 1; }
}

build_llama() {
  require npm "get llama.cpp's source"
  require git "get llama.cpp's source"
  require cmake "build llama.cpp"
  require c++ "build llama.cpp"
  rm -rf "$llama"
  mkdir -p "$llama"
  echo "getting llama.cpp's source from npm ($llama_package) ..."
  logged "npm" npm --prefix "$llama/npm" install --ignore-scripts --omit=optional --no-audit --no-fund "$llama_package"
  local package=$llama/npm/node_modules/node-llama-cpp
  logged "git" git clone -q "$package/llama/gitRelease.bundle" "$llama/source"
  logged "cmake" cmake -S "$llama/source" -B "$llama/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=ON \
    -DGGML_CCACHE=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_USE_PREBUILT_UI=OFF
  echo "building llama.cpp (once, 10 to 20 minutes) ..."
  (cmake --build "$llama/build" -j "$(nproc)" --target llama-bench llama-server 2>&1; echo "exit $?") | tee -a "$llama/build.log" |
    awk '/^exit/ { exit $2 } match($0, /[0-9]+%/) { p = substr($0, RSTART, RLENGTH - 1) + 0; if (p >= shown + 10) { shown = p; print "  " p "%"; fflush() } }' ||
    { echo "error: llama.cpp did not build; the output is in $llama/build.log" >&2; exit 1; }
  rm -rf "$llama/bin.new"
  mkdir "$llama/bin.new"
  cp "$llama"/build/bin/llama-{bench,server} "$llama/bin.new"
  {
    echo "llama.cpp: $(node -p "require('$package/llama/binariesGithubRelease.json').release"), commit $(git -C "$llama/source" rev-parse --short HEAD), from npm's $llama_package"
    echo "llama.cpp's build: $(c++ --version | head -1), -march=native"
    echo "llama.cpp's paths: $(timeout 20 "$llama/bin.new/llama-server" --port 0 -lv 4 -m /nonexistent 2>&1 | sed -n 's/.*system_info: //p' | head -1)"
  } > "$llama/version.txt"
  rm -rf "$llama/build" "$llama/source" "$llama/npm"
  mv "$llama/bin.new" "$llama/bin"
}

require taskset "pin the engines to processors (util-linux)"
require_dotnet
choose_package_set tests/bench/Crescent.Bench
echo "building Crescent ..."
build_release src/Crescent.Cli
build_release tests/bench/Crescent.Bench
[ -x "$llama/bin/llama-bench" ] || build_llama

bin=$root/artifacts/$PackageSet/bin
commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git -C "$root" status --porcelain -- . ':!tests/bench/RESULTS.md' ':!tests/bench/NOTES.md' ':!tests/bench/results.json' ':!tests/bench/depth.svg' 2>/dev/null)" ] ||
  commit="$commit+changes"
if [ -z "${DOTNET_ROOT:-}" ]; then
  DOTNET_ROOT=$(dirname "$(readlink -f "$(command -v dotnet)")")
  export DOTNET_ROOT
fi
CRESCENT_BENCH_CACHE=$cache CRESCENT_BENCH_REPOSITORY=$root CRESCENT_BENCH_COMMIT=$commit CRESCENT_BENCH_CLI=$bin/Crescent.Cli/release/crescent \
  exec "$bin/Crescent.Bench/release/Crescent.Bench" "$@"
