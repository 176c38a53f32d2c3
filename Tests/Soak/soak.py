"""Clients that die in the middle of PUTs and GETs, under load, round after round, against one node.

Each round speaks lm:// first, then RESP (resp_rounds.py), then the local protocol (local_rounds.py). After
a round no readable key has a wrong byte or a version that was already replaced; bytes in use equal the sum of
the entries; nothing is reserved; the allocator is consistent; no connection of a dead client is left. At the
end resident memory is the arena, the index, the named buffers and at most 64 MiB.

Usage: python soak.py [--rounds 100] [--seed N] [--memory-mib 64] [--clients 8]. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Clients")]
import children  # noqa: E402
import values  # noqa: E402
from local_rounds import LocalRounds  # noqa: E402
from progress import Progress  # noqa: E402
from resp_rounds import RespRounds  # noqa: E402
from support import lm  # noqa: E402
from support.redis_server import RespNode  # noqa: E402

MIB = 1 << 20
KEYS_PER_WRITER = 24
VALUE_BYTE_COUNTS = (1000, 4096, 100_000, MIB, MIB + 1, 3 * MIB)
RESIDENT_SLACK_BYTE_COUNT = 64 * MIB


class Soak:
    def __init__(self, node: RespNode, client_count: int, seed: int):
        self.node = node
        self.random = random.Random(seed)
        self.writer_count = client_count // 2
        self.reader_count = client_count - self.writer_count
        self.key_count = self.writer_count * KEYS_PER_WRITER
        self.progress = Progress(self.key_count)

    @staticmethod
    def key(index: int) -> str:
        return f"soak@1@0@{index:08x}@uint8"

    # In a child

    def connect(self, source: random.Random) -> lm.Client:
        return self.node.unix_client() if source.random() < 0.5 else self.node.client()

    def write(self, writer: int, source: random.Random) -> None:
        """Stores versions of this writer's own keys until it kills itself in the middle of a payload."""
        client, operations = self.connect(source), source.randrange(1, 60)
        for _ in range(operations):
            index = writer * KEYS_PER_WRITER + source.randrange(KEYS_PER_WRITER)
            version = self.progress.begin(index)
            self.put(client, index, version, source)
            # A PUT has no reply; the reply to what follows it on its connection says that it is done.
            client.exists(self.key(index))
            self.progress.finish(index, version)
        index = writer * KEYS_PER_WRITER + source.randrange(KEYS_PER_WRITER)
        # Begun, never finished: the version must never be seen.
        request = self.request(index, (1 << 63) + 1, source.choice(VALUE_BYTE_COUNTS))
        client.send(request[: source.randrange(1, len(request))])
        os.kill(os.getpid(), signal.SIGKILL)

    def put(self, client, index, version, source) -> None:
        request = self.request(index, version, source.choice(VALUE_BYTE_COUNTS))
        if source.random() < 0.3:
            cut = source.randrange(len(request))
            client.send(request[:cut])
            client.send(request[cut:])
        else:
            client.send(request)

    def request(self, index: int, version: int, byte_count: int) -> bytes:
        return lm.CURRENT.put(self.key(index), values.make(self.key(index), version, byte_count))

    def read(self, source: random.Random) -> None:
        """Reads and proves values until it kills itself in the middle of a reply."""
        client, operations = self.connect(source), source.randrange(1, 120)
        for _ in range(operations):
            index = source.randrange(self.key_count)
            finished = self.progress.finished(index)
            value = client.get(self.key(index))
            if value is not None:
                self.prove(index, value, finished)
        client.send(lm.CURRENT.request(lm.GET, self.key(source.randrange(self.key_count))))
        reply = client.read_reply()
        client.read(source.randrange(reply.length) if reply.length else 0)
        os.kill(os.getpid(), signal.SIGKILL)

    def prove(self, index: int, value: bytes, oldest: int) -> int:
        version = values.version_of(self.key(index), value)
        newest = self.progress.begun(index)
        if not oldest <= version <= newest:
            raise ValueError(f"{self.key(index)}: version {version}, not one of {oldest} to {newest}")
        return version

    # In the parent

    def spawn(self, work, *arguments) -> int:
        return children.spawn(self.random.getrandbits(64), work, *arguments)

    def round(self, number: int) -> str:
        clients = [self.spawn(self.write, writer) for writer in range(self.writer_count)]
        clients += [self.spawn(self.read) for _ in range(self.reader_count)]
        # Every second round the parent kills them wherever they are.
        if number % 2 == 1:
            time.sleep(self.random.uniform(0.05, 0.6))
            children.kill(clients)
        children.reap_all(clients)
        return self.check()

    def check(self) -> str:
        """Proves the node's books and every readable value; returns a line about them."""

        def settled(counters):
            return (
                counters["reprise_connections"] == 1
                and counters["reprise_memory_reserved_bytes"] == 0
                and counters["reprise_memory_used_bytes"] == counters["reprise_entry_bytes"]
            )

        counters = self.node.settle(settled)
        for name, expected in (
            ("reprise_connections", 1),
            ("reprise_memory_reserved_bytes", 0),
            ("reprise_memory_used_bytes", counters["reprise_entry_bytes"]),
            ("reprise_allocator_consistent", 1),
        ):
            if counters[name] != expected:
                raise AssertionError(f"{name} is {counters[name]:.0f}, not {expected:.0f}")
        readable = self.check_values()
        if readable != counters["reprise_entries"]:
            entries = counters["reprise_entries"]
            raise AssertionError(f"{readable} keys are readable, reprise_entries is {entries:.0f}")
        used = counters["reprise_memory_used_bytes"] / MIB
        evicted = counters["reprise_evictions_total"]
        return f"{readable} of {self.key_count} keys readable, {used:.1f} MiB in use, {evicted:.0f} evicted"

    def check_values(self) -> int:
        readable = 0
        with self.node.client() as client:
            for index in range(self.key_count):
                value = client.get(self.key(index))
                if value is not None:
                    readable += 1
                    version = self.prove(index, value, self.progress.finished(index))
                    # Once seen, a version that its writer did not live to finish is the oldest allowed.
                    self.progress.finish(index, version)
        return readable

    def check_resident_memory(self) -> str:
        counters = self.node.statistics()
        names = ("reprise_memory_capacity_bytes", "reprise_index_bytes", "reprise_buffer_bytes")
        expected = sum(counters[name] for name in names)
        resident = self.node.resident_byte_count()
        line = (
            f"resident memory {resident / MIB:.1f} MiB; arena, index and buffers {expected / MIB:.1f} MiB; "
            f"{(resident - expected) / MIB:+.1f} MiB besides (at most {RESIDENT_SLACK_BYTE_COUNT / MIB:.0f})"
        )
        if resident > expected + RESIDENT_SLACK_BYTE_COUNT:
            raise AssertionError(line)
        return line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--memory-mib", type=int, default=64)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--sanitized", action="store_true", help="the node's memory is a sanitizer's too")
    options = parser.parse_args()
    print(f"soak: {options.rounds} rounds, {options.clients} clients each, seed {options.seed}", flush=True)
    folder = tempfile.TemporaryDirectory()
    unix_socket = pathlib.Path(folder.name) / "reprise.sock"
    with folder, RespNode(memory=f"{options.memory_mib}MiB", unix_socket=unix_socket) as node:
        soak, resp_rounds = Soak(node, options.clients, options.seed), RespRounds(node, options.seed)
        local_rounds = LocalRounds(node, unix_socket, options.seed)
        for number in range(options.rounds):
            try:
                line = f"{soak.round(number)}; {resp_rounds.round(number)}; {local_rounds.round(number)}"
            except (AssertionError, ValueError, OSError) as error:
                print(f"round {number} FAILED (seed {options.seed}): {error}", flush=True)
                raise
            print(f"round {number}: {line}", flush=True)
        if not options.sanitized:
            print(f"soak: {soak.check_resident_memory()}", flush=True)
        node.terminate()
        if node.process.wait(30) != 0:
            raise AssertionError(f"the node ended with status {node.process.returncode}")
    print(f"soak: {options.rounds} rounds held", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
