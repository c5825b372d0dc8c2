// Seeded strings that tokenizers get wrong.

/** Mulberry32: a small generator whose sequence is the same everywhere. */
export function random(seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  const pick = (list) => list[below(list.length)];
  return { below, pick, between: (low, high) => low + below(high - low + 1) };
}

// JavaScript's \s has U+FEFF and lacks U+0085; the White_Space property, which the models were trained with, is the
// other way round. Both are covered by unit tests instead.
const differsInJavaScript = (c) => c === 0x85 || c === 0xfeff;

const scripts = [
  [0x20, 0x7e], [0xa1, 0xff], [0x100, 0x24f], [0x250, 0x2ff], [0x370, 0x3ff], [0x400, 0x4ff], [0x531, 0x58f],
  [0x590, 0x5ff], [0x600, 0x6ff], [0x700, 0x74f], [0x900, 0x97f], [0x980, 0x9ff], [0xb80, 0xbff], [0xe00, 0xe7f],
  [0xf00, 0xfff], [0x1000, 0x109f], [0x10a0, 0x10ff], [0x1100, 0x11ff], [0x1200, 0x137f], [0x1780, 0x17ff],
  [0x1e00, 0x1fff], [0x2000, 0x206f], [0x2070, 0x218f], [0x2190, 0x23ff], [0x2460, 0x24ff], [0x2600, 0x27bf],
  [0x3000, 0x303f], [0x3040, 0x30ff], [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xe000, 0xf8ff], [0xf900, 0xfaff],
  [0xfb00, 0xfdff], [0xff00, 0xffef], [0x10000, 0x100ff], [0x10400, 0x1044f], [0x1d100, 0x1d1ff], [0x1d400, 0x1d7ff],
  [0x1e900, 0x1e95f], [0x1f100, 0x1f1ff], [0x1f300, 0x1f64f], [0x1f900, 0x1f9ff], [0x20000, 0x2a6df],
  [0x2f800, 0x2fa1f], [0xe0000, 0xe01ef], [0x10fff0, 0x10ffff],
];
const blanks = [" ", " ", " ", "\n", "\n", "\r\n", "\r", "\t", "\v", "\f", "\u00a0", "\u2003", "\u2028", "\u3000", "\u180e", "\u200b"];
const contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Ve", "'M", "'lL", "'D", "'", "''", "\u2019s", "'x", "'l", "'v", "'\u017f"];
const words = (
  "the quick brown fox jumps over lazy dog Once upon a time there was little girl named Lily she liked to play in park " +
  "Hello WORLD camelCase snake_case HTTPServer iPhone naïve café Straße Привет мир שלום עולם مرحبا بالعالم नमस्ते दुनिया " +
  "สวัสดีชาวโลก こんにちは世界 你好世界 안녕하세요 Việt ngữ Ελληνικά Հայերեն ქართული አማርኛ"
).split(" ");
const emoji = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "🧑🏿‍🚀", "©️", "😶‍🌫️"];
const composed = ["é", "e\u0301", "Å", "A\u030a", "\u212b", "ṩ", "s\u0323\u0307", "s\u0307\u0323", "각", "\u1100\u1161\u11a8", "가\u11a8", "\u0958", "\u0915\u093c", "\u1e9b\u0323", "\u0344", "豈", "\u{2f81a}", "\u{1d15e}", "\u0b47\u0b3e"];
const marks = [0x300, 0x301, 0x323, 0x327, 0x328, 0x345, 0x5b0, 0x5bc, 0x64b, 0x651, 0x93c, 0x94d, 0xe38, 0xf71, 0x302a, 0x3099, 0x20d0, 0xfe0f, 0x1d165];
const code = ["{", "}", "();", "if (x == 0) {\n    return;\n}", "\t\tfoo->bar", "// TODO:", "https://example.com/a?b=c&d=%20", "a.b[c]", "==>", "::", "\\n", "<p>", "<!-- -->", "$x = 1;", "#!/bin/sh", "---\n"];

/** @param {string[]} specials spellings of added tokens */
export function makeStrings(seed, count, specials) {
  const { below, pick, between } = random(seed);
  const many = (low, high, make) => Array.from({ length: between(low, high) }, make).join("");
  const codePoint = (low, high) => {
    const c = between(low, high);
    const excluded = differsInJavaScript(c) || (c >= 0xd800 && c <= 0xdfff);
    return excluded ? "?" : String.fromCodePoint(c);
  };
  const partOf = (s) => s.slice(below(s.length), below(s.length) + between(1, s.length));
  const parts = [
    () => many(1, 12, () => pick(words) + pick([" ", " ", " ", ", ", ". ", "\n", ""])),
    () => { const [low, high] = pick(scripts); return many(1, 10, () => codePoint(low, high)); },
    () => many(1, 8, () => { const [low, high] = pick(scripts); return codePoint(low, high); }),
    () => many(1, 4, () => codePoint(0, 0xffff)),
    () => many(1, 2, () => codePoint(0x10000, 0x10ffff)),
    () => many(1, 4, () => pick(emoji) + pick(["", " "])),
    () => many(1, 6, () => pick(composed)),
    () => pick(words)[0] + many(1, 12, () => String.fromCodePoint(pick(marks))),
    () => many(1, 3, () => codePoint(0, 0x1f)),
    () => pick(blanks).repeat(between(1, 40)),
    () => many(1, 12, () => pick(blanks)),
    () => many(1, 12, () => String(below(10))) + pick(["", " ", ".", ",", "٣", "௧", "Ⅷ", "½", "𝟘"]),
    () => pick(words) + pick(contractions) + pick(["", " ", "a", "S"]),
    () => many(1, 4, () => pick(code) + pick(["", " ", "\n"])),
    () => pick(specials) + pick(["", " ", "\n", "user"]),
    () => partOf(pick(specials)) + pick(["", "|>", ">"]),
    () => String.fromCharCode(between(0xd800, 0xdfff)) + pick(["", "a", "\udc00", " "]),
    () => pick(["a", "ab", "=", "-", "0", "中", "\u0301", " \n", "é"]).repeat(between(2, 60)),
    () => pick(["\u2581", " \u2581", "\u2581 ", "\ufffd", "<0x41>", "\u0120"]),
  ];
  const strings = [" ", "", "\n", "  ", " a", "a ", "\n\n \n a", ...contractions, ...composed, ...emoji, ...specials.slice(0, 40)];
  while (strings.length < count) strings.push(many(1, 6, () => pick(parts)()));
  return strings.slice(0, count);
}
