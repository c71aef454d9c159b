#!/usr/bin/env python3
"""Our speed compared with tiktoken, semantic-text-splitter, langchain's splitter and fastembed, over the same texts.

Run by scripts/bench: one thread, megabytes per second of processor time, best of several runs.
"""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tiktoken  # noqa: E402
from fastembed.sparse.bm25 import Bm25  # noqa: E402
from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: E402
from semantic_text_splitter import TextSplitter  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LANGUAGES = "english chinese japanese korean russian arabic".split()
BYTES = 1_000_000


def samples():
    """One million bytes each: sentences of the golden texts in random order, and this repository's own sources."""
    lines = (ROOT / "Tests/Unit/Golden/cl100k.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    texts = {}
    for language in LANGUAGES:
        sentences = [
            sentence
            for case in cases
            if case["cat"] == language
            for sentence in re.findall(r"[^.。！？!?\n]+[.。！？!?\n]*\s*", case["text"])
        ]
        dice, parts, size = random.Random(language), [], 0
        while size < BYTES:
            part = dice.choice(sentences).rstrip("\n") + ("\n\n" if dice.random() < 0.1 else " ")
            parts.append(part)
            size += len(part.encode())
        texts[language] = "".join(parts)
    sources = "\n\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "Sources").rglob("*.swift")) if "Generated" not in path.parts
    )
    texts["code"] = sources[:BYTES]
    return texts


def speed(bytes_, body):
    best, start, runs = 1e9, time.process_time(), 0
    while runs < 3 or time.process_time() - start < 1:
        before = time.process_time()
        body()
        best = min(best, time.process_time() - before)
        runs += 1
    return bytes_ / 1e6 / best


def stop_words(folder):
    source = (ROOT / "Sources/TextProcessing/Sparse/StopWords/StopWords.swift").read_text(encoding="utf-8")
    source = source[source.index("enum StopWords ") :]
    words = re.search(r'static let english = """\n(.*?)"""', source, re.S)[1].split()
    pathlib.Path(folder, "english.txt").write_text("\n".join(words), encoding="utf-8")


def allocations(program, vocabulary, file):
    """Allocations per record, counted by valgrind: the difference between 100 and 300 records, so without start-up."""

    def total(records):
        command = ["valgrind", "--leak-check=no", program, vocabulary, file, "--records", str(records)]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        return int(re.search(r"total heap usage: ([\d,]+) allocs", run.stderr)[1].replace(",", ""))

    return (total(300) - total(100)) / 200


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="Benchmarks' program SideBySide")
    parser.add_argument("--vocabulary", required=True, help="cl100k_base.tiktoken")
    options = parser.parse_args()

    encoding = tiktoken.get_encoding("cl100k_base")
    semantic = TextSplitter.from_tiktoken_model("gpt-4", 512, 128)
    recursive = RecursiveCharacterTextSplitter.from_tiktoken_encoder("cl100k_base", chunk_size=512, chunk_overlap=128)
    ours = {}
    with tempfile.TemporaryDirectory() as folder:
        stop_words(folder)
        bm25 = Bm25("Qdrant/bm25", specific_model_path=folder)
        texts = samples()
        files = []
        for name, text in texts.items():
            files.append(str(pathlib.Path(folder, name)))
            pathlib.Path(files[-1]).write_text(text, encoding="utf-8")
        run = subprocess.run([options.program, options.vocabulary, *files], check=True, capture_output=True, text=True)
        for line in run.stdout.splitlines():
            what, file, value = line.split()
            ours[what, pathlib.Path(file).name] = float(value)

        print(f"{'MB/s on one thread':24}{'text':10}{'ours':>9}{'theirs':>9}{'ratio':>8}")
        for name, text in texts.items():
            part = text[:100_000]  # the splitters are slow
            paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph]
            size, part_size = len(text.encode()), len(part.encode())
            for what, tool, bytes_, body in [
                ("tokens", "tiktoken", size, lambda: encoding.encode_ordinary(text)),
                ("chunks", "semantic-text-splitter", part_size, lambda: semantic.chunks(part)),
                ("chunks", "langchain", part_size, lambda: recursive.split_text(part)),
                ("sparse", "fastembed", size, lambda: list(bm25.raw_embed(paragraphs))),
            ]:
                theirs = speed(bytes_, body)
                mine = ours[what, name]
                print(f"{tool:24}{name:10}{mine:9.1f}{theirs:9.2f}{mine / theirs:7.1f}×", flush=True)

        print(f"\n{'record of 2 kB → points':24}{'text':10}{'records/s':>10}{'allocations per record':>24}")
        # valgrind does not read the toolchain's debugging symbols.
        stripped = str(pathlib.Path(folder, "stripped"))
        subprocess.run(["strip", "-o", stripped, options.program], check=True)
        for name, file in zip(texts, files):
            counted = allocations(stripped, options.vocabulary, file)
            print(f"{'ours':24}{name:10}{ours['records', name]:10.0f}{counted:22.0f}", flush=True)

        print(flush=True)
        linearity = [options.program, options.vocabulary, files[0], "--linearity"]
        if subprocess.run(linearity).returncode != 0:
            raise SystemExit("bench: a step's time is not linear in the bytes of a text")


main()
