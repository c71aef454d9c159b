#!/usr/bin/env python3
"""Writes Sources/TextProcessing/Generated: Unicode classes, NFKC data and HTML5 entities as Swift source.

The tables are pinned in the sources so that neither a toolchain nor a host can change a token count, a checksum or a
sparse index. Two versions of Unicode on purpose:
  * token classes: Unicode 16, as tiktoken 0.14 (its regex engine) has it;
  * words, spaces, punctuation, digits and NFKC: Unicode 14, as Python 3.11 has it, which made the compatibility cases.

Run with Python 3.11 in an environment that has unicodedata2 16.0.0:
    python3.11 -m venv /tmp/unicode && /tmp/unicode/bin/pip install unicodedata2==16.0.0
    /tmp/unicode/bin/python scripts/support/generate-unicode-tables.py
"""

import html.entities
import pathlib
import unicodedata as old
import unicodedata2 as new

assert old.unidata_version == "14.0.0", "run with Python 3.11 (Unicode 14)"
assert new.unidata_version == "16.0.0", "install unicodedata2==16.0.0"

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "Sources/TextProcessing/Generated"
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
# White_Space of PropList.txt, unchanged from Unicode 6.3 to 16.
WHITE_SPACE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def wrapped(words, width=110):
    lines, line = [], ""
    for word in words:
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join("    " + text for text in [*lines, line] if text)


def constant(name, comment, words):
    text = wrapped(words).replace("\\", "\\\\")
    return f'\n/// {comment}\nlet {name}: StaticString = """\n{text}\n    """\n'


def write(name, *parts):
    header = "// Written by scripts/support/generate-unicode-tables.py; do not edit.\n"
    (FOLDER / name).write_text(header + "".join(parts), encoding="utf-8")


def scalar_class(c):
    """The bits of `ScalarClass`."""
    category = new.category(chr(c))
    if c in (0x0A, 0x0D):
        token = 4
    elif c in WHITE_SPACE:
        token = 3
    elif category[0] == "N":
        token = 2
    elif category[0] == "L":
        token = 1
    else:
        token = 0
    category = old.category(chr(c))
    word = category[0] in "LN" or c == 0x5F
    assert word == (chr(c).isalnum() or c == 0x5F)
    return token | word << 3 | chr(c).isspace() << 4 | (category[0] == "P") << 5 | (category == "Nd") << 6


def classes():
    """Runs `start-length-bits` in hexadecimal, the start relative to the end of the run before."""
    words, end, start, bits = [], 0, 0, scalar_class(0)
    for c in [*range(1, 0x110000), None]:
        now = None if c is None else 0 if 0xD800 <= c <= 0xDFFF else scalar_class(c)
        if now == bits:
            continue
        stop = 0x110000 if c is None else c
        if bits:
            words.append(f"{start - end:x}-{stop - start:x}-{bits:x}")
            end = stop
        start, bits = stop, now
    write("ScalarClasses.swift", constant("scalarClassRuns", "Runs of equal `ScalarClass` bits.", words))


def normalization():
    decompositions, marks, pairs = [], {}, []
    for c in SCALARS:
        text = chr(c)
        if 0xAC00 <= c <= 0xD7A3:
            continue
        full = old.normalize("NFKD", text)
        if full != text:
            inert = "*" if old.normalize("NFKC", text) == text and not old.combining(text) else ""
            decompositions.append(f"{c:x}{inert}={'+'.join(f'{ord(x):x}' for x in full)}")
        if old.combining(text):
            marks.setdefault(old.combining(text), []).append(c)
        canonical = old.decomposition(text).split()
        if len(canonical) == 2 and not canonical[0].startswith("<"):
            first, second = (chr(int(x, 16)) for x in canonical)
            if old.normalize("NFC", first + second) == text:
                pairs.append(f"{ord(first):x}+{ord(second):x}={c:x}")
    classes = []
    for number, members in sorted(marks.items()):
        runs, start = [], members[0]
        for this, following in zip(members, [*members[1:], None]):
            if following != this + 1:
                runs.append(f"{number:x}:{start:x}-{this - start + 1:x}")
                start = following
        classes += runs
    write(
        "NormalizationData.swift",
        constant(
            "compatibilityDecompositions",
            "Full compatibility decompositions (NFKD) but Hangul's; `*`: NFKC keeps the scalar as it is.",
            decompositions,
        ),
        constant("combiningClasses", "Canonical combining classes, `class:start-length`.", classes),
        constant("canonicalCompositions", "Pairs that NFC composes, `first+second=composed`.", pairs),
    )


def entities():
    """`name=scalars`; a name that HTML5 also knows without its semicolon is marked with `*`."""
    table = html.entities.html5
    words = []
    for name, text in sorted(table.items()):
        if name.endswith(";"):
            bare = name[:-1]
            assert table.get(bare, text) == text
            words.append(f"{bare}{'*' if bare in table else ''}={'+'.join(f'{ord(x):x}' for x in text)}")
        else:
            assert name + ";" in table
    assert max(len(name) for name in table if not name.endswith(";")) == 6
    write("HTMLEntityNames.swift", constant("htmlEntityNames", "The HTML5 named character references.", words))


FOLDER.mkdir(parents=True, exist_ok=True)
classes()
normalization()
entities()
