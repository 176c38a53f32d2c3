"""Rounds of LMCache 0.5.6's Redis clients against a server. Run by test_lmcache_redis.py in a child process.

Usage: python lmcache_resp_round.py URL ROUND...; prints `round ROUND held` for each that did, and exits.
close() of the redis:// and resp:// connectors waits for itself and never returns, and a resp:// GET of what
is not there waits for ever, so the caller must be able to kill this process.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time

import lmcache_round  # Before LMCache itself, whose environment it sets.
import torch
from lmcache.v1.storage_backend.native_clients.connector_client_base import ConnectorClientBase
from lmcache.v1.storage_backend.remote_backend import RemoteBackend
from lmcache_round import check

PARTIAL_SHAPE = (2, 4, 100, 1024)


def exists_on_the_loop(client, keys):
    """Stands in for LMCache 0.5.6's blocking lookup of resp://, which loses answers and then waits for ever.

    It submits the lookup in one thread and registers its future only then; an answer that the loop's thread
    sees in between is dropped. On the loop itself nothing comes in between.
    """
    return asyncio.run_coroutine_threadsafe(client.batch_exists(keys), client.loop).result()


ConnectorClientBase.batch_exists_sync = exists_on_the_loop


class Session(lmcache_round.Session):
    """As for lm://, but some schemes store a chunk as it is, so that every chunk must be a whole one."""

    def __init__(self, url: str, **extra):
        self.scheme = url.partition(":")[0]
        self.is_bare = self.scheme in ("resp", "valkey")
        bare = {"save_chunk_meta": False} if self.is_bare else {}
        super().__init__(url, save_unfull_chunk=not self.is_bare, extra_config=bare | extra)


def basic(session: Session) -> None:
    """exists is false; put; exists is true; get is bit-equal, twice; another key is not there."""
    connector, key = session.connector(), session.key(0x1001)
    assert session.run(connector.exists(key)) is False
    memory_object, expected = session.object(1)
    session.run(connector.put(key, memory_object))
    assert session.run(connector.exists(key)) is True
    assert connector.exists_sync(key) is True
    for _ in range(2):
        check(session.run(connector.get(key)), expected)
    assert session.run(connector.exists(session.key(0x1002))) is False
    if session.scheme != "resp":
        assert session.run(connector.get(session.key(0x1002))) is None


def overwrite(session: Session) -> None:
    """The second put of a key is what is read, also by another connector."""
    connector, other, key = session.connector(), session.connector(), session.key(0x2001)
    for seed in range(5):
        memory_object, expected = session.object(seed)
        session.run(connector.put(key, memory_object))
        check(session.run(other.get(key)), expected)


def batched(session: Session) -> None:
    """Puts and gets of many chunks at once, and the length of the prefix that is there."""
    connector = session.connector()
    objects = [session.object(100 + index) for index in range(16)]
    keys = [session.key(0x3000 + index) for index in range(16)]
    if connector.support_batched_put():
        session.run(connector.batched_put(keys, [memory_object for memory_object, _ in objects]))
    if connector.support_batched_async_contains():
        longer = keys[:10] + [session.key(0x3999)] + keys[10:]
        assert session.run(connector.batched_async_contains("lookup", keys)) == 16
        assert session.run(connector.batched_async_contains("lookup", longer)) == 10
    if connector.support_batched_get():
        found = session.run(connector.batched_get(keys))
    else:
        found = [session.run(connector.get(key)) for key in keys]
    for memory_object, (_, expected) in zip(found, objects, strict=True):
        check(memory_object, expected)


def concurrent(session: Session) -> None:
    """Puts, gets and lookups of many tasks at once."""
    connector = session.connector()
    objects = [session.object(300 + index) for index in range(20)]

    async def talk(index: int):
        await connector.put(session.key(0x4000 + index), objects[index][0])
        assert await connector.exists(session.key(0x4000 + index))
        return await connector.get(session.key(0x4000 + index))

    async def talk_all():
        return await asyncio.gather(*(talk(index) for index in range(20)))

    for memory_object, (_, expected) in zip(session.run(talk_all()), objects, strict=True):
        check(memory_object, expected)


def partial(session: Session) -> None:
    """A chunk that is not whole comes back in its own shape; only redis:// can store one."""
    assert not session.is_bare
    connector, key = session.connector(), session.key(0x5001)
    memory_object, expected = session.object(1, PARTIAL_SHAPE)
    session.run(connector.put(key, memory_object))
    found = session.run(connector.get(key))
    assert found.tensor.shape == expected.shape
    check(found, expected)


def backend(session: Session) -> None:
    """LMCache's RemoteBackend: contains, put tasks, blocking and batched gets."""
    remote = RemoteBackend(session.config, session.metadata, session.loop, session.pool, dst_device="cpu")
    assert remote.connection is not None, "the backend did not connect"
    keys = [session.key(0x6000 + index) for index in range(8)]
    assert not remote.contains(keys[0])
    objects = [session.object(600 + index) for index in range(8)]
    stored = []
    remote.batched_submit_put_task(
        keys, [memory_object for memory_object, _ in objects], on_complete_callback=stored.append
    )
    deadline = time.monotonic() + 60
    while len(stored) < len(keys):
        assert time.monotonic() < deadline, f"{len(stored)} of {len(keys)} put tasks ended"
        time.sleep(0.01)
    for key, (_, expected) in zip(keys, objects, strict=True):
        assert remote.contains(key)
        check(remote.get_blocking(key), expected)
    for memory_object, (_, expected) in zip(remote.batched_get_blocking(keys), objects, strict=True):
        check(memory_object, expected)
    assert not remote.contains(session.key(0x6999))


def store(session: Session) -> None:
    """Stores one chunk and prints its key and bytes' sum, for a reader that speaks another protocol."""
    connector, key = session.connector(), session.key(0x7001)
    memory_object, expected = session.object(7)
    session.run(connector.put(key, memory_object))
    assert session.run(connector.exists(key)) is True
    digest = hashlib.sha256(bytes(memory_object.byte_array)).hexdigest()
    shape = ",".join(str(count) for count in expected.shape)
    other = session.key(0x7002).to_string()
    print(f"stored {key.to_string()} {digest} shape {shape} other {other}", flush=True)


def fetch(session: Session) -> None:
    """Fetches, under another key, the chunk that `store` has stored; somebody else has put it there."""
    connector, key = session.connector(), session.key(0x7002)
    assert session.run(connector.exists(key)) is True, f"{key.to_string()} is not there"
    check(session.run(connector.get(key)), session.object(7)[1])


def expiring(session: Session) -> None:
    """valkey:// with a time to live of one second."""
    session = Session(session.url, valkey_enable_ttl=True, valkey_ttl_sec=1)
    connector, key = session.connector(), session.key(0x8001)
    memory_object, expected = session.object(8)
    session.run(connector.put(key, memory_object))
    check(session.run(connector.get(key)), expected)
    time.sleep(1.5)
    assert session.run(connector.exists(key)) is False
    assert session.run(connector.get(key)) is None


def clustered(session: Session) -> None:
    """valkey:// in its cluster mode."""
    basic(Session(session.url, valkey_mode="cluster"))


def login(session: Session) -> None:
    """A password, which these schemes take in three ways.

    LMCache 0.5.6 hands valkey-glide the user's name as the password and the password as the name, so that
    valkey:// only logs in with the two in each other's place.
    """
    password = os.environ["ROUND_PASSWORD"]
    extra = {
        "resp": {"password": password},
        "valkey": {"valkey_username": password, "valkey_password": "default"},
        "redis": {},
    }[session.scheme]
    basic(Session(session.url, **extra))


ROUNDS = {
    round.__name__: round
    for round in (
        basic, overwrite, batched, concurrent, partial, backend, store, fetch, expiring, clustered, login,
        lmcache_round.engine,
    )
}  # fmt: skip

if __name__ == "__main__":
    url, *names = sys.argv[1:]
    session = Session(url)
    for name in names:
        ROUNDS[name](session)
        print(f"round {name} held", flush=True)
    # The threads and the connectors' blocked loops must not keep the process.
    os._exit(0)
