"""The part of a client that submits batches, for `drain` or for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from . import _structures as c
from ._handle import Handle
from ._library import Library
from .aio import Waiter
from .buffers import Key, Value
from .completions import Completion, Submitter
from .errors import InvalidArgument, from_status


class SubmittingClient:
    """Batches carried out by the client's copy threads.

    A client is used either with `event_fd`, `submit_...` and `drain`, or with the asynchronous methods.
    """

    _library: Library
    _handle: Handle
    _submitter: Submitter
    _waiter: Waiter

    def get(self, key: Key) -> bytes | None:
        """A copy of a value, or `None` if the key is not stored."""
        raise NotImplementedError

    def event_fd(self) -> int:
        """A descriptor that is readable while ended batches wait for `drain`; not to be closed or read."""
        return self._submitter.event_fd()

    def submit_set(self, keys: Iterable[Key], values: Iterable[Value]) -> int:
        """Submits `set_many`; returns the batch's number. The values' memory is kept until it is drained."""
        return self._submitter.submit(c.OPERATION_SET, keys, values)

    def submit_get_into(self, keys: Iterable[Key], values: Iterable[Value], *, lookup: int = 0) -> int:
        """Submits `get_many_into`; returns the batch's number."""
        return self._submitter.submit(c.OPERATION_GET, keys, values, lookup)

    def submit_exists(self, keys: Iterable[Key]) -> int:
        """Submits `exists_many`; returns the batch's number. Results are 1 or 0."""
        return self._submitter.submit(c.OPERATION_EXISTS, keys)

    def submit_delete(self, keys: Iterable[Key]) -> int:
        """Submits `delete_many`; returns the batch's number. Results are 1 if it was stored, or 0."""
        return self._submitter.submit(c.OPERATION_DELETE, keys)

    def submit_lookup(self, keys: Iterable[Key]) -> int:
        """Submits `lookup`; returns the batch's number. There is one result."""
        return self._submitter.submit(c.OPERATION_LOOKUP, keys)

    def drain(self) -> list[Completion]:
        """The submitted batches that have ended. Never waits."""
        if self._waiter.in_use:
            raise InvalidArgument(
                "this client's batches are awaited by asyncio: use another client for drain"
            )
        return self._submitter.drain()

    # ---- asyncio

    async def aset(self, key: Key, value: Value) -> None:
        """`set`, awaited."""
        self._require((await self.aset_many((key,), (value,)))[0])

    async def aget(self, key: Key) -> bytes | None:
        """`get`, awaited: on a thread of the loop's executor, as the value's length is known only then."""
        return await asyncio.get_running_loop().run_in_executor(None, self.get, key)

    async def aset_many(self, keys: Iterable[Key], values: Iterable[Value]) -> list[int]:
        """`set_many`, awaited."""
        return await self._waiter.results(lambda: self.submit_set(keys, values))

    async def aget_many_into(
        self, keys: Iterable[Key], values: Iterable[Value], *, lookup: int = 0
    ) -> list[int]:
        """`get_many_into`, awaited."""
        return await self._waiter.results(lambda: self.submit_get_into(keys, values, lookup=lookup))

    async def aexists_many(self, keys: Iterable[Key]) -> list[bool]:
        """`exists_many`, awaited."""
        return self._require_each(await self._waiter.results(lambda: self.submit_exists(keys)))

    async def adelete_many(self, keys: Iterable[Key]) -> list[bool]:
        """`delete_many`, awaited."""
        return self._require_each(await self._waiter.results(lambda: self.submit_delete(keys)))

    async def alookup(self, keys: Iterable[Key]) -> int:
        """`lookup`, awaited."""
        return (await self._waiter.results(lambda: self.submit_lookup(keys)))[0]

    # ---- Results of single keys

    def _require(self, result: int, *allowed: int) -> None:
        """Raises for a negative result of one key."""
        if result < 0 and result not in allowed:
            raise from_status(result, self._library.status_text(result).decode())

    def _require_each(self, results: list[int]) -> list[bool]:
        """Results that are 1 or 0 as booleans; raises if one is a failure."""
        if min(results, default=0) < 0:
            self._require(min(results))
        return [result > 0 for result in results]
