"""Scripts of raw commands that run against two servers, and the forms in which their replies are compared.

A script is a sequence of steps. A step in plain text is one command: words between spaces, with Python's
escapes in them (`\\x20` is a space, `""` an empty word). Its reply is compared byte for byte unless the step
says otherwise.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from . import resp

# Silence for this long is an outcome too, and is compared like one.
REPLY_LIMIT_SECONDS = 5.0
SILENCE = b"(nothing came)"
CLOSED = b"(closed)"
# The shortest times to live of the tables last 200 ms.
STALL_SECONDS = 0.1
LONGEST_SHOWN = 300


def same(raw: bytes) -> bytes:
    return raw


@dataclass(frozen=True)
class Step:
    """Bytes to send, how many replies they get, and how each is compared."""

    request: bytes
    reply_count: int = 1
    # Whether the server closes the connection after these replies.
    closes: bool = False
    form: Callable[[bytes], bytes] = same
    connection: str = "first"
    label: str = ""


@dataclass(frozen=True)
class Case:
    """A script with a name."""

    name: str
    steps: tuple
    protocols: tuple[int, ...] = (2, 3)


def words(text: str) -> list[bytes]:
    """The arguments of a command written as text."""
    parts = text.split(" ")
    return [b"" if part == '""' else part.encode("latin-1").decode("unicode_escape").encode("latin-1")
            for part in parts]  # fmt: skip


def as_step(step) -> Step:
    if isinstance(step, Step):
        return step
    if isinstance(step, str):
        return Step(resp.command(*words(step)), label=step)
    if isinstance(step, tuple):
        return Step(resp.command(*step))
    raise TypeError(f"not a step: {step!r}")


def case(name: str, *steps, protocols=(2, 3)) -> Case:
    return Case(name, steps, protocols)


def form(step, function) -> Step:
    """A step whose reply is compared in the form that `function` gives it."""
    return replace(as_step(step), form=function)


def raw(data: bytes, replies: int = 1, closes: bool = False) -> Step:
    """Bytes as they are."""
    return Step(data, replies, closes)


def closing(step, replies: int = 1) -> Step:
    """A step after whose replies the server closes."""
    return replace(as_step(step), closes=True, reply_count=replies)


def on(connection: str, step) -> Step:
    """A step on another connection, which is opened when it is first named."""
    return replace(as_step(step), connection=connection)


def wait(seconds: float) -> Callable[[Session], None]:
    return lambda _: time.sleep(seconds)


# Forms


def shape(reply: bytes) -> bytes:
    """The types of a reply and of all that is nested in it, without their contents."""
    return repr(shape_at(reply, 0)[0]).encode()


def shape_at(reply: bytes, start: int):
    end = reply.index(b"\r\n", start)
    kind, position = chr(reply[start]), end + 2
    if kind not in "*~>%$=!":
        return kind, position
    count = int(reply[start + 1 : end])
    if kind in "$=!" or count < 0:
        return (kind if count >= 0 else f"{kind}-1"), position + (count + 2 if count >= 0 else 0)
    parts = []
    for _ in range(count * (2 if kind == "%" else 1)):
        part, position = shape_at(reply, position)
        parts.append(part)
    return (kind, *parts), position


def kind(reply: bytes) -> bytes:
    """The type of a reply alone."""
    return reply[:1]


def near(expected: int, tolerance: int) -> Callable[[bytes], bytes]:
    """A whole number that need not be exact, such as a time to live."""

    def compare(reply: bytes) -> bytes:
        if reply[:1] == b":" and abs(int(reply[1:]) - expected) <= tolerance:
            return b":(near %d)" % expected
        return reply

    return compare


def matching(pattern: str) -> Callable[[bytes], bytes]:
    """A reply that has to match a pattern as a whole, and no more than that."""

    def compare(reply: bytes) -> bytes:
        if re.fullmatch(pattern.encode(), reply, re.DOTALL):
            return f"(matches {pattern})".encode()
        return reply

    return compare


def in_any_order(reply: bytes) -> bytes:
    """An array whose elements may come in any order."""
    value = resp.parse(reply)
    return reply if not isinstance(value, list) else reply[:1] + repr(sorted(value)).encode()


def fields(*names: str) -> Callable[[bytes], bytes]:
    """A text of `name:value` or `name=value` fields: its type, and which of these fields it has."""

    def compare(reply: bytes) -> bytes:
        if reply[:1] not in (b"$", b"="):
            return reply
        found = set(re.findall(rb"(?:^|[\s])([a-z0-9_-]+)[:=]", resp.parse(reply)))
        form = reply[:1] + (b"txt " if reply[:1] == b"=" and b"\r\ntxt:" in reply[:20] else b" ")
        return form + b" ".join(name.encode() for name in names if name.encode() in found)

    return compare


def masked(*names: str) -> Callable[[bytes], bytes]:
    """A map, or a flat array of names and values, in which the values of some names are not compared."""

    def compare(reply: bytes) -> bytes:
        value = resp.parse(reply)
        if not isinstance(value, list):
            return reply
        is_map = reply[:1] == b"%"
        pairs = value if is_map else list(zip(value[::2], value[1::2], strict=True))
        hidden = [(name, type(item) if name.decode() in names else item) for name, item in pairs]
        return reply[:1] + repr(hidden).encode()

    return compare


# Running


class Outcomes(list):
    """What came of each step: labels and replies."""

    # How long the slowest step took.
    longest_step_seconds = 0.0

    @property
    def has_stalled(self) -> bool:
        """Whether a step took so long that a time to live may have run out behind it."""
        return self.longest_step_seconds > STALL_SECONDS


@dataclass
class Session:
    """One run of a script against one server: its connections, and what came of each step."""

    server: object
    protocol: int = 2
    connections: dict[str, resp.Client] = field(default_factory=dict)
    outcomes: Outcomes = field(default_factory=Outcomes)

    def connection(self, name="first") -> resp.Client:
        if name not in self.connections:
            client = self.server.connect(timeout=REPLY_LIMIT_SECONDS)
            self.connections[name] = client
            if self.protocol == 3:
                client.raw("HELLO", 3)
        return self.connections[name]

    def close(self) -> None:
        for client in self.connections.values():
            client.close()

    def run(self, steps) -> Outcomes:
        for step in steps:
            if callable(step):
                step(self)
                continue
            start = time.monotonic()
            self.do(step)
            taken = time.monotonic() - start
            self.outcomes.longest_step_seconds = max(self.outcomes.longest_step_seconds, taken)
        return self.outcomes

    def record(self, label: str, outcome: bytes) -> None:
        self.outcomes.append((label, outcome))

    def do(self, step) -> bytes:
        """Runs one step, keeps what came of it, and returns the last raw reply."""
        step = as_step(step)
        client = self.connection(step.connection)
        label = step.label or repr(step.request[:LONGEST_SHOWN])
        reply = b""
        try:
            client.send(step.request)
        except OSError:
            self.record(label, CLOSED)
            return CLOSED
        for _ in range(step.reply_count):
            reply = self.read_reply(client)
            is_reply = reply not in (CLOSED, SILENCE)
            self.record(label, step.form(reply) if is_reply else reply)
            if not is_reply:
                return reply
        if step.closes:
            self.record(f"{label}, and then", self.ending(client))
        return reply

    @staticmethod
    def read_reply(client: resp.Client) -> bytes:
        try:
            return client.read_reply()
        except (resp.Closed, ConnectionResetError):
            return CLOSED
        except TimeoutError:
            return SILENCE

    @staticmethod
    def ending(client: resp.Client) -> bytes:
        """What follows the last reply: the close, as it should, or bytes, or nothing."""
        if client.position < len(client.buffer):
            return bytes(client.buffer[client.position :])
        try:
            return client.socket.recv(LONGEST_SHOWN) or CLOSED
        except ConnectionResetError:
            return CLOSED
        except socket.timeout:
            return SILENCE


def run(server, script: Case, protocol: int) -> Outcomes:
    """What a server answers to a script on fresh connections."""
    session = Session(server, protocol)
    try:
        return session.run(script.steps)
    finally:
        session.close()


def difference(expected, actual) -> str:
    """The first step at which two runs part, as text; empty when they agree."""
    for number, ((label, wanted), (_, got)) in enumerate(zip(expected, actual), 1):
        if wanted != got:
            return (
                f"step {number}: {label[:LONGEST_SHOWN]}\n"
                f"  Redis: {wanted[:LONGEST_SHOWN]!r}\n  node:  {got[:LONGEST_SHOWN]!r}"
            )
    if len(expected) != len(actual):
        return f"Redis came to {len(expected)} outcomes, the node to {len(actual)}"
    return ""
