"""Reprise's remote backend on a Redis, beside a bare RESP client and LMCache's Redis connector.

Values of 4 MiB are put into one Redis and read back: by Reprise's remote backend, whose records prove
themselves; by our own RESP connection and nothing around it, which is what can be reached; and by LMCache's
connector. All use the same server, one after the other, in every round; the order is rotated.

Usage: python remote_peers.py --bench PATH [--rounds 9] [--mebibytes 512] [--json FILE]
redis-server must be in PATH, and LMCache be installed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys

from comparison import figures, servers
from comparison.figures import CONNECTION_COUNTS, Bar, Metric

MEBIBYTE = 1 << 20
VALUE_BYTE_COUNT = 4 * MEBIBYTE
TITLES = {"bare": "bare RESP", "lmcache": "LMCache"}
BARS = [
    Bar(operation, case, peer, bound)
    for case in CONNECTION_COUNTS
    for operation in ("PUT", "GET")
    for peer, bound in (("bare", 0.9), ("lmcache", 2.0))
]


class Program:
    """RemoteBench, in one of its modes."""

    def __init__(self, name: str, program: str, mode: str, port: int):
        self.name = name
        self.words = [program, mode, str(port), str(VALUE_BYTE_COUNT)]

    def measure(self, connections: int, count: int) -> dict:
        return json.loads(figures.run_client([*self.words, str(count), str(connections)]))


class LMCache:
    """LMCache's connector, in a process that stays."""

    name = "lmcache"

    def __init__(self, port: int):
        program = pathlib.Path(__file__).parent / "comparison" / "lmcache_remote.py"
        command = [sys.executable, str(program), f"redis://{servers.HOST}:{port}"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, connections: int, count: int) -> dict:
        self.process.stdin.write(f"{count} {connections}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            # It logs to its output, too.
            if line.startswith('{"put"'):
                return json.loads(line)
        raise RuntimeError(f"LMCache ended with {self.process.wait()}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def measure(subject, connections: int, mebibyte_count: int) -> dict[Metric, float]:
    report = subject.measure(connections, max(8, mebibyte_count * MEBIBYTE // VALUE_BYTE_COUNT))
    if report["wrong"]:
        raise RuntimeError(f"{subject.name} lost {report['wrong']} values")
    return {
        Metric(name, "GB/s", connections, True): report[name.lower()] / 1e9 for name in ("PUT", "GET")
    }


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="the RemoteBench program")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--mebibytes", type=int, default=512, help="put, and got, in each measurement")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every sample")
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    os.environ |= {"LMCACHE_TRACK_USAGE": "false", "LMCACHE_DISABLE_BANNER": "1"}
    os.environ["LMCACHE_LOG_LEVEL"] = "ERROR"
    load = os.getloadavg()[0]
    with contextlib.ExitStack() as cleanup:
        words = ["redis-server", "--port", "{port}", "--save", "", "--appendonly", "no"]
        (redis,) = cleanup.enter_context(servers.running([("redis", words, servers.accepts)]))
        subjects = [
            Program(figures.SUBJECT, options.bench, "backend", redis.port),
            Program("bare", options.bench, "bare", redis.port),
            cleanup.enter_context(contextlib.closing(LMCache(redis.port))),
        ]
        samples = figures.collect(
            subjects, lambda subject, case: measure(subject, case, options.mebibytes), options.rounds
        )
    figures.print_conditions(options.rounds, f"{options.mebibytes} MiB each", load)
    figures.print_table(samples, TITLES)
    all_met = figures.print_verdicts(samples, BARS)
    if options.json:
        figures.write_samples(samples, options.json)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
