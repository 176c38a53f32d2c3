"""Clients of the local protocol that die at any point of every operation, against one node.

A round has writers with keys of their own, readers, and pairs of a scheduler, which looks up and keeps, and a
worker of its session, which redeems. All die: by themselves in the middle of an operation, or by the parent
wherever they are; some leave a child that keeps their socket. One witness lives through the round: its lease
keeps its bytes, and it is served all the time. After the round nothing is leased, reserved, kept or in
quarantine, every readable value proves itself, and the node's books balance.

Usage, for these rounds alone: python local_rounds.py [--rounds 10] [--seed N]. Standard library only.
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
from progress import Progress  # noqa: E402
from support.local import (  # noqa: E402
    ABANDON, COMMIT, EXISTS, FORGET, KEEP, LOOKUP, OK, PUT, RELEASE, REMOVE, RESERVE, STATS,
    Local, keys_body, message,
)
from support.redis_server import RespNode  # noqa: E402

MIB = 1 << 20
WRITER_COUNT, READER_COUNT, PAIR_COUNT = 3, 2, 2
KEYS_PER_WRITER = 12
KEY_COUNT = WRITER_COUNT * KEYS_PER_WRITER
VALUE_BYTE_COUNTS = (30, 1000, 4096, 100_000, MIB + 1, 3 * MIB)
HEIR_SECONDS = 2.0
WITNESS_KEY = b"soak:local:witness"
EMPTY_GAUGES = (
    "reprise_local_leases", "reprise_local_leased_bytes", "reprise_local_reservations",
    "reprise_local_reserved_bytes", "reprise_local_kept_bytes", "reprise_local_quarantined_connections",
    "reprise_memory_reserved_bytes",
)  # fmt: skip
# Of values that nobody lives to store.
NEVER = (1 << 63) + 1


def die(source: random.Random) -> None:
    """Ends this process; sometimes a child of it lives on for a while, with its sockets open."""
    if source.random() < 0.2 and os.fork() == 0:
        time.sleep(HEIR_SECONDS)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


class LocalRounds:
    """The rounds against one node."""

    def __init__(self, node, path, seed: int):
        self.node, self.path = node, path
        self.random = random.Random(seed ^ 0x4C4F_4341)
        self.progress = Progress(KEY_COUNT)

    @staticmethod
    def key(index: int) -> bytes:
        return b"soak:local:%04x" % index

    def value(self, index: int, version: int, source: random.Random) -> bytes:
        return values.make(self.key(index).decode(), version, source.choice(VALUE_BYTE_COUNTS))

    def connect(self, **fields) -> Local:
        return Local(self.path, timeout=children.LIMIT_SECONDS, **fields)

    # In a child

    def write(self, writer: int, source: random.Random) -> None:
        """Stores versions of this writer's keys, and dies between two steps of the last one."""
        client = self.connect()
        for _ in range(source.randrange(1, 25)):
            index = writer * KEYS_PER_WRITER + source.randrange(KEYS_PER_WRITER)
            version = self.progress.begin(index)
            self.store(client, index, version, source)
            self.progress.finish(index, version)
        index = writer * KEYS_PER_WRITER + source.randrange(KEYS_PER_WRITER)
        self.die_storing(client, index, source)

    def store(self, client: Local, index: int, version: int, source: random.Random) -> None:
        value = self.value(index, version, source)
        if source.random() < 0.25:
            head = message(PUT, keys_body([self.key(index)]), number=1, count=1, argument=len(value))
            client.socket.sendall(head + value)
            status = client.read().status
        else:
            status = self.store_in_place(client, index, value)
        if status != OK:
            raise AssertionError(f"a store was answered with {status}")

    def store_in_place(self, client: Local, index: int, value: bytes) -> int:
        (room,) = client.reserve({self.key(index): len(value)})
        if room.status != OK:
            return room.status
        os.pwrite(client.descriptor, value, room.offset)
        return client.numbers(COMMIT, [room.number]).statuses()[0]

    def die_storing(self, client: Local, index: int, source: random.Random) -> None:
        value, key = self.value(index, NEVER, source), self.key(index)
        step = source.randrange(4)
        if step == 0:
            request = message(PUT, keys_body([key]), number=1, count=1, argument=len(value)) + value
            client.socket.sendall(request[: source.randrange(1, len(request))])
            die(source)
        count = source.randrange(1, 5)
        rooms = client.reserve({b"soak:local:never%d" % place: len(value) for place in range(count)})
        held = [room for room in rooms if room.status == OK]
        if step >= 2:
            for room in held:
                os.pwrite(client.descriptor, value[: source.randrange(len(value))], room.offset)
        if step == 3 and held:
            client.numbers(ABANDON, [held[0].number], reply=source.random() < 0.5)
        if source.random() < 0.3:
            client.socket.sendall(message(RESERVE, b"")[: source.randrange(1, 32)])
        die(source)

    def read(self, source: random.Random) -> None:
        """Reads and proves values where they lie, and dies with leases."""
        client = self.connect()
        for _ in range(source.randrange(1, 60)):
            self.read_some(client, source)
        client.acquire([self.key(source.randrange(KEY_COUNT)) for _ in range(4)])
        operation = source.choice((EXISTS, LOOKUP, REMOVE, STATS))
        body = b"" if operation in (REMOVE, STATS) else keys_body([self.key(0)])
        request = message(operation, body, number=1, count=1 if body else 0)
        client.socket.sendall(request[: source.randrange(1, len(request) + 1)])
        die(source)

    def read_some(self, client: Local, source: random.Random) -> None:
        indices = sorted({source.randrange(KEY_COUNT) for _ in range(source.choice((1, 1, 5)))})
        oldest = [self.progress.finished(index) for index in indices]
        leases = client.acquire([self.key(index) for index in indices])
        for index, lease, before in zip(indices, leases, oldest):
            if lease.status == OK:
                self.prove(index, client.bytes_of(lease), before)
        numbers = [lease.number for lease in leases if lease.status == OK]
        client.numbers(RELEASE, numbers, reply=source.random() < 0.3)

    def prove(self, index: int, value: bytes, oldest: int) -> int:
        version = values.version_of(self.key(index).decode(), value)
        newest = self.progress.begun(index)
        if not oldest <= version <= newest:
            raise ValueError(f"{self.key(index)}: version {version}, not one of {oldest} to {newest}")
        return version

    def schedule_and_work(self, source: random.Random) -> None:
        """Plays both ends of a session, and dies between lookup and load."""
        session = source.randbytes(15) + b"s"
        scheduler, worker = self.connect(session=session), self.connect(session=session)
        for _ in range(source.randrange(1, 30)):
            first = source.randrange(KEY_COUNT)
            keys = [self.key(index) for index in range(first, min(first + 4, KEY_COUNT))]
            reply = scheduler.ask_keys(LOOKUP, keys, flags=KEEP)
            if reply.count and source.random() < 0.8:
                leases = worker.acquire(keys[: reply.count], lookup=reply.argument)
                numbers = [lease.number for lease in leases if lease.status == OK]
                worker.numbers(RELEASE, numbers, reply=False)
            elif source.random() < 0.5:
                scheduler.send(FORGET, argument=reply.argument)
        scheduler.ask_keys(LOOKUP, [self.key(index) for index in range(4)], flags=KEEP)
        die(source)

    # In the parent

    def round(self, number: int) -> str:
        with self.connect() as witness:
            witness.store(WITNESS_KEY, values.make("witness", number, MIB))
            (lease,) = witness.acquire([WITNESS_KEY])
            witness.ask_keys(REMOVE, [WITNESS_KEY])
            self.run_clients(number, witness)
            if values.version_of("witness", witness.bytes_of(lease)) != number:
                raise ValueError("the witness's lease has other bytes")
            witness.numbers(RELEASE, [lease.number])
        self.settle()
        return self.check_values()

    def run_clients(self, number: int, witness: Local) -> None:
        seed = self.random.getrandbits
        clients = [children.spawn(seed(64), self.write, writer) for writer in range(WRITER_COUNT)]
        clients += [children.spawn(seed(64), self.read) for _ in range(READER_COUNT)]
        clients += [children.spawn(seed(64), self.schedule_and_work) for _ in range(PAIR_COUNT)]
        if number % 2 == 1:
            time.sleep(self.random.uniform(0.02, 0.4))
            children.kill(clients)
        value = values.make("other", number, 100_000)
        for _ in range(20):
            witness.store(WITNESS_KEY, value)
            if witness.load(WITNESS_KEY) not in (value, None):
                raise ValueError("the witness reads other bytes than it has stored")
        witness.ask_keys(REMOVE, [WITNESS_KEY])
        children.reap_all(clients)

    def settle(self) -> None:
        counters = self.node.settle(lambda counters: all(counters[name] == 0 for name in EMPTY_GAUGES))
        wrong = {name: counters[name] for name in EMPTY_GAUGES if counters[name] != 0}
        if wrong:
            raise AssertionError(f"what dead clients held is still held: {wrong}")

    def check_values(self) -> str:
        readable = 0
        with self.connect() as client:
            for index in range(KEY_COUNT):
                value = client.load(self.key(index))
                if value is not None:
                    readable += 1
                    self.prove(index, value, self.progress.finished(index))
            client.ask_keys(REMOVE, [self.key(index) for index in range(KEY_COUNT)])
            never = client.ask_keys(EXISTS, [b"soak:local:never%d" % place for place in range(5)])
            if OK in never.statuses():
                raise AssertionError("a value was published whose writer did not live to commit it")
        return f"{readable} of {KEY_COUNT} local keys readable"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"local rounds: {options.rounds}, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "reprise.sock"
        with RespNode(memory="64MiB", unix_socket=path) as node:
            rounds = LocalRounds(node, path, options.seed)
            for number in range(options.rounds):
                print(f"round {number}: {rounds.round(number)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
