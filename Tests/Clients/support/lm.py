"""The lm:// protocol in its three dialects, written from its byte layout with the standard library alone.

Every integer is a 32-bit little-endian int; a request ends in a 150-byte key field padded with spaces.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

PUT, GET, EXIST, LIST, HEALTH = 1, 2, 3, 4, 5
# Reprise's own, beside LMCache's.
REMOVE, STAT = 0x0105, 0x0205
OK, FAIL = 200, 400
KEY_BYTE_COUNT = 150
# dtype codes
FLOAT16, BFLOAT16, FLOAT32, UINT8 = 2, 3, 4, 6
NO_SHAPE = (0, 0, 0, 0)


@dataclass(frozen=True)
class Reply:
    """A decoded reply header. The V0 dialect carries only the first two fields."""

    code: int
    length: int
    fmt: int = 0
    dtype: int = 0
    shape: tuple[int, int, int, int] = NO_SHAPE
    location: int = 0


@dataclass(frozen=True)
class Dialect:
    """One header layout: `integer_count` integers, then the key in a request."""

    name: str
    integer_count: int
    reply_integer_count: int

    @property
    def request_byte_count(self) -> int:
        return 4 * self.integer_count + KEY_BYTE_COUNT

    @property
    def reply_byte_count(self) -> int:
        return 4 * self.reply_integer_count

    def request(self, command, key, length=0, fmt=1, dtype=FLOAT16, shape=NO_SHAPE, location=0) -> bytes:
        raw_key = key if isinstance(key, bytes) else key.encode()
        field = raw_key.ljust(KEY_BYTE_COUNT)
        if self.integer_count == 2:
            return struct.pack("<2i", command, length) + field
        if self.integer_count == 8:
            return struct.pack("<8i", command, length, fmt, dtype, *shape) + field
        return struct.pack("<9i", command, length, fmt, dtype, location, *shape) + field

    def put(self, key, payload, fmt=1, dtype=UINT8, shape=None) -> bytes:
        shape = shape or (1, 1, 1, len(payload))
        return self.request(PUT, key, len(payload), fmt, dtype, shape) + payload

    def reply(self, code, length=0, fmt=1, dtype=FLOAT16, shape=NO_SHAPE) -> bytes:
        if self.reply_integer_count == 2:
            return struct.pack("<2i", code, length)
        if self.reply_integer_count == 8:
            return struct.pack("<8i", code, length, fmt, dtype, *shape)
        return struct.pack("<9i", code, length, fmt, dtype, *shape, 0)

    def parse(self, header: bytes) -> Reply:
        fields = struct.unpack(f"<{self.reply_integer_count}i", header)
        if len(fields) == 2:
            return Reply(*fields)
        return Reply(*fields[:4], shape=tuple(fields[4:8]), location=fields[8] if len(fields) == 9 else 0)


V0 = Dialect("V0", 2, 2)
SEED = Dialect("seed", 8, 8)
CURRENT = Dialect("0.5.6", 9, 9)
DIALECTS = (V0, SEED, CURRENT)


class Closed(ConnectionError):
    """The peer closed before the bytes that were asked for had come."""


class Client:
    """One blocking connection that speaks one dialect."""

    def __init__(self, address, dialect=CURRENT, timeout=60.0, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if not isinstance(address, str) and ":" in address[0]:
            family = socket.AF_INET6
        self.dialect = dialect
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data) -> None:
        self.socket.sendall(data)

    def read(self, byte_count: int) -> bytes:
        data = bytearray(byte_count)
        view, received = memoryview(data), 0
        while received < byte_count:
            count = self.socket.recv_into(view[received:])
            if count == 0:
                raise Closed(f"closed after {received} of {byte_count} bytes")
            received += count
        return bytes(data)

    def is_closed_by_peer(self) -> bool:
        """Waits for the peer's close. False when bytes come instead, or nothing comes in time."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def read_reply(self) -> Reply:
        return self.dialect.parse(self.read(self.dialect.reply_byte_count))

    def put(self, key, payload, **metadata) -> None:
        self.send(self.dialect.put(key, payload, **metadata))

    def get(self, key):
        """The payload, or None for a miss."""
        self.send(self.dialect.request(GET, key))
        reply = self.read_reply()
        return self.read(reply.length) if reply.code == OK else None

    def exists(self, key) -> bool:
        self.send(self.dialect.request(EXIST, key))
        return self.read_reply().code == OK

    def remove(self, key) -> bool:
        self.send(self.dialect.request(REMOVE, key))
        return self.read_reply().code == OK

    def list(self) -> list[str]:
        self.send(self.dialect.request(LIST, b""))
        reply = self.read_reply()
        if reply.code != OK:
            raise ConnectionError(f"LIST was answered with {reply.code}")
        return [key for key in self.read(reply.length).decode().split("\n") if key]

    def health(self) -> bool:
        # LMCache's server wants a key that parses, though it does not look at it.
        self.send(self.dialect.request(HEALTH, "any@1@0@0@uint8"))
        return self.read_reply().code == OK

    def statistics(self) -> dict[str, float]:
        """The node's counters by name (and labels); only the 0.5.6 dialect carries the command."""
        self.send(CURRENT.request(STAT, "any@1@0@0@uint8"))
        reply = CURRENT.parse(self.read(CURRENT.reply_byte_count))
        if reply.code != OK:
            raise ConnectionError(f"STAT was answered with {reply.code}")
        values = {}
        for line in self.read(reply.length).decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values
