"""Rounds of LMCache 0.5.6's own lm:// client against a server. Run by test_lmcache_lm.py in a child process.

Usage: python lmcache_round.py ROUND HOST PORT; exits 0 when the round held.
The connector blocks its event loop on a broken peer, so the caller must be able to kill this process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time

os.environ.update(LMCACHE_TRACK_USAGE="false", LMCACHE_DISABLE_BANNER="1", LMCACHE_LOG_LEVEL="WARNING")

import torch  # noqa: E402
from lmcache.v1.cache_engine import LMCacheEngineBuilder  # noqa: E402
from lmcache.v1.gpu_connector.gpu_connectors import GPUConnectorInterface  # noqa: E402
from lmcache.utils import CacheEngineKey  # noqa: E402
from lmcache.v1.config import LMCacheEngineConfig  # noqa: E402
from lmcache.v1.memory_management import MemoryFormat  # noqa: E402
from lmcache.v1.metadata import LMCacheMetadata  # noqa: E402
from lmcache.v1.storage_backend.connector import CreateConnector  # noqa: E402
from lmcache.v1.storage_backend.local_cpu_backend import LocalCPUBackend  # noqa: E402
from lmcache.v1.storage_backend.remote_backend import RemoteBackend  # noqa: E402

CHUNK_SHAPE = (2, 4, 256, 1024)
LARGE_SHAPE = (2, 4, 2048, 1024)


class Session:
    """LMCache's local side: configuration, a CPU pool, and an event loop on its own thread."""

    def __init__(self, url: str, **options):
        self.url = url
        self.config = LMCacheEngineConfig.from_defaults(
            chunk_size=256, local_cpu=False, max_local_cpu_size=0.5, remote_url=url, remote_serde="naive",
            **options
        )
        self.metadata = LMCacheMetadata(
            model_name="test-model",
            world_size=1,
            local_world_size=1,
            worker_id=0,
            local_worker_id=0,
            kv_dtype=torch.bfloat16,
            kv_shape=(4, 2, 256, 8, 128),
        )
        self.pool = LocalCPUBackend(self.config, self.metadata, dst_device="cpu")
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(120)

    def connector(self):
        async def create():
            return CreateConnector(self.url, self.loop, self.pool, self.config, self.metadata)

        return self.run(create())

    def key(self, chunk_hash: int, dtype=torch.bfloat16) -> CacheEngineKey:
        return CacheEngineKey("test-model", 1, 0, chunk_hash, dtype)

    def object(self, seed: int, shape=CHUNK_SHAPE, dtype=torch.bfloat16, fmt=MemoryFormat.KV_2LTD):
        """A memory object full of bytes drawn from `seed`, and a copy of its tensor."""
        generator = torch.Generator().manual_seed(seed)
        memory_object = self.pool.allocate(torch.Size(shape), dtype, fmt)
        assert memory_object is not None, "the local pool is too small for this round"
        if dtype == torch.uint8:
            expected = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        else:
            expected = torch.rand(shape, generator=generator, dtype=torch.float32).to(dtype)
        memory_object.tensor.copy_(expected)
        return memory_object, expected


def check(memory_object, expected, fmt=MemoryFormat.KV_2LTD) -> None:
    assert memory_object is not None, "a stored chunk was not found"
    tensor = memory_object.tensor
    assert tensor.shape == expected.shape, f"shape {tensor.shape}, not {expected.shape}"
    assert tensor.dtype == expected.dtype, f"dtype {tensor.dtype}, not {expected.dtype}"
    assert memory_object.get_memory_format() == fmt, f"format {memory_object.get_memory_format()}, not {fmt}"
    assert torch.equal(tensor.view(torch.uint8), expected.view(torch.uint8)), "the bytes differ"
    memory_object.ref_count_down()


def basic(session: Session) -> None:
    """exists is false; put; exists is true; get is bit-equal; the object put is referenced by us alone."""
    connector, key = session.connector(), session.key(0x1001)
    assert session.run(connector.exists(key)) is False
    assert session.run(connector.get(key)) is None
    memory_object, expected = session.object(1)
    memory_object.ref_count_up()
    session.run(connector.put(key, memory_object))
    assert session.run(connector.exists(key)) is True
    assert connector.exists_sync(key) is True
    check(session.run(connector.get(key)), expected)
    assert memory_object.get_ref_count() == 1, f"{memory_object.get_ref_count()} references after put"
    check(session.run(connector.get(key)), expected)
    assert session.run(connector.get(session.key(0x1002))) is None
    assert session.run(connector.exists(session.key(0x1001, torch.float16))) is False


def dtypes(session: Session) -> None:
    """Every dtype and several shapes come back as they were sent."""
    connector = session.connector()
    cases = [
        (torch.float16, (2, 4, 16, 64), MemoryFormat.KV_2LTD),
        (torch.bfloat16, (2, 4, 16, 64), MemoryFormat.KV_2LTD),
        (torch.float32, (16, 2, 64), MemoryFormat.KV_T2D),
        (torch.uint8, (1, 1, 2, 8), MemoryFormat.KV_2LTD),
        (torch.uint8, (1000,), MemoryFormat.KV_2LTD),
        (torch.bfloat16, (2, 16, 64), MemoryFormat.KV_2TD),
        (torch.bfloat16, (4, 256, 576), MemoryFormat.KV_MLA_FMT),
    ]
    for index, (dtype, shape, fmt) in enumerate(cases):
        memory_object, expected = session.object(index, shape, dtype, fmt)
        key = session.key(0x2000 + index, dtype)
        session.run(connector.put(key, memory_object))
        check(session.run(connector.get(key)), expected, fmt)


def concurrent(session: Session) -> None:
    """Ten puts at once, then ten gets at once, each with the right data."""
    connector = session.connector()
    objects = [session.object(100 + index) for index in range(10)]

    async def put_all():
        await asyncio.gather(
            *(connector.put(session.key(0x3000 + i), o) for i, (o, _) in enumerate(objects))
        )

    async def get_all():
        return await asyncio.gather(*(connector.get(session.key(0x3000 + i)) for i in range(10)))

    session.run(put_all())
    for memory_object, (_, expected) in zip(session.run(get_all()), objects, strict=True):
        check(memory_object, expected)


def large(session: Session) -> None:
    """A 32 MiB tensor, several times over."""
    connector = session.connector()
    for seed in range(3):
        memory_object, expected = session.object(seed, LARGE_SHAPE)
        session.run(connector.put(session.key(0x4000), memory_object))
        check(session.run(connector.get(session.key(0x4000))), expected)


def connections(session: Session) -> None:
    """What one connection stored another one reads; closing one leaves the others alone."""
    connectors = [session.connector() for _ in range(5)]
    stored = []
    for index, connector in enumerate(connectors):
        memory_object, expected = session.object(500 + index)
        session.run(connector.put(session.key(0x5000 + index), memory_object))
        assert session.run(connector.exists(session.key(0x5000 + index)))
        stored.append(expected)
    session.run(connectors[0].close())
    for connector in connectors[1:]:
        for index, expected in enumerate(stored):
            check(session.run(connector.get(session.key(0x5000 + index))), expected)


def backend(session: Session) -> None:
    """LMCache's RemoteBackend with remote_url="lm://…": contains, put tasks, blocking and batched gets."""
    remote = RemoteBackend(session.config, session.metadata, session.loop, session.pool, dst_device="cpu")
    assert remote.connection is not None, "the backend did not connect"
    keys = [session.key(0x6000 + index) for index in range(8)]
    assert not remote.contains(keys[0])
    assert remote.get_blocking(keys[0]) is None
    objects = [session.object(600 + index) for index in range(8)]
    futures = remote.batched_submit_put_task(keys, [memory_object for memory_object, _ in objects])
    for future in futures or []:
        future.result(60)
    while any(remote.exists_in_put_tasks(key) for key in keys):
        time.sleep(0.01)
    for key, (_, expected) in zip(keys, objects, strict=True):
        assert remote.contains(key)
        check(remote.get_blocking(key), expected)
    got = remote.batched_get_blocking(keys)
    for memory_object, (_, expected) in zip(got, objects, strict=True):
        check(memory_object, expected)
    assert not remote.contains(session.key(0x6999))


class CPUCache(GPUConnectorInterface):
    """An engine's KV cache in ordinary memory, as one tensor [2, layers, tokens, hidden]."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor

    def from_gpu(self, memory_obj, start, end, **_):
        memory_obj.tensor.copy_(self.tensor[:, :, start:end])

    def to_gpu(self, memory_obj, start, end, **_):
        self.tensor[:, :, start:end] = memory_obj.tensor

    def batched_from_gpu(self, memory_objs, starts, ends, **_):
        for memory_obj, start, end in zip(memory_objs, starts, ends, strict=True):
            self.from_gpu(memory_obj, start, end)

    def batched_to_gpu(self, memory_objs, starts, ends, **_):
        for memory_obj, start, end in zip(memory_objs, starts, ends, strict=True):
            self.to_gpu(memory_obj, start, end)

    def get_shape(self, num_tokens):
        return torch.Size((2, 4, num_tokens, 1024))


def engine(session: Session) -> None:
    """LMCache's engine stores a prompt; a second engine with an empty local cache retrieves its prefix."""

    def build(name: str, tensor: torch.Tensor):
        engine = LMCacheEngineBuilder.get_or_create(
            name, session.config, session.metadata, CPUCache(tensor), lambda *_: None, lambda value, _: value
        )
        engine.post_init()
        return engine

    tokens = torch.randint(0, 32_000, (2048,), generator=torch.Generator().manual_seed(7))
    stored = torch.rand((2, 4, 2048, 1024), generator=torch.Generator().manual_seed(8)).to(torch.bfloat16)
    writer = build("writer", stored)
    writer.store(tokens)
    deadline = time.monotonic() + 60
    loaded = torch.zeros_like(stored)
    reader = build("reader", loaded)
    while reader.lookup(tokens) < 2048:
        assert time.monotonic() < deadline, f"{reader.lookup(tokens)} of 2048 tokens found after 60 s"
        time.sleep(0.05)
    mask = reader.retrieve(tokens)
    assert mask.sum().item() == 2048, f"{mask.sum().item()} of 2048 tokens retrieved"
    assert torch.equal(loaded.view(torch.uint8), stored.view(torch.uint8)), "the bytes differ"
    changed = tokens.clone()
    changed[1024] += 1
    assert reader.lookup(changed) == 1024, f"{reader.lookup(changed)} tokens of the common prefix found"


ROUNDS = {
    round.__name__: round for round in (basic, dtypes, concurrent, large, connections, backend, engine)
}

if __name__ == "__main__":
    name, host, port = sys.argv[1:]
    ROUNDS[name](Session(f"lm://{host}:{port}"))
    print(f"round {name} held", flush=True)
    # LMCache's threads and the connector's blocked loop must not keep the process.
    os._exit(0)
