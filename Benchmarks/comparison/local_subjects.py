"""What local_peers.py measures: each stores values from arrays and loads them into others."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import threading
import time
from collections.abc import Callable

import numpy as np

MEBIBYTE = 1 << 20
# Linux's MADV_COLLAPSE (6.1), which Python's mmap does not name.
MADVISE_COLLAPSE = 25


class Threads(int):
    """How many threads store, or load, at a time."""

    @property
    def title(self) -> str:
        return f"{self} thread{'' if self == 1 else 's'}"


class Arrays:
    """Values in ordinary memory, and the memory that they are loaded into."""

    def __init__(self, count: int, byte_count: int):
        generator = np.random.default_rng(1)
        self.sources = [generator.integers(0, 256, byte_count, dtype=np.uint8) for _ in range(count)]
        self.targets = [np.zeros(byte_count, dtype=np.uint8) for _ in range(count)]
        # LMCache's client for files takes its own keys only.
        self.keys = [f"local-peers@01000100@0@{index:064x}" for index in range(count)]

    def clear(self) -> None:
        for target in self.targets:
            target.fill(0)

    def wrong_count(self) -> int:
        pairs = zip(self.sources, self.targets, strict=True)
        return sum(not np.array_equal(source, target) for source, target in pairs)


def on_threads(count: int, threads: int, work: Callable[[int], None]) -> float:
    """Seconds that `work` takes for all numbers below `count`, shared out among threads."""
    failures: list[BaseException] = []

    def run(first: int) -> None:
        try:
            for index in range(first, count, threads):
                work(index)
        except BaseException as error:
            failures.append(error)

    others = [threading.Thread(target=run, args=(first,)) for first in range(1, threads)]
    started = time.perf_counter()
    for other in others:
        other.start()
    run(0)
    for other in others:
        other.join()
    elapsed = time.perf_counter() - started
    if failures:
        raise failures[0]
    return elapsed


class Reprise:
    """Blocking calls of `reprise.Client` on a node in another process."""

    name = "reprise"

    def __init__(self, path: str):
        import reprise

        self.client = reprise.Client(path)

    def forget(self, arrays: Arrays, threads: int) -> None:
        self.client.delete_many(arrays.keys)

    def put(self, arrays: Arrays, threads: int) -> float:
        return on_threads(
            len(arrays.keys), threads, lambda i: self.client.set(arrays.keys[i], arrays.sources[i])
        )

    def get(self, arrays: Arrays, threads: int) -> float:
        def work(index: int) -> None:
            if not self.client.get_into(arrays.keys[index], arrays.targets[index]):
                raise RuntimeError(f"{arrays.keys[index]} is missing")

        return on_threads(len(arrays.keys), threads, work)

    def close(self) -> None:
        self.client.close()


class CopyTo:
    """numpy.copyto between ordinary memory and memory as the node's: shared, populated, in huge pages."""

    name = "copyto"

    def __init__(self, arrays: Arrays):
        byte_count = sum(source.nbytes for source in arrays.sources)
        descriptor = os.memfd_create("local-peers")
        os.ftruncate(descriptor, byte_count)
        self.memory = mmap.mmap(descriptor, byte_count, mmap.MAP_SHARED)
        os.close(descriptor)
        with contextlib.suppress(OSError):
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        whole = np.frombuffer(self.memory, dtype=np.uint8)
        whole.fill(1)
        with contextlib.suppress(OSError):
            self.memory.madvise(MADVISE_COLLAPSE)
        # Collapsing has taken the pages out of this mapping: without this the first copies would fault.
        whole.fill(1)
        self.slots = np.split(whole, len(arrays.sources))

    def forget(self, arrays: Arrays, threads: int) -> None:
        """A copy is always made."""

    def put(self, arrays: Arrays, threads: int) -> float:
        return on_threads(len(self.slots), threads, lambda i: np.copyto(self.slots[i], arrays.sources[i]))

    def get(self, arrays: Arrays, threads: int) -> float:
        return on_threads(len(self.slots), threads, lambda i: np.copyto(arrays.targets[i], self.slots[i]))

    def close(self) -> None:
        # The mapping goes with the process: arrays show it.
        self.slots = []


class Native:
    """One of LMCache's native clients, with as many workers as threads and a value under way for each."""

    def __init__(self, name: str, make: Callable[[int], object], counts: tuple[Threads, ...]):
        self.name = name
        self.clients = {count: make(count) for count in counts}

    def forget(self, arrays: Arrays, threads: int) -> None:
        client = self.clients[threads]
        poller = select.poll()
        poller.register(client.event_fd(), select.POLLIN)
        client.submit_batch_delete(arrays.keys)
        ended = []
        while not ended:
            poller.poll()
            ended = client.drain_completions()
        if not ended[0][1]:
            raise RuntimeError(f"{self.name}: {ended[0][2]}")

    def put(self, arrays: Arrays, threads: int) -> float:
        return self._run(threads, len(arrays.keys), "submit_batch_set", arrays.keys, arrays.sources)

    def get(self, arrays: Arrays, threads: int) -> float:
        return self._run(threads, len(arrays.keys), "submit_batch_get", arrays.keys, arrays.targets)

    def _run(self, threads: int, count: int, operation: str, keys: list[str], memory: list) -> float:
        client = self.clients[threads]
        submit = getattr(client, operation)
        poller = select.poll()
        poller.register(client.event_fd(), select.POLLIN)
        views = [memoryview(array) for array in memory]
        submitted = ended = 0
        started = time.perf_counter()
        while ended < count:
            while submitted < count and submitted - ended < threads:
                submit([keys[submitted]], [views[submitted]])
                submitted += 1
            poller.poll()
            for _, ok, error, _ in client.drain_completions():
                if not ok:
                    raise RuntimeError(f"{self.name}: {error}")
                ended += 1
        return time.perf_counter() - started

    def close(self) -> None:
        for client in self.clients.values():
            client.close()
