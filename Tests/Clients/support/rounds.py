"""Runs rounds of LMCache's clients in child processes, which can be killed when they hang."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).parent.parent


def run(
    case: unittest.TestCase, program: str, *arguments, limit_seconds: float, names=(), environment=None
) -> str:
    """Runs a program of this folder, which prints `round NAME held` for each name; returns what it prints."""
    words = " ".join(map(str, arguments))
    try:
        done = subprocess.run(
            [sys.executable, str(HERE / program), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # LMCache's default chunk hash is Python's own.
            env=os.environ | {"PYTHONHASHSEED": "0"} | (environment or {}),
            timeout=limit_seconds,
        )
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"").decode(errors="replace")
        case.fail(f"{program} {words} hung for {limit_seconds} s:\n{output}")
    case.assertEqual(done.returncode, 0, done.stdout)
    for name in names:
        case.assertIn(f"round {name} held", done.stdout)
    return done.stdout


class ClientRounds:
    """The rounds that every client of LMCache's has to pass; `run_round` carries one out."""

    def run_round(self, name: str) -> None:
        raise NotImplementedError

    def test_put_exists_get_and_misses(self):
        self.run_round("basic")

    def test_dtypes_and_shapes(self):
        self.run_round("dtypes")

    def test_ten_at_once(self):
        self.run_round("concurrent")

    def test_large_tensors(self):
        self.run_round("large")

    def test_several_connections(self):
        self.run_round("connections")

    def test_remote_backend(self):
        self.run_round("backend")

    def test_engine_stores_and_another_engine_retrieves(self):
        self.run_round("engine")
