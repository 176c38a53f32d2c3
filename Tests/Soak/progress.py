"""What writers have begun and finished, in memory that they share with their children."""

from __future__ import annotations

import mmap
import struct


class Progress:
    """Two counters for each key: the newest version begun, and the newest finished."""

    def __init__(self, key_count: int):
        self.memory = mmap.mmap(-1, 16 * key_count)

    def begin(self, index: int) -> int:
        version = self.begun(index) + 1
        struct.pack_into("<Q", self.memory, 16 * index, version)
        return version

    def finish(self, index: int, version: int) -> None:
        struct.pack_into("<Q", self.memory, 16 * index + 8, version)

    def begun(self, index: int) -> int:
        return struct.unpack_from("<Q", self.memory, 16 * index)[0]

    def finished(self, index: int) -> int:
        return struct.unpack_from("<Q", self.memory, 16 * index + 8)[0]
