"""Reprise beside Redis, memcached and the loopback limit, driven by one and the same client, ValueBench.

All servers run throughout; rounds are interleaved with the order rotated, so that drift of the machine meets
all of them alike. Prints a Markdown table of medians, spreads and per-round ratios, which bars are met, and
then what redis-benchmark says of Redis and Reprise, which is not judged: it is a client of one thread.

Usage: python redis_peers.py --reprise PATH --limit PATH --client PATH [--rounds 9] [--operations 500]
                             [--json FILE]
redis-server, redis-benchmark and memcached must be in PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import pwd
import sys

from comparison import figures, redis_benchmark
from comparison.figures import Bar, Metric
from comparison.servers import Server, accepts, running

KEY_COUNT = 64
DEPTH = 32
# How many EXISTS there are for each PUT: enough to take about as long.
EXISTS_SHARE, PIPELINED_SHARE = 20, 400

TITLES = {"limit": "loopback limit", "memcached": "memcached", "redis": "Redis"}
BARS = [
    Bar("PUT", 4, "redis", 1.3),
    Bar("GET", 4, "redis", 1.7),
    Bar("PUT", 4, "memcached", 1.0),
    Bar("GET", 4, "memcached", 1.0),
    Bar("PUT", 4, "limit", 0.9),
    Bar("GET", 4, "limit", 0.9),
    Bar("PUT", 1, "limit", 0.85),
    Bar("GET", 1, "limit", 0.85),
    Bar("EXISTS p50", 1, "redis", 1.2),
    Bar(f"EXISTS {DEPTH} deep", 1, "redis", 1.5),
    Bar(f"EXISTS {DEPTH} deep", 4, "redis", 1.5),
]


def specifications(options) -> list[tuple]:
    """What `Server` takes for each server; all have room for the values of both clients."""
    redis = ["redis-server", "--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--appendonly", "no"]
    user = pwd.getpwuid(os.getuid()).pw_name
    memcached = ["memcached", "-u", user, "-l", "127.0.0.1", "-p", "{port}", "-m", "1024", "-t", "4"]
    limit = [options.limit, "{port}", str(figures.VALUE_BYTE_COUNT), str(KEY_COUNT)]
    return [
        ("reprise", [options.reprise, "serve", "--port", "{port}", "--memory", "1GiB"], accepts),
        ("limit", limit, accepts),
        ("memcached", [*memcached, "-I", "8m"], accepts),
        ("redis", [*redis, "--maxmemory", "1gb"], accepts),
    ]


def run(server: Server, connections: int, operation: str, count: int, options) -> dict:
    """The report of one run of ValueBench."""
    protocol = "memcached" if server.name == "memcached" else "redis"
    command = [options.client, "--protocol", protocol, "--port", str(server.port), "--op", operation]
    command += ["--connections", str(connections), "--operations", str(count), "--keys", str(KEY_COUNT)]
    command += ["--value-size", str(figures.VALUE_BYTE_COUNT), "--depth", str(DEPTH)]
    report = json.loads(figures.run_client(command))
    if report["misses"] or report["wrong"]:
        raise RuntimeError(f"{server.name} had misses or wrong values: {report}")
    return report


def measure(server: Server, connections: int, options) -> dict[Metric, float]:
    count = options.operations
    found = {}
    for operation in ("put", "get"):
        report = run(server, connections, operation, count, options)
        name = operation.upper()
        found[Metric(name, "GB/s", connections, True)] = report["bytes_per_second"] / 1e9
        found[Metric(f"{name} p50", "µs", connections, False)] = report["latency_us"]["p50"]
    report = run(server, connections, "exists", EXISTS_SHARE * count, options)
    found[Metric("EXISTS", "1000/s", connections, True)] = report["operations_per_second"] / 1e3
    for share in ("p50", "p99"):
        found[Metric(f"EXISTS {share}", "µs", connections, False)] = report["latency_us"][share]
    report = run(server, connections, "exists-pipelined", PIPELINED_SHARE * count, options)
    rate = report["operations_per_second"] / 1e3
    found[Metric(f"EXISTS {DEPTH} deep", "1000/s", connections, True)] = rate
    return found


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", required=True, help="the release build of reprise")
    parser.add_argument("--limit", required=True, help="the LoopbackLimit program")
    parser.add_argument("--client", required=True, help="the ValueBench program")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--operations", type=int, default=500, help="puts and gets in each measurement")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every sample of ValueBench")
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    with running(specifications(options)) as servers:
        load = os.getloadavg()[0]
        samples = figures.collect(
            servers, lambda server, connections: measure(server, connections, options), options.rounds
        )
        redis_like = [server for server in servers if server.name in ("reprise", "redis")]
        benchmarked = figures.collect(
            redis_like,
            lambda server, connections: redis_benchmark.measure(server, connections, options.operations),
            min(options.rounds, 3),
        )
    figures.print_conditions(options.rounds, f"{options.operations} operations of 4 MiB", load)
    figures.print_table(samples, TITLES)
    all_met = figures.print_verdicts(samples, BARS)
    print("\nThe same servers by redis-benchmark, in fewer rounds:\n")
    figures.print_table(benchmarked, {"redis": "Redis"})
    if options.json:
        figures.write_samples(samples, options.json)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
