#!/usr/bin/env bash
# Runs every suite of the chosen package set and ends with one line: N passed, N failed, N skipped.
#
#   ./test.sh           every suite, with a short seeded form of the long proofs
#   ./test.sh --long    the full counts; resumes where an earlier run of the same commit stopped, and appends a line
#                       per suite to tests/LONG.md
#
# Installs what the tests need by package name (npm clients, redis-server) and downloads nothing else.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
cd "$root"
source eng/package-set.sh

long=0
case "${1:-}" in
  "") ;;
  --long) long=1; export CRESCENT_LONG=1 ;;
  *) echo "usage: ./test.sh [--long]" >&2; exit 2 ;;
esac

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain -- . ':!tests/LONG.md' 2>/dev/null)" ] || commit="$commit+changes"
results=$PWD/artifacts/test-results
done_dir=artifacts/long/$commit
passed=0 failed=0 skipped=0
mkdir -p "$results" "$done_dir"

# finish SUITE PASSED FAILED SKIPPED SECONDS: counts a suite, and in a long run remembers it.
finish() {
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
  echo "== $1: $2 passed, $3 failed, $4 skipped (${5}s)"
  if [ $long = 1 ] && [ "$3" = 0 ]; then
    echo "$2 $3 $4 $5" > "$done_dir/$1"
    echo "| $(date -u +%F) | $commit | $PackageSet | $1 | fixed in the tests | $2 | $3 | $4 | $5 |" >> tests/LONG.md
  fi
}

# resumed SUITE: whether a long run of this commit has passed it before; counts it then.
resumed() {
  [ $long = 1 ] && [ -f "$done_dir/$1" ] || return 1
  local counts
  read -ra counts < "$done_dir/$1"
  passed=$((passed + counts[0])) skipped=$((skipped + counts[2]))
  echo "== $1: passed before at this commit"
}

# dotnet_suite NAME: runs a built test assembly; names what it skips and why.
dotnet_suite() {
  local name=$1 started=$SECONDS log status=0 counters
  resumed "$name" && return
  rm -f "$results/$name.trx"
  log=$(dotnet test "artifacts/$PackageSet/bin/$name/release/$name.dll" --nologo --logger "trx;LogFileName=$name.trx" --results-directory "$results" 2>&1) || status=$?
  if [ ! -f "$results/$name.trx" ]; then
    echo "$log"
    finish "$name" 0 1 0 $((SECONDS - started))
    return
  fi
  [ $status = 0 ] || echo "$log"
  counters=$(grep -o '<Counters [^>]*' "$results/$name.trx")
  count() { grep -oE " $1=\"[0-9]+\"" <<<"$counters" | tr -dc 0-9; }
  tr '\n' ' ' < "$results/$name.trx" | grep -oE '<UnitTestResult [^>]*outcome="NotExecuted".*' |
    sed 's/<\/UnitTestResult>/&\n/g' | sed -nE 's/.*testName="([^"]*)"[^>]*outcome="NotExecuted".*<Message>([^<]*)<.*/   skipped \1: \2/p' || true
  local total executed broken
  total=$(count total) executed=$(count executed)
  broken=$((executed - $(count passed)))
  # A run that was aborted half way has counted what it finished, and no failure.
  [ $status = 0 ] || [ $broken -gt 0 ] || broken=1
  finish "$name" "$(count passed)" "$broken" $((total - executed)) $((SECONDS - started))
}

# npm_install DIR: the exact versions of the lock file, unless they are there.
npm_install() {
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
    npm --prefix "$1" ci --no-audit --no-fund --ignore-scripts --loglevel=error
}

# node_suite NAME DIR MODEL [KEY]: the suite's clients against a server on free ports, which asks for the key if given.
node_suite() {
  local name=$1 dir=$2 model=$3 key=${4:-} started=$SECONDS server status=0 broken
  resumed "$name" && return
  local out=$results/$name
  mkdir -p "$out"
  artifacts/crescent serve --model "$model" --port 0 --grpc-port 0 --json ${key:+--api-key "$key"} > "$out/serve.json" 2> "$out/serve.log" &
  server=$!
  for _ in $(seq 300); do
    [ ! -s "$out/serve.json" ] && kill -0 $server 2>/dev/null || break
    sleep 0.1
  done
  field() { node -e 'console.log(JSON.parse(require("fs").readFileSync(process.argv[1],"utf8").split("\n")[0])[process.argv[2]] ?? "")' "$out/serve.json" "$1"; }
  CRESCENT_HTTP=$(field http) CRESCENT_GRPC=$(field grpc) \
    env ${key:+"CRESCENT_API_KEY=$key"} node --test --test-concurrency=1 --test-reporter=tap "$dir"/*.test.*js > "$out/tap.txt" 2>&1 || status=$?
  kill -TERM $server 2>/dev/null && wait $server || { echo "   the server did not end cleanly"; status=1; }
  total() { awk -v key="$1" '$1 == "#" && $2 == key { print $3 }' "$out/tap.txt" | tail -1; }
  broken=$(total fail)
  [ $status = 0 ] || [ "${broken:-0}" -gt 0 ] || broken=1
  [ $status = 0 ] || { grep -E "^ *not ok|error:|expected:|actual:" "$out/tap.txt" || tail -30 "$out/tap.txt"; tail -5 "$out/serve.log"; }
  grep -E "^ *ok .*# SKIP" "$out/tap.txt" | sed 's/^ *ok [0-9]* - /   skipped /' || true
  finish "$name" "$(total pass)" "${broken:-1}" "$(total skipped)" $((SECONDS - started))
}

require_dotnet
choose_package_set Cluster.sln
echo "building ..."
build_release Cluster.sln
write_launcher
npm_install tests/Node/openai
npm_install tests/Node/grpc
tests/prepare-tokenizers.sh || echo "the reference tokenizers could not be installed; their tests are skipped"
tests/prepare-redis.sh || echo "redis-server could not be installed; its tests are skipped"

for project in tests/*.Tests; do
  if [ "$PackageSet" = portable ] && grep -q '<FullSetOnly>true' "$project"/*.csproj; then
    echo "   skipped $(basename "$project"): it needs the full package set"
    finish "$(basename "$project")" 0 0 1 0
  else
    dotnet_suite "$(basename "$project")"
  fi
done
node_suite openai-client tests/Node/openai models/crescent-xs
node_suite grpc-client tests/Node/grpc models/crescent-xs a-test-key
started=$SECONDS
if dotnet format Cluster.sln --verify-no-changes --no-restore > "$results/format.txt" 2>&1; then
  finish format 1 0 0 $((SECONDS - started))
else
  head -20 "$results/format.txt"
  finish format 0 1 0 $((SECONDS - started))
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
