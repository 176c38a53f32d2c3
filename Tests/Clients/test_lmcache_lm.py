"""LMCache 0.5.6's own lm:// connector and RemoteBackend against a node, and against LMCache's own server.

The second is the control: a round that fails there too says more about the round than about the node.
"""

from __future__ import annotations

import importlib.util
import pathlib
import socket
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from support import rounds  # noqa: E402
from support.node import Node, free_port  # noqa: E402

LMCACHE_VERSION = "0.5.6"
ROUND_LIMIT_SECONDS = 240


class LMCacheServer:
    """LMCache's own server process."""

    def __init__(self):
        self.host, self.port = "127.0.0.1", free_port()
        command = [sys.executable, "-m", "lmcache.v1.server", self.host, str(self.port), "cpu"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=5).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.process.kill()
                    raise RuntimeError("LMCache's server did not start") from None
                time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Rounds(rounds.ClientRounds):
    """The rounds; a subclass says which server they run against."""

    server: object

    def run_round(self, name: str) -> None:
        arguments = [name, self.server.host, self.server.port]
        rounds.run(self, "lmcache_round.py", *arguments, limit_seconds=ROUND_LIMIT_SECONDS, names=[name])


def require_lmcache() -> None:
    if importlib.util.find_spec("lmcache") is None:
        raise unittest.SkipTest("LMCache is not installed for this Python; scripts/python-env installs it")
    from importlib.metadata import version

    assert version("lmcache") == LMCACHE_VERSION, f"LMCache {version('lmcache')}, not {LMCACHE_VERSION}"


class AgainstNode(Rounds, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_lmcache()
        cls.server = Node(memory="256MiB")
        cls.addClassCleanup(cls.server.__exit__, None, None, None)


class AgainstLMCacheServer(Rounds, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_lmcache()
        cls.server = LMCacheServer()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)


if __name__ == "__main__":
    unittest.main(verbosity=2)
