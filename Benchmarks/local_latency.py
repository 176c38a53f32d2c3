"""What a message of the local protocol costs beside a bare round trip on a Unix socket.

`local/latency.c` takes the samples of all subjects in turn, round after round, in one process against one node;
this prints medians, spread and ratios, and whether the bars are met.

Usage: python local_latency.py --reprise PATH --program PATH [--rounds 15] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from comparison import servers

ACQUIRE_RATIO_MAX = 1.5
LOOKUP_MICROSECONDS_MAX = 200.0
TITLES = {
    "bare_us": "bare round trip",
    "acquire_release_us": "acquire and release",
    "lookup_512_us": "lookup of 512 keys",
}


def measure(options) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        socket = os.path.join(folder, "reprise.sock")
        node = [options.reprise, "serve", "--port", "{port}", "--memory", "256MiB", "--unix", socket]
        with servers.running([("reprise", node, servers.accepts)]):
            command = [options.program, socket, str(options.rounds)]
            return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=600).stdout)


def spread(values: list[float]) -> str:
    lowest, _, highest = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{lowest:.1f} to {highest:.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", required=True, help="the release build of reprise")
    parser.add_argument("--program", required=True, help="the program that local/latency.c is built to")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=pathlib.Path, help="where to write every round's medians")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    samples = measure(options)
    print(f"{options.rounds} rounds; load before: {load:.2f} on {os.cpu_count()} processors\n")
    print("| | median, us | quartiles | to bare, median of rounds |")
    print("| --- | ---: | ---: | ---: |")
    ratios = {}
    for name, title in TITLES.items():
        pairs = zip(samples[name], samples["bare_us"], strict=True)
        ratios[name] = statistics.median(value / bare for value, bare in pairs)
        median = statistics.median(samples[name])
        print(f"| {title} | {median:.1f} | {spread(samples[name])} | {ratios[name]:.2f} |")
    verdicts = [
        (f"acquire and release at most {ACQUIRE_RATIO_MAX} x a bare round trip",
         ratios["acquire_release_us"] <= ACQUIRE_RATIO_MAX),
        (f"lookup of 512 keys at most {LOOKUP_MICROSECONDS_MAX:.0f} us",
         statistics.median(samples["lookup_512_us"]) <= LOOKUP_MICROSECONDS_MAX),
    ]  # fmt: skip
    print()
    for text, is_met in verdicts:
        print(f"{'met' if is_met else 'MISSED'}: {text}")
    if options.json:
        options.json.write_text(json.dumps(samples))
    return 0 if all(is_met for _, is_met in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
