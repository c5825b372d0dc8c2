"""Public domain books, read from Debian packages.

* The King James Bible: package bible-kjv-text, printed by the `bible` tool of
  package bible-kjv.
* Jane Austen's six novels: package r-cran-janeaustenr, unpacked (not
  installed) into a folder; R itself is not needed.
"""
import glob
import os
import random
import re
import struct
import subprocess
import zlib

PACKAGES = ["bible-kjv", "bible-kjv-text"]
UNPACKED = "r-cran-janeaustenr"


def unpack_debian(package, folder):
    """Download a Debian package and unpack it below `folder` (no install)."""
    target = os.path.join(folder, package)
    if not os.path.isdir(target):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
        deb = glob.glob(os.path.join(folder, package + "_*.deb"))[0]
        subprocess.run(["dpkg-deb", "-x", deb, target], check=True)
    return target


def plain(text):
    """Reduce typographic characters to ASCII and drop what is left over."""
    table = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
             "\u2014": "--", "\u2013": "-", "\u2026": "...",
             "\u00e9": "e", "\u00ea": "e", "\u00e8": "e", "\u00e0": "a"}
    for old, new in table.items():
        text = text.replace(old, new)
    return text.encode("ascii", "ignore").decode()


def bible_chapters(seed):
    """One document per chapter, the verses run together into paragraphs."""
    rng = random.Random(seed)
    out = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], check=True,
                         capture_output=True, text=True).stdout
    chapters = {}
    for line in out.splitlines():
        match = re.match(r"(\S+?)(\d+):(\d+) (.*)", line)
        if match:
            key = (match.group(1), int(match.group(2)))
            chapters.setdefault(key, []).append(plain(match.group(4)).strip())
    documents = []
    for verses in chapters.values():
        paragraphs = []
        while verses:
            count = rng.randint(3, 6)
            paragraphs.append(" ".join(verses[:count]))
            verses = verses[count:]
        documents.append("\n\n".join(paragraphs))
    return documents


def r_strings(blob):
    """The strings of one serialised R character vector, in order."""
    start = blob.find(struct.pack(">I", 16), 14)    # STRSXP, after the header
    count = struct.unpack(">I", blob[start + 4:start + 8])[0]
    at, strings = start + 8, []
    for _ in range(count):
        size = struct.unpack(">i", blob[at + 4:at + 8])[0]
        size = max(size, 0)                         # -1 is NA
        strings.append(blob[at + 8:at + 8 + size].decode("utf-8", "ignore"))
        at += 8 + size
    return strings


def austen_books(folder):
    """The novels as lists of lines, out of the package's lazy-load file."""
    root = unpack_debian(UNPACKED, folder)
    path = glob.glob(root + "/**/janeaustenr/data/Rdata.rdb", recursive=True)[0]
    with open(path, "rb") as handle:
        data = handle.read()
    at, books = 0, []
    while at + 4 < len(data):                       # length, then a zlib stream
        stream = zlib.decompressobj()
        blob = stream.decompress(data[at + 4:])
        at = len(data) - len(stream.unused_data)
        if len(blob) > 100000:
            books.append(r_strings(blob))
    return books


def austen_novels(folder):
    """Title (lower case) -> one text per chapter: paragraphs rejoined, headings dropped."""
    novels = {}
    for lines in austen_books(folder):
        chapter, paragraph, documents = [], [], []
        for raw in lines + ["CHAPTER"]:
            line = plain(raw).strip().replace("_", "")
            heading = re.match(r"(CHAPTER|Chapter|VOLUME|THE END|FINIS)\b", line)
            if line and not heading:
                paragraph.append(line)
                continue
            if paragraph:
                chapter.append(" ".join(paragraph))
                paragraph = []
            if heading:
                text = "\n\n".join(chapter)
                if len(text) > 1500:                # not a title page
                    documents.append(re.sub(r" +", " ", text))
                chapter = []
        novels[lines[0].strip().lower()] = documents
    return novels


def austen_chapters(folder):
    """The chapters of all novels."""
    return [text for novel in austen_novels(folder).values() for text in novel]
