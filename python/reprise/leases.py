"""Leases: values read where they lie."""

from __future__ import annotations

import ctypes
import weakref
from array import array
from functools import lru_cache
from typing import NamedTuple, Optional

from . import _structures as c
from ._handle import Handle


class Layout(NamedTuple):
    """What a value was stored with over lm://; all 0 if over another way."""

    format: int
    dtype: int
    shape: tuple[int, int, int, int]


@lru_cache(maxsize=256)
def _array_type(length: int) -> type[ctypes.Array]:
    # ctypes makes a new class each time; values tend to have few lengths.
    return ctypes.c_ubyte * length


class _Held:
    """The leases of one call, each with the object through which its memory is seen.

    All memoryviews, slices and arrays that a caller makes of a view refer to that object in the end. When it
    goes, none of them is left, and only then the lease is given back.
    """

    def __init__(self, handle: Handle):
        self.handle = handle
        self.leases: dict[int, weakref.ref] = {}
        self._collected: list[int] | None = None

    def view(self, address: int, length: int, lease: int) -> memoryview:
        memory = _array_type(length).from_address(address)
        # Not seen by the reference counts of memoryviews, which count only what is made of each directly.
        self.leases[lease] = weakref.ref(memory, lambda _: self._gone(lease))
        self.handle.view_count += 1
        return memoryview(memory).toreadonly().cast("B")

    def _gone(self, lease: int) -> None:
        with self.handle.lock:
            del self.leases[lease]
            self.handle.view_count -= 1
            if self._collected is not None:
                self._collected.append(lease)
                return
        self._give_back([lease])

    def _give_back(self, leases: list[int]) -> None:
        handle = self.handle
        if leases and not handle.is_closed:
            table = array(c.UNSIGNED, leases)
            try:
                with handle as pointer:
                    handle.library.release(pointer, c.address_of(table), len(table))
            except Exception:  # Closed meanwhile: the library has given all leases back, or is about to.
                pass
        handle.free_if_unused()

    def release(self, views: list[Optional[memoryview]]) -> int:
        """Ends the views, and gives back in one call what nothing else shows; returns how much is left."""
        with self.handle.lock:
            collected = self._collected = []
            try:
                for view in views:
                    if view is not None:
                        try:
                            view.release()
                        except BufferError:
                            # An array was made of it: counted below.
                            continue
            finally:
                self._collected = None
            left = len(self.leases)
        self._give_back(collected)
        return left


class Lease:
    """Values held where they lie, read-only, until `release` or the end of the `with` block.

    - views: for each key a read-only memoryview, or `None` if it is not stored.
    - results: for each key the value's length or a negative status, as in `reprise.h`.
    - layouts: for each key what the value was stored with over lm://, or `None`.

    A lease that is dropped without `release` is given back when the last of its views is gone.
    """

    def __init__(self, handle: Handle, table: bytes | bytearray, results: list[int]):
        self._held = _Held(handle)
        self.results = results
        self.views: list[Optional[memoryview]] = []
        self.layouts: list[Optional[Layout]] = []
        with handle.lock:
            for result, fields in zip(results, c.VIEW.iter_unpack(table)):
                address, length, lease, kind, dtype, *shape = fields
                if result < 0 or not address:
                    self.views.append(None)
                    self.layouts.append(None)
                else:
                    self.views.append(self._held.view(address, length, lease))
                    self.layouts.append(Layout(kind, dtype, tuple(shape)))

    @property
    def released(self) -> bool:
        """Whether nothing is held any more."""
        return not self._held.leases

    def release(self) -> None:
        """Ends the views and gives the leases back. May be called more than once.

        Raises `BufferError` if a slice or an array made of a view still exists: its lease is kept until that
        is gone, so that its bytes stay what they are.
        """
        left = self._held.release(self.views)
        if left:
            raise BufferError(
                f"{left} of the lease's views are still in use by slices or arrays made of them: drop those; "
                f"the lease is kept until they are gone"
            )

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self.release()
        except BufferError:
            # The frames of an exception on its way may hold a view; it says more than this one.
            if kind is None:
                raise

    def __len__(self) -> int:
        return len(self.views)
