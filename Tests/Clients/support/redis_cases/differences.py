"""What a node answers otherwise than Redis on purpose: the one list, each with its reason.

A test proves that each entry still differs, and that the node answers as it says here.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from .. import resp
from ..parity import CLOSED, Session, case, closing, on, raw

OTHER_TYPES = (
    "LPUSH k v", "RPUSH k v", "LRANGE k 0 -1", "SADD k v", "SMEMBERS k", "HSET k f v", "HGET k f",
    "ZADD k 1 v", "ZRANGE k 0 -1", "XADD k * f v", "PFADD k v", "GEOADD k 1 1 v",
)  # fmt: skip
OTHER_STRINGS = (
    "APPEND k v", "INCR n", "DECR n", "INCRBY n 1", "INCRBYFLOAT n 1", "GETRANGE k 0 1", "SETRANGE k 0 v",
    "SETBIT k 1 1", "GETBIT k 1", "MSETNX a 1", "RENAME k l", "COPY k l", "DUMP k", "OBJECT ENCODING k",
)  # fmt: skip
OTHER_SERVICES = (
    "MULTI", "WATCH k", "SUBSCRIBE c", "PUBLISH c m", "EVAL return\\x201 0", "SAVE", "BGSAVE", "LASTSAVE",
    "REPLICAOF no one", "SLOWLOG GET", "LATENCY RESET", "DEBUG SLEEP 0", "ACL WHOAMI", "SWAPDB 0 0",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """Commands that a node answers in its own way."""

    reason: str
    script: object
    # What each of the node's replies has to match as a whole: one pattern for all, or one for each.
    node: str | tuple[str, ...]
    # The first version of Redis that answers as the node does, so that there is no difference any more.
    until: tuple[int, ...] = ()
    # Arguments for servers of its own, where the usual ones would not do.
    redis_arguments: tuple[str, ...] = ()
    node_arguments: tuple[str, ...] = ()

    def pattern(self, number: int) -> bytes:
        return (self.node if isinstance(self.node, str) else self.node[number]).encode()


def shut_down_early(session: Session) -> None:
    """Ends the requests at once behind a GET whose reply no socket buffer holds."""
    client, value = session.connection(), bytes(24 << 20)
    client.call("SET", "k", value)
    client.send(resp.command("GET", "k"))
    client.socket.shutdown(socket.SHUT_WR)
    try:
        session.record("the value", b"whole" if client.read_reply() == resp.bulk(value) else b"wrong")
    except (resp.Closed, ConnectionResetError):
        session.record("the value", CLOSED)


def unknown(reason: str, commands) -> tuple[Difference, ...]:
    """Commands that a node does not have. Each begins on an empty server that holds the strings k and n."""
    return tuple(
        Difference(reason, case(command, command),
        r"-ERR unknown command '[^']*', with args beginning with: .*\r\n")
        for command in commands
    )


DIFFERENCES = (
    *unknown("a node stores plain values of bytes, no other type", OTHER_TYPES),
    *unknown("a cached value is written whole, never changed in place", OTHER_STRINGS),
    *unknown("a node is a cache: no transactions, channels, scripts, snapshots or replicas", OTHER_SERVICES),
    Difference("a value over the limit is read to its end, so that the connection and its pipeline go on",
               case("a value over the limit",
                    raw(resp.command("SET", "k", bytes((1 << 20) + 1)) + resp.command("PING"), 2)),
               (r"-ERR (?!Protocol error)[^\r\n]+\r\n", r"\+PONG\r\n"),
               redis_arguments=("--proto-max-bulk-len", "1mb"), node_arguments=("--max-value", "1MiB")),
    Difference("a length or an argument that does not end with CRLF is wrong: what follows it "
               "would be stored as something that nobody sent",
               case("an argument with another end", raw(b"*1\r\n$4\r\nPINGxx", 1)),
               r"-ERR Protocol error: expected CRLF behind an argument: its length is wrong\r\n"),
    Difference("an argument that is no value is kept with its command, and has a limit",
               case("a long echo", raw(resp.command("ECHO", bytes(70_000)), 1)),
               r"-ERR argument of 70000 bytes; the limit is 65536\r\n"),
    Difference("values may be as long as the node's limit, which no line of a request need know",
               case("an argument over Redis's limit", closing(raw(b"*1\r\n$536870913\r\n", 0))),
               r"\(nothing came\)"),
    Difference("errors are texts: bytes that are none are shown by their number, or as U+FFFD",
               case("bytes that are no text", raw(b"*1\r\n\xff\r\n", 1)),
               r"-ERR Protocol error: expected '\$', got '\\xff'\r\n"),
    Difference("a peer that has said all it has to say still gets its replies",
               case("a shut down behind a request", shut_down_early), "whole"),
    Difference("a peer that begins with TLS is told at once, by a close, that nobody speaks it here",
               case("a hello of TLS",
                    on("a new one", closing(raw(bytes.fromhex("16030100f8010000f40303")), 0)),
                    protocols=(2,)),
               re.escape(CLOSED.decode())),
    Difference("COMMAND COUNT counts the commands that exist",
               case("count", "COMMAND COUNT"), r":[1-9]\d\r\n"),
    Difference("COMMAND DOCS knows the commands that exist",
               case("docs", "COMMAND DOCS LPUSH"), r"[*%]0\r\n"),
    Difference("CLIENT SETINFO came with Redis 7.2, and clients of today send it",
               case("setinfo", "CLIENT SETINFO LIB-NAME name", "CLIENT SETINFO LIB-VER 1.2"),
               r"\+OK\r\n", until=(7, 2)),
    Difference("CLIENT NO-TOUCH came with Redis 7.2",
               case("no-touch", "CLIENT NO-TOUCH ON", "CLIENT NO-TOUCH off"), r"\+OK\r\n", until=(7, 2)),
)  # fmt: skip
