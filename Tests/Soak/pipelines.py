"""Pipelines of RESP commands that are written whole before anything is read, and the replies they may get.

A cache may have evicted any key, so that each command has two replies: what the commands before it say, and
what it says of a key that is not there.
"""

from __future__ import annotations

import pathlib
import random
import socket
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Clients")]
import children  # noqa: E402
import values  # noqa: E402
from support import resp  # noqa: E402

COMMAND_COUNT = 10_000
KEY_COUNT = 60
LARGE_BYTE_COUNT = 5 << 20


class Pipeline:
    """Commands, and what is known of each key after each of them."""

    def __init__(self, prefix: str, source: random.Random):
        self.prefix, self.source = prefix, source
        self.requests: list[bytes] = []
        # For each command its key, its name, and the value it stores.
        self.steps: list[tuple[str, str, bytes]] = []

    def fill(self, count: int) -> None:
        for number in range(count):
            key = f"{self.prefix}:{self.source.randrange(KEY_COUNT)}"
            name = self.source.choice(("SET", "SET", "GET", "GET", "EXPIRE", "EXISTS", "DEL"))
            self.add(name, key, values.make(key, number, self.source.randrange(24,
            700)) if name == "SET" else b"")

    def add(self, name: str, key: str, value: bytes = b"") -> None:
        extra = {"SET": (value,), "EXPIRE": (1000,)}.get(name, ())
        self.requests.append(resp.command(name, key, *extra))
        self.steps.append((key, name, value))

    def delete_all(self) -> None:
        for number in range(KEY_COUNT):
            self.add("DEL", f"{self.prefix}:{number}")

    def check(self, client: resp.Client) -> None:
        """Reads all replies. Raises ValueError for the first that is wrong."""
        stored: dict[str, bytes] = {}
        for number, (key, name, value) in enumerate(self.steps):
            reply = resp.parse(client.read_reply())
            if name == "SET" and isinstance(reply, resp.Error) and str(reply).startswith("OOM"):
                continue
            if reply not in self.allowed(name, stored.get(key)):
                shown = reply if not isinstance(reply, bytes) else reply[:60]
                raise ValueError(f"reply {number}, to {name} {key}, is {shown!r}")
            if name == "SET":
                stored[key] = value
            elif reply in (None, 0) or name == "DEL":
                # Deleted or evicted: it cannot come back by itself.
                stored.pop(key, None)

    @staticmethod
    def allowed(name: str, value: bytes | None) -> tuple:
        if name == "SET":
            return (b"OK",)
        if name == "GET":
            return (value, None)
        return (0,) if value is None else (1, 0)


def write_before_reading(node, number: int, source: random.Random) -> None:
    pipeline = Pipeline(f"pipe:{number}", source)
    pipeline.fill(COMMAND_COUNT - KEY_COUNT)
    pipeline.delete_all()
    with node.connect(timeout=children.LIMIT_SECONDS) as client:
        client.send(b"".join(pipeline.requests))
        pipeline.check(client)


def shut_down_early(node, number: int, source: random.Random) -> None:
    """All replies must still come after the end of the requests, and then the end of the replies."""
    pipeline = Pipeline(f"half:{number}", source)
    pipeline.fill(1000)
    key = f"{pipeline.prefix}:0"
    pipeline.add("SET", key, values.make(key, 1, LARGE_BYTE_COUNT))
    pipeline.add("GET", key)
    pipeline.delete_all()
    with node.connect(timeout=children.LIMIT_SECONDS) as client:
        client.send(b"".join(pipeline.requests))
        client.socket.shutdown(socket.SHUT_WR)
        pipeline.check(client)
        if not client.is_closed_by_peer():
            raise ValueError("more than the replies came, or no end")
