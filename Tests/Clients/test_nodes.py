"""Nodes that find each other's values through a Redis, and a Redis behind a node. Standard library only."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import lm, node, redis_server  # noqa: E402

LIMIT_SECONDS = 60
VALUE = bytes(range(256)) * 4096


def reprise(*arguments, stdin: bytes = b"") -> subprocess.CompletedProcess:
    command = [node.binary(), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=LIMIT_SECONDS)


def statistics(serving: node.Node) -> dict[str, float]:
    with lm.Client(serving.address) as client:
        return client.statistics()


class Nodes(unittest.TestCase):
    def setUp(self):
        redis_server.require("redis-server")
        self.redis = self.enterContext(redis_server.RedisServer())
        self.redis_place = f"{self.redis.host}:{self.redis.port}"

    def node(self, *arguments) -> node.Node:
        return self.enterContext(node.Node(memory="64MiB", arguments=arguments))

    def url(self, serving: node.Node) -> str:
        return f"lm://{serving.host}:{serving.port}"

    def put(self, serving: node.Node, key: str, value: bytes) -> None:
        self.assertEqual(reprise("put", "--url", self.url(serving), key, "-", stdin=value).returncode, 0)

    def get(self, serving: node.Node, key: str) -> bytes | None:
        done = reprise("get", "--url", self.url(serving), key)
        return done.stdout if done.returncode == 0 else None

    def wait_for(self, what, expected) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while what() != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(what(), expected)

    def test_a_node_serves_what_another_one_has(self):
        first, second = (self.node("--lookup-url", self.redis_place) for _ in range(2))
        with lm.Client(first.address) as client:
            client.put("model@1@0@1f@half", VALUE, shape=(2, 1, 256, 1024), dtype=lm.FLOAT16)
        self.wait_for(lambda: reprise("exists", "--url", self.url(second), "model@1@0@1f@half").returncode, 0)
        with lm.Client(second.address) as client:
            self.assertEqual(client.get("model@1@0@1f@half"), VALUE)
        numbers = statistics(second)
        self.assertEqual(numbers["reprise_peer_hits_total"], 1)
        self.assertEqual(numbers["reprise_directory_keys"], 1)

    def test_a_node_that_restarts_finds_what_the_store_behind_it_has(self):
        arguments = ("--remote-url", f"redis://{self.redis_place}")
        with node.Node(memory="64MiB", arguments=arguments) as first:
            self.put(first, "k", VALUE)
            self.wait_for(lambda: statistics(first).get("reprise_remote_puts_total"), 1)
        second = self.node(*arguments)
        self.assertEqual(self.get(second, "k"), VALUE)
        self.assertIsNone(self.get(second, "l"))
        self.assertEqual(statistics(second)["reprise_remote_hits_total"], 1)

    def test_a_node_that_nobody_can_reach_says_what_to_do(self):
        done = reprise("serve", "--host", "0.0.0.0", "--unprotected", "--lookup-url", self.redis_place)
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"--advertise", done.stderr)


if __name__ == "__main__":
    unittest.main()
