"""The same generated requests for a served stand-in and for Qdrant's engine: qdrant_differential.py SEED COUNT URL KEY URL KEY.

Prints what both answered differently, and at the end one line: requests, differences, and how often each kind of request
and each status occurred. Order counts except among equal scores; numbers may differ by rounding.
"""

import json
import math
import random
import sys
import urllib.error
import urllib.request
from collections import Counter

SEED, COUNT = int(sys.argv[1]), int(sys.argv[2])
SERVERS = [sys.argv[3:5], sys.argv[5:7]]
UUIDS = [f"6d2c5c1e-0000-4000-8000-{number:012d}" for number in range(6)]
PATH = f"/collections/differential-{SEED}"
IDS = [*range(1, 12), *UUIDS]
WORDS = ["crane", "meadow", "ferry", "渡船", "паром", "dawn", "Crane,"]
DATES = ["2024-01-01T00:00:00Z", "2024-05-01T12:30:00+02:00", "2024-05-01", "2025-12-31 23:59:59", "not a date"]
INDEXES = {"m": "keyword", "n": "integer", "f": "float", "d": "datetime", "t": "text"}
random = random.Random(SEED)


def send(server, method, path, body):
    url, key = server
    data = None if body is None else json.dumps(body).encode()
    headers = {"api-key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        return error.code, json.loads(text) if text.startswith("{") else text


def chance(share):
    return random.random() < share


def some(values, least=0, most=4):
    return [random.choice(values) for _ in range(random.randint(least, most))]


def vector():
    return [round(random.uniform(-1, 1), 3) for _ in range(4)]


def sparse():
    indices = random.sample(range(1, 9), random.randint(1, 4))
    return {"indices": indices, "values": [round(random.uniform(0.1, 2), 3) for _ in indices]}


def payload():
    made = {}
    for name, make in {
        "m": lambda: random.choice(["m0", "m1", ["m0", "m2"], None, []]),
        "n": lambda: random.choice([0, 1, 5, -3, 2**53 + 1, [1, 7]]),
        "f": lambda: random.choice([0.5, -1, 3, 1e10, [0.25, 9]]),
        "d": lambda: random.choice([*DATES, DATES[:2]]),
        "b": lambda: random.choice([True, False]),
        "t": lambda: " ".join(some(WORDS, 1, 5)),
        "o": lambda: [{"x": random.randint(0, 3), "y": random.choice(["a", "b", None])} for _ in range(random.randint(0, 3))],
        "a": lambda: {"b": random.choice([1, "s", None, [1, 2]]), "c": {"e": 1}},
    }.items():
        if chance(0.7):
            made[name] = make()
    return made


def field():
    kind = random.randrange(9)
    if kind == 0:
        return {"key": random.choice(["m", "a.b", "o[].y"]), "match": {"value": random.choice(["m0", "m1", "s", "a"])}}
    if kind == 1:
        return {"key": random.choice(["n", "o[].x", "a.b"]), "match": {"value": random.choice([0, 1, 5, 2**53 + 1])}}
    if kind == 2:
        word = random.choice(["any", "except"])
        return random.choice([{"key": "m", "match": {word: ["m0", "m2"]}}, {"key": "n", "match": {word: [1, 5]}}])
    if kind == 3:
        bounds = {random.choice(["gt", "gte"]): random.choice([-1, 0, 1]), random.choice(["lt", "lte"]): random.choice([1, 5, 9.5])}
        return {"key": random.choice(["n", "f", "o[].x", "o[0].x"]), "range": bounds}
    if kind == 4:
        return {"key": "d", "range": {random.choice(["gt", "gte", "lt", "lte"]): random.choice(DATES[:4])}}
    if kind == 5:
        return {"key": "t", "match": {random.choice(["text", "text_any", "phrase"]): random.choice(["crane", "meadow dawn", "渡船"])}}
    if kind == 6:
        bound = {random.choice(["gt", "gte", "lt", "lte"]): random.randrange(3)}
        return {"key": random.choice(["m", "n", "o", "missing"]), "values_count": bound}
    if kind == 7:
        return {"key": random.choice(["m", "a.b", "missing"]), random.choice(["is_empty", "is_null"]): chance(0.5)}
    return {"key": "m", "match": {"value": "m2"}}


def condition(depth=0):
    kind = random.randrange(12)
    if kind == 0:
        return {"has_id": some(IDS, 1, 5)}
    if kind == 1:
        return {random.choice(["is_empty", "is_null"]): {"key": random.choice(["m", "a.b", "o[].y", "missing"])}}
    if kind == 2:
        return {"has_vector": random.choice(["child", "sparse"])}
    if kind == 3:
        inner = {random.choice(["must", "must_not"]): [{"key": "x", "range": {"gte": random.randrange(3)}}]}
        return {"nested": {"key": random.choice(["o", "o[]"]), "filter": inner}}
    if kind == 4 and depth < 2:
        return filter(depth + 1)
    return field()


def filter(depth=0):
    # One of them is there: the façade takes an empty filter for none.
    made = {"must": [field()]} if depth else {}
    for name in ("must", "should", "must_not"):
        if chance(0.4) and name not in made:
            made[name] = [condition(depth) for _ in range(random.randint(1, 2))]
    if chance(0.15):
        made["min_should"] = {"conditions": [condition(depth) for _ in range(3)], "min_count": random.randint(1, 2)}
    return made


def point():
    vectors = {"child": vector()} if chance(0.9) else {}
    if chance(0.8):
        vectors["sparse"] = sparse()
    return {"id": random.choice(IDS), "vector": vectors, "payload": payload()}


def parts():
    made = {}
    if chance(0.6):
        made["with_payload"] = random.choice([True, False, ["m", "a.b"], {"include": ["o[].x", "n"]}, {"exclude": ["a", "o[].y"]}])
    if chance(0.3):
        made["with_vector"] = random.choice([True, False, ["child"]])
    return made


def query(depth=0):
    made = {"limit": random.choice([1, 3, 10, 50])}
    kind = random.randrange(4)
    if kind == 0 and depth == 0:
        made["prefetch"] = [query(1) for _ in range(2)]
        made |= {"query": {"fusion": "rrf"}, "limit": 50}
    elif kind == 1 and depth == 0:
        made["prefetch"] = [query(1) for _ in range(2)]
        made |= {"query": {"rrf": {"k": random.choice([1, 2, 60]), "weights": [1.0, random.choice([0.5, 3.0])]}}, "limit": 50}
    elif kind == 2:
        made |= {"query": sparse(), "using": "sparse"}
    else:
        made |= {"query": vector(), "using": "child"}
        if chance(0.2):
            made["score_threshold"] = random.choice([-0.5, 0.1, 0.5])
    if chance(0.4):
        made["filter"] = filter()
    if depth == 0:
        made |= parts()
        if chance(0.2) and "prefetch" not in made:
            made["offset"] = random.choice([1, 3])
    return made


def chosen():
    # Only a filter: ids that are missing are tried below, one at a time.
    return {"filter": filter()} if chance(0.5) else {"points": [random.choice(IDS)]}


def request():
    kind = random.choices(
        ["upsert", "columns", "mode", "delete", "set", "set key", "overwrite", "unset", "clear", "batch", "get", "scroll",
         "order", "count", "query", "queries"],
        [6, 2, 2, 1, 2, 2, 1, 2, 1, 2, 3, 12, 4, 6, 12, 2],
    )[0]
    base = PATH + "/points"
    wait = "?wait=true"
    if kind == "upsert":
        return kind, "PUT", base + wait, {"points": [point() for _ in range(random.randint(1, 4))]}
    if kind == "columns":
        ids = random.sample(IDS, 2)
        vectors = {"child": [vector(), vector()], "sparse": [sparse(), sparse()]}
        return kind, "PUT", base + wait, {"batch": {"ids": ids, "vectors": vectors, "payloads": [payload(), None]}}
    if kind == "mode":
        points = [point() for _ in range(2)]
        if chance(0.5):
            return kind, "PUT", base + wait, {"points": points, "update_mode": random.choice(["insert_only", "update_only"])}
        return kind, "PUT", base + wait, {"points": points, "update_filter": filter()}
    if kind == "delete":
        return kind, "POST", base + "/delete" + wait, chosen()
    if kind in ("set", "set key"):
        more = {"key": random.choice(["a", "a.c", "o[0]", "o[]", "new.deep"])} if kind == "set key" else {}
        # No null: the engine keeps it where the point never had a payload, and removes the key elsewhere.
        given = {name: value for name, value in payload().items() if value is not None}
        return kind, "POST", base + "/payload" + wait, {"payload": given, **more, **chosen()}
    if kind == "overwrite":
        return kind, "PUT", base + "/payload" + wait, {"payload": payload(), **chosen()}
    if kind == "unset":
        keys = some(["m", "a.b", "a.c.e", "o[].x", "o", "missing"], 1, 2)
        return kind, "POST", base + "/payload/delete" + wait, {"keys": keys, **chosen()}
    if kind == "clear":
        return kind, "POST", base + "/payload/clear" + wait, chosen()
    if kind == "batch":
        operations = [{"upsert": {"points": [point()]}}, {"delete": {"points": some(IDS, 1, 2)}},
                      {"set_payload": {"payload": {"n": random.randrange(9)}, "filter": filter()}}]
        return kind, "POST", base + "/batch" + wait, {"operations": random.sample(operations, 2)}
    if kind == "get":
        return kind, "POST", base, {"ids": random.sample(IDS, 3), **parts()}
    if kind == "scroll":
        body = {"limit": random.choice([1, 4, 50]), **parts()}
        if chance(0.7):
            body["filter"] = filter()
        if chance(0.3):
            body["offset"] = random.choice(IDS)
        return kind, "POST", base + "/scroll", body
    if kind == "order":
        body = {"key": random.choice(["n", "f", "d"]), "direction": random.choice(["asc", "desc"])}
        return kind, "POST", base + "/scroll", {"order_by": body, "limit": 50, "filter": filter(), "with_payload": False}
    if kind == "count":
        return kind, "POST", base + "/count", {"filter": filter(), "exact": True}
    if kind == "query":
        return kind, "POST", base + "/query", query()
    return kind, "POST", base + "/query/batch", {"searches": [query(), query()]}


def isEqual(left, right):
    """Whether two values are equal but for rounding and for what the two count differently."""
    if isinstance(left, float) or isinstance(right, float):
        isNumber = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (left, right))
        return isNumber and math.isclose(left, right, rel_tol=1e-4, abs_tol=1e-5)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(isEqual, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        names = (left.keys() | right.keys()) - {"version", "operation_id"}
        return all(name in left and name in right and isEqual(left[name], right[name]) for name in names)
    return left == right


def ranked(result):
    """Points with equal scores or values in the order of their ids: the engine promises none."""
    if isinstance(result, dict) and result.get("points") and "order_value" in result["points"][0]:
        return {**result, "points": sorted(result["points"], key=lambda found: (found["order_value"], str(found["id"])))}
    if isinstance(result, dict) and result.get("points") and "score" in result["points"][0]:
        points = sorted(result["points"], key=lambda found: (-round(found["score"], 5), str(found["id"])))
        return {**result, "points": points}
    if isinstance(result, list):
        return [ranked(inner) for inner in result]
    return result


def hasTies(result):
    """Whether a page may end between points with equal scores, so that either of them is right."""
    for page in result if isinstance(result, list) else [result]:
        scores = [round(found.get("score", number), 5) for number, found in enumerate(page.get("points", []))] if isinstance(page, dict) else []
        if len(set(scores)) < len(scores):
            return True
    return False


def isPermuted(left, right):
    """Whether both found the same points with the same scores: prefetched points with equal scores have no order."""
    pages = [result if isinstance(result, list) else [result] for result in (left, right)]
    found = [[page.get("points", []) if isinstance(page, dict) else [] for page in side] for side in pages]
    ids = [[sorted(str(point["id"]) for point in page) for page in side] for side in found]
    scores = [[sorted(point.get("score", 0) for point in page) for page in side] for side in found]
    return ids[0] == ids[1] and isEqual(scores[0], scores[1]) and any(page and "score" in page[0] for page in found[0])


WRITES = {"upsert", "columns", "mode", "delete", "set", "set key", "overwrite", "unset", "clear", "batch"}


def contents(server):
    return send(server, "POST", PATH + "/points/scroll", {"limit": 100, "with_vector": True})[1]["result"]


def main():
    create = {"vectors": {"child": {"size": 4, "distance": "Cosine"}}, "sparse_vectors": {"sparse": {}},
              "strict_mode_config": {"enabled": False}}
    for server in SERVERS:
        send(server, "DELETE", PATH, None)
        assert send(server, "PUT", PATH, create)[0] == 200
        for name, kind in INDEXES.items():
            assert send(server, "PUT", PATH + "/index?wait=true", {"field_name": name, "field_schema": kind})[0] == 200
    kinds, statuses, differences, ties = Counter(), Counter(), 0, 0
    for number in range(COUNT):
        kind, method, path, body = request()
        (left_status, left), (right_status, right) = [send(server, method, path, body) for server in SERVERS]
        kinds[kind] += 1
        statuses[left_status] += 1
        isSame = left_status == right_status
        if isSame and left_status == 200:
            left, right = left["result"], right["result"]
            isSame = isEqual(ranked(left), ranked(right))
            if not isSame and (hasTies(left) or hasTies(right) or isPermuted(left, right)):
                ties += 1
                isSame = True
        if isSame and kind in WRITES:
            left, right = map(contents, SERVERS)
            isSame = isEqual(left, right)
            if not isSame:
                pairs = left["points"], right["points"]
                left, right = [
                    [found for found in these if not any(isEqual(found, other) for other in those)]
                    for these, those in (pairs, pairs[::-1])
                ]
        if not isSame:
            differences += 1
            print(f"{number} {kind} {method} {path} {json.dumps(body, ensure_ascii=False)}")
            print(f"  stand-in {left_status}: {json.dumps(left, ensure_ascii=False)[:1000]}")
            print(f"  engine   {right_status}: {json.dumps(right, ensure_ascii=False)[:1000]}")
    shown = ", ".join(f"{name} {count}" for name, count in sorted(kinds.items()))
    codes = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    print(f"{COUNT} requests, {differences} differences, {ties} with equal scores at the end of a page; {codes}; {shown}")
    sys.exit(1 if differences else 0)


main()
