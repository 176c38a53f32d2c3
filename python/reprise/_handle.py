"""The library's client behind a `Client`: who uses it, and when it may be freed."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

from ._library import Library
from .errors import Closed

_handles: weakref.WeakSet[Handle] = weakref.WeakSet()


class Handle:
    """Counts the calls under way, for no call may begin once `reprise_close` has.

    Used as `with handle as pointer:` around each call. It is freed when it is closed, no call is under way,
    and no view of its memory is left: a view that a caller still has must not end the process.
    """

    def __init__(self, library: Library, pointer: int):
        self.library = library
        self._pointer = pointer
        # Reentrant: garbage collection can end a view, and so call this, wherever this thread is.
        self.lock = threading.RLock()
        self._idle = threading.Condition(self.lock)
        # Around submitting a batch and noting it, so that none is drained before it is noted.
        self.batch_lock = threading.RLock()
        self._active = 0
        self._is_closed = False
        self._is_freed = False
        # Views of leased memory that callers have.
        self.view_count = 0
        # What the library's threads may still write to, by the number of its batch.
        self.submitted: dict[int, Any] = {}
        _handles.add(self)

    def __enter__(self) -> int:
        with self.lock:
            if self._is_closed:
                raise Closed("the client is closed: make another one")
            self._active += 1
        return self._pointer

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self._active -= 1
            if self._is_closed and self._active == 0:
                self._idle.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether calls are refused."""
        return self._is_closed

    def close(self) -> None:
        """Refuses calls from now on, waits for those under way, and frees the client when no view is left."""
        with self.lock:
            if self._is_closed:
                return
            self._is_closed = True
            while self._active:
                self._idle.wait()
        self.free_if_unused()

    def free_if_unused(self) -> None:
        """Frees the library's client if it is closed and nothing uses it."""
        with self.lock:
            if not self._is_closed or self._active or self.view_count or self._is_freed:
                return
            self._is_freed = True
        self.library.close(self._pointer)
        # No thread of the library is left that could write to this memory.
        self.submitted.clear()

    def forget_parent(self) -> None:
        """In a forked child: threads that were in a call, or held the lock, are not here."""
        self.lock = threading.RLock()
        self._idle = threading.Condition(self.lock)
        self.batch_lock = threading.RLock()
        self._active = 0


def _forget_parents() -> None:
    for handle in list(_handles):
        handle.forget_parent()


os.register_at_fork(after_in_child=_forget_parents)
