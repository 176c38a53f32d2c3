"""A node under test, and clients of it: the real library in this process, the real node in another."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "Tests" / "Clients")]
os.environ.setdefault("REPRISE_LIBRARY", str(ROOT / ".build" / "library" / "libreprise.so"))

import reprise  # noqa: E402
from support.node import Node  # noqa: E402

MEBIBYTE = 1 << 20


@pytest.fixture(scope="session")
def socket_path(tmp_path_factory) -> str:
    """The Unix socket of a node with 256 MiB that runs for the whole session."""
    path = tmp_path_factory.mktemp("node") / "reprise.sock"
    with Node(memory="256MiB", unix_socket=path):
        yield str(path)


@pytest.fixture
def client(socket_path):
    """A client of that node, closed after the test."""
    with reprise.Client(socket_path) as client:
        yield client


@pytest.fixture
def prefix(request) -> str:
    """What the keys of this test begin with, so that tests do not meet each other's values."""
    return request.node.nodeid + ":"


def pattern(length: int, seed: int = 0) -> bytes:
    """Bytes that differ at every place that a wrong copy would take them from."""
    block = bytes((seed + index * 131 + index // 251) & 0xFF for index in range(4093))
    return (block * (length // len(block) + 1))[:length]
