"""What LMCache 0.5.6 has written to a store, Reprise's remote connectors read, and the other way round.

Redis holds LMCache's pairs of keys; LMCache's own server is at the other end of lm://.
"""

from __future__ import annotations

import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from support import node, redis_server, rounds  # noqa: E402
from support.control import require_module  # noqa: E402
from test_lmcache_lm import LMCacheServer  # noqa: E402

LIMIT_SECONDS = 240
ABSENT, DAMAGED = 1, 65


def remote(*arguments, stdin: bytes = b"") -> subprocess.CompletedProcess:
    command = [node.binary(), "remote", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=LIMIT_SECONDS)


class Interchange:
    """A subclass says what LMCache and Reprise call the store."""

    lmcache_url = ""
    reprise_url = ""

    def round(self, name: str) -> str:
        program, limit = "lmcache_resp_round.py", LIMIT_SECONDS
        return rounds.run(self, program, self.lmcache_url, name, limit_seconds=limit, names=[name])

    def test_each_reads_what_the_other_has_written(self):
        require_module("lmcache", "LMCache")
        stored = re.search(r"stored (\S+) ([0-9a-f]{64}) shape (\S+) other (\S+)", self.round("store"))
        key, digest, shape, other = stored.groups()
        self.assertEqual(remote("exists", self.reprise_url, key).returncode, 0)
        self.assertEqual(remote("exists", self.reprise_url, key, other).returncode, ABSENT)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "value"
            got = remote("get", "-o", file, self.reprise_url, key)
            self.assertEqual((got.returncode, got.stderr), (0, b""))
            self.assertEqual(hashlib.sha256(file.read_bytes()).hexdigest(), digest)
            options = ["--dtype", "bfloat16", "--shape", shape]
            put = remote("put", *options, self.reprise_url, other, file)
            self.assertEqual((put.returncode, put.stderr), (0, b""))
        self.round("fetch")


class OverRedis(Interchange, unittest.TestCase):
    def setUp(self):
        redis_server.require("redis-server")
        self.server = self.enterContext(redis_server.RedisServer())
        self.lmcache_url = f"redis://{self.server.host}:{self.server.port}"
        self.reprise_url = f"{self.lmcache_url}?layout=lmcache"

    def test_listing_and_removing_a_pair(self):
        self.assertEqual(remote("put", self.reprise_url, "a", "-", stdin=b"value").returncode, 0)
        with self.server.connect() as client:
            self.assertEqual(sorted(client.call("KEYS", "*")), [b"akv_bytes", b"ametadata"])
        self.assertEqual(remote("ls", self.reprise_url).stdout, b"a\n")
        self.assertEqual(remote("rm", self.reprise_url, "a").returncode, 0)
        self.assertEqual(remote("rm", self.reprise_url, "a").returncode, ABSENT)
        with self.server.connect() as client:
            self.assertEqual(client.call("DBSIZE"), 0)

    def test_a_record_that_was_damaged_is_said_to_be(self):
        url = self.lmcache_url
        self.assertEqual(remote("put", url, "a", "-", stdin=b"value" * 1000).returncode, 0)
        self.assertEqual(remote("get", url, "a").stdout, b"value" * 1000)
        with self.server.connect() as client:
            record = bytearray(client.call("GET", "arecord"))
            record[-1000] ^= 1
            client.call("SET", "arecord", bytes(record))
        got = remote("get", url, "a")
        self.assertEqual((got.returncode, got.stdout), (DAMAGED, b""))


class OverLMCacheServer(Interchange, unittest.TestCase):
    def setUp(self):
        require_module("lmcache", "LMCache")
        self.server = self.enterContext(LMCacheServer())
        self.lmcache_url = self.reprise_url = f"lm://{self.server.host}:{self.server.port}"


class OverFiles(Interchange, unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.lmcache_url = self.reprise_url = f"fs://localhost:0{folder}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
