"""Batches that the library's threads carry out, and what became of them."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterable
from typing import NamedTuple

from . import _structures as c
from ._batches import Keys, Values, new_results
from ._handle import Handle
from .buffers import Key, Value
from .errors import OK, from_status

# How many ended batches one call to the library takes.
DRAIN_COUNT = 64


class Completion(NamedTuple):
    """A batch that has ended.

    - id: the number that its submission returned.
    - ok: whether the results are written; results of single keys may be negative all the same.
    - error: what was wrong if not.
    - results: as of the call with the same name; empty if not ok.
    - status: 0, or the negative status of the whole batch.
    """

    id: int
    ok: bool
    error: str
    results: list[int]
    status: int = OK


class Submitter:
    """Submits batches of one client, and takes them out when they have ended."""

    def __init__(self, handle: Handle):
        self._handle = handle
        self._ended = ctypes.create_string_buffer(c.COMPLETION.size * DRAIN_COUNT)
        self._id = array(c.UNSIGNED, (0,))

    def event_fd(self) -> int:
        """The descriptor that is readable while ended batches wait."""
        library = self._handle.library
        with self._handle as pointer:
            descriptor = library.event_fd(pointer)
            if descriptor < 0:
                raise from_status(descriptor, library.last_message(descriptor))
        return descriptor

    def submit(
        self, operation: int, keys: Iterable[Key], values: Iterable[Value] | None = None, lookup: int = 0
    ) -> int:
        """Submits a batch and returns its number; the memory of its values is kept until it is drained."""
        named = Keys(keys)
        is_get = operation == c.OPERATION_GET
        held = None if values is None else Values(values, is_get, named.count)
        results = new_results(1 if operation == c.OPERATION_LOOKUP else named.count)
        address = 0 if held is None else held.address
        shape = (named.address, address, named.count, c.address_of(results))
        library = self._handle.library
        with self._handle as pointer, self._handle.batch_lock:
            number = c.address_of(self._id)
            if lookup:
                status = library.submit_get_lookup(pointer, lookup, *shape, number)
            else:
                status = library.submit(pointer, operation, *shape, number)
            if status == OK:
                self._handle.submitted[self._id[0]] = (results, held)
                return self._id[0]
            message = library.last_message(status)
        if held is not None:
            held.release()
        raise from_status(status, message)

    def drain(self) -> list[Completion]:
        """All batches that have ended and were not drained yet. Never waits."""
        found: list[Completion] = []
        handle = self._handle
        with handle as pointer, handle.batch_lock:
            while True:
                count = handle.library.drain(pointer, ctypes.addressof(self._ended), DRAIN_COUNT)
                if count < 0:
                    raise from_status(count, handle.library.last_message(count))
                ended = memoryview(self._ended)[: count * c.COMPLETION.size]
                found += [
                    self._completion(pointer, batch, status)
                    for batch, status, _ in c.COMPLETION.iter_unpack(ended)
                ]
                if count < DRAIN_COUNT:
                    return found

    def _completion(self, pointer: int, batch: int, status: int) -> Completion:
        results, held = self._handle.submitted.pop(batch)
        if held is not None:
            held.release()
        if status == OK:
            return Completion(batch, True, "", results.tolist(), OK)
        message = self._handle.library.message_of_batch(pointer, batch, status)
        return Completion(batch, False, message, [], status)
