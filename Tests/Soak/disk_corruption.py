"""Damages a disk's files between two runs of its node, and reads everything back.

Bits are flipped anywhere, records copied over others, pages zeroed, files cut off, emptied or replaced by
older copies of themselves. Whatever was done, a read returns the bytes of the key's value or nothing, and the
next put repairs it. Counts what was done and how many reads were wrong, which must be none. The numbers come
from --seed.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Clients")]
from disk_rounds import value  # noqa: E402
from support import resp  # noqa: E402
from support.node import Node  # noqa: E402

DISK_BYTE_COUNT = 16 << 20
PAGE = 4096
KEY_COUNT = 120
JOURNALS = ("journal-0", "journal-1", "snapshot-0", "snapshot-1")
DAMAGES_PER_RUN = 100


class Directory:
    """The files of one disk, and an older copy of those that are not the data."""

    def __init__(self, path: str, source: random.Random):
        self.path = pathlib.Path(path)
        self.random = source
        self.older = pathlib.Path(path + "-older")

    def keep_copy(self) -> None:
        shutil.rmtree(self.older, ignore_errors=True)
        self.older.mkdir()
        for name in JOURNALS:
            shutil.copy(self.path / name, self.older / name)

    def flip(self, name: str) -> None:
        file = self.path / name
        offset = self.random.randrange(file.stat().st_size)
        with file.open("r+b") as handle:
            handle.seek(offset)
            byte = handle.read(1)[0]
            handle.seek(offset)
            handle.write(bytes([byte ^ 1 << self.random.randrange(8)]))

    def page(self) -> int:
        """A page of the data behind the superblocks."""
        return self.random.randrange(2, (self.path / "data").stat().st_size // PAGE)

    def zero(self) -> None:
        with (self.path / "data").open("r+b") as handle:
            handle.seek(self.page() * PAGE)
            handle.write(bytes(PAGE))

    def copy_over(self) -> None:
        count = self.random.randint(1, 8)
        with (self.path / "data").open("r+b") as handle:
            handle.seek(self.page() * PAGE)
            pages = handle.read(count * PAGE)
            handle.seek(self.page() * PAGE)
            handle.write(pages)
            size = (self.path / "data").stat().st_size
            if size % PAGE or size > DISK_BYTE_COUNT:
                handle.truncate(DISK_BYTE_COUNT // PAGE * PAGE // 2)

    def cut(self, name: str) -> None:
        file = self.path / name
        with file.open("r+b") as handle:
            handle.truncate(self.random.randrange(file.stat().st_size + 1) // PAGE * PAGE)

    def restore_older(self) -> None:
        name = self.random.choice(JOURNALS)
        if (self.older / name).exists():
            shutil.copy(self.older / name, self.path / name)

    def damage(self) -> None:
        """Does one of all these, most often a flipped bit."""
        kind = self.random.random()
        names = [name for name in JOURNALS if (self.path / name).stat().st_size > 0]
        if kind < 0.55:
            self.flip("data")
        elif kind < 0.75 and names:
            self.flip(self.random.choice(names))
        elif kind < 0.85:
            self.zero()
        elif kind < 0.97:
            self.copy_over()
        elif kind < 0.98:
            self.restore_older()
        elif kind < 0.985 and names:
            self.cut(self.random.choice(names))
        elif kind < 0.99:
            (self.path / self.random.choice(JOURNALS)).write_bytes(b"")
        elif kind < 0.992:
            self.cut("data")
        else:
            self.flip("data")


def start(path: str) -> Node:
    node = Node(memory="32MiB", arguments=["--disk", f"{path}:{DISK_BYTE_COUNT}B"])
    node.was_told_to_end = True
    return node


def stop(node: Node, with_signal: int) -> None:
    node.process.send_signal(with_signal)
    node.process.wait(timeout=60)
    node.__exit__(None, None, None)


def put_all(node: Node, versions: dict[str, int], sizes: dict[str, int], source: random.Random) -> None:
    with resp.Client(node.address) as client:
        for key in versions:
            versions[key] += 1
            sizes[key] = source.choice((500, 3000, 9000, 40_000))
            client.call("SET", key, value(key, versions[key], sizes[key]))
            if client.call("GET", key) != value(key, versions[key], sizes[key]):
                raise SystemExit(f"{key} does not read as it was put")
        while any(
            key.startswith("reprise_disk_queued_puts") and count > 0
            for key, count in node.statistics().items()
        ):
            pass


def read_all(node: Node, versions: dict[str, int], sizes: dict[str, int]) -> tuple[int, int]:
    hits = wrong = 0
    with resp.Client(node.address) as client:
        for key, version in versions.items():
            found = client.call("GET", key)
            if found is None:
                continue
            if found == value(key, version, sizes[key]):
                hits += 1
            else:
                wrong += 1
                print(f"WRONG: {key} has {found[:32]!r}, not version {version}", flush=True)
    return hits, wrong


def run(damage_count: int, seed: int, folder: str) -> None:
    source = random.Random(seed)
    path = os.path.join(folder, "disk")
    versions = {f"key-{number}": 0 for number in range(KEY_COUNT)}
    sizes: dict[str, int] = {}
    directory = Directory(path, source)
    done = hits = misses = wrong = remade = 0
    node = start(path)
    while done < damage_count:
        put_all(node, versions, sizes, source)
        if source.random() < 0.3:
            directory.keep_copy()
        stop(node, source.choice((signal.SIGTERM, signal.SIGKILL)))
        for _ in range(min(DAMAGES_PER_RUN, damage_count - done)):
            directory.damage()
            done += 1
        try:
            node = start(path)
        except RuntimeError as error:
            if "nothing on it can be believed" not in str(error):
                raise
            # Both superblocks were hit: as the message says, begin anew.
            shutil.rmtree(path)
            remade += 1
            node = start(path)
        found, bad = read_all(node, versions, sizes)
        hits, misses, wrong = hits + found, misses + KEY_COUNT - found - bad, wrong + bad
    stop(node, signal.SIGTERM)
    print(
        f"corruption: {done} done, {hits} values read and right, {misses} missing, {remade} disks made anew, "
        f"{wrong} undetected"
    )
    if wrong:
        raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    print(f"corruption: {arguments.damages} damages, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run(arguments.damages, arguments.seed, folder)


if __name__ == "__main__":
    main()
