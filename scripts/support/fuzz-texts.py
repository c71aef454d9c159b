#!/usr/bin/env python3
"""Compares `migrate text tokens` with tiktoken and `migrate text sparse` with fastembed over generated texts.

Run by scripts/fuzz. The same seed gives the same texts. fastembed downloads its lists of stop words, so it gets ours
(they were compared with its own by hand, docs/text.md); where we have none, both get a list made up here.
"""

import argparse
import json
import multiprocessing
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata

import tiktoken
from fastembed.sparse.bm25 import Bm25

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ENCODING = tiktoken.get_encoding("cl100k_base")

# Input that the tools treat differently, or that breaks them: whole scripts, marks, spaces of every kind, signs,
# numbers.
RANGES = [
    (0x20, 0x7F), (0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x400), (0x400, 0x530),
    (0x530, 0x600), (0x600, 0x700), (0x900, 0x980), (0xB80, 0xC00), (0xE00, 0xE80), (0x1100, 0x1200),
    (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x2200), (0x2460, 0x2500), (0x3000, 0x3100), (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A4), (0xF900, 0xFB00), (0xFE00, 0xFE70), (0xFF00, 0xFFF0), (0x1D400, 0x1D800), (0x1F300, 0x1F700),
    (0x20000, 0x20100), (0xE000, 0xE010), (0x0, 0x20),
]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", "\u00a0", "\u2003", "\u3000", "\u2028", "\v", "\x1c", "\x85"]
BITS = [
    "'s", "'LL", "'ſ", "don't", "_", "__init__", "<|endoftext|>", "3.14", "1,234,567", "²³", "½", "٣٤", "①", "Ⅷ", "İ",
    "ß", "ẞ", "ΑΣ", "ΣΑΣ.", "ﬁ", "e\u0301", "\u0301\u0301", "\u200d", "\ufe0f", "\ufeff", "\u200b", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "👍🏽",
    "。", "！", "「", "」", "…", "؟", "http://a.b/c?d=e&f#g", "a@b.cd", "&amp;", "\x00", "```", "{};", "!=", "->", "#" * 17,
]


class Language:
    """What texts of a language are made of: words that its stemmer has a rule for, and words that make no term."""

    def __init__(self, name, stop_words):
        self.name = name
        fixture = ROOT / "Tests/Unit/Golden/stems" / f"{name}.tsv"
        lines = fixture.read_text(encoding="utf-8").splitlines()
        self.words = [line.split("\t")[0] for line in lines if line and not line.startswith("#")]
        self.letters = sorted({c for word in self.words for c in word})
        # If the program has no list for the language, any list will do.
        self.has_own_stop_words = stop_words is not None
        self.stop_words = self.words[::50] if stop_words is None else stop_words


class Texts:
    """Texts of one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        golden = ROOT / "Tests/Unit/Golden"
        self.samples = [
            json.loads(line)["text"]
            for name in ("bm25.jsonl", "cl100k.jsonl")
            for line in (golden / name).read_text(encoding="utf-8").splitlines()
        ]

    def scalar(self, low, high):
        while True:
            scalar = chr(self.random.randrange(low, high))
            if unicodedata.category(scalar) not in ("Cs", "Cn"):
                return scalar

    def word(self, language):
        """A stop word, a word with a rule, or letters with the ends of such words."""
        pick = self.random.choice
        kind = self.random.random()
        if kind < 0.2 and language.stop_words:
            word = pick(language.stop_words)
        elif kind < 0.5:
            word = pick(language.words)
        else:
            word = "".join(pick(language.letters) for _ in range(self.random.randrange(9)))
            for _ in range(self.random.randrange(4)):
                end = pick(language.words)
                word += end[-self.random.randrange(1, 9) :]
        case = self.random.random()
        return word.upper() if case < 0.06 else word.title() if case < 0.15 else word

    def piece(self, language):
        kind = self.random.random()
        if kind < 0.5:
            return self.word(language)
        if kind < 0.6:
            return self.random.choice(BITS)
        if kind < 0.7:
            return "".join(self.random.choices(SPACES, k=self.random.randrange(1, 4)))
        if kind < 0.8:
            text = self.random.choice(self.samples)
            start = self.random.randrange(len(text) + 1)
            return text[start : start + self.random.randrange(40)]
        if kind < 0.84:
            return self.random.choice(BITS + ["a", "字", "1"]) * self.random.randrange(1, 60)
        low, high = self.random.choice(RANGES) if kind < 0.98 else (0, 0x110000)
        return "".join(self.scalar(low, high) for _ in range(self.random.randrange(1, 12)))

    def text(self, language):
        glue = self.random.choice([" ", " ", " ", "", "\n", "-", "_"])
        return glue.join(self.piece(language) for _ in range(self.random.choice([1, 2, 5, 10, 30])))


def answers(program, arguments, texts):
    """What the program says, one object for each text."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        file.flush()
        file.seek(0)
        run = subprocess.Popen([program, "text", *arguments, "--json-lines"], stdin=file, stdout=subprocess.PIPE)
        for line in run.stdout:
            yield json.loads(line)
        if run.wait() != 0:
            sys.exit(f"migrate text {' '.join(arguments)}: exit code {run.returncode}")


class Differences:
    """Counts them, and prints the first."""

    def __init__(self, what, printed):
        self.what, self.left, self.count, self.start = what, printed, 0, time.monotonic()

    def check(self, text, ours, theirs, is_same):
        if is_same:
            return
        self.count += 1
        if self.left > 0:
            self.left -= 1
            print(f"{self.what}: {ascii(text)}\n  ours   {ours}\n  theirs {theirs}")

    def end(self, texts, note=""):
        seconds = time.monotonic() - self.start
        print(f"{self.what}: {len(texts):,} texts, {self.count} differences{note} ({seconds:.0f} s)", flush=True)
        return self.count


def compare_tokens(options, texts):
    differences = Differences("tokens", options.print)
    seen = 0
    for text, answer in zip(texts, answers(options.program, ["tokens"], texts)):
        theirs = ENCODING.encode_ordinary(text)
        differences.check(text, answer["ids"], theirs, answer["ids"] == theirs)
        seen += 1
    assert seen == len(texts), "the program answered too few lines"
    return differences.end(texts)


def serve_fastembed(connection, language, folder):
    """Answers each text with its vector, or with None where the Rust stemmer panics."""
    model = Bm25("Qdrant/bm25", language=language, specific_model_path=folder)
    while (text := connection.recv()) is not None:
        try:
            vector = next(iter(model.raw_embed([text])))
        except BaseException as error:  # noqa: BLE001: it ends in its own kind of exception
            if "out of bounds" not in str(error):
                raise
            connection.send(None)
        else:
            connection.send(sorted(zip(vector.indices.tolist(), vector.values.tolist())))


class Fastembed:
    """fastembed in a process of its own, since its Greek stemmer aborts the process at some words."""

    def __init__(self, language, folder):
        self.arguments, self.process = (language, folder), None

    def vector(self, text):
        """The vector, or None where fastembed broke."""
        if self.process is None:
            self.connection, served = multiprocessing.Pipe()
            self.process = multiprocessing.Process(target=serve_fastembed, args=(served, *self.arguments))
            self.process.start()
            served.close()
        try:
            self.connection.send(text)
            return self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            if self.process.exitcode != -signal.SIGABRT:
                sys.exit(f"fastembed: exit code {self.process.exitcode} at {ascii(text)}")
            self.process = None
            return None

    def end(self):
        if self.process is not None:
            self.connection.send(None)
            self.process.join()


def compare_sparse(options, language, texts, folder):
    fastembed = Fastembed(language.name, folder)
    arguments = ["sparse", "--sparse-language", language.name]
    if not language.has_own_stop_words:
        arguments += ["--sparse-stop-words", f"{folder}/{language.name}.txt"]
    differences = Differences(f"sparse {language.name}", options.print)
    seen = broken = 0
    for text, answer in zip(texts, answers(options.program, arguments, texts)):
        seen += 1
        theirs = fastembed.vector(text)
        if theirs is None:
            broken += 1
            continue
        ours = list(zip(answer["indices"], answer["values"]))
        is_same = [i for i, _ in ours] == [i for i, _ in theirs] and all(
            abs(a - b) < 1e-9 for (_, a), (_, b) in zip(ours, theirs)
        )
        differences.check(text, ours, theirs, is_same)
    fastembed.end()
    assert seen == len(texts), "the program answered too few lines"
    assert broken < seen / 10, f"fastembed broke at {broken} of {seen} texts"
    return differences.end(texts, f"; fastembed broke at {broken}" if broken else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="the program migrate")
    parser.add_argument("--texts", type=int, default=108_000, help="how many texts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--print", type=int, default=3, help="how many differences of a kind to print")
    options = parser.parse_args()
    print(f"seed {options.seed}, Unicode {unicodedata.unidata_version}", flush=True)
    if unicodedata.unidata_version != "14.0.0":
        print("Python 3.11 (Unicode 14) made the compatibility cases; letters newer than that may differ")

    listed = json.loads(subprocess.check_output([options.program, "text", "languages", "--json"]))["languages"]
    languages = [Language(entry["name"], entry.get("stop_words")) for entry in listed]
    texts = Texts(options.seed)
    groups = [[texts.text(language) for _ in range(options.texts // len(languages))] for language in languages]
    count = compare_tokens(options, [text for group in groups for text in group])
    with tempfile.TemporaryDirectory() as folder:
        for language, group in zip(languages, groups):
            words = pathlib.Path(folder, f"{language.name}.txt")
            words.write_text("\n".join(language.stop_words), encoding="utf-8")
            count += compare_sparse(options, language, group, folder)
    print(f"{count} differences in all")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
