"""RESP 2 and 3, the Redis protocol, byte for byte, with the standard library alone.

Replies are read as the raw bytes they are made of; `parse` makes values of them.
"""

from __future__ import annotations

import socket

SCALARS = b"+-:_#,("
SIZED = b"$=!"
# How many replies each element of an aggregate is.
AGGREGATES = {b"*": 1, b"~": 1, b">": 1, b"%": 2}
RECEIVE_BYTE_COUNT = 1 << 16


class Closed(ConnectionError):
    """The peer closed before the bytes that were asked for had come."""


class Error(Exception):
    """An error reply, as a value."""


class Malformed(ValueError):
    """Bytes came that no reply begins with."""


def as_bytes(value) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return str(value).encode()


def command(*arguments) -> bytes:
    """A command as an array of bulk strings. Text and numbers are taken as UTF-8."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in map(as_bytes, arguments):
        parts += (b"$%d\r\n" % len(argument), argument, b"\r\n")
    return b"".join(parts)


def bulk(value) -> bytes:
    """The reply that carries one value."""
    return b"$%d\r\n%s\r\n" % (len(value), value)


class Client:
    """One blocking connection; what it reads is kept until it is asked for."""

    def __init__(self, address, timeout=60.0, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.buffer = bytearray()
        self.position = 0
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

    def close(self) -> None:
        self.socket.close()

    # Bytes

    def send(self, data) -> None:
        self.socket.sendall(data)

    def fill(self) -> None:
        """Waits for more bytes; raises Closed at the end of the stream."""
        data = self.socket.recv(RECEIVE_BYTE_COUNT)
        if not data:
            raise Closed(f"closed with {len(self.buffer) - self.position} bytes of a reply read")
        if self.position == len(self.buffer):
            self.buffer.clear()
            self.position = 0
        self.buffer += data

    def take(self, end: int) -> bytes:
        data = bytes(memoryview(self.buffer)[self.position : end])
        self.position = end
        if self.position > RECEIVE_BYTE_COUNT:
            del self.buffer[: self.position]
            self.position = 0
        return data

    def read_line(self) -> bytes:
        """A line with its line end."""
        searched = self.position
        while True:
            end = self.buffer.find(b"\r\n", searched)
            if end >= 0:
                return self.take(end + 2)
            kept = len(self.buffer) - self.position
            self.fill()
            searched = self.position + max(kept - 1, 0)

    def read(self, byte_count: int) -> bytes:
        if byte_count > RECEIVE_BYTE_COUNT:
            return self.read_large(byte_count)
        while len(self.buffer) - self.position < byte_count:
            self.fill()
        return self.take(self.position + byte_count)

    def read_large(self, byte_count: int) -> bytes:
        """As `read`, but straight into place."""
        data = bytearray(byte_count)
        received = min(byte_count, len(self.buffer) - self.position)
        data[:received] = self.take(self.position + received)
        view = memoryview(data)
        while received < byte_count:
            count = self.socket.recv_into(view[received:])
            if count == 0:
                raise Closed(f"closed after {received} of {byte_count} bytes")
            received += count
        return bytes(data)

    # Replies

    def read_reply(self) -> bytes:
        """The raw bytes of the next reply, with everything nested in it."""
        line = self.read_line()
        kind = line[:1]
        if kind in SCALARS:
            return line
        if kind in SIZED:
            byte_count = int(line[1:])
            return line if byte_count < 0 else line + self.read(byte_count + 2)
        if kind not in AGGREGATES:
            raise Malformed(f"no reply begins with {line!r}")
        count = int(line[1:])
        return line + b"".join(self.read_reply() for _ in range(count * AGGREGATES[kind]))

    def raw(self, *arguments) -> bytes:
        """Sends one command and returns the raw bytes of its reply."""
        self.send(command(*arguments))
        return self.read_reply()

    def call(self, *arguments):
        """Sends one command and returns its reply's value; an error is raised."""
        value = parse(self.raw(*arguments))
        if isinstance(value, Error):
            raise value
        return value

    def is_closed_by_peer(self) -> bool:
        """Waits for the peer's close. False when bytes come instead, or nothing comes in time."""
        if self.position < len(self.buffer):
            return False
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def info(self, section="everything") -> dict[str, str]:
        """The fields of INFO."""
        text = self.call("INFO", section).decode()
        lines = (line for line in text.splitlines() if ":" in line and not line.startswith("#"))
        return dict(line.split(":", 1) for line in lines)


def parse(raw: bytes):
    """The value of one raw reply: bytes, int, float, bool, None, Error, or a list (of pairs, for a map)."""
    value, end = parse_at(raw, 0)
    if end != len(raw):
        raise Malformed(f"{len(raw) - end} bytes follow a reply")
    return value


def parse_at(raw: bytes, start: int):
    end = raw.index(b"\r\n", start)
    kind, text = raw[start : start + 1], raw[start + 1 : end]
    if kind in SCALARS:
        return scalar(kind, text), end + 2
    count, position = int(text), end + 2
    if count < 0:
        return None, position
    if kind in SIZED:
        return sized(kind, raw[position : position + count]), position + count + 2
    values = []
    for _ in range(count * AGGREGATES[kind]):
        value, position = parse_at(raw, position)
        values.append(value)
    if kind == b"%":
        return list(zip(values[::2], values[1::2], strict=True)), position
    return values, position


def scalar(kind: bytes, text: bytes):
    if kind == b"+":
        return text
    if kind == b"-":
        return Error(text.decode(errors="replace"))
    if kind == b"#":
        return text == b"t"
    if kind == b"_":
        return None
    return float(text) if kind == b"," else int(text)


def sized(kind: bytes, data: bytes):
    if kind == b"!":
        return Error(data.decode(errors="replace"))
    # A verbatim string begins with its format.
    return data[4:] if kind == b"=" else data
