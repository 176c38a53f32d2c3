"""Reprise beside the loopback limit and LMCache's own server, over lm://, driven by one and the same client.

All servers run throughout; rounds are interleaved with the order rotated, so that drift of the machine meets
all of them alike. Prints a Markdown table of medians, spreads and per-round ratios, and which bars are met.

Usage: python peers.py --reprise PATH --limit PATH [--rounds 9] [--operations 500] [--json FILE]
Run it with a Python that has LMCache (scripts/python-env); `make bench` does.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shlex
import sys

from comparison import figures
from comparison.figures import Bar, Metric
from comparison.servers import Server, running

CLIENT = (
    "{reprise} bench --json --url lm://127.0.0.1:{port} --value-size 4MiB --connections {connections} "
    "--operations {operations} --mix put,get,exist"
)
TITLES = {"limit": "loopback limit", "lmcache": "LMCache server"}
BARS = [
    Bar("PUT", 4, "limit", 0.9),
    Bar("GET", 4, "limit", 0.9),
    Bar("PUT", 1, "limit", 0.85),
    Bar("GET", 1, "limit", 0.85),
    Bar("PUT", 4, "lmcache", 1.8),
    Bar("GET", 1, "lmcache", 1.0),
    Bar("GET", 4, "lmcache", 1.0),
    Bar("EXIST p50", 1, "lmcache", 0.5),
    Bar("EXIST p50", 4, "lmcache", 0.5),
]


def measure(server: Server, connections: int, options) -> dict[Metric, float]:
    command = options.client.format(
        reprise=shlex.quote(options.reprise),
        port=server.port,
        connections=connections,
        operations=options.operations,
    )
    return read_report(json.loads(figures.run_client(shlex.split(command))), connections)


def read_report(report, connections: int) -> dict[Metric, float]:
    """The figures that are compared, from the JSON of `reprise bench`."""
    found = {}
    for operation in (operation for phase in report["phases"] for operation in phase["operations"]):
        name = operation["operation"].upper()
        if operation["misses"] or operation["wrong_bytes"]:
            raise RuntimeError(f"{name} had misses or wrong bytes: {operation}")
        if name != "EXIST":
            found[Metric(name, "GB/s", connections, True)] = operation["bytes_per_second"] / 1e9
        found[Metric(f"{name} p50", "µs", connections, False)] = operation["latency_us"]["p50"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", required=True, help="the release build of reprise: server and client")
    parser.add_argument("--limit", required=True, help="the LoopbackLimit program")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--operations", type=int, default=500, help="of each kind, in each measurement")
    parser.add_argument("--client", default=CLIENT, help="the client's command line")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every sample")
    options = parser.parse_args()
    python = [sys.executable, "-m", "lmcache.v1.server"]
    specifications = [
        ("reprise", [options.reprise, "serve", "--port", "{port}", "--memory", "1GiB"]),
        ("limit", [options.limit, "{port}", str(figures.VALUE_BYTE_COUNT)]),
        ("lmcache", [*python, "127.0.0.1", "{port}", "cpu"]),
    ]
    with running(specifications) as servers:
        load = os.getloadavg()[0]
        samples = figures.collect(
            servers, lambda server, connections: measure(server, connections, options), options.rounds
        )
    figures.print_conditions(options.rounds, f"{options.operations} operations of 4 MiB", load)
    figures.print_table(samples, TITLES)
    all_met = figures.print_verdicts(samples, BARS)
    if options.json:
        figures.write_samples(samples, options.json)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
