"""The local protocol's bytes, written from docs/WIRE_LOCAL.md alone. Standard library only."""

from __future__ import annotations

import mmap
import os
import socket
import struct

MAGIC = 0xD2
HEADER = struct.Struct("<BBHIQIiQ")
LEASE = struct.Struct("<QQQi i i 4i i")
ROOM = struct.Struct("<QQii")

HELLO, LOOKUP, ACQUIRE, RELEASE, RESERVE, COMMIT, ABANDON, REMOVE, EXISTS, STATS, FORGET, PUT = range(1, 13)
WANTS_REPLY, KEEP = 1, 2
OK, MISSING, MALFORMED, WRONG_VERSION, NOT_PERMITTED, TOO_LARGE, NO_ROOM = range(7)
UNKNOWN, LIMIT, LATER, NOT_STORED = range(7, 11)


class Reply:
    """An answer: its header's fields and its body."""

    def __init__(self, header: bytes, body: bytes):
        (magic, self.operation, self.flags, _, self.id, self.count, self.status, self.argument) = (
            HEADER.unpack(header)
        )
        assert magic == MAGIC, header
        self.body = body

    def statuses(self) -> list[int]:
        return list(struct.unpack(f"<{self.count}i", self.body))

    def leases(self) -> list["Lease"]:
        return [Lease(*LEASE.unpack_from(self.body, index * LEASE.size)) for index in range(self.count)]

    def rooms(self) -> list["Room"]:
        return [Room(*ROOM.unpack_from(self.body, index * ROOM.size)) for index in range(self.count)]


class Lease:
    def __init__(self, offset, length, number, status, format, dtype, s0, s1, s2, s3, _):
        self.offset, self.length, self.number, self.status = offset, length, number, status
        self.metadata = (format, dtype, (s0, s1, s2, s3))


class Room:
    def __init__(self, offset, number, status, _):
        self.offset, self.number, self.status = offset, number, status


def keys_body(keys: list[bytes]) -> bytes:
    return struct.pack(f"<{len(keys)}H", *map(len, keys)) + b"".join(keys)


def message(operation, body=b"", *, number=0, count=0, flags=0, status=0, argument=0) -> bytes:
    return HEADER.pack(MAGIC, operation, flags, len(body), number, count, status, argument) + body


class Local:
    """A connection with the arena mapped."""

    def __init__(self, path, session: bytes = bytes(16), timeout: float = 20.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.number = 0
        self.buffer = b""
        self.socket.sendall(message(HELLO, struct.pack("<HHI", 1, 0, 0) + session, number=7))
        data, descriptors, _, _ = socket.recv_fds(self.socket, 4096, 4)
        self.buffer = data
        welcome = self.read()
        assert welcome.operation == HELLO and welcome.id == 7, welcome.__dict__
        self.welcome = struct.unpack("<HHI7Q", welcome.body)
        self.is_writable = bool(self.welcome[2] & 1)
        self.arena_length = self.welcome[3]
        (self.descriptor,) = descriptors
        self.arena = mmap.mmap(self.descriptor, self.arena_length, prot=mmap.PROT_READ)

    def close(self) -> None:
        """Ends the connection; calling it again does nothing."""
        if not self.arena.closed:
            self.arena.close()
            os.close(self.descriptor)
            self.socket.close()

    def __enter__(self) -> "Local":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def read(self) -> Reply:
        header = self._take(HEADER.size)
        return Reply(header, self._take(HEADER.unpack(header)[3]))

    def _take(self, length: int) -> bytes:
        while len(self.buffer) < length:
            piece = self.socket.recv(1 << 16)
            if not piece:
                raise ConnectionError("the node has closed the connection")
            self.buffer += piece
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    def send(self, operation, body=b"", **fields) -> int:
        self.number += 1
        self.socket.sendall(message(operation, body, number=self.number, **fields))
        return self.number

    def ask(self, operation, body=b"", **fields) -> Reply:
        number = self.send(operation, body, **fields)
        reply = self.read()
        assert (reply.operation, reply.id) == (operation, number), reply.__dict__
        return reply

    def ask_keys(self, operation, keys, **fields) -> Reply:
        return self.ask(operation, keys_body(keys), count=len(keys), **fields)

    def reserve(self, values: dict[bytes, int]) -> list[Room]:
        body = struct.pack(f"<{len(values)}Q", *values.values()) + keys_body(list(values))
        return self.ask(RESERVE, body, count=len(values)).rooms()

    def numbers(self, operation, numbers, reply=True) -> Reply | None:
        body = struct.pack(f"<{len(numbers)}Q", *numbers)
        if reply:
            flags = WANTS_REPLY if operation != COMMIT else 0
            return self.ask(operation, body, count=len(numbers), flags=flags)
        self.send(operation, body, count=len(numbers))
        return None

    def store(self, key: bytes, value: bytes) -> None:
        (room,) = self.reserve({key: len(value)})
        assert room.status == OK, room.status
        assert os.pwrite(self.descriptor, value, room.offset) == len(value)
        assert self.numbers(COMMIT, [room.number]).statuses() == [OK]

    def acquire(self, keys: list[bytes], lookup: int = 0) -> list[Lease]:
        return self.ask_keys(ACQUIRE, keys, argument=lookup).leases()

    def bytes_of(self, lease: Lease) -> bytes:
        return self.arena[lease.offset : lease.offset + lease.length]

    def load(self, key: bytes) -> bytes | None:
        (lease,) = self.acquire([key])
        if lease.status != OK:
            return None
        value = self.bytes_of(lease)
        self.numbers(RELEASE, [lease.number], reply=False)
        return value
