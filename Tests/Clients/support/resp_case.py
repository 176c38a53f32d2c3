"""What the raw-socket RESP tests share: a node for the tests of a class, and connections to it."""

from __future__ import annotations

import unittest

from . import lm, resp
from .redis_server import is_stand_in, start_subject

MIB = 1 << 20


def pattern(seed: int, byte_count: int) -> bytes:
    """Bytes that differ between seeds and between offsets; line ends and text of the protocol among them."""
    block = bytes((seed * 31 + index * 7) & 0xFF for index in range(251)) + b"\r\n$3\r\n*1\r\n-ERR\r\n"
    return (block * (byte_count // len(block) + 1))[:byte_count]


def needs_node(test: unittest.TestCase) -> None:
    """Skips a test of what no Redis does, when one stands in for the node."""
    if is_stand_in():
        test.skipTest("Redis stands in for the node")


class RespCase(unittest.TestCase):
    """One node for the tests of a class; each test begins with an empty one."""

    options: dict = {}
    # Whether no Redis could stand in.
    is_of_nodes = False

    @classmethod
    def setUpClass(cls):
        if cls.is_of_nodes and is_stand_in():
            raise unittest.SkipTest("Redis stands in for the node")
        cls.node = start_subject(**cls.options)
        cls.addClassCleanup(cls.node.__exit__, None, None, None)

    def setUp(self):
        self.connect().call("FLUSHALL")

    def connect(self, protocol=2, **options) -> resp.Client:
        client = self.node.connect(**options)
        self.addCleanup(client.close)
        if self.node.password:
            client.call("AUTH", self.node.password)
        if protocol == 3:
            client.call("HELLO", 3)
        return client

    def lm_connect(self, dialect=lm.CURRENT) -> lm.Client:
        client = self.node.client(dialect)
        self.addCleanup(client.close)
        return client

    def key(self, suffix="") -> str:
        return f"{self._testMethodName[-80:]}{suffix}"

    def assert_replies(self, client: resp.Client, *replies: bytes) -> None:
        for number, expected in enumerate(replies):
            got = client.read_reply()
            self.assertTrue(got == expected, f"reply {number}: {got[:200]!r}, not {expected[:200]!r}")

    def assert_value(self, client: resp.Client, key, expected) -> None:
        """As assertEqual, without printing megabytes."""
        got = client.call("GET", key)
        if got != expected:
            size = "nothing" if got is None else f"{len(got)} bytes that begin with {got[:100]!r}"
            self.fail(f"{key}: {size}")

    def assert_serves(self) -> None:
        client = self.connect()
        self.assertEqual(client.raw("PING"), b"+PONG\r\n")
        client.close()
