"""Texts as rows of MySQL: rows.py CORPUS.jsonl COUNT >rows.sql

Writes SQL for a table `ip_summary` to standard output and the distribution of the rows to standard error. Beside COUNT
texts there are rows that real tables have too: NULL and blank contents, and texts of one megabyte. The ids look like
snowflakes: far above 2^53, increasing, with gaps. Tokens are counted with tiktoken, offline: TIKTOKEN_CACHE_DIR holds cl100k_base.
"""

import collections
import itertools
import json
import random
import sys

import tiktoken

TABLE = """\
DROP TABLE IF EXISTS ip_summary;
CREATE TABLE ip_summary (
  id BIGINT NOT NULL PRIMARY KEY,
  member_code VARCHAR(64) NULL,
  parse_content LONGTEXT NULL
) CHARACTER SET utf8mb4;
"""
FIRST_MILLISECOND = 300_000_000_000  # since the epoch of these snowflakes; ids are about 1.26e18
MEMBERS = 500
NULL_ROWS, BLANK_ROWS, MEGABYTE_ROWS = 25, 25, 4
BLANKS = ["", " ", "\n\n\t ", "\u3000\u00a0"]
STATEMENT_BYTES = 1_000_000
LONG_TEXT_TOKENS = 2_500


def identities(chance):
    """Snowflakes: milliseconds, worker, sequence; always greater than the one before."""
    millisecond = FIRST_MILLISECOND
    while True:
        millisecond += chance.randint(1, 400_000)
        worker = chance.randrange(1024)
        sequence = 0
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            yield millisecond << 22 | worker << 12 | sequence
            sequence += chance.randint(1, 3)


def contents(path, count, chance):
    """(language, text) of every row, the unusual ones among the others."""
    with open(path, encoding="utf-8") as file:
        texts = [(item["language"], item["text"]) for item in map(json.loads, itertools.islice(file, count))]
    if len(texts) < count:
        sys.exit(f"rows: the corpus has only {len(texts)} texts")
    unusual = [("null", None)] * NULL_ROWS + [("blank", BLANKS[i % len(BLANKS)]) for i in range(BLANK_ROWS)]
    for number in range(MEGABYTE_ROWS):
        pages = itertools.cycle(text for _, text in texts[number * len(texts) // MEGABYTE_ROWS :])
        megabyte = ""
        while len(megabyte) < 1_000_000:
            megabyte += next(pages) + "\n\n"
        unusual.append(("megabyte", megabyte.encode()[:1_048_576].decode(errors="ignore")))
    for item in unusual:
        texts.insert(chance.randrange(len(texts)), item)
    return texts


def literal(text):
    if text is None:
        return "NULL"
    for character, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\0", "\\0")):
        text = text.replace(character, escaped)
    return f"'{text}'"


def write(rows, out):
    out.write(TABLE + "START TRANSACTION;\n")
    values, size = [], 0
    for identity, member, text in rows:
        values.append(f"({identity},{literal(member)},{literal(text)})")
        size += len(values[-1])
        if size > STATEMENT_BYTES:
            out.write("INSERT INTO ip_summary VALUES\n" + ",\n".join(values) + ";\n")
            values, size = [], 0
    if values:
        out.write("INSERT INTO ip_summary VALUES\n" + ",\n".join(values) + ";\n")
    out.write("COMMIT;\n")


def report(texts, out):
    real = [text for kind, text in texts if kind not in ("null", "blank", "megabyte")]
    kinds = collections.Counter(kind for kind, _ in texts)

    def percentiles(values):
        values = sorted(values)
        at = lambda part: values[min(len(values) - 1, int(len(values) * part))]
        return "  ".join(f"{name} {at(part):,}" for name, part in (("p10", 0.1), ("median", 0.5), ("p90", 0.9), ("p99", 0.99)))

    sizes = [len(text.encode()) for text in real]
    print(f"rows       {len(texts):,}: {len(real):,} texts, {kinds.pop('null')} NULL, {kinds.pop('blank')} blank, "
          f"{kinds.pop('megabyte')} of one megabyte", file=out)
    print("languages  " + "  ".join(f"{kind} {count:,}" for kind, count in kinds.most_common()), file=out)
    print(f"bytes      {percentiles(sizes)}  largest {max(sizes):,}  all {sum(sizes):,}", file=out)
    tokens = [len(tokenized) for tokenized in tiktoken.get_encoding("cl100k_base").encode_ordinary_batch(real)]
    long = sum(1 for value in tokens if value > LONG_TEXT_TOKENS)
    print(f"tokens     {percentiles(tokens)}  largest {max(tokens):,}  all {sum(tokens):,}", file=out)
    print(f"           {long:,} texts above {LONG_TEXT_TOKENS:,} tokens", file=out)


def main(corpus, count):
    chance = random.Random(20_000)
    texts = contents(corpus, int(count), chance)
    ids = identities(chance)
    rows = ((next(ids), f"M{int(chance.paretovariate(1)) % MEMBERS:05}", text) for _, text in texts)
    sys.stdout.reconfigure(encoding="utf-8")
    write(rows, sys.stdout)
    report(texts, sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
