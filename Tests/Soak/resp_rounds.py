"""RESP clients that die in the middle of SETs and GETs, write whole pipelines at once, and come and go.

A round has writers with keys of their own, readers, one pipeline of 10,000 commands that is written before
anything is read, one peer that shuts its sending side down early, and a hundred connections that are opened
and closed. Every value proves itself. After it every key is proved and deleted, and the node's books must
balance.

Usage, for these rounds alone: python resp_rounds.py [--rounds 10] [--seed N]. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import signal
import socket
import struct
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Clients")]
import children  # noqa: E402
import pipelines  # noqa: E402
import values  # noqa: E402
from progress import Progress  # noqa: E402
from support import resp  # noqa: E402
from support.redis_server import is_stand_in, start_subject  # noqa: E402

MIB = 1 << 20
WRITER_COUNT, READER_COUNT = 4, 3
KEYS_PER_WRITER = 16
KEY_COUNT = WRITER_COUNT * KEYS_PER_WRITER
VALUE_BYTE_COUNTS = (30, 1000, 4096, 100_000, MIB + 1, 3 * MIB, 5 * MIB)
CONNECTIONS_PER_ROUND = 100
OPTIONS = ((), (), ("EX", 1000), ("NX",), ("XX",), ("GET",), ("PX", 100_000, "GET"))
BOOKS = (
    "reprise_connections", "reprise_memory_reserved_bytes", "reprise_memory_used_bytes",
    "reprise_entry_bytes", "reprise_allocator_consistent",
)  # fmt: skip
# Of values that nobody lives to store.
NEVER = (1 << 63) + 1


def drop(client, source: random.Random) -> None:
    """Ends a connection in one of the ways in which connections end."""
    way = source.randrange(3)
    if way == 0:
        # A reset, with whatever is under way.
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif way == 1:
        try:
            client.socket.shutdown(source.choice((socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR)))
        except OSError:
            pass
    client.close()


class Writer:
    """In a child: stores versions of its own keys, and breaks off again and again in the middle of one."""

    def __init__(self, rounds: RespRounds, number: int, source: random.Random):
        self.rounds, self.source = rounds, source
        self.first = number * KEYS_PER_WRITER
        # The version that this child knows to be stored, unless it was evicted; 0 when it deleted the key.
        self.known: dict[int, int] = {}
        self.operations = (self.store, self.store, self.store, self.read, self.delete, self.expire)
        self.client = rounds.connect(source)

    def run(self) -> None:
        for _ in range(self.source.randrange(1, 40)):
            index = self.first + self.source.randrange(KEYS_PER_WRITER)
            self.source.choice(self.operations)(index)
            if self.source.random() < 0.2:
                self.break_off(index)
        self.client.send(self.cut_request(self.first))
        os.kill(os.getpid(), signal.SIGKILL)

    def value(self, index: int, version: int) -> bytes:
        return values.make(self.rounds.key(index), version, self.source.choice(VALUE_BYTE_COUNTS))

    def store(self, index: int) -> None:
        progress = self.rounds.progress
        version = progress.begin(index)
        options = self.source.choice(OPTIONS)
        request = resp.command("SET", self.rounds.key(index), self.value(index, version), *options)
        cut = self.source.randrange(len(request)) if self.source.random() < 0.3 else 0
        self.client.send(request[:cut])
        self.client.send(request[cut:])
        reply = resp.parse(self.client.read_reply())
        if isinstance(reply, resp.Error):
            if not str(reply).startswith("OOM"):
                raise ValueError(f"SET was answered with {reply}")
            return
        if "GET" in options and reply is not None:
            self.prove(index, reply, version)
        if options == ("XX",) and reply == b"OK" and self.known.get(index) == 0:
            raise ValueError(f"{self.rounds.key(index)}: XX stored it, though it was not there")
        if "GET" in options or reply == b"OK":
            progress.finish(index, version)
            self.known[index] = version

    def prove(self, index: int, value: bytes, before=NEVER) -> None:
        version = values.version_of(self.rounds.key(index), value)
        expected = self.known.get(index)
        if version >= before or (expected is not None and version != expected):
            raise ValueError(f"{self.rounds.key(index)}: version {version}, not {expected}")

    def read(self, index: int) -> None:
        value = self.client.call("GET", self.rounds.key(index))
        if value is not None:
            self.prove(index, value)

    def delete(self, index: int) -> None:
        key = self.rounds.key(index)
        self.client.call(self.source.choice(("DEL", "UNLINK", "GETDEL")), key)
        self.known[index] = 0
        if self.client.call("GET", key) is not None:
            raise ValueError(f"{key}: there after its deletion")

    def expire(self, index: int) -> None:
        key = self.rounds.key(index)
        self.client.call("PEXPIRE", key, self.source.randrange(1, 20))
        time.sleep(0.03)
        self.known[index] = 0
        if self.client.call("GET", key) is not None:
            raise ValueError(f"{key}: there after its end")

    def cut_request(self, index: int) -> bytes:
        request = resp.command("SET", self.rounds.key(index), self.value(index, NEVER), "EX", 1000)
        return request[: self.source.randrange(1, len(request))]

    def break_off(self, index: int) -> None:
        self.client.send(self.cut_request(index))
        drop(self.client, self.source)
        self.client = self.rounds.connect(self.source)
        self.read(index)


class RespRounds:
    """The rounds against one node."""

    def __init__(self, node, seed: int):
        self.node = node
        self.random = random.Random(seed ^ 0x5245_5350)
        self.progress = Progress(KEY_COUNT)

    @staticmethod
    def key(index: int) -> str:
        return f"soak:resp:{index:04x}"

    def connect(self, source: random.Random) -> resp.Client:
        client = self.node.connect(timeout=children.LIMIT_SECONDS)
        if source.random() < 0.5:
            client.call("HELLO", 3)
        return client

    # In a child

    def write(self, number: int, source: random.Random) -> None:
        Writer(self, number, source).run()

    def read(self, source: random.Random) -> None:
        """Reads and proves values, and goes away in the middle of replies."""
        client = self.connect(source)
        for _ in range(source.randrange(1, 80)):
            indices = [source.randrange(KEY_COUNT) for _ in range(source.choice((1, 1, 1, 5)))]
            oldest = [self.progress.finished(index) for index in indices]
            for place, value in enumerate(client.call("MGET", *map(self.key, indices))):
                if value is not None:
                    self.prove(indices[place], value, oldest[place])
            if source.random() < 0.15:
                client = self.leave_a_reply(client, source)

    def leave_a_reply(self, client: resp.Client, source: random.Random) -> resp.Client:
        client.send(b"".join(resp.command("GET", self.key(source.randrange(KEY_COUNT))) for _ in range(3)))
        try:
            client.socket.recv(source.randrange(1, MIB))
        except OSError:
            pass
        drop(client, source)
        return self.connect(source)

    def prove(self, index: int, value: bytes, oldest: int) -> int:
        version = values.version_of(self.key(index), value)
        newest = self.progress.begun(index)
        if not oldest <= version <= newest:
            raise ValueError(f"{self.key(index)}: version {version}, not one of {oldest} to {newest}")
        return version

    def come_and_go(self, source: random.Random) -> None:
        for _ in range(CONNECTIONS_PER_ROUND):
            client = self.node.connect(timeout=children.LIMIT_SECONDS)
            first = source.choice((b"", b"", b"*", b"PING\r\n", resp.command("PING"), resp.command("GET",
            "k")))
            client.send(first)
            if first[-2:] == b"\r\n" and source.random() < 0.5:
                client.read_reply()
            drop(client, source)

    # In the parent

    def spawn(self, work, *arguments) -> int:
        return children.spawn(self.random.getrandbits(64), work, *arguments)

    def round(self, number: int) -> str:
        clients = [self.spawn(self.write, writer) for writer in range(WRITER_COUNT)]
        clients += [self.spawn(self.read) for _ in range(READER_COUNT)]
        others = [self.spawn(self.come_and_go), self.spawn(pipelines.write_before_reading, self.node, number)]
        if not is_stand_in():
            # Redis drops replies when it sees the end of the requests.
            others.append(self.spawn(pipelines.shut_down_early, self.node, number))
        # Every second round the parent kills writers and readers wherever they are.
        if number % 2 == 1:
            time.sleep(self.random.uniform(0.05, 0.6))
            children.kill(clients)
        children.reap_all(clients + others, may_end=True)
        return self.check()

    def check(self) -> str:
        """Proves what is readable and deletes it; the node's books must balance before and after."""
        readable = 0
        self.check_books()
        with self.node.connect() as client:
            for index in range(KEY_COUNT):
                oldest = self.progress.finished(index)
                value = client.call("GET", self.key(index))
                if value is not None:
                    readable += 1
                    self.prove(index, value, oldest)
                client.call("DEL", self.key(index))
            left = [key for key in client.call("KEYS", "*") if not key.startswith(b"soak@")]
            if left:
                raise AssertionError(f"{len(left)} keys are left, {left[0]!r} among them")
        self.check_books()
        return f"RESP: {readable} of {KEY_COUNT} keys readable"

    def check_books(self) -> None:
        if is_stand_in():
            self.wait_until_alone()
            return

        def settled(counters):
            return (
                counters["reprise_connections"] == 1
                and counters["reprise_memory_reserved_bytes"] == 0
                and counters["reprise_memory_used_bytes"] == counters["reprise_entry_bytes"]
            )

        counters = self.node.settle(settled)
        if not settled(counters) or counters["reprise_allocator_consistent"] != 1:
            raise AssertionError(", ".join(f"{name} {counters[name]:.0f}" for name in BOOKS))

    def wait_until_alone(self) -> None:
        with self.node.connect() as client:
            deadline = time.monotonic() + children.LIMIT_SECONDS
            while client.info("clients")["connected_clients"] != "1":
                if time.monotonic() > deadline:
                    raise AssertionError("connections of dead clients are left")
                time.sleep(0.01)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"RESP rounds: {options.rounds}, seed {options.seed}", flush=True)
    with start_subject(memory="64MiB") as node:
        rounds = RespRounds(node, options.seed)
        for number in range(options.rounds):
            print(f"round {number}: {rounds.round(number)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
