"""Starts and stops one real Redis as a child process, without persistence."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time

from .node import free_port

START_LIMIT_SECONDS = 30


def binary() -> str | None:
    """The Redis server of this system, or None."""
    return shutil.which("redis-server")


class Server:
    """A running Redis; a context manager that kills the process and shows its log when a test fails."""

    def __init__(self, password: str | None = None, unix_socket=None, arguments=()):
        self.password = password
        self.unix_socket = unix_socket
        self.log = tempfile.TemporaryFile()
        self.folder = tempfile.TemporaryDirectory()
        self._start(list(arguments))

    def _start(self, arguments):
        # Another process may take the port between the probe and the bind, so a start is tried again.
        for attempt in range(3):
            self.port = free_port()
            command = [
                binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", self.folder.name,
            ]  # fmt: skip
            if self.password is not None:
                command += ["--requirepass", self.password]
            if self.unix_socket is not None:
                command += ["--unixsocket", str(self.unix_socket)]
            self.process = subprocess.Popen(
                command + arguments, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
            )
            if self._is_up():
                return
            if attempt == 2:
                raise RuntimeError(f"Redis did not start:\n{self.output()}")

    def _is_up(self) -> bool:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                    return True
            except OSError:
                time.sleep(0.02)
        self.kill()
        return False

    def output(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.kill()
        if kind is not None:
            print(f"--- log of Redis ---\n{self.output()}--- end of log ---")
        self.log.close()
        self.folder.cleanup()
