"""The client of a node on this host."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import weakref
from array import array
from collections.abc import Iterable

from . import _structures as c
from ._batches import Keys, Values, new_results
from ._handle import Handle
from ._library import Library, load
from ._submitting import SubmittingClient
from .aio import Waiter
from .buffers import Key, Value
from .completions import Submitter
from .errors import MISSING, OK, InvalidArgument, from_status
from .leases import Lease
from .statistics import Statistics

COPY_THREADS_DEFAULT = 2
TIMEOUT_DEFAULT, CONNECT_TIMEOUT_DEFAULT = 10.0, 5.0
MILLISECONDS_MAX = 0xFFFF_FFFF


class Client(SubmittingClient):
    """A client of a node; its methods may be called from any thread.

    - path: the node's Unix socket; by default $REPRISE_SOCKET, or /run/reprise/reprise.sock.
    - session: 16 random bytes by which clients redeem each other's lookups; by default one of its own.
    - copy_threads: threads that carry out submitted batches, 1 to 64.
    - timeout, connect_timeout: seconds that a call, and the first connection, may take.
    - connect_later: whether to succeed though the node cannot be reached yet.

    Keys are `str` (as UTF-8) or `bytes`, of 1 to 4,096 bytes; a batch has up to 4,096. Values are
    C-contiguous buffers of 1 byte or more, PyTorch tensors on the CPU among them, or `Pieces`.

    Raises the subclasses of `reprise.Error`: `NotConnected`, `Timeout`, `InvalidArgument` and others; every
    method raises `Closed` after `close`, and `Forked` in a process forked from the client's own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        session: bytes | None = None,
        copy_threads: int = COPY_THREADS_DEFAULT,
        timeout: float = TIMEOUT_DEFAULT,
        connect_timeout: float = CONNECT_TIMEOUT_DEFAULT,
        connect_later: bool = False,
    ):
        if session is not None and len(session) != c.SESSION_BYTE_COUNT:
            raise InvalidArgument(f"a session has {c.SESSION_BYTE_COUNT} bytes, not {len(session)}")
        options = c.Options(
            ctypes.sizeof(c.Options),
            None if path is None else _path_bytes(path),
            None if session is None else bytes(session),
            _thread_count(copy_threads),
            _milliseconds(timeout),
            _milliseconds(connect_timeout),
            bool(connect_later),
        )
        self._start("connect", options)

    @classmethod
    def embedded(
        cls,
        memory: int,
        *,
        disk: str | os.PathLike[str] | None = None,
        disk_bytes: int = 0,
        copy_threads: int = COPY_THREADS_DEFAULT,
    ) -> Client:
        """A client with a node of its own in this process.

        - memory: bytes for values, 1 MiB or more.
        - disk, disk_bytes: a directory for values that leave memory, and the bytes that it may take.
        """
        if memory < 0 or disk_bytes < 0:
            raise InvalidArgument("byte counts are 0 or more")
        client = cls.__new__(cls)
        where = None if disk is None else _path_bytes(disk)
        size = ctypes.sizeof(c.EmbeddedOptions)
        client._start("open", c.EmbeddedOptions(size, memory, where, disk_bytes, _thread_count(copy_threads)))
        return client

    def _start(self, function: str, options: ctypes.Structure) -> None:
        library = load()
        pointer = ctypes.c_void_p()
        status = getattr(library, function)(ctypes.addressof(options), ctypes.addressof(pointer))
        if status != OK or pointer.value is None:
            raise from_status(status, library.last_message(status))
        self._library: Library = library
        self._handle = Handle(library, pointer.value)
        self._submitter = Submitter(self._handle)
        self._waiter = Waiter(self._submitter)
        # Also at the end of the interpreter, while its modules are still there.
        self._finalizer = weakref.finalize(self, _end, self._waiter, self._handle)

    # ---- Single values

    def set(self, key: Key, value: Value) -> None:
        """Stores a value in place of an older one. Raises `NoRoom` if the node cannot hold it."""
        self._require(self.set_many((key,), (value,))[0])

    def get(self, key: Key) -> bytes | None:
        """A copy of a value, or `None` if the key is not stored."""
        with self.acquire((key,)) as lease:
            view = lease.views[0]
            if view is None:
                self._require(lease.results[0], MISSING)
                return None
            return bytes(view)

    def get_into(self, key: Key, buffer: Value) -> bool:
        """Copies a value into memory of its length; `False` if the key is not stored.

        Raises `LengthMismatch` if the value has another length.
        """
        result = self.get_many_into((key,), (buffer,))[0]
        self._require(result, MISSING)
        return result >= 0

    def exists(self, key: Key) -> bool:
        """Whether a key is stored."""
        return self.exists_many((key,))[0]

    def delete(self, key: Key) -> bool:
        """Removes a key; whether it was stored."""
        return self.delete_many((key,))[0]

    # ---- Batches: one call to the library, and other threads of Python run meanwhile

    def set_many(self, keys: Iterable[Key], values: Iterable[Value]) -> list[int]:
        """Stores values; the keys must not repeat. For each key 0, or a negative status as in `reprise.h`."""
        return self._with_values(self._library.set, keys, values, False)

    def get_many_into(self, keys: Iterable[Key], values: Iterable[Value], *, lookup: int = 0) -> list[int]:
        """Copies values into memory of their lengths. For each key the length, or a negative status.

        - lookup: a number of `lookup_keeping` of this session, which this call redeems whole.

        What lies in memory whose result is negative is not defined.
        """
        if not lookup:
            return self._with_values(self._library.get, keys, values, True)
        get_lookup = self._library.get_lookup
        return self._with_values(
            lambda pointer, *rest: get_lookup(pointer, lookup, *rest), keys, values, True
        )

    def exists_many(self, keys: Iterable[Key]) -> list[bool]:
        """For each key whether it is stored."""
        return self._require_each(self._with_keys(self._library.exists, keys))

    def delete_many(self, keys: Iterable[Key]) -> list[bool]:
        """Removes keys; for each whether it was stored."""
        return self._require_each(self._with_keys(self._library.delete, keys))

    def lookup(self, keys: Iterable[Key]) -> int:
        """The length of the longest prefix of the keys that is stored."""
        return self._lookup(keys, False)[0]

    def lookup_keeping(self, keys: Iterable[Key]) -> tuple[int, int]:
        """The length of the longest stored prefix, and a number that keeps it from eviction for a while.

        At most the prefix's first 1,024 keys are kept.

        Any client of the session redeems the number with `get_many_into(..., lookup=number)`, or gives it up
        with `forget_lookup`; otherwise it expires (after 30 s unless the node says another time). It is 0 if
        nothing is stored.
        """
        return self._lookup(keys, True)

    def forget_lookup(self, lookup: int) -> None:
        """Gives up what `lookup_keeping` has kept. One that has expired, or was redeemed, is not an error."""
        with self._handle as pointer:
            self._check(self._library.forget_lookup(pointer, lookup))

    def acquire(self, keys: Iterable[Key]) -> Lease:
        """Values where they lie, without a copy: a context manager with read-only memoryviews, `views`."""
        named = Keys(keys)
        table = bytearray(c.VIEW.size * named.count)
        results = new_results(named.count)
        if named.count == 0:
            return Lease(self._handle, table, [])
        where = (ctypes.c_char * len(table)).from_buffer(table)
        with self._handle as pointer:
            views = ctypes.addressof(where)
            self._check(
                self._library.acquire(pointer, named.address, named.count, views, c.address_of(results))
            )
            return Lease(self._handle, table, results.tolist())

    # ---- The client itself

    def statistics(self) -> Statistics:
        """Asks the node how full it is, and this client what it has done."""
        found = c.StatisticsStructure(ctypes.sizeof(c.StatisticsStructure))
        with self._handle as pointer:
            self._check(self._library.get_statistics(pointer, ctypes.addressof(found)))
        values = {field.name: getattr(found, field.name) for field in dataclasses.fields(Statistics)}
        return Statistics(**values | {"connected": bool(found.connected), "writable": bool(found.writable)})

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._handle.is_closed

    def close(self) -> None:
        """Ends the client: waits for calls under way, fails batches that are not begun, gives leases back.

        If slices or arrays made of a lease's views still exist, the memory that they show stays until they
        are gone. May be called more than once.
        """
        self._finalizer()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- Calls

    def _with_keys(self, function, keys: Iterable[Key]) -> list[int]:
        named = Keys(keys)
        results = new_results(named.count)
        with self._handle as pointer:
            if named.count:
                self._check(function(pointer, named.address, named.count, c.address_of(results)))
        return results.tolist()

    def _with_values(
        self, function, keys: Iterable[Key], values: Iterable[Value], writable: bool
    ) -> list[int]:
        named = Keys(keys)
        results = new_results(named.count)
        held = Values(values, writable, named.count)
        try:
            with self._handle as pointer:
                if named.count:
                    address = c.address_of(results)
                    self._check(function(pointer, named.address, held.address, named.count, address))
        finally:
            held.release()
        return results.tolist()

    def _lookup(self, keys: Iterable[Key], keeping: bool) -> tuple[int, int]:
        named = Keys(keys)
        answer = array(c.UNSIGNED, (0, 0))
        prefix = c.address_of(answer)
        number = prefix + answer.itemsize if keeping else None
        with self._handle as pointer:
            if named.count:
                self._check(self._library.lookup(pointer, named.address, named.count, prefix, number))
        return answer[0], answer[1]

    def _check(self, status: int) -> None:
        """Raises what the library says of a call that returned a negative status."""
        if status != OK:
            raise from_status(status, self._library.last_message(status))


def _end(waiter: Waiter, handle: Handle) -> None:
    waiter.close()
    handle.close()


def _path_bytes(path: str | os.PathLike[str]) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise InvalidArgument("a path cannot contain a NUL byte")
    return encoded


def _thread_count(count: int) -> int:
    if not 0 < count <= MILLISECONDS_MAX:
        raise InvalidArgument(f"copy_threads is 1 or more, not {count}")
    return count


def _milliseconds(seconds: float) -> int:
    if not 0 < seconds * 1000 <= MILLISECONDS_MAX:
        raise InvalidArgument(
            f"a timeout is more than 0 and at most {MILLISECONDS_MAX // 1000} s, not {seconds}"
        )
    return max(1, int(seconds * 1000))
