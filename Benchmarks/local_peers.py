"""Reprise's Python client on a node of this host, beside a bare copy and LMCache's own local stores.

Values of 4 MiB are stored from numpy arrays and loaded into others: by `reprise.Client`, by numpy.copyto to
and from memory as the node's, which is what can be reached, and by LMCache's native clients for files (in
memory, as /dev/shm is) and for Redis. What is stored is removed before each measurement, for the client
for files leaves a file that is there as it is. All share one process and the same arrays; the order is
rotated.

Usage: python local_peers.py --reprise PATH --library PATH [--rounds 9] [--mebibytes 256] [--directory DIR]
                             [--json FILE]
redis-server must be in PATH, and LMCache be installed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile

from comparison import figures, servers
from comparison.figures import Bar, Metric
from comparison.local_subjects import MEBIBYTE, Arrays, CopyTo, Native, Reprise, Threads

VALUE_BYTE_COUNT = 4 * MEBIBYTE
# More than memory gives on any machine: who is faster has not moved the bytes.
BYTES_PER_SECOND_MAX = 100e9
CASES = (Threads(1), Threads(2))
TITLES = {"copyto": "numpy.copyto", "fs_native": "LMCache fs_native", "resp": "LMCache RESP"}
BARS = [
    Bar(operation, case, peer, bound)
    for case in CASES
    for operation in ("PUT", "GET")
    for peer, bound in (("copyto", 0.75), ("fs_native", 2.0), ("resp", 2.0))
]


def measure(subject, threads: Threads, arrays: Arrays) -> dict[Metric, float]:
    arrays.clear()
    # LMCache's client for files leaves a file that is there as it is, and would be measured storing nothing.
    subject.forget(arrays, threads)
    byte_count = len(arrays.keys) * VALUE_BYTE_COUNT
    put, get = subject.put(arrays, threads), subject.get(arrays, threads)
    if wrong := arrays.wrong_count():
        raise RuntimeError(f"{subject.name} lost {wrong} values")
    if byte_count / min(put, get) > BYTES_PER_SECOND_MAX:
        raise RuntimeError(f"{subject.name} cannot have moved {byte_count} bytes in {min(put, get):.6f} s")
    return {
        Metric("PUT", "GB/s", threads, True): byte_count / put / 1e9,
        Metric("GET", "GB/s", threads, True): byte_count / get / 1e9,
    }


def subjects(options, arrays: Arrays, cleanup: contextlib.ExitStack) -> list:
    """All that is measured, with the servers that it needs."""
    from lmcache.lmcache_fs import LMCacheFSClient
    from lmcache.lmcache_redis import LMCacheRedisClient

    folder = cleanup.enter_context(tempfile.TemporaryDirectory())
    socket = os.path.join(folder, "reprise.sock")
    files = cleanup.enter_context(tempfile.TemporaryDirectory(dir=options.directory))
    memory = f"{3 * len(arrays.keys) * VALUE_BYTE_COUNT // MEBIBYTE}MiB"
    node = [options.reprise, "serve", "--port", "{port}", "--memory", memory, "--unix", socket]
    redis = ["redis-server", "--port", "{port}", "--save", "", "--appendonly", "no"]
    specifications = [("reprise", node, servers.accepts), ("redis", redis, servers.accepts)]
    _, redis_server = cleanup.enter_context(servers.running(specifications))
    os.environ["REPRISE_LIBRARY"] = options.library
    made = [
        Reprise(socket),
        CopyTo(arrays),
        Native("fs_native", lambda count: LMCacheFSClient(files, int(count)), CASES),
        Native("resp", lambda count: LMCacheRedisClient(servers.HOST, redis_server.port, int(count)), CASES),
    ]
    for subject in made:
        cleanup.callback(subject.close)
    return made


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", required=True, help="the release build of reprise")
    parser.add_argument("--library", required=True, help="the library, as scripts/library builds it")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--mebibytes", type=int, default=256, help="stored, and loaded, in each measurement")
    parser.add_argument("--directory", default="/dev/shm", help="where fs_native's files go")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every sample")
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    os.environ |= {"LMCACHE_TRACK_USAGE": "false", "LMCACHE_DISABLE_BANNER": "1"}
    os.environ |= {"LMCACHE_LOG_LEVEL": "ERROR"}
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
    load = os.getloadavg()[0]
    arrays = Arrays(max(4, options.mebibytes * MEBIBYTE // VALUE_BYTE_COUNT), VALUE_BYTE_COUNT)
    with contextlib.ExitStack() as cleanup:
        samples = figures.collect(
            subjects(options, arrays, cleanup),
            lambda subject, case: measure(subject, case, arrays),
            options.rounds,
            CASES,
        )
    figures.print_conditions(options.rounds, f"{options.mebibytes} MiB each", load)
    figures.print_table(samples, TITLES)
    all_met = figures.print_verdicts(samples, BARS)
    if options.json:
        figures.write_samples(samples, options.json)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
