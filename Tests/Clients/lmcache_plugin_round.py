"""The rounds of lmcache_round.py through Reprise's remote store plug-in, `reprise.lmcache.ConnectorAdapter`.

Usage: python lmcache_plugin_round.py ROUND SOCKET; exits 0 when the round held.
"""

from __future__ import annotations

import asyncio
import os
import sys

import lmcache_round
from lmcache.v1.storage_backend.connector import CreateConnector

NAME = "reprise.test"
PREFIX = f"remote_storage_plugin.{NAME}"


def session(socket: str, is_engine: bool) -> lmcache_round.Session:
    extra = {
        f"{PREFIX}.module_path": "reprise.lmcache",
        f"{PREFIX}.class_name": "ConnectorAdapter",
        f"{PREFIX}.socket": socket,
    }
    made = lmcache_round.Session(f"reprise://{socket}", remote_storage_plugins=[NAME], extra_config=extra)
    if is_engine:
        # The plug-in by its name alone, as a user configures it.
        made.config.remote_url = None
    return made


def plugin(made: lmcache_round.Session) -> None:
    """The connector by the plug-in's name, and what only it has: prefixes, removal, ping, cancelling."""

    async def create():
        return CreateConnector(f"plugin://{NAME}", made.loop, made.pool, made.config, made.metadata, NAME)

    connector = made.run(create())
    keys = [made.key(0x7000 + index) for index in range(5)]
    objects = [made.object(700 + index) for index in range(5)]
    stored = [0, 1, 3]
    made.run(connector.batched_put([keys[i] for i in stored], [objects[i][0] for i in stored]))
    assert connector.batched_contains(keys) == 2
    assert made.run(connector.batched_async_contains("id", keys)) == 2
    prefix = made.run(connector.batched_get_non_blocking("id", keys))
    assert len(prefix) == 2
    for found, index in zip(prefix, (0, 1)):
        lmcache_round.check(found, objects[index][1])
    every = made.run(connector.batched_get(keys))
    assert [found is not None for found in every] == [True, True, False, True, False]
    for index in stored:
        lmcache_round.check(every[index], objects[index][1])
    assert connector.remove_sync(keys[0]) and not connector.remove_sync(keys[0])
    assert not connector.exists_sync(keys[0]) and made.run(connector.ping()) == 0

    async def cancel():
        task = asyncio.ensure_future(connector.getWrappedConnector().batched_get(keys))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    free = made.pool.memory_allocator.pin_allocator.total_allocated_size
    made.run(cancel())
    left = made.pool.memory_allocator.pin_allocator.total_allocated_size
    assert left == free, f"a cancelled load has left {left - free} bytes of the pool"
    made.run(connector.close())


ROUNDS = lmcache_round.ROUNDS | {"plugin": plugin}

if __name__ == "__main__":
    name, socket = sys.argv[1:]
    ROUNDS[name](session(socket, name == "engine"))
    print(f"round {name} held", flush=True)
    os._exit(0)
