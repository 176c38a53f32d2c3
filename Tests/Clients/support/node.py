"""Starts and stops one Reprise node as a child process."""

from __future__ import annotations

import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import time

from . import lm

ROOT = pathlib.Path(__file__).resolve().parents[3]
START_LIMIT_SECONDS = 120


def binary() -> str:
    """The `reprise` under test: $REPRISE_BIN, or the debug build of this checkout."""
    return os.environ.get("REPRISE_BIN") or str(ROOT / ".build" / "debug" / "reprise")


def free_port(host: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def raise_descriptor_limit(count: int = 8192) -> None:
    """Lets this process and its children hold `count` descriptors, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Node:
    """A running node; a context manager that kills the process and shows its log when a test fails."""

    def __init__(
        self, host="127.0.0.1", memory="256MiB", unix_socket=None, arguments=(), descriptor_limit=None
    ):
        self.host = host
        self.unix_socket = unix_socket
        self.log = tempfile.TemporaryFile()
        self.was_told_to_end = False
        self.descriptor_limit = descriptor_limit
        self._start(memory, list(arguments))

    def _start(self, memory, arguments):
        # Another process may take the port between the probe and the bind, so a start is tried again.
        for attempt in range(3):
            self.port = free_port(self.host)
            command = self._command(memory, arguments)
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
            )
            if self.descriptor_limit is not None:
                limits = (self.descriptor_limit, self.descriptor_limit)
                resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, limits)
            if self._is_up():
                return
            if attempt == 2:
                raise RuntimeError(f"{' '.join(command)} did not start:\n{self.output()}")

    def _command(self, memory, arguments) -> list[str]:
        command = [binary(), "serve", "--host", self.host, "--port", str(self.port), "--memory", memory]
        if self.unix_socket:
            command += ["--unix", str(self.unix_socket)]
        return command + arguments

    @property
    def address(self):
        return (self.host, self.port)

    def _is_up(self) -> bool:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with lm.Client(self.address, timeout=5):
                    return True
            except OSError:
                time.sleep(0.02)
        self.kill()
        return False

    def client(self, dialect=lm.CURRENT, **options) -> lm.Client:
        return lm.Client(self.address, dialect, **options)

    def unix_client(self, dialect=lm.CURRENT, **options) -> lm.Client:
        return lm.Client(str(self.unix_socket), dialect, **options)

    def statistics(self) -> dict[str, float]:
        with self.client() as client:
            return client.statistics()

    def settle(self, is_settled, limit_seconds=30.0) -> dict[str, float]:
        """Polls the statistics until `is_settled` holds for them; returns the last ones either way.

        A node that has just been at a limit may refuse this connection too: it is then made again.
        """
        deadline = time.monotonic() + limit_seconds
        while True:
            try:
                return self._settle_once(is_settled, deadline)
            except ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _settle_once(self, is_settled, deadline: float) -> dict[str, float]:
        with self.client() as client:
            while True:
                values = client.statistics()
                if is_settled(values) or time.monotonic() > deadline:
                    return values
                time.sleep(0.02)

    def resident_byte_count(self) -> int:
        """VmRSS of the node, the pages of its arena included."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def output(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def terminate(self) -> None:
        self.was_told_to_end = True
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.process.poll()
        self.kill()
        if kind is not None or (status is not None and not self.was_told_to_end):
            print(f"--- log of the node (exit status {status}) ---\n{self.output()}--- end of log ---")
        self.log.close()
