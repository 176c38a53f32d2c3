"""The C structures of `reprise.h`, and arrays of them packed without a Python object for each field."""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, repeat

SESSION_BYTE_COUNT = 16
OPERATION_SET, OPERATION_GET, OPERATION_EXISTS, OPERATION_DELETE, OPERATION_LOOKUP = range(1, 6)

# array's codes for 64 bits on every platform that the library is built for.
UNSIGNED, SIGNED = "Q", "q"
# reprise_bytes, reprise_piece and reprise_value are each a pointer and a size, or a size twice.
PAIR_BYTE_COUNT = 16

# reprise_view: data, length, lease, format, dtype, shape.
VIEW = struct.Struct("=QQQii4i")
# reprise_completion: id, status, reserved.
COMPLETION = struct.Struct("=QiI")


class Options(ctypes.Structure):
    """reprise_options."""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("socket_path", ctypes.c_char_p),
        ("session", ctypes.c_char_p),
        ("copy_threads", ctypes.c_uint32),
        ("timeout_ms", ctypes.c_uint32),
        ("connect_timeout_ms", ctypes.c_uint32),
        ("connect_later", ctypes.c_uint32),
    ]


class EmbeddedOptions(ctypes.Structure):
    """reprise_embedded_options."""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("memory_bytes", ctypes.c_uint64),
        ("disk_path", ctypes.c_char_p),
        ("disk_bytes", ctypes.c_uint64),
        ("copy_threads", ctypes.c_uint32),
    ]


class StatisticsStructure(ctypes.Structure):
    """reprise_statistics."""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("connected", ctypes.c_uint32),
        ("writable", ctypes.c_uint32),
        ("capacity_bytes", ctypes.c_uint64),
        ("used_bytes", ctypes.c_uint64),
        ("entries", ctypes.c_uint64),
        ("reconnects", ctypes.c_uint64),
        ("leases", ctypes.c_uint64),
        ("leased_bytes", ctypes.c_uint64),
        ("bytes_stored", ctypes.c_uint64),
        ("bytes_loaded", ctypes.c_uint64),
    ]


def address_of(numbers: array) -> int:
    """Where an array's elements lie; valid until it is resized."""
    return numbers.buffer_info()[0]


def pairs(first: Iterable[int], second: Iterable[int], count: int) -> array:
    """`count` pairs (first, second), interleaved."""
    packed = array(UNSIGNED, bytes(PAIR_BYTE_COUNT * count))
    packed[0::2] = array(UNSIGNED, first)
    packed[1::2] = array(UNSIGNED, second)
    return packed


def consecutive_pairs(base: int, lengths: Sequence[int]) -> array:
    """Pairs (address, length) of what lies one after the other from `base` on."""
    return pairs(accumulate(lengths[:-1], initial=base) if lengths else (), lengths, len(lengths))


def single_piece_values(pieces: array, count: int) -> array:
    """reprise_value for each of `count` pieces."""
    base = address_of(pieces)
    return pairs(range(base, base + PAIR_BYTE_COUNT * count, PAIR_BYTE_COUNT), repeat(1, count), count)
