"""The programs of the Examples package do what Examples/README.md says. Standard library only."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import node, redis_server  # noqa: E402

LIMIT_SECONDS = 60
SHARED_KEY = "example-model@1@0@2b763dd00afa89c8@bfloat16"
FOLDER = pathlib.Path(os.environ.get("REPRISE_EXAMPLES") or node.ROOT / "Examples" / ".build" / "debug")


def run(name: str, *arguments, stdin: str = "") -> subprocess.CompletedProcess:
    """Runs an example to its end; skips the test when it is not built."""
    if not (FOLDER / name).exists():
        raise unittest.SkipTest(f"{name} is not built; swift build --package-path Examples builds it")
    command = [FOLDER / name, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=LIMIT_SECONDS)


def line_of(tokens) -> str:
    return " ".join(map(str, tokens)) + "\n"


class EmbeddedEngine(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def serve(self, *arguments, stdin: str = "", directory: str = "disk") -> str:
        done = run("EmbeddedEngine", f"{self.folder}/{directory}", *arguments, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_a_second_run_finds_what_the_first_one_computed(self):
        first, second = self.serve(), self.serve()
        self.assertIn("request 1: 104 tokens, 0 found, 104 computed, 96 stored\n", first)
        self.assertIn("request 2: 228 tokens, 96 found (96 from memory), 132 computed, 128 stored\n", first)
        self.assertIn("4 requests: 384 of 708 tokens found, 324 computed, 0 wrong\n", first)
        self.assertIn("request 1: 104 tokens, 96 found (96 from disk), 8 computed, 0 stored\n", second)
        self.assertIn("4 requests: 688 of 708 tokens found, 20 computed, 0 wrong\n", second)

    def test_prompts_with_one_beginning_share_it_and_others_share_nothing(self):
        prompts = [range(100), [*range(50), *range(900, 950)], [7, *range(1, 100)]]
        printed = self.serve(stdin="".join(map(line_of, prompts)))
        found = [int(count) for count in re.findall(r"^request .* (\d+) found", printed, re.MULTILINE)]
        # Chunks have 16 tokens.
        self.assertEqual(found, [0, 48, 0])

    def test_another_disk_finds_what_the_remote_store_has(self):
        redis_server.require("redis-server")
        with redis_server.RedisServer() as redis:
            url = f"redis://{redis.host}:{redis.port}"
            self.serve(url)
            printed = self.serve(url, directory="another")
        self.assertIn("request 1: 104 tokens, 96 found (96 from remote), 8 computed, 0 stored\n", printed)
        self.assertIn("4 requests: 688 of 708 tokens found, 20 computed, 0 wrong\n", printed)

    def test_what_is_no_request_is_said_and_the_next_one_served(self):
        lines = "1 x\n" + line_of(range(5000)) + line_of(range(16))
        done = run("EmbeddedEngine", f"{self.folder}/disk", stdin=lines)
        self.assertEqual(done.returncode, 0)
        self.assertIn("line 1: a request is token numbers", done.stderr)
        self.assertIn("room for 4096 tokens", done.stderr)
        self.assertIn("request 1: 16 tokens, 0 found, 16 computed, 16 stored\n", done.stdout)

    def test_wrong_usage_is_said(self):
        for arguments in [(), ("--help",), (f"{self.folder}/disk", "nothing://x")]:
            done = run("EmbeddedEngine", *arguments)
            self.assertEqual(done.returncode, os.EX_USAGE, arguments)
            self.assertTrue(done.stderr)


class TwoNodes(unittest.TestCase):
    def test_one_node_serves_what_the_other_one_has(self):
        redis_server.require("redis-server")
        with redis_server.RedisServer() as redis:
            done = run("TwoNodes", f"redis://{redis.host}:{redis.port}")
            # What the nodes had in the directory went with them.
            with redis.connect() as client:
                self.assertEqual(client.call("SCARD", f"reprise:holders:{SHARED_KEY}"), 0)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("got them from the second: the same\nand once more: the same\n", done.stdout)
        self.assertIn("1 found, 0 missed, 0 no longer there, 524288 bytes read\n", done.stdout)

    def test_no_redis_is_said(self):
        done = run("TwoNodes", f"redis://127.0.0.1:{node.free_port()}")
        self.assertEqual(done.returncode, os.EX_UNAVAILABLE)
        self.assertIn("TwoNodes: no Redis answers: redis://127.0.0.1:", done.stderr)

    def test_a_url_of_something_else_is_refused(self):
        self.assertEqual(run("TwoNodes", "lm://127.0.0.1:1").returncode, os.EX_USAGE)


if __name__ == "__main__":
    unittest.main()
