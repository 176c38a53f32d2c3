"""Kills a node with a disk under load, again and again, and reads everything back.

Clients write, replace, let expire and remove values; at a random moment the node gets SIGKILL, or, now and
then, SIGTERM. It is started again on the same directory, and every key is read: no wrong byte, no value that
an acknowledged command has replaced or removed, and no more bytes of files than were configured. A value may
be missing, and a command that was not acknowledged may have been done or not. The numbers come from --seed.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Clients"))

from support import resp  # noqa: E402
from support.node import Node, binary  # noqa: E402

DISK_BYTE_COUNT = 48 << 20
MEMORY = "8MiB"
KEYS_PER_CLIENT = 24
CLIENT_COUNT = 4
SIZES = (1 << 10, 5_000, 40_000, 150_000, 300_000)


def value(key: str, version: int, byte_count: int) -> bytes:
    """Bytes that say which key and version they are of, from the first to the last."""
    block = struct.pack("<Q", version) + key.encode().ljust(24, b".")
    return (block * (byte_count // len(block) + 1))[:byte_count]


class Key:
    """What was done to one key: versions that were put, `None` for a removal, and whether that was told."""

    def __init__(self, name: str):
        self.name = name
        self.sizes: dict[int, int] = {}
        self.possible: set[int] = set()
        self.changes: list[list] = []

    def begin(self, version: int | None, size: int = 0) -> list:
        if version is not None:
            self.sizes[version] = size
        change = [version, False]
        self.changes.append(change)
        return change

    def die(self) -> None:
        """Which versions may be there after the death of the node."""
        last = max((index for index, change in enumerate(self.changes) if change[1]), default=None)
        if last is not None:
            self.possible = set()
        for version, _ in self.changes[last or 0 :]:
            if version is not None:
                self.possible.add(version)
        self.changes = []

    def check(self, found: bytes | None) -> bool:
        """Whether what was read is allowed; a version that was read is the key's from then on."""
        if found is None:
            return False
        version = struct.unpack("<Q", found[:8])[0]
        if version not in self.sizes or found != value(self.name, version, self.sizes[version]):
            raise SystemExit(f"WRONG BYTES: {self.name} has {found[:40]!r}")
        if version not in self.possible:
            raise SystemExit(f"OLD VALUE: {self.name} has version {version}; allowed: {self.possible}")
        self.possible = {version}
        return True


class Worker(threading.Thread):
    """One client with keys of its own, until the node is gone."""

    def __init__(self, number: int, keys: list[Key], address, seed: int, versions):
        super().__init__(daemon=True)
        self.keys = keys
        self.address = address
        self.random = random.Random(seed)
        self.versions = versions
        self.done = 0

    def run(self):
        try:
            with resp.Client(self.address, timeout=20) as client:
                while True:
                    self.step(client)
                    self.done += 1
        except (OSError, resp.Closed):
            pass

    def step(self, client: resp.Client) -> None:
        key = self.random.choice(self.keys)
        kind = self.random.random()
        if kind < 0.6:
            version, size = next(self.versions), self.random.choice(SIZES)
            change = key.begin(version, size)
            options = ("PX", 10_000_000) if self.random.random() < 0.2 else ()
            reply = client.raw("SET", key.name, value(key.name, version, size), *options)
            # Without room the older value stays.
            change[1] = reply.startswith(b"+")
        elif kind < 0.75:
            change = key.begin(None)
            client.raw("DEL", key.name)
            change[1] = True
        elif kind < 0.8:
            # Gone at once, and for good.
            change = key.begin(None)
            client.raw("PEXPIRE", key.name, -1)
            change[1] = True
        else:
            found = client.call("GET", key.name)
            if found is None:
                return
            version = struct.unpack("<Q", found[:8])[0]
            if found != value(key.name, version, key.sizes.get(version, -1)):
                raise SystemExit(f"WRONG BYTES while running: {key.name}")
            if key.changes and key.changes[-1][0] != version and key.changes[-1][1]:
                raise SystemExit(f"OLD VALUE while running: {key.name} has version {version}")


class Numbers:
    """Numbers for versions, to several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.last = 0

    def __next__(self) -> int:
        with self.lock:
            self.last += 1
            return self.last


def file_byte_count(path: str) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(path))


def start(path: str, sync: str) -> Node:
    arguments = ["--disk", f"{path}:{DISK_BYTE_COUNT}B", "--disk-sync", sync]
    return Node(memory=MEMORY, arguments=arguments)


def read_back(node: Node, keys: list[Key]) -> tuple[int, int]:
    hits = 0
    with resp.Client(node.address) as client:
        for key in keys:
            hits += key.check(client.call("GET", key.name))
    return hits, len(keys) - hits


def run(rounds: int, seed: int, path: str) -> None:
    generator = random.Random(seed)
    keys = [[Key(f"key-{client}-{n}") for n in range(KEYS_PER_CLIENT)] for client in range(CLIENT_COUNT)]
    every_key = [key for group in keys for key in group]
    versions = Numbers()
    total_hits = total_misses = total_commands = 0
    node = start(path, "none")
    for number in range(rounds):
        workers = [
            Worker(index, group, node.address, generator.getrandbits(32), versions)
            for index, group in enumerate(keys)
        ]
        for worker in workers:
            worker.start()
        time.sleep(generator.uniform(0.05, 0.6))
        is_stop = generator.random() < 0.15
        node.was_told_to_end = True
        node.process.send_signal(signal.SIGTERM if is_stop else signal.SIGKILL)
        node.process.wait(timeout=60)
        for worker in workers:
            worker.join(timeout=60)
        total_commands += sum(worker.done for worker in workers)
        node.__exit__(None, None, None)
        byte_count = file_byte_count(path)
        if byte_count > DISK_BYTE_COUNT:
            raise SystemExit(f"round {number}: {byte_count} bytes of files; configured are {DISK_BYTE_COUNT}")
        for key in every_key:
            key.die()
        node = start(path, generator.choice(("none", "none", "data")))
        hits, misses = read_back(node, every_key)
        total_hits += hits
        total_misses += misses
    node.was_told_to_end = True
    node.terminate()
    node.process.wait(timeout=60)
    node.__exit__(None, None, None)
    checked = subprocess.run([binary(), "check", path], capture_output=True, text=True)
    if checked.returncode != 0:
        raise SystemExit(f"reprise check: {checked.stdout}{checked.stderr}")
    print(
        f"disk: {rounds} rounds held, {total_commands} commands, {total_hits} values read back and right, "
        f"{total_misses} missing; {checked.stdout.splitlines()[0]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    print(f"disk: {arguments.rounds} rounds, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run(arguments.rounds, arguments.seed, os.path.join(folder, "disk"))


if __name__ == "__main__":
    main()
