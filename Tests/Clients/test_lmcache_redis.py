"""LMCache 0.5.6's redis://, redis-cluster://, valkey:// and resp:// connectors against a node and a Redis.

The second is the control: a round that fails there too says more about the round than about the node.
"""

from __future__ import annotations

import hashlib
import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from support import rounds  # noqa: E402
from support.control import AgainstNode, pairs, require_module  # noqa: E402
from support.redis_server import is_stand_in  # noqa: E402

LMCACHE_VERSION = "0.5.6"
ROUND_LIMIT_SECONDS = 120
PASSWORD = "correct-horse"


def require_lmcache() -> None:
    require_module("lmcache", "LMCache")
    from importlib.metadata import version

    assert version("lmcache") == LMCACHE_VERSION, f"LMCache {version('lmcache')}, not {LMCACHE_VERSION}"


class WithRounds:
    """Runs rounds in child processes, which can be killed."""

    options = {"memory": "512MiB"}
    modules = (("lmcache", "LMCache"), ("redis", "redis-py"))
    scheme = "redis"
    login = ""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.login}{self.server.host}:{self.server.port}"

    def run_rounds(self, *names: str) -> str:
        require_lmcache()
        return rounds.run(
            self,
            "lmcache_resp_round.py",
            self.url,
            *names,
            limit_seconds=ROUND_LIMIT_SECONDS,
            names=names,
            environment={"ROUND_PASSWORD": PASSWORD},
        )


class EveryScheme(WithRounds):
    # One process for all, since most of its time goes into starting LMCache.
    def test_puts_gets_lookups_batches_the_remote_backend_and_the_engine(self):
        self.run_rounds("basic", "overwrite", "batched", "concurrent", "backend", "engine")


class OverRedis(EveryScheme):
    def test_a_chunk_that_is_not_whole(self):
        self.run_rounds("partial")


class OverResp(EveryScheme):
    scheme = "resp"


class OverValkey(EveryScheme):
    scheme = "valkey"
    modules = (("lmcache", "LMCache"), ("glide_sync", "valkey-glide-sync"))

    def test_a_time_to_live(self):
        self.run_rounds("expiring")


class OverRedisCluster(EveryScheme):
    scheme = "redis-cluster"
    options = {"memory": "512MiB", "cluster": True}

    def test_valkey_in_its_cluster_mode(self):
        require_module("glide_sync", "valkey-glide-sync")
        self.scheme = "valkey"
        self.run_rounds("clustered")


class WithPassword(WithRounds):
    options = {"memory": "512MiB", "password": PASSWORD}

    def test_redis(self):
        self.login = f":{PASSWORD}@"
        self.run_rounds("login")

    def test_resp(self):
        self.scheme = "resp"
        self.run_rounds("login")

    def test_valkey(self):
        require_module("glide_sync", "valkey-glide-sync")
        self.scheme = "valkey"
        self.run_rounds("login")


class ReadOverResp(WithRounds):
    """What one scheme stored is read over RESP as its payload."""

    def read_stored(self) -> None:
        key, digest = re.search(r"stored (\S+) ([0-9a-f]{64})", self.run_rounds("store")).groups()
        with self.server.connect() as client:
            payload = client.call("GET", key)
            self.assertEqual(hashlib.sha256(payload).hexdigest(), digest)
            self.assertEqual(client.call("STRLEN", key), len(payload))
            self.assertIn(key.encode(), client.call("KEYS", "test-model@*"))


class AcrossProtocols(ReadOverResp):
    def test_a_chunk_stored_by_resp(self):
        self.scheme = "resp"
        self.read_stored()


pairs(globals(), OverRedis, OverResp, OverValkey, OverRedisCluster, WithPassword, AcrossProtocols)


class FromLmAgainstNode(ReadOverResp, AgainstNode, unittest.TestCase):
    """Against a node alone: a Redis does not speak lm://."""

    def test_a_chunk_stored_by_lm(self):
        if is_stand_in():
            self.skipTest("Redis stands in for the node")
        self.scheme = "lm"
        self.read_stored()


if __name__ == "__main__":
    unittest.main(verbosity=2)
