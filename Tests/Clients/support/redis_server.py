"""Starts and stops a real Redis on a free loopback port: the model of the parity tests, and their control."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from . import resp
from .node import Node, free_port

START_LIMIT_SECONDS = 30
# With this in the environment a Redis takes the node's place, so that the tests test themselves.
STAND_IN_VARIABLE = "REPRISE_STAND_IN"


def program() -> str | None:
    """The redis-server to use: $REDIS_SERVER, or the one on the path."""
    return os.environ.get("REDIS_SERVER") or shutil.which("redis-server")


def require(name: str) -> str:
    """The path of redis-server, redis-cli or redis-benchmark; skips the test when there is none."""
    path = program() if name == "redis-server" else shutil.which(name)
    if path is None:
        raise unittest.SkipTest(f"{name} is not installed; scripts/test clients installs it where it can")
    return path


def version() -> tuple[int, ...]:
    """The version of redis-server, such as (7, 0, 15)."""
    text = subprocess.run([require("redis-server"), "--version"], capture_output=True, text=True).stdout
    return tuple(map(int, re.search(r"v=(\d+)\.(\d+)\.(\d+)", text).groups()))


class RedisServer:
    """A running Redis without persistence and with one database, as a node has; a context manager."""

    def __init__(self, password=None, cluster=False, unix_socket=None, arguments=()):
        self.host, self.password = "127.0.0.1", password
        self.folder = tempfile.TemporaryDirectory()
        self.log = tempfile.TemporaryFile()
        options = ["--save", "", "--appendonly", "no", "--dir", self.folder.name, "--bind", self.host]
        options += ["--cluster-enabled", "yes"] if cluster else ["--databases", "1"]
        if password:
            options += ["--requirepass", password]
        if unix_socket is not None:
            options += ["--unixsocket", str(unix_socket)]
        self._start(options + list(arguments))
        if cluster:
            self._take_all_slots()

    def _start(self, options):
        # Another process may take the port between the probe and the bind, so a start is tried again.
        for attempt in range(3):
            self.port = free_port(self.host)
            # The port of the cluster's bus is the data port and 10,000, unless it is said.
            bus = ["--cluster-port", str(free_port(self.host))] if "--cluster-enabled" in options else []
            command = [require("redis-server"), "--port", str(self.port), *bus, *options]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
            )
            if self._is_up():
                return
            if attempt == 2:
                raise RuntimeError(f"redis-server did not start:\n{self.output()}")

    def _is_up(self) -> bool:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with self.connect(timeout=5) as client:
                    client.raw("PING")
                    return True
            except OSError:
                time.sleep(0.01)
        self.kill()
        return False

    def _take_all_slots(self):
        with self.connect() as client:
            if self.password:
                client.call("AUTH", self.password)
            client.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            deadline = time.monotonic() + START_LIMIT_SECONDS
            while b"cluster_state:ok" not in client.call("CLUSTER", "INFO"):
                if time.monotonic() > deadline:
                    raise RuntimeError("the cluster of one Redis did not come up")
                time.sleep(0.05)

    @property
    def address(self):
        return (self.host, self.port)

    def connect(self, **options) -> resp.Client:
        return resp.Client(self.address, **options)

    def is_running(self) -> bool:
        return self.process.poll() is None

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
            print(f"--- log of redis-server ---\n{self.output()}--- end of log ---")
        self.log.close()
        self.folder.cleanup()


class RespNode(Node):
    """A node with connections that speak RESP; options as for RedisServer."""

    def __init__(self, password=None, cluster=False, arguments=(), memory="256MiB", **options):
        self.password_file = None
        arguments = list(arguments)
        if password:
            self.password_file = tempfile.NamedTemporaryFile(suffix=".password")
            self.password_file.write(password.encode() + b"\n")
            self.password_file.flush()
            arguments += ["--password-file", self.password_file.name]
        self.password, self.cluster = password, cluster
        super().__init__(memory=memory, arguments=arguments, **options)

    def _command(self, memory, arguments):
        # A cluster client is told where the node is, which is known when its port is.
        place = f"{self.host}:{self.port}"
        return super()._command(
            memory, arguments + (["--cluster-announce", place] if self.cluster else [])
        )

    def connect(self, **options) -> resp.Client:
        return resp.Client(self.address, **options)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        if self.password_file:
            self.password_file.close()


def is_stand_in() -> bool:
    """Whether a Redis takes the node's place."""
    return os.environ.get(STAND_IN_VARIABLE) == "redis"


def start_subject(password=None, cluster=False, **options):
    """The node under test."""
    if is_stand_in():
        return RedisServer(password=password, cluster=cluster)
    return RespNode(password=password, cluster=cluster, **options)
