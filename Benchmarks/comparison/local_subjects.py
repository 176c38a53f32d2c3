"""What local_peers.py measures: each stores values from arrays and loads them into others."""

from __future__ import annotations

import ctypes
import mmap
import os
import pathlib
import re
import select
import sys
import threading
import time
from collections.abc import Callable

import numpy as np

MEBIBYTE = 1 << 20
# Linux's MADV_COLLAPSE (6.1), which Python's mmap does not name.
MADVISE_COLLAPSE = 25
# Linux's MAP_FIXED, which it does not name either.
MAP_FIXED = 0x10
HUGE_PAGE_BYTE_COUNT = 2 * MEBIBYTE


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


def shared_memory(byte_count: int) -> np.ndarray:
    """Shared memory as the node's: at a multiple of a huge page, populated, and collapsed into huge pages.

    It goes with the process. Says so on standard error if the system has not made huge pages of it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    descriptor = os.memfd_create("local-peers")
    os.ftruncate(descriptor, byte_count)
    # A place is reserved first: only what begins at a multiple of a huge page can consist of them.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    reserved = libc.mmap(None, byte_count + HUGE_PAGE_BYTE_COUNT, 0, flags, -1, 0)
    address = -(-reserved // HUGE_PAGE_BYTE_COUNT) * HUGE_PAGE_BYTE_COUNT
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    if libc.mmap(address, byte_count, protection, mmap.MAP_SHARED | MAP_FIXED, descriptor, 0) != address:
        raise OSError(ctypes.get_errno(), "the shared memory cannot be mapped")
    os.close(descriptor)
    whole = np.frombuffer((ctypes.c_uint8 * byte_count).from_address(address), dtype=np.uint8)
    libc.madvise(address, byte_count, mmap.MADV_HUGEPAGE)
    whole.fill(1)
    libc.madvise(address, byte_count, MADVISE_COLLAPSE)
    # Collapsing has taken the pages out of this mapping: without this the first copies would fault.
    whole.fill(1)
    share = huge_page_byte_count("local-peers") / byte_count
    if share < 1:
        print(f"only {share:.0%} of numpy.copyto's memory lies in huge pages", file=sys.stderr)
    return whole


def huge_page_byte_count(name: str) -> int:
    """How many bytes of this process's mappings of a memory file are mapped in huge pages."""
    found, is_named = 0, False
    for line in pathlib.Path("/proc/self/smaps").read_text().splitlines():
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            is_named = f"/memfd:{name}" in line
        elif is_named and line.startswith("ShmemPmdMapped:"):
            found += int(line.split()[1]) * 1024
    return found


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
        whole = shared_memory(sum(source.nbytes for source in arrays.sources))
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
