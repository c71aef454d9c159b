"""Between a client and PostgreSQL, without TLS: loses answers after they were given, and writes down every call.

    dropping_proxy.py --target HOST:PORT --log FILE --seed N

Listens on 127.0.0.1, prints its port on standard output, ends on SIGTERM. It begins calm; SIGUSR1 makes it faulty,
SIGUSR2 calm again, SIGHUP cuts every connection once. While faulty, a request that is one of the tracking functions may
be answered normally, answered late, lost before the server sees it, or carried out (the server's ReadyForQuery says that
its transaction is over) and its answer dropped, with the connection. Nothing is ever sent twice.

Each call is one line of FILE, with tabs: its places among all begins and ends (the latter empty where no answer
was seen), the time it began, what became of it, the function, its parameters and its answer as JSON.
"""

import argparse
import asyncio
import json
import random
import re
import signal
import struct
from datetime import datetime, timezone

CALL = re.compile(r"^SELECT public\.([a-z_]+)\((.*)\)$", re.DOTALL)
PARAMETER = re.compile(r"(p_[a-z_]+) => \$(\d+)")
TEXTS = {
    "p_action", "p_claim_id", "p_config_hash", "p_controller_id", "p_outcome", "p_quota", "p_reason", "p_request_id",
    "p_target_key", "p_token", "p_worker",
}
NO_ENCRYPTION = {80877103, 80877104}  # SSLRequest, GSSENCRequest
# A controller plans in few calls: each takes a while, so that it can die between two of them.
PLANNING = "append_ingestion_batches"


class Cut(Exception):
    """This connection ends here."""


class Call:
    """One request, up to its Sync."""

    def __init__(self, function, parameters, fate, delay):
        self.function, self.parameters, self.fate, self.delay = function, parameters, fate, delay
        self.began = self.at = None
        self.answer, self.failed = None, False


class Proxy:
    def __init__(self, target, log, seed):
        host, port = target.rsplit(":", 1)
        self.host, self.port = host, int(port)
        self.log = open(log, "a", encoding="utf-8", buffering=1)
        self.random = random.Random(seed)
        self.is_faulty = False
        self.place = 0
        self.connections = set()

    def next_place(self):
        self.place += 1
        return self.place

    def fate(self, function):
        """What becomes of a call, and how late its answer is."""
        if not self.is_faulty:
            return "answered", 0.4 if function == PLANNING else 0
        dice = self.random.random()
        if function == PLANNING:
            return ("dropped" if dice < 0.1 else "answered"), self.random.uniform(0.3, 1)
        if dice < 0.04:
            return "dropped", 0
        if dice < 0.05:
            return "lost", 0
        if dice < 0.07:
            return "answered", self.random.uniform(0.2, 3)
        return "answered", 0

    def write(self, call, ended):
        fields = [
            call.began, ended or "", call.at, "failed" if call.failed else call.fate, call.function, call.parameters,
            call.answer or "",
        ]
        self.log.write("\t".join(str(field) for field in fields) + "\n")

    def cut_all(self):
        for writer in list(self.connections):
            writer.transport.abort()

    async def serve(self, reader, writer):
        server = None
        self.connections.add(writer)
        try:
            first = await startup(reader, writer)
            server_reader, server = await asyncio.open_connection(self.host, self.port)
            server.write(first)
            await Connection(self, reader, writer, server_reader, server).run()
        except (Cut, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(writer)
            for end in (writer, server):
                if end:
                    end.transport.abort()


class Connection:
    def __init__(self, proxy, reader, writer, server_reader, server):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.server_reader, self.server = server_reader, server
        self.calls = asyncio.Queue(16)

    async def run(self):
        both = [asyncio.ensure_future(self.requests()), asyncio.ensure_future(self.answers())]
        _, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        ends = await asyncio.gather(*both, return_exceptions=True)
        # What the server was told and did not answer: its outcome is unknown.
        while not self.calls.empty():
            call = self.calls.get_nowait()
            if call:
                call.fate = "unknown"
                self.proxy.write(call, None)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def requests(self):
        held, sql, parameters = b"", "", []
        while True:
            kind, body, raw = await message(self.reader)
            held += raw
            if kind == b"P":
                sql = body.split(b"\0")[1].decode()
            elif kind == b"B":
                parameters = bound(body)
            elif kind == b"Q":
                sql, parameters = "", []
            if kind == b"p":  # a password: the login is not a request
                self.server.write(held)
                held = b""
            elif kind in (b"S", b"Q"):
                call = self.call(sql, parameters)
                sql = ""
                if call and call.fate == "lost":
                    call.began, call.at = self.proxy.next_place(), now()
                    self.proxy.write(call, None)
                    raise Cut
                if call:
                    call.began, call.at = self.proxy.next_place(), now()
                await self.calls.put(call)
                self.server.write(held)
                held = b""
            elif kind == b"X":
                raise Cut
            await self.server.drain()

    def call(self, sql, parameters):
        found = CALL.match(sql)
        if not found:
            return None
        fields = []
        for name, number in PARAMETER.findall(found[2]):
            value = parameters[int(number) - 1]
            text = "null" if value is None else json.dumps(value) if name in TEXTS else value
            fields.append(f'"{name}":{text}')
        fate, delay = self.proxy.fate(found[1])
        return Call(found[1], "{" + ",".join(fields) + "}", fate, delay)

    async def answers(self):
        is_open = False  # after the login
        held, answer, failed = b"", None, False
        while True:
            kind, body, raw = await message(self.server_reader)
            held += raw
            if is_open and kind != b"Z":
                if kind == b"D":
                    answer = first_column(body)
                failed = failed or kind == b"E"
                continue  # until the whole answer is here
            if is_open:
                await self.end(await self.calls.get(), answer, failed)
            is_open = is_open or kind == b"Z"
            self.writer.write(held)
            held, answer, failed = b"", None, False
            await self.writer.drain()

    async def end(self, call, answer, failed):
        if not call:
            return
        call.answer, call.failed = answer, failed
        try:
            if call.delay:
                await asyncio.sleep(call.delay)
        except asyncio.CancelledError:
            call.fate = "unknown"
            self.proxy.write(call, None)
            raise
        if call.fate == "dropped":
            self.proxy.write(call, None)
            raise Cut
        self.proxy.write(call, self.proxy.next_place())


async def startup(reader, writer):
    """The first message that is no wish for encryption."""
    while True:
        head = await reader.readexactly(4)
        body = await reader.readexactly(struct.unpack("!i", head)[0] - 4)
        if struct.unpack("!i", body[:4])[0] not in NO_ENCRYPTION:
            return head + body
        writer.write(b"N")


async def message(reader):
    head = await reader.readexactly(5)
    body = await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
    return head[:1], body, head + body


def bound(body):
    """The parameters of a Bind message, all of them text."""
    place = body.index(b"\0", body.index(b"\0") + 1) + 1
    formats = struct.unpack_from("!h", body, place)[0]
    place += 2 + 2 * formats
    count = struct.unpack_from("!h", body, place)[0]
    place += 2
    values = []
    for _ in range(count):
        size = struct.unpack_from("!i", body, place)[0]
        place += 4
        values.append(None if size < 0 else body[place : place + size].decode())
        place += max(size, 0)
    return values


def first_column(body):
    count, size = struct.unpack_from("!hi", body)
    return body[6 : 6 + size].decode() if count == 1 and size >= 0 else None


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    proxy = Proxy(arguments.target, arguments.log, arguments.seed)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=1 << 24)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: setattr(proxy, "is_faulty", True))
    loop.add_signal_handler(signal.SIGUSR2, lambda: setattr(proxy, "is_faulty", False))
    loop.add_signal_handler(signal.SIGHUP, proxy.cut_all)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()


asyncio.run(main())
