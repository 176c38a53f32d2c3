"""The node beside a real Redis 7: the same bytes sent to both, the same bytes read from both.

The scripts are the tables in support/redis_cases; where a reply cannot be the same, such as an id or a time,
the table says in which form it is compared. What is different on purpose stands in the list in
support/redis_cases/differences.py. Standard library only; needs redis-server.
"""

from __future__ import annotations

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import parity, resp  # noqa: E402
from support.redis_cases import authentication, cluster, connection, differences  # noqa: E402
from support.redis_cases import expiry, keys, protocol, server, strings  # noqa: E402
from support.redis_server import RedisServer, is_stand_in, require, start_subject, version  # noqa: E402


ATTEMPT_COUNT_MAX = 4


class Parity:
    """Runs the cases of a subclass; both servers are emptied before each, and started anew if they died."""

    cases: tuple = ()
    options: dict = {}
    servers: dict = {}

    @classmethod
    def setUpClass(cls):
        require("redis-server")
        cls.servers = {}
        cls.addClassCleanup(cls.stop)
        cls.start()

    @classmethod
    def start(cls):
        for name, start in (("Redis", RedisServer), ("node", start_subject)):
            if name in cls.servers and not cls.servers[name].is_running():
                cls.servers.pop(name).__exit__(None, None, None)
            if name not in cls.servers:
                cls.servers[name] = start(**cls.options)

    @classmethod
    def stop(cls):
        for running in cls.servers.values():
            running.__exit__(None, None, None)

    def empty(self, running) -> None:
        with running.connect() as client:
            if running.password:
                client.call("AUTH", running.password)
            client.call("FLUSHALL")

    def outcome(self, name: str, script, protocol_version: int):
        running = self.servers[name]
        self.empty(running)
        try:
            return parity.run(running, script, protocol_version)
        except (OSError, resp.Malformed) as error:
            self.fail(f"{script.name}: {name} ended it: {error!r}")


class ReplyParity(Parity):
    """The cases must come to the same on both servers."""

    def difference(self, script, protocol_version: int) -> str:
        """How the servers differ; where a machine that stalled may be the reason, they get another chance."""
        for _ in range(ATTEMPT_COUNT_MAX):
            self.start()
            expected = self.outcome("Redis", script, protocol_version)
            actual = self.outcome("node", script, protocol_version)
            found = parity.difference(expected, actual)
            if not found or not (expected.has_stalled or actual.has_stalled):
                break
        return found

    def compare(self, protocol_version: int) -> None:
        for script in self.cases:
            if protocol_version not in script.protocols:
                continue
            with self.subTest(case=script.name, protocol=protocol_version):
                found = self.difference(script, protocol_version)
                if found:
                    self.fail(f"{script.name}: {found}")

    def test_replies_in_resp2_are_those_of_redis(self):
        self.compare(2)

    def test_replies_in_resp3_are_those_of_redis(self):
        self.compare(3)


class Connections(ReplyParity, unittest.TestCase):
    cases = connection.CASES


class Values(ReplyParity, unittest.TestCase):
    cases = strings.CASES


class OptionsOfSet(ReplyParity, unittest.TestCase):
    cases = strings.OPTION_CASES


class TimesToLive(ReplyParity, unittest.TestCase):
    cases = expiry.CASES


class Keys(ReplyParity, unittest.TestCase):
    cases = keys.CASES


class TheServer(ReplyParity, unittest.TestCase):
    cases = server.CASES


class TheProtocol(ReplyParity, unittest.TestCase):
    cases = protocol.CASES


class Authentication(ReplyParity, unittest.TestCase):
    cases = authentication.CASES
    options = {"password": authentication.PASSWORD}


class OutsideACluster(ReplyParity, unittest.TestCase):
    cases = cluster.OUTSIDE_CASES


class Cluster(ReplyParity, unittest.TestCase):
    cases = cluster.CASES
    options = {"cluster": True}


def prepare(session: parity.Session) -> None:
    session.connection().call("MSET", "k", "v", "n", "1")


class Differences(Parity, unittest.TestCase):
    """What differs on purpose must differ, in the way that is written down."""

    def setUp(self):
        if is_stand_in():
            self.skipTest("Redis stands in for the node")

    def outcomes(self, entry: differences.Difference, protocol_version: int):
        """What a Redis and the node come to, on the servers of the class or on some of its own."""
        if entry.redis_arguments or entry.node_arguments:
            with (
                RedisServer(arguments=entry.redis_arguments) as redis,
                start_subject(arguments=entry.node_arguments) as node,
            ):
                return [parity.run(running, entry.script, protocol_version) for running in (redis, node)]
        self.start()
        # Some of the commands work on these.
        script = parity.Case(entry.script.name, (prepare, *entry.script.steps))
        return [self.outcome(name, script, protocol_version) for name in ("Redis", "node")]

    def check(self, entry: differences.Difference, protocol_version: int) -> None:
        expected, actual = self.outcomes(entry, protocol_version)
        still_differs = not entry.until or version() < entry.until
        if still_differs:
            self.assertNotEqual(expected, actual, "no difference any more: strike it from the list")
        for number, (label, got) in enumerate(actual):
            matches = re.fullmatch(entry.pattern(number), got, re.DOTALL)
            self.assertTrue(matches, f"{label[:100]}: {got[:200]!r} ({entry.reason})")

    def test_each_difference_still_differs(self):
        for protocol_version in (2, 3):
            for entry in differences.DIFFERENCES:
                if protocol_version not in entry.script.protocols:
                    continue
                with self.subTest(case=entry.script.name, protocol=protocol_version):
                    self.check(entry, protocol_version)


if __name__ == "__main__":
    unittest.main(verbosity=2)
