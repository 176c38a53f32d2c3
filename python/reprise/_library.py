"""Finds libreprise, loads it once, and declares its functions."""

from __future__ import annotations

import ctypes
import os
import pathlib
import threading
from typing import TYPE_CHECKING, Any

LIBRARY_VARIABLE = "REPRISE_LIBRARY"
LIBRARY_NAME = "libreprise.so"
ABI_MAJOR, ABI_MINOR = 1, 0

_pointer, _status, _size = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t
# Pointers are handed over as plain integers, which ctypes converts faster than pointer objects.
_FUNCTIONS = {
    "connect": (_status, (_pointer, _pointer)),
    "open": (_status, (_pointer, _pointer)),
    "close": (None, (_pointer,)),
    "set": (_status, (_pointer, _pointer, _pointer, _size, _pointer)),
    "get": (_status, (_pointer, _pointer, _pointer, _size, _pointer)),
    "exists": (_status, (_pointer, _pointer, _size, _pointer)),
    "delete": (_status, (_pointer, _pointer, _size, _pointer)),
    "lookup": (_status, (_pointer, _pointer, _size, _pointer, _pointer)),
    "forget_lookup": (_status, (_pointer, ctypes.c_uint64)),
    "get_lookup": (_status, (_pointer, ctypes.c_uint64, _pointer, _pointer, _size, _pointer)),
    "acquire": (_status, (_pointer, _pointer, _size, _pointer, _pointer)),
    "release": (_status, (_pointer, _pointer, _size)),
    "submit": (_status, (_pointer, ctypes.c_int32, _pointer, _pointer, _size, _pointer, _pointer)),
    "submit_get_lookup": (
        _status,
        (_pointer, ctypes.c_uint64, _pointer, _pointer, _size, _pointer, _pointer),
    ),
    "event_fd": (ctypes.c_int, (_pointer,)),
    "drain": (ctypes.c_int64, (_pointer, _pointer, _size)),
    "get_statistics": (_status, (_pointer, _pointer)),
    "version": (ctypes.c_char_p, ()),
    "abi_version": (ctypes.c_uint32, ()),
    "status_text": (ctypes.c_char_p, (_status,)),
    "last_error": (ctypes.c_char_p, ()),
    "completion_error": (_size, (_pointer, ctypes.c_uint64, _pointer, _size)),
}


class Library:
    """The functions of a loaded libreprise, by their names without the prefix `reprise_`."""

    def __init__(self, path: str):
        try:
            # CDLL lets go of the interpreter's lock during calls.
            loaded = ctypes.CDLL(path)
            for name, (result, arguments) in _FUNCTIONS.items():
                function = getattr(loaded, "reprise_" + name)
                function.restype, function.argtypes = result, arguments
                setattr(self, name, function)
        except (OSError, AttributeError) as error:
            raise ImportError(
                f"{path} cannot be loaded as Reprise's library: {error}. Install the wheel of this package, "
                f"or let {LIBRARY_VARIABLE} name a {LIBRARY_NAME}"
            ) from error
        self.path = path
        version = self.abi_version()
        major, minor = version >> 16, version & 0xFFFF
        if major != ABI_MAJOR or minor < ABI_MINOR:
            raise ImportError(
                f"{path} has interface {major}.{minor}, and this package needs {ABI_MAJOR}.{ABI_MINOR} or a "
                f"later one of the same major version: install the library and the package of one release"
            )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def last_message(self, status: int) -> str:
        """What was wrong with this thread's last call, which returned `status`."""
        text = self.last_error() or self.status_text(status)
        return text.decode("utf-8", "replace")

    def message_of_batch(self, handle: int, batch: int, status: int) -> str:
        """What was wrong with a drained batch."""
        room = ctypes.create_string_buffer(1024)
        if self.completion_error(handle, batch, ctypes.addressof(room), len(room)) == 0:
            return self.status_text(status).decode("utf-8", "replace")
        return room.value.decode("utf-8", "replace")


def find() -> str:
    """The library that is to be loaded: $REPRISE_LIBRARY, or the one that lies in this package.

    Raises `ImportError` if there is none.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return named
    beside = pathlib.Path(__file__).with_name(LIBRARY_NAME)
    if beside.exists():
        return str(beside)
    raise ImportError(
        f"{LIBRARY_NAME} lies not in {beside.parent}: install the wheel of this package, or let "
        f"{LIBRARY_VARIABLE} name one"
    )


_loaded: Library | None = None
_loading = threading.Lock()


def load() -> Library:
    """The library, loaded by the first call. Raises `ImportError` if it cannot be."""
    global _loaded
    if _loaded is None:
        with _loading:
            if _loaded is None:
                _loaded = Library(find())
    return _loaded
