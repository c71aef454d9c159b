"""Changed and broken requests to the served stand-ins: none may end the process, hang it, or get nonsense.

    fuzz-fakes.py --program migrate-lab [--requests 20000] [--seed 1]

Starts `migrate-lab serve-fakes`, sends each service its share of the requests and prints what was answered, with the
slowest answer. Ends with 1 when a connection broke, an answer was no HTTP of the service, a JSON body was not JSON
(`NaN` is not), or an answer took longer than five seconds.
"""

import argparse
import http.client
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlsplit

NUMBERS = [0, -1, 1, 2, 0.5, -0.5, 1e308, 1e-308, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63)]
TEXTS = ["", "a", "m0", "child", "\0", "中😀", "a.b[]", "a[", "x" * 5000, "2024-01-01T00:00:00Z", "-1", "null"]
RAW = [b"", b"{", b"[]", b"null", b"0x10", b"01.5", b'{"a":NaN}', b'{"a":1e999}', b'"\xff\xfe"', b'{"a":"\x01"}', b"[" * 200]
UUID = "6d2c5c1e-0000-4000-8000-000000000001"
VECTOR = [0.1, 0.2, 0.3, 0.4]
FILTER = {"must": [{"key": "m", "match": {"value": "m0"}}, {"key": "n", "range": {"gte": 1, "lt": 9.5}}], "must_not": [
    {"is_empty": {"key": "tags[]"}}], "should": [{"has_id": [1, UUID]}, {"nested": {"key": "o", "filter": {"must": [
        {"key": "x", "values_count": {"gt": 0}}]}}}], "min_should": {"conditions": [{"key": "d", "range": {
            "gt": "2024-01-01T00:00:00Z"}}], "min_count": 1}}
QUERY = {"query": VECTOR, "using": "child", "limit": 3, "offset": 1, "with_payload": True, "with_vector": ["child"],
         "filter": FILTER, "score_threshold": 0.1, "prefetch": [{"query": {"indices": [1, 2], "values": [1.0, 0.5]},
                                                               "using": "sparse", "limit": 5}]}
POINT = {"id": 1, "vector": {"child": VECTOR, "sparse": {"indices": [1, 2], "values": [1.0, 0.5]}},
         "payload": {"m": "m0", "n": 3, "tags": ["a"], "o": [{"x": 1}], "d": "2024-05-01"}}
CREATE = {"vectors": {"child": {"size": 4, "distance": "Cosine"}}, "sparse_vectors": {"sparse": {"modifier": "idf"}},
          "strict_mode_config": {"enabled": False}}
C = "/collections/c"
QDRANT = [
    ("GET", "/collections", None), ("GET", C, None), ("PUT", C, CREATE), ("PATCH", C, {"hnsw_config": {"m": 8}}),
    ("PUT", C + "/points?wait=true", {"points": [POINT, {**POINT, "id": UUID}]}),
    ("PUT", C + "/points", {"batch": {"ids": [1, 2], "vectors": {"child": [VECTOR, VECTOR]}, "payloads": [{"m": 1}, None]}}),
    ("POST", C + "/points", {"ids": [1, UUID], "with_payload": {"exclude": ["m"]}}), ("GET", C + "/points/1", None),
    ("POST", C + "/points/scroll", {"limit": 2, "filter": FILTER, "with_payload": ["m"], "offset": 1}),
    ("POST", C + "/points/scroll", {"order_by": {"key": "n", "direction": "desc", "start_from": 5}}),
    ("POST", C + "/points/count", {"filter": FILTER, "exact": True}), ("POST", C + "/points/query", QUERY),
    ("POST", C + "/points/query", {"query": {"rrf": {"k": 2, "weights": [1.0, 2.0]}}, "prefetch": [QUERY, QUERY]}),
    ("POST", C + "/points/query/batch", {"searches": [QUERY, {"query": 1, "using": "child"}]}),
    ("POST", C + "/points/payload?wait=true", {"payload": {"a": 1}, "points": [1], "key": "o[0].y"}),
    ("PUT", C + "/points/payload", {"payload": {"a": None}, "filter": FILTER}),
    ("POST", C + "/points/payload/delete", {"keys": ["a.b", "tags[]"], "points": [1]}),
    ("POST", C + "/points/payload/clear", {"points": [1]}), ("POST", C + "/points/delete", {"points": [7]}),
    ("POST", C + "/points/batch", {"operations": [{"upsert": {"points": [POINT]}}, {"delete": {"points": [9]}}]}),
    ("PUT", C + "/index", {"field_name": "n", "field_schema": {"type": "integer", "lookup": True, "range": True}}),
    ("DELETE", C + "/index/n", None), ("GET", "/aliases", None), ("GET", C + "/exists", None),
    ("POST", "/collections/aliases", {"actions": [{"create_alias": {"collection_name": "c", "alias_name": "a"}}]}),
]
OPENAI = [
    ("GET", "/v1/models", None),
    ("POST", "/v1/embeddings", {"input": ["a b", "c"], "model": "text-embedding-3-small", "dimensions": 8}),
    ("POST", "/v1/embeddings", {"input": [[1, 2], [3]], "model": "text-embedding-3-large", "encoding_format": "base64"}),
]


def functions():
    """A request for each function of the tracking contract, from its SQL."""
    samples = {"bigint": 1, "integer": 5, "int": 5, "text": "a", "uuid": UUID, "boolean": True, "jsonb": {}, "numeric": 1.5,
               "double precision": 1.5, "bigint[]": [1, 2], "text[]": ["a"], "timestamptz": "2026-01-01T00:00:00Z"}
    found = []
    for file in sorted((Path(__file__).parents[2] / "sql").glob("*.sql")):
        pattern = r"CREATE OR REPLACE FUNCTION public\.(\w+)\s*\(([^)]*)\)\s*RETURNS jsonb"
        for name, parameters in re.findall(pattern, file.read_text(encoding="utf-8")):
            if name.startswith("ingestion_"):
                continue
            pairs = [part.split(None, 1) for part in parameters.split(",") if part.strip()]
            body = {word: samples.get(kind.strip().lower(), 1) for word, kind in pairs}
            found.append(("POST", "/rest/v1/rpc/" + name, body))
    return found


class Fuzz:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self):
        kind = self.random.randrange(7)
        if kind == 0:
            return self.random.choice(NUMBERS)
        if kind == 1:
            return self.random.choice(TEXTS)
        if kind == 2:
            return self.random.choice([None, True, False])
        if kind == 3:
            return [self.value() for _ in range(self.random.randrange(4))]
        if kind == 4:
            return {self.random.choice(["id", "key", "must", "filter", "points", "x", "limit"]): self.value()}
        if kind == 5:
            return self.random.choice([FILTER, QUERY, POINT, VECTOR, UUID])
        return self.random.choice([[], {}, [[]], [0.1] * 2000])

    def changed(self, value):
        """The value with one place changed, chosen at random."""
        if isinstance(value, dict) and value and self.random.random() < 0.85:
            name = self.random.choice(list(value))
            action = self.random.randrange(10)
            new = dict(value)
            if action == 0:
                del new[name]
            elif action == 1:
                new[self.random.choice(["limit", "offset", "with_vector", "unknown", "filter", "points"])] = self.value()
            else:
                new[name] = self.changed(value[name])
            return new
        if isinstance(value, list) and value and self.random.random() < 0.85:
            new = list(value)
            place = self.random.randrange(len(new))
            if self.random.randrange(5) == 0:
                new[place:place] = [new[place]] * self.random.choice([1, 3])
            else:
                new[place] = self.changed(new[place])
            return new
        return self.value()

    def request(self, requests):
        method, path, body = self.random.choice(requests)
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3])):
            body = self.changed(body) if body is not None else (self.value() if self.random.random() < 0.2 else None)
        if self.random.random() < 0.1:
            parts = path.split("/")
            parts[self.random.randrange(1, len(parts))] = quote(self.random.choice(TEXTS)[:200], safe="")
            path = "/".join(parts)
        if self.random.random() < 0.1:
            path += ("&" if "?" in path else "?") + self.random.choice(["timeout=0", "timeout=x", "wait=1", "ordering=a", "z=1"])
        if self.random.random() < 0.03:
            method = self.random.choice(["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"])
        headers = {"Content-Type": "application/json"}
        if self.random.random() < 0.02:
            headers["Content-Type"] = self.random.choice(["text/plain", "", "application/json; charset=utf-8"])
        if body is None:
            data = None
        elif self.random.random() < 0.04:
            data = self.random.choice(RAW)
        else:
            data = json.dumps(body, allow_nan=True).encode()
            if self.random.random() < 0.05:
                place = self.random.randrange(len(data) + 1)
                data = data[:place] + bytes([self.random.randrange(256)]) + data[place + self.random.randrange(2):]
        return method, path, data, headers


def refuse_constant(name):
    raise ValueError(name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="print each request before it is sent")
    options = parser.parse_args()
    server = subprocess.Popen([options.program, "serve-fakes", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        endpoints = json.loads(server.stdout.readline())
        problems = sum(
            service(name, requests, endpoints[name], server, options)
            for name, requests in [("qdrant", QDRANT), ("openai", OPENAI), ("supabase", functions())]
        )
        sys.exit(1 if problems else 0)
    finally:
        server.terminate()
        server.wait(20)


def service(name, requests, endpoint, server, options):
    fuzz = Fuzz(options.seed)
    key = endpoint["key"]
    keys = {"api-key": key, "apikey": key, "Authorization": f"Bearer {key}"}
    address = urlsplit(endpoint["url"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    statuses, problems, slowest = Counter(), 0, (0, "")
    for number in range(options.requests):
        if number % 50 == 0 and name == "qdrant":
            # What a request has dropped is made again, so that the later ones have something to work on.
            method, path, body = QDRANT[number // 50 % 2 * 2 + 2]
            data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        else:
            method, path, data, headers = fuzz.request(requests)
        shown = f"{method} {path} {(data or b'')[:300]!r}"
        if options.trace:
            print(number, shown, flush=True)
        start = time.monotonic()
        try:
            connection.request(method, path, data, {**headers, **keys})
            answer = connection.getresponse()
            body = answer.read()
        except (http.client.HTTPException, OSError) as error:
            problems += 1
            print(f"{name}: request {number}: {error!r}: {shown}")
            if server.poll() is not None:
                print(f"{name}: the process ended with {server.returncode}")
                return problems
            connection.close()
            continue
        seconds = time.monotonic() - start
        slowest = max(slowest, (seconds, shown))
        statuses[answer.status] += 1
        if seconds > 5:
            problems += 1
            print(f"{name}: request {number} took {seconds:.1f} s: {shown}")
        if body and answer.getheader("Content-Type", "").startswith("application/json"):
            try:
                json.loads(body, parse_constant=refuse_constant)
            except ValueError as error:
                problems += 1
                print(f"{name}: request {number}: the answer is no JSON ({error}): {shown}: {body[:200]!r}")
    counts = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    print(f"{name}: {options.requests} requests, {problems} problems; {counts}; slowest {slowest[0] * 1000:.0f} ms: {slowest[1][:160]}")
    return problems


main()
