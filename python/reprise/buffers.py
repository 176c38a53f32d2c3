"""Addresses of memory that Python objects offer: the buffer protocol, and PyTorch's tensors."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Union

from .errors import InvalidArgument

# Anything with the buffer protocol, or a PyTorch tensor on the CPU: C-contiguous.
Value = Any
Key = Union[str, bytes]

_SIMPLE, _WRITABLE = 0, 1


class _Buffer(ctypes.Structure):
    """Py_buffer, as CPython lays it out."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        # Not py_object: the export's own reference is taken and given back by CPython.
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


# With PYFUNCTYPE the interpreter's lock is held and a Python exception set by the call is raised.
_get_buffer = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int)(
    ("PyObject_GetBuffer", ctypes.pythonapi)
)
_release_buffer = ctypes.PYFUNCTYPE(None, ctypes.POINTER(_Buffer))(("PyBuffer_Release", ctypes.pythonapi))
# Where the bytes of a `bytes` object lie.
address_of_bytes = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(
    ("PyBytes_AsString", ctypes.pythonapi)
)


class Exports:
    """Buffers that objects have exported; the objects stay alive, and of their size, until `release`."""

    __slots__ = ("_buffers", "_kept")

    def __init__(self) -> None:
        self._buffers: list[_Buffer] = []
        self._kept: list[object] = []

    def keep(self, value: object) -> None:
        """Keeps an object alive that offers its memory in another way."""
        self._kept.append(value)

    def add(self, value: Value, writable: bool) -> tuple[int, int]:
        """Address and length of a value's memory. Raises `InvalidArgument` if it cannot be used as it is."""
        if hasattr(value, "data_ptr"):
            return self._add_tensor(value)
        buffer = _Buffer()
        try:
            _get_buffer(value, buffer, _WRITABLE if writable else _SIMPLE)
        except (BufferError, TypeError, ValueError) as error:
            raise InvalidArgument(_complaint(value, writable, error)) from error
        self._buffers.append(buffer)
        return buffer.buf or 0, buffer.len

    def _add_tensor(self, tensor: Any) -> tuple[int, int]:
        if tensor.device.type != "cpu":
            raise InvalidArgument(
                f"a tensor on {tensor.device} cannot be read or written by the library: copy it to the CPU"
            )
        if str(tensor.layout) != "torch.strided" or not tensor.is_contiguous():
            raise InvalidArgument(
                "a tensor that is not contiguous was given: use .contiguous(), or reprise.Pieces"
            )
        if tensor.is_conj() or tensor.is_neg():
            raise InvalidArgument(
                "a tensor with a lazy conjugate or negative bit was given: resolve it first"
            )
        self._kept.append(tensor)
        return tensor.data_ptr(), tensor.numel() * tensor.element_size()

    def release(self) -> None:
        """Gives all buffers back. May be called more than once."""
        buffers, self._buffers = self._buffers, []
        for buffer in buffers:
            _release_buffer(buffer)
        self._kept = []

    def __del__(self) -> None:
        self.release()


def _complaint(value: Value, writable: bool, error: Exception) -> str:
    kind = type(value).__name__
    if isinstance(error, TypeError):
        return f"a value of type {kind} was given: bytes, a memoryview, an array or another buffer is needed"
    try:
        view = memoryview(value)
    except (TypeError, BufferError, ValueError):
        return f"the memory of the {kind} cannot be used: {error}"
    if not view.c_contiguous:
        return (
            f"the memory of the {kind} is not C-contiguous: make a contiguous copy, or give its parts as "
            f"reprise.Pieces"
        )
    if writable and view.readonly:
        return f"the {kind} is read-only, and a value is to be written into it: give writable memory"
    return f"the memory of the {kind} cannot be used: {error}"


def key_bytes(key: Key) -> bytes:
    """A key as the library takes it. Raises `InvalidArgument` for another type."""
    if isinstance(key, str):
        try:
            return key.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument(f"a key cannot be encoded as UTF-8: {error}") from error
    if isinstance(key, (bytes, bytearray, memoryview)):
        return bytes(key)
    raise InvalidArgument(f"a key of type {type(key).__name__} was given: str or bytes are keys")


def join_keys(keys: Sequence[Key]) -> tuple[bytes, list[int]]:
    """All keys one after the other, and their lengths."""
    try:
        text = "".join(keys)  # type: ignore[arg-type]
    except TypeError:
        encoded = [key_bytes(key) for key in keys]
        return b"".join(encoded), [len(key) for key in encoded]
    if text.isascii():
        return text.encode(), [len(key) for key in keys]
    encoded = [key_bytes(key) for key in keys]
    return b"".join(encoded), [len(key) for key in encoded]
