"""LMCache's LocalDiskBackend, put and read back cold, by a process that stays: it takes long to start.

Reads `VALUE_BYTES COUNT BATCH` from each line of its input, and prints what DiskBench prints. Each time
it makes a new backend, as one forgets its disk when it ends. LMCache must be installed for the Python
that runs this.

Usage: python lmcache_disk.py DIRECTORY direct|buffered
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import shutil
import sys
import threading
import time

import torch
from lmcache.utils import CacheEngineKey
from lmcache.v1.config import LMCacheEngineConfig
from lmcache.v1.memory_allocators.mixed_memory_allocator import MixedMemoryAllocator
from lmcache.v1.memory_management import MemoryFormat
from lmcache.v1.storage_backend.local_cpu_backend import LocalCPUBackend
from lmcache.v1.storage_backend.local_disk_backend import LocalDiskBackend

PUT_LIMIT_SECONDS = 120


def make_backend(path: str, memory_byte_count: int, is_direct: bool, loop) -> LocalDiskBackend:
    extra = {"use_odirect": is_direct}
    config = LMCacheEngineConfig.from_defaults(
        chunk_size=256, local_cpu=False, local_disk=path, max_local_disk_size=64.0, extra_config=extra
    )
    memory = LocalCPUBackend(config, memory_allocator=MixedMemoryAllocator(memory_byte_count))
    return LocalDiskBackend(config, loop, memory, "cpu")


def keys(count: int) -> list[CacheEngineKey]:
    return [CacheEngineKey("model", 1, 0, number, torch.float16) for number in range(1, count + 1)]


def put(backend: LocalDiskBackend, batch: list[CacheEngineKey], objects: list) -> None:
    """Puts a batch and waits until all of it is written."""
    left = threading.Semaphore(0)
    backend.batched_submit_put_task(batch, objects, on_complete_callback=lambda _: left.release())
    for _ in batch:
        if not left.acquire(timeout=PUT_LIMIT_SECONDS):
            raise RuntimeError("a put did not end")


def timed(batches: list, operation) -> tuple[float, list[float]]:
    latencies = []
    start = time.perf_counter()
    for batch in batches:
        begin = time.perf_counter()
        operation(batch)
        latencies.append(time.perf_counter() - begin)
    return time.perf_counter() - start, latencies


def report(seconds: float, latencies: list[float], byte_count: int) -> dict:
    latencies = sorted(latencies)
    p99 = latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)]
    p50 = latencies[len(latencies) // 2]
    return {"bytes_per_second": byte_count / seconds, "p50_us": p50 * 1e6, "p99_us": p99 * 1e6}


def make_cold(path: str) -> None:
    """Drops the pages of every file from the page cache."""
    for file in pathlib.Path(path).iterdir():
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def measure(path: str, value_byte_count: int, count: int, batch_count: int, is_direct: bool, loop) -> dict:
    backend = make_backend(path, max(256 << 20, 4 * batch_count * value_byte_count), is_direct, loop)
    shape = torch.Size([2, value_byte_count // 4])
    objects = []
    for _ in range(batch_count):
        item = backend.local_cpu_backend.allocate(shape, torch.float16, MemoryFormat.KV_T2D)
        item.tensor.view(torch.int16).random_()
        objects.append(item)
    all_keys = keys(count)
    batches = [all_keys[start : start + batch_count] for start in range(0, count, batch_count)]
    missing = 0

    def get(batch: list[CacheEngineKey]) -> None:
        nonlocal missing
        for item in backend.batched_get_blocking(batch):
            if item is None:
                missing += 1
            else:
                item.ref_count_down()

    puts = timed(batches, lambda batch: put(backend, batch, objects[: len(batch)]))
    make_cold(path)
    gets = timed(batches, get)
    backend.close()
    shutil.rmtree(path)
    total = count * value_byte_count
    return {"put": report(*puts, total), "get": report(*gets, total), "wrong": missing}


def main() -> None:
    path, is_direct = sys.argv[1], sys.argv[2] == "direct"
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    for line in sys.stdin:
        numbers = [int(word) for word in line.split()]
        print(json.dumps(measure(path, *numbers, is_direct, loop)), flush=True)
    # Some of its threads never end by themselves.
    os._exit(0)


if __name__ == "__main__":
    main()
