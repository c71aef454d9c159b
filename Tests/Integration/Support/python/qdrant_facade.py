"""Qdrant's own engine (PyPI `qdrant-edge-py`) behind as much of Qdrant's REST interface as the tests use.

    qdrant_facade.py --data DIR [--api-key KEY] [--port N] [--pid-file FILE]

Listens on 127.0.0.1, prints its port on standard output, ends on SIGTERM. What is in DIR is there again after a restart
or a kill. The key may also come from QDRANT__SERVICE__API_KEY, Qdrant's own name for it. When QDRANT_OPENAPI names
Qdrant's OpenAPI file, every body is checked against it too.

The engine is real: segments, indexes, filters, scores, its write-ahead log. The server around it is not: one shard,
always green, no cluster, no snapshots. Strict mode is on, as in Qdrant Cloud (qdrant_strict.py).
"""

import argparse
import json
import os
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from qdrant_checks import Refusal, check_schema
from qdrant_store import Store

BODY_BYTES_MAX = 32 * 1024 * 1024
VERSION = {"title": "qdrant - vector search engine", "version": "1.19.0", "commit": "facade"}
PROBES = {"/readyz": "all shards are ready", "/healthz": "healthz check passed", "/livez": "livez check passed"}


def no_constant(name):
    raise ValueError(f"expected value, found {name}")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, store, key):
        self.store, self.key = store, key
        self.engine = threading.RLock()  # one call into the engine at a time
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet

    def log_message(self, *_):
        pass

    def answer(self):
        started = time.perf_counter()
        try:
            status, kind, body = self.respond()
        except Refusal as refusal:
            status, kind, body = refusal.status, "application/json", {"status": {"error": refusal.text}}
        except Exception as error:  # the engine refused: Qdrant calls that wrong input
            status, kind, body = 400, "application/json", {"status": {"error": f"Wrong input: {error}"}}
        if isinstance(body, dict):
            if body is not VERSION:
                body["time"] = time.perf_counter() - started
            body = json.dumps(body)
        data = body.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = answer

    def respond(self):
        """Status, content type and body; JSON bodies as dictionaries."""
        size = int(self.headers.get("content-length") or 0)
        if size > BODY_BYTES_MAX:
            self.close_connection = True  # the rest of the body is not read
            text = f"JSON payload ({size} bytes) is larger than allowed (limit: {BODY_BYTES_MAX} bytes)."
            raise Refusal(400, f"Payload error: {text}")
        raw = self.rfile.read(size)
        address = urlsplit(self.path)
        if address.path == "/":
            return 200, "application/json", VERSION
        if address.path in PROBES:
            return 200, "text/plain", PROBES[address.path]
        if denial := self.denial():
            return 401, "text/plain", denial
        try:
            body = json.loads(raw, parse_constant=no_constant) if raw else {}
        except ValueError as error:
            raise Refusal(400, f"Format error in JSON body: {error}") from error
        for method, pattern, schema, action in ROUTES:
            match = re.fullmatch(pattern, address.path)
            if method != self.command or not match:
                continue
            if schema:
                check_schema(schema, body)
            options = {name: values[-1] for name, values in parse_qs(address.query).items()}
            with self.server.engine:
                result = action(self.server.store, *map(unquote, match.groups()), body, options)
            return 200, "application/json", {"result": result, "status": "ok"}
        return 404, "text/plain", ""

    def denial(self):
        """Why the caller may not come in, or None."""
        given = self.headers.get("api-key") or (self.headers.get("authorization") or "").removeprefix("Bearer ")
        if not self.server.key or given == self.server.key:
            return None
        return "Invalid API key or JWT" if given else "Must provide an API key or an Authorization bearer token"


def on_collection(name):
    """An action of the collection in the path."""
    return lambda store, collection, body, options: getattr(store.collection(collection), name)(body, options)


COLLECTION = "/collections/([^/]+)"
ROUTES = [
    ("GET", "/collections", None, lambda store, body, options: store.names()),
    ("PUT", COLLECTION, "CreateCollection", lambda store, name, body, options: store.create(name, body)),
    ("GET", COLLECTION, None, on_collection("info")),
    ("PATCH", COLLECTION, "UpdateCollection", on_collection("reconfigure")),
    ("DELETE", COLLECTION, None, lambda store, name, body, options: store.delete(name)),
    ("GET", COLLECTION + "/exists", None, lambda store, name, body, options: {"exists": name in store.collections}),
    ("GET", COLLECTION + "/optimizations", None, on_collection("optimizations")),
    ("PUT", COLLECTION + "/index", "CreateFieldIndex", on_collection("index")),
    ("PUT", COLLECTION + "/points", "PointInsertOperations", on_collection("upsert")),
    ("POST", COLLECTION + "/points", "PointRequest", on_collection("retrieve")),
    (
        "GET",
        COLLECTION + "/points/([^/]+)",
        None,
        lambda store, name, point, body, options: store.collection(name).point(point),
    ),
    ("POST", COLLECTION + "/points/batch", "UpdateOperations", on_collection("batch")),
    ("POST", COLLECTION + "/points/count", "CountRequest", on_collection("count")),
    ("POST", COLLECTION + "/points/delete", "PointsSelector", on_collection("delete")),
    ("POST", COLLECTION + "/points/payload", "SetPayload", on_collection("set_payload")),
    ("PUT", COLLECTION + "/points/payload", "SetPayload", on_collection("overwrite_payload")),
    ("POST", COLLECTION + "/points/payload/delete", "DeletePayload", on_collection("delete_payload")),
    ("POST", COLLECTION + "/points/payload/clear", "PointsSelector", on_collection("clear_payload")),
    ("POST", COLLECTION + "/points/query", "QueryRequest", on_collection("query")),
    ("POST", COLLECTION + "/points/query/batch", "QueryRequestBatch", on_collection("query_batch")),
    ("POST", COLLECTION + "/points/scroll", "ScrollRequest", on_collection("scroll")),
]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--api-key", default=os.environ.get("QDRANT__SERVICE__API_KEY"))
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--pid-file", type=Path)
    options = options.parse_args()
    server = Server(options.port, Store(options.data), options.api_key)
    if options.pid_file:
        options.pid_file.write_text(f"{os.getpid()}\n")
    # `shutdown` waits for the loop that the signal interrupted, so another thread has to call it.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.1)
    with server.engine:
        server.store.close()


if __name__ == "__main__":
    sys.exit(main())
