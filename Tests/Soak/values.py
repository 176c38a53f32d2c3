"""Values whose every byte follows from a key and a version, so that a reader can prove them."""

from __future__ import annotations

import hashlib
import struct

HEADER = struct.Struct("<8sQQ")
MAGIC = b"soakval1"
# A prime: shifted, torn or swapped blocks of any power of two do not match.
BLOCK_BYTE_COUNT = 4099


def make(key: str, version: int, byte_count: int) -> bytes:
    block = hashlib.shake_128(f"{key}:{version}".encode()).digest(BLOCK_BYTE_COUNT)
    body_byte_count = byte_count - HEADER.size
    body = (block * (body_byte_count // BLOCK_BYTE_COUNT + 1))[:body_byte_count]
    return HEADER.pack(MAGIC, version, byte_count) + body


def version_of(key: str, value: bytes) -> int:
    """The version that `value` carries. Raises ValueError when any byte of it is wrong."""
    if len(value) < HEADER.size:
        raise ValueError(f"{key}: {len(value)} bytes cannot be a value")
    magic, version, byte_count = HEADER.unpack_from(value)
    if magic != MAGIC or byte_count != len(value):
        raise ValueError(f"{key}: wrong header {magic!r}, {byte_count} bytes announced, {len(value)} read")
    if value != make(key, version, byte_count):
        expected = make(key, version, byte_count)
        offset = next(index for index in range(byte_count) if value[index] != expected[index])
        raise ValueError(f"{key}: version {version}: first wrong byte at offset {offset} of {byte_count}")
    return version
