"""Starts servers as child processes, and ends them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Clients"))
from support import lm  # noqa: E402
from support.node import free_port  # noqa: E402

HOST = "127.0.0.1"
START_LIMIT_SECONDS = 120


def answers_lm(port: int) -> None:
    """Raises an OSError unless an lm:// server is healthy on the port."""
    with lm.Client((HOST, port), timeout=5) as client:
        client.health()


def accepts(port: int) -> None:
    """Raises an OSError unless something accepts connections on the port."""
    socket.create_connection((HOST, port), timeout=5).close()


class Server:
    """A child process that serves on a port of its own, `{port}` in its command."""

    def __init__(self, name: str, command: list[str], probe=answers_lm):
        self.name = name
        self.port = free_port()
        self.probe = probe
        self.log = tempfile.TemporaryFile()
        words = [word.format(port=self.port) for word in command]
        environment = os.environ | {"LMCACHE_TRACK_USAGE": "false", "LMCACHE_DISABLE_BANNER": "1"}
        environment["LMCACHE_LOG_LEVEL"] = "ERROR"
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment
        )

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while True:
            try:
                self.probe(self.port)
                return
            except OSError as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.log.seek(0)
                    log = self.log.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(f"{self.name} did not start: {error}\n{log}") from None
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


@contextlib.contextmanager
def running(specifications: list[tuple]):
    """Servers of these arguments, all up; they end with the block, and when this process is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    servers: list[Server] = []
    try:
        for specification in specifications:
            servers.append(Server(*specification))
        for server in servers:
            server.wait_until_up()
        yield servers
    finally:
        for server in servers:
            server.stop()
