"""Who may speak to the node: passwords over RESP, and the addresses it listens on. Standard library only."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support.node import binary, free_port  # noqa: E402
from support.redis_server import start_subject  # noqa: E402
from support.resp_case import MIB, RespCase, needs_node  # noqa: E402

OK, PONG = b"+OK\r\n", b"+PONG\r\n"


def serve(*arguments, environment=None, limit_seconds=10):
    """What becomes of `reprise serve` with these arguments when it must not start."""
    command = [binary(), "serve", "--port", str(free_port()), "--memory", "64MiB", *arguments]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit_seconds,
        env=os.environ | (environment or {}),
    )


class Passwords(RespCase):
    options = {"password": "correct horse"}

    def refusals(self, *attempts):
        with self.node.connect() as client:
            return {client.raw(*attempt) for attempt in attempts}

    def test_a_wrong_password_is_always_the_same_error(self):
        wrong = ("x", "correct horsf", "correct hors", "correct horse ", "", "\xff", "correct horse" * 300)
        attempts = [("AUTH", text) for text in wrong]
        attempts += [("AUTH", user, text) for user in ("default", "root", "") for text in wrong]
        attempts += [("AUTH", "root", "correct horse"), ("HELLO", 3, "AUTH", "root", "correct horse")]
        expected = {b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"}
        self.assertEqual(self.refusals(*attempts), expected)

    def test_nothing_but_auth_before_auth(self):
        attempts = [("GET", "k"), ("SET", "k", "v"), ("PING",), ("INFO",), ("FLUSHALL",), ("KEYS", "*")]
        self.assertEqual(self.refusals(*attempts), {b"-NOAUTH Authentication required.\r\n"})

    def test_a_large_value_before_auth_is_not_read(self):
        with self.node.connect() as client:
            client.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % MIB)
            self.assertEqual(client.read_reply(), b"-ERR Protocol error: unauthenticated bulk length\r\n")
            self.assertTrue(client.is_closed_by_peer())

    def test_lm_on_the_loopback_needs_no_password(self):
        needs_node(self)
        with self.node.client() as client:
            self.assertTrue(client.health())

    def test_the_password_may_come_from_the_environment(self):
        needs_node(self)
        os.environ["REPRISE_PASSWORD"] = "from the environment"
        try:
            node = start_subject(memory="64MiB")
        finally:
            del os.environ["REPRISE_PASSWORD"]
        with node, node.connect() as client:
            self.assertEqual(client.raw("PING"), b"-NOAUTH Authentication required.\r\n")
            self.assertEqual(client.raw("AUTH", "from the environment"), OK)
            self.assertEqual(client.raw("PING"), PONG)
            self.assertNotIn("from the environment", node.output())


class Listening(unittest.TestCase):
    def setUp(self):
        needs_node(self)

    def assert_refused(self, *arguments, mentions=(), environment=None):
        done = serve(*arguments, environment=environment)
        self.assertNotEqual(done.returncode, 0, done.stderr)
        for text in mentions:
            self.assertIn(text, done.stderr)

    def test_no_password_beyond_the_loopback_is_refused(self):
        for host in ("0.0.0.0", "::"):
            with self.subTest(host=host):
                self.assert_refused("--host", host, mentions=["--unprotected", "password"])

    def test_a_password_file_that_is_missing_or_empty_is_refused(self):
        self.assert_refused("--password-file", "/nonexistent/password", mentions=["/nonexistent/password"])
        with tempfile.NamedTemporaryFile() as file:
            self.assert_refused("--password-file", file.name, mentions=["empty"])

    def test_the_loopback_needs_no_password(self):
        for host in ("127.0.0.1", "127.0.0.2", "localhost"):
            with self.subTest(host=host), start_subject(host=host, memory="64MiB") as node:
                with node.connect() as client:
                    self.assertEqual(client.raw("PING"), PONG)

    def test_unprotected_is_an_option(self):
        with start_subject(memory="64MiB", arguments=["--unprotected"]) as node, node.connect() as client:
            self.assertEqual(client.raw("PING"), PONG)

    def test_a_password_file_ends_with_its_line(self):
        with start_subject(password="two words", memory="64MiB") as node, node.connect() as client:
            self.assertEqual(client.raw("AUTH", "two words\n")[:10], b"-WRONGPASS")
            self.assertEqual(client.raw("AUTH", "two words"), OK)


if __name__ == "__main__":
    unittest.main(verbosity=2)
