"""The unpacked packages as texts: build.py PACKAGES-FOLDER CORPUS.jsonl

One JSON object per line: language, source, text. The same packages give the same corpus. Most texts are one to four
kilobytes, as summaries and notes are; about one page in eight is left whole, so that there are long ones too.
"""

import gzip
import hashlib
import html
import json
import re
import sys
from pathlib import Path

from roff import plain_text

TEXT_BYTES_MIN = 400


def fraction(*parts):
    """A number from 0 to 1 that depends on nothing but the parts."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def html_text(page):
    page = re.sub(r"(?is)<(script|style|head)\b.*?</\1>", " ", page)
    page = re.sub(r"(?i)</?(p|div|li|h\d|tr|pre|dt|dd|table)\b[^>]*>", "\n\n", page)
    page = html.unescape(re.sub(r"<[^>]*>", " ", page))
    return "\n\n".join(" ".join(part.split()) for part in page.split("\n\n") if part.strip())


def pages(folder):
    """(language, source, text) of every page, in a fixed order."""
    manual = folder / "usr/share/man"
    for path in sorted(manual.rglob("*.gz")):
        if path.is_symlink():
            continue
        parts = path.relative_to(manual).parts
        language = "en" if parts[0].startswith("man") else parts[0].split(".")[0]
        try:
            page = gzip.decompress(path.read_bytes()).decode("utf-8")
        except UnicodeDecodeError:
            continue
        yield language, "/".join(parts), plain_text(page)
    for path in sorted((folder / "usr/share").rglob("*.html")):
        if path.is_symlink():
            continue
        parts = path.name.split(".")
        language = {"zh-cn": "zh_CN", "zh-tw": "zh_TW"}.get(parts[-2], parts[-2]) if len(parts) > 2 else "en"
        yield language, path.name, html_text(path.read_text(encoding="utf-8", errors="strict"))


def pieces(source, text):
    """The text cut between paragraphs into pieces of a drawn size."""
    whole = fraction("whole", source) < 0.12
    piece, size = [], 0

    def target():
        # The square makes short pieces more frequent than long ones.
        return 150_000 if whole else 900 + 3_200 * fraction("size", source, text[:50], size, len(piece)) ** 2

    aim = target()
    for paragraph in text.split("\n\n"):
        piece.append(paragraph)
        size += len(paragraph.encode()) + 2
        if size >= aim:
            yield "\n\n".join(piece)
            piece, size, aim = [], 0, target()
    if piece:
        yield "\n\n".join(piece)


def main(folder, target):
    seen, texts = set(), []
    for language, source, text in pages(Path(folder)):
        for piece in pieces(source, text):
            key = hashlib.sha256(piece.encode()).digest()
            if len(piece.encode()) >= TEXT_BYTES_MIN and key not in seen:
                seen.add(key)
                texts.append((key, language, source, piece))
    texts.sort()  # by hash: every part of the corpus has every language
    draft = Path(target + ".draft")
    with draft.open("w", encoding="utf-8") as file:
        for _, language, source, text in texts:
            file.write(json.dumps({"language": language, "source": source, "text": text}, ensure_ascii=False) + "\n")
    draft.replace(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
