"""A remote store of LMCache's in-process mode, loaded by its `remote_storage_plugins`.

A value is LMCache's own description of the chunk (`RemoteMetadata`) followed by the chunk's bytes.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, List, Optional

from lmcache.utils import CacheEngineKey
from lmcache.v1.memory_management import MemoryObj
from lmcache.v1.protocol import RemoteMetadata
from lmcache.v1.storage_backend.connector import ConnectorAdapter as LMCacheConnectorAdapter
from lmcache.v1.storage_backend.connector import ConnectorContext, extract_plugin_type
from lmcache.v1.storage_backend.connector.base_connector import RemoteConnector

from ..buffers import Exports
from ..client import TIMEOUT_DEFAULT, Client
from ..errors import from_status
from ..pieces import Pieces

PLUGIN_TYPE = "reprise"
SCHEMES = (f"{PLUGIN_TYPE}://", f"plugin://{PLUGIN_TYPE}")
COPY_THREADS_DEFAULT = 4


class ConnectorAdapter(LMCacheConnectorAdapter):
    """Makes connectors for `plugin://reprise`, `plugin://reprise.NAME` and `reprise:///path/of/socket`."""

    def __init__(self) -> None:
        super().__init__(SCHEMES[0])

    def can_parse(self, url: str) -> bool:
        """Whether a URL is Reprise's."""
        scheme, _, rest = url.partition("://")
        return scheme == PLUGIN_TYPE or (scheme == "plugin" and extract_plugin_type(rest) == PLUGIN_TYPE)

    def create_connector(self, context: ConnectorContext) -> RemoteConnector:
        """A connector to the node that the URL, or the plug-in's `socket` in `extra_config`, names."""
        scheme, _, rest = context.url.partition("://")
        extra = (context.config.extra_config if context.config else None) or {}
        prefix = f"remote_storage_plugin.{context.plugin_name or PLUGIN_TYPE}"
        socket = rest if scheme == PLUGIN_TYPE and rest else extra.get(f"{prefix}.socket")
        client = Client(
            socket,
            copy_threads=int(extra.get(f"{prefix}.copy_threads", COPY_THREADS_DEFAULT)),
            timeout=float(extra.get(f"{prefix}.timeout", TIMEOUT_DEFAULT)),
        )
        return Connector(client, context)


class Connector(RemoteConnector):
    """Chunks of one LMCache engine in a node."""

    def __init__(self, client: Client, context: ConnectorContext):
        super().__init__(context.config, context.metadata)
        self._client = client
        self._loop = context.loop
        self._pool = context.local_cpu_backend

    async def exists(self, key: CacheEngineKey) -> bool:
        """Whether a chunk is stored."""
        return (await self._client.aexists_many((key.to_string(),)))[0]

    def exists_sync(self, key: CacheEngineKey) -> bool:
        """Whether a chunk is stored, for callers outside of the event loop."""
        return self._client.exists(key.to_string())

    async def get(self, key: CacheEngineKey) -> Optional[MemoryObj]:
        """A chunk in memory of LMCache's pool, or `None` if it is not stored or the pool is full."""
        return (await self.batched_get([key]))[0]

    async def put(self, key: CacheEngineKey, memory_obj: MemoryObj) -> None:
        """Stores a chunk. Raises what `reprise.Client.set` does."""
        await self.batched_put([key], [memory_obj])

    def support_batched_get(self) -> bool:
        """It is one call to the node."""
        return True

    async def batched_get(self, keys: List[CacheEngineKey]) -> List[Optional[MemoryObj]]:
        """Chunks in memory of LMCache's pool; `None` for those that are not stored."""
        names = [key.to_string() for key in keys]
        loading = self._loop.run_in_executor(None, self._load, names)
        return await _finished(loading, discard=_give_back)

    def support_batched_put(self) -> bool:
        """LMCache keeps account only of single puts that are under way or have failed."""
        return False

    async def batched_put(self, keys: Sequence[CacheEngineKey], memory_objs: List[MemoryObj]) -> None:
        """Stores chunks. Raises the first failure; the others are stored all the same."""
        values = {
            key.to_string(): Pieces((_description(chunk), chunk.byte_array))
            for key, chunk in zip(keys, memory_objs)
        }
        # The pool's memory must not be given to others while it is copied.
        for result in await _finished(self._client.aset_many(list(values), list(values.values()))):
            if result < 0:
                raise from_status(result, "a chunk was not stored: there is no room for it in the node")

    def support_batched_contains(self) -> bool:
        """It is one call to the node."""
        return True

    def batched_contains(self, keys: List[CacheEngineKey]) -> int:
        """How many of the keys, from the first on, are stored."""
        return self._client.lookup([key.to_string() for key in keys])

    async def batched_async_contains(
        self, lookup_id: str, keys: List[CacheEngineKey], pin: bool = False
    ) -> int:
        """How many of the keys, from the first on, are stored."""
        return await self._client.alookup([key.to_string() for key in keys])

    async def batched_get_non_blocking(self, lookup_id: str, keys: List[CacheEngineKey]) -> List[MemoryObj]:
        """The chunks of the longest prefix that is stored."""
        found: List[MemoryObj] = []
        is_prefix = True
        for chunk in await self.batched_get(keys):
            is_prefix = is_prefix and chunk is not None
            if is_prefix:
                found.append(chunk)
            elif chunk is not None:
                chunk.ref_count_down()
        return found

    def remove_sync(self, key: CacheEngineKey) -> bool:
        """Removes a chunk; whether it was stored."""
        return self._client.delete(key.to_string())

    async def list(self) -> List[str]:
        """Nothing: a node does not list its keys."""
        return []

    def support_ping(self) -> bool:
        """The node answers."""
        return True

    async def ping(self) -> int:
        """0 if the node is there."""
        statistics = await self._loop.run_in_executor(None, self._client.statistics)
        return 0 if statistics.connected else 1

    async def close(self) -> None:
        """Ends the client."""
        await self._loop.run_in_executor(None, self._client.close)

    def _load(self, names: List[str]) -> List[Optional[MemoryObj]]:
        with self._client.acquire(names) as lease:
            return [None if view is None else self._copy(view) for view in lease.views]

    def _copy(self, view: memoryview) -> Optional[MemoryObj]:
        if len(view) <= self.remote_metadata_bytes:
            return None
        with view[: self.remote_metadata_bytes] as head, view[self.remote_metadata_bytes :] as body:
            description = RemoteMetadata.deserialize(head)
            chunk = self._pool.allocate(description.shapes, description.dtypes, description.fmt)
            if chunk is None:
                return None
            if len(chunk.byte_array) != len(body):
                chunk.ref_count_down()
                return None
            source, target = Exports(), Exports()
            try:
                # Other threads of Python run meanwhile.
                ctypes.memmove(target.add(chunk.byte_array, True)[0], source.add(body, False)[0], len(body))
            finally:
                target.release()
                source.release()
            return chunk


def _description(chunk: MemoryObj) -> bytes:
    return RemoteMetadata(
        len(chunk.byte_array), chunk.get_shapes(), chunk.get_dtypes(), chunk.get_memory_format()
    ).serialize()


def _give_back(chunks: List[Optional[MemoryObj]]) -> None:
    for chunk in chunks:
        if chunk is not None:
            chunk.ref_count_down()


async def _finished(awaitable: Awaitable[Any], discard: Callable[[Any], None] | None = None) -> Any:
    """The awaitable's result; a cancelled caller waits until it has ended, for memory is in use till then.

    - discard: takes a result that comes after the caller was cancelled.
    """
    task = asyncio.ensure_future(awaitable)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        if discard is not None and not task.cancelled() and task.exception() is None:
            discard(task.result())
        raise
