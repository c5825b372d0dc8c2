// Writes src/Crescent.Models/Tokenizers/NfcData.cs from the Unicode tables of this Node.
//
//   node make-nfc-tables.mjs > ../../../src/Crescent.Models/Tokenizers/NfcData.cs
//
// JavaScript tells decompositions and compositions, but no combining classes. Only the order of the classes matters,
// and that shows: two marks change places exactly when the first one's class is higher. One known mark per class is
// the ruler.

const ruler = [
  0x0334, 0x16ff0, 0x093c, 0x3099, 0x094d, 0x05b0, 0x05b1, 0x05b2, 0x05b3, 0x05b4, 0x05b5, 0x05b6, 0x05b7, 0x05b8,
  0x05b9, 0x05bb, 0x05bc, 0x05bd, 0x05bf, 0x05c1, 0x05c2, 0xfb1e, 0x064b, 0x064c, 0x064d, 0x064e, 0x064f, 0x0650,
  0x0651, 0x0652, 0x0670, 0x0711, 0x0c55, 0x0c56, 0x0e38, 0x0e48, 0x0eb8, 0x0ec8, 0x0f71, 0x0f72, 0x0f74, 0x0321,
  0x1dce, 0x031b, 0x1dfa, 0x0316, 0x059a, 0x302e, 0x1d16d, 0x05ae, 0x0301, 0x0315, 0x035c, 0x035d, 0x0345,
];
const text = (...codePoints) => String.fromCodePoint(...codePoints);
const points = (s) => Array.from(s, (c) => c.codePointAt(0));
const nfc = (s) => s.normalize("NFC");
const nfd = (s) => s.normalize("NFD");
const swaps = (a, b) => nfd(text(a, b)) === text(b, a) && a !== b;
for (let i = 1; i < ruler.length; i++) {
  if (!swaps(ruler[i], ruler[i - 1])) throw new Error(`the ruler is out of order at U+${ruler[i].toString(16)}`);
}

// 0 for a starter, else 1 + the place on the ruler.
function combiningClass(c) {
  if (nfd(text(c)) !== text(c)) return 0;
  const lower = ruler.filter((r) => swaps(c, r)).length;
  const higher = ruler.filter((r) => swaps(r, c)).length;
  if (lower + higher === 0) return 0;
  if (lower + higher !== ruler.length - 1) throw new Error(`U+${c.toString(16)} has a class that is not on the ruler`);
  return lower + 1;
}

const bytes = [];
function number(n) {
  for (; n >= 0x80; n >>>= 7) bytes.push((n & 0x7f) | 0x80);
  bytes.push(n);
}

const isHangul = (c) => c >= 0xac00 && c <= 0xd7a3;
const isSurrogate = (c) => c >= 0xd800 && c <= 0xdfff;
const decompositions = [];
const classes = [];
for (let c = 0; c < 0x110000; c++) {
  if (isSurrogate(c) || isHangul(c)) continue;
  const full = points(nfd(text(c)));
  if (full[0] !== c) {
    const head = points(nfc(text(...full.slice(0, -1)) || ""));
    if (nfc(text(c)) === text(c)) {
      if (head.length !== 1 || nfc(text(head[0], full.at(-1))) !== text(c)) throw new Error(`U+${c.toString(16)} is no pair`);
      decompositions.push([c, 0, head[0], full.at(-1)]);
    } else {
      decompositions.push([c, full.length, ...full]);
    }
  }
  const k = combiningClass(c);
  if (k > 0) {
    const last = classes.at(-1);
    if (last && last[2] === k && last[0] + last[1] === c) last[1]++;
    else classes.push([c, 1, k]);
  }
}

number(decompositions.length);
let previous = 0;
for (const [c, kind, ...rest] of decompositions) {
  number((c - previous) * 8 + kind);
  rest.forEach(number);
  previous = c;
}
number(classes.length);
previous = 0;
for (const [c, length, k] of classes) {
  number(c - previous);
  number(length);
  number(k);
  previous = c;
}

const lines = Buffer.from(bytes).toString("base64").match(/.{1,108}/g);
console.log(`namespace Crescent.Models.Tokenizers;

/// <summary>
/// Canonical decompositions and combining classes of Unicode ${process.versions.unicode}, without Hangul; made by
/// tests/Node/tokenizers/make-nfc-tables.mjs. <see cref="Nfc"/> reads it.
/// </summary>
internal static class NfcData
{
    /// <summary>
    /// Base64 of variable-length numbers (7 bits each, low first). Count of decompositions; for each the distance from
    /// the code point before × 8 + kind, then code points: kind 0 is a pair that composes again, kind n a full
    /// decomposition of n that does not. Count of class ranges; for each the distance from the start of the one before,
    /// length, class. Classes are numbered 1 to 55 in their order.
    /// </summary>
    public const string Packed =
        "${lines.join('"\n        + "')}";
}`);
