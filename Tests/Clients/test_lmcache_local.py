"""LMCache 0.5.6 with Reprise on its own host: as second level of its server, and as a store in its process.

The server is LMCache's own (`lmcache server`, its CPU platform), driven by LMCache's own bench client, which
sums up the chunks before it stores them and after it has loaded them into cleared memory.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from support import rounds  # noqa: E402
from support.node import ROOT, Node, free_port  # noqa: E402

SEQUENCE_COUNT = 24
# Each sequence has two chunks of 1 MiB: the first level holds few of them.
CHUNK_COUNT = 2 * SEQUENCE_COUNT
FIRST_LEVEL_GIBIBYTES = 0.03125
ROUND_LIMIT_SECONDS = 240
START_LIMIT_SECONDS = 120
STORE_LIMIT_SECONDS = 60


def library() -> pathlib.Path:
    """The library under test: $REPRISE_LIBRARY, or what scripts/library has built in this checkout."""
    return pathlib.Path(os.environ.get("REPRISE_LIBRARY") or ROOT / ".build" / "library" / "libreprise.so")


def require() -> None:
    if importlib.util.find_spec("lmcache") is None:
        raise unittest.SkipTest("LMCache is not installed for this Python; scripts/python-env installs it")
    assert library().exists(), f"{library()} is not there: scripts/library builds it"


def environment() -> dict[str, str]:
    """What a process needs to use the package of this checkout."""
    return {
        "PYTHONPATH": str(ROOT / "python"),
        "REPRISE_LIBRARY": str(library()),
        "LMCACHE_TRACK_USAGE": "false",
        "LMCACHE_DISABLE_BANNER": "1",
        "LMCACHE_LOG_LEVEL": "WARNING",
    }


class Server:
    """`lmcache server` with a node as its second level."""

    def __init__(self, node_socket: pathlib.Path):
        self.port, self.http_port = free_port(), free_port()
        adapter = {
            "type": "native_plugin",
            "module_path": "reprise.lmcache",
            "class_name": "L2Client",
            "adapter_params": {"path": str(node_socket), "timeout": 2},
            "max_capacity_gb": 1,
            "eviction": {"eviction_policy": "LRU"},
        }
        command = [sys.executable, "-m", "lmcache.cli.main", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--http-host", "127.0.0.1", "--http-port", str(self.http_port)]
        command += ["--supported-transfer-mode", "engine_driven", "--eviction-policy", "LRU"]
        command += ["--l1-size-gb", str(FIRST_LEVEL_GIBIBYTES), "--l2-adapter", json.dumps(adapter)]
        command += ["--shm-name", f"reprise-test-{os.getpid()}-{self.port}"]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env=os.environ | environment(),
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while True:
            try:
                for port in (self.port, self.http_port):
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"LMCache's server did not start:\n{self.end()}") from None
                time.sleep(0.1)

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def end(self) -> str:
        """Ends the server as an operator does; returns what it has logged. To be called once."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with self.log:
            self.log.seek(0)
            return self.log.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        log = self.end()
        if kind is not None:
            print(f"--- log of LMCache's server ---\n{log}--- end of log ---")


class SecondLevel(unittest.TestCase):
    """`reprise.lmcache.L2Client` in LMCache's server."""

    @classmethod
    def setUpClass(cls):
        require()
        sys.path.insert(0, str(ROOT / "python"))
        os.environ["REPRISE_LIBRARY"] = str(library())

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.socket = self.folder / "reprise.sock"

    def round(self, server: Server, action: str, first: int = 0, count: int = SEQUENCE_COUNT) -> None:
        arguments = [action, server.url, first, count, self.folder / "sums.json"]
        rounds.run(
            self,
            "lmcache_server_round.py",
            *arguments,
            limit_seconds=ROUND_LIMIT_SECONDS,
            names=[action],
            environment=environment(),
        )

    def wait_until_stored(self, count: int) -> None:
        """LMCache writes to its second level when it has the time."""
        import reprise

        deadline = time.monotonic() + STORE_LIMIT_SECONDS
        with reprise.Client(self.socket) as client:
            while client.statistics().entries < count:
                found = client.statistics().entries
                self.assertLess(time.monotonic(), deadline, f"{found} of {count} chunks in the node")
                time.sleep(0.05)

    def test_store_evict_restart_and_load_with_equal_sums(self):
        with Node(memory="256MiB", unix_socket=self.socket):
            with Server(self.socket) as server:
                self.round(server, "store")
                self.wait_until_stored(CHUNK_COUNT)
                # Most are not in the first level any more.
                self.round(server, "load")
            with Server(self.socket) as server:
                # None is.
                self.round(server, "load")

    def test_a_node_that_goes_and_comes_back(self):
        node = Node(memory="256MiB", unix_socket=self.socket)
        with Server(self.socket) as server:
            with node:
                self.round(server, "store", 0, 4)
                self.wait_until_stored(8)
                node.was_told_to_end = True
            # Without a node all goes on with the first level.
            self.round(server, "load", 0, 4)
            self.round(server, "miss", 10, 4)
            with Node(memory="256MiB", unix_socket=self.socket):
                with Server(self.socket) as other:
                    # The new node is empty, and the other server has nothing in its first level.
                    self.round(other, "miss", 0, 4)
                    self.round(other, "store", 10, 4)
                    self.wait_until_stored(8)
                # The first server has these from the new node only.
                self.round(server, "load", 10, 4)

    def test_a_node_that_is_away_is_a_miss(self):
        with Server(self.socket) as server:
            self.round(server, "miss", 0, 2)
            self.round(server, "store", 0, 2)
            self.round(server, "load", 0, 2)


class InProcess(rounds.ClientRounds, unittest.TestCase):
    """`reprise.lmcache.ConnectorAdapter` in LMCache's engine, in the rounds of its lm:// client."""

    @classmethod
    def setUpClass(cls):
        require()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.socket = pathlib.Path(folder.name) / "reprise.sock"
        cls.addClassCleanup(Node(memory="256MiB", unix_socket=cls.socket).__exit__, None, None, None)

    def run_round(self, name: str) -> None:
        rounds.run(
            self,
            "lmcache_plugin_round.py",
            name,
            self.socket,
            limit_seconds=ROUND_LIMIT_SECONDS,
            names=[name],
            environment=environment(),
        )

    def test_by_the_name_of_the_plug_in(self):
        self.run_round("plugin")


if __name__ == "__main__":
    unittest.main(verbosity=2)
