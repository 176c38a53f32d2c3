"""How long after its start a node with a full disk serves its first value, and what a restart costs in hits.

The disk is filled with small values over RESP; then the node is stopped, or killed, and started again,
and the time from the start of its process to the first value that it returns is taken. Then real
requests are replayed, once without and once with a stop and a start in the middle.

Usage: python disk_restart.py --reprise PATH [--records 100000] [--rounds 7] [--trace FILE] [--directory DIR]
Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests" / "Clients"))
from support import resp  # noqa: E402
from support.node import Node, free_port  # noqa: E402

VALUE_BYTE_COUNT = 4096
PIPELINE_COUNT = 64
# How often it is looked, in values, whether the disk keeps up, and how far it may be behind.
PACE_COUNT = 50 * PIPELINE_COUNT
QUEUED_COUNT_MAX = 20_000
CHECKED_COUNT = 200
MEMORY = "4GiB"
FILL_LIMIT_SECONDS = 600
CLEAN_SECONDS_MAX, KILLED_SECONDS_MAX = 1.0, 3.0
LOSS_MAX = 0.01


def statistic(node: Node, name: str) -> float:
    prefix = f"reprise_disk_{name}{{"
    return sum(value for key, value in node.statistics().items() if key.startswith(prefix))


def key(number: int) -> str:
    return f"record-{number}"


def value(number: int) -> bytes:
    return random.Random(number).randbytes(VALUE_BYTE_COUNT)


def fill(node: Node, count: int) -> float:
    """Stores values until all of them are on the disk; returns how many a second were written."""
    start = time.monotonic()
    with resp.Client(node.address, timeout=120) as client:
        for first in range(0, count, PIPELINE_COUNT):
            numbers = range(first, min(first + PIPELINE_COUNT, count))
            client.send(b"".join(resp.command("SET", key(number), value(number)) for number in numbers))
            for _ in numbers:
                if resp.parse(client.read_reply()) != b"OK":
                    raise RuntimeError("a SET was refused")
            # A disk that is too far behind leaves values to memory until they are evicted.
            while first % PACE_COUNT == 0 and statistic(node, "queued_puts") > QUEUED_COUNT_MAX:
                time.sleep(0.01)
    while statistic(node, "entries") < count:
        if time.monotonic() > start + FILL_LIMIT_SECONDS:
            raise RuntimeError(f"only {statistic(node, 'entries'):.0f} of {count} values were written")
        time.sleep(0.1)
    return count / (time.monotonic() - start)


def private_byte_count(process: subprocess.Popen) -> int:
    """Memory of a process beside its arena, which is shared memory to the system."""
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0]) * 1024


def end(process: subprocess.Popen, how: signal.Signals) -> None:
    process.send_signal(how)
    process.wait(timeout=120)


def start_node(options, directory: str) -> Node:
    os.environ["REPRISE_BIN"] = options.reprise
    node = Node(memory=MEMORY, arguments=["--disk", f"{directory}:{options.size}"])
    node.was_told_to_end = True
    return node


def first_value_seconds(options, directory: str, how: signal.Signals, generator: random.Random) -> float:
    """Starts a node, takes the time to its first value, checks some more, and ends it."""
    number, port = generator.randrange(options.records), free_port()
    command = [options.reprise, "serve", "--port", str(port), "--memory", MEMORY]
    command += ["--disk", f"{directory}:{options.size}", "--log-level", "error"]
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        client = connect(process, port)
        with client:
            first = client.call("GET", key(number))
            seconds = time.monotonic() - start
            others = generator.sample(range(options.records), CHECKED_COUNT)
            found = {number: first} | {other: client.call("GET", key(other)) for other in others}
        wrong = [other for other, found in found.items() if found != value(other)]
        if wrong:
            raise RuntimeError(f"values are missing or wrong: {wrong}")
    finally:
        end(process, how)
    return seconds


def connect(process: subprocess.Popen, port: int) -> resp.Client:
    while process.poll() is None:
        try:
            return resp.Client(("127.0.0.1", port))
        except ConnectionError:
            time.sleep(0.001)
    raise RuntimeError(f"the node ended with {process.returncode}")


def measure_starts(options, directory: str) -> bool:
    node = start_node(options, directory)
    before = private_byte_count(node.process)
    rate = fill(node, options.records)
    print(f"filled with {options.records} values of {VALUE_BYTE_COUNT} bytes, {rate:.0f} a second")
    each = (private_byte_count(node.process) - before) / options.records
    print(f"{each:.0f} bytes of private memory a value\n")
    generator = random.Random(1)
    is_good = True
    for how, title, bound in (
        (signal.SIGTERM, "a clean stop", CLEAN_SECONDS_MAX),
        (signal.SIGKILL, "kill -9", KILLED_SECONDS_MAX),
    ):
        # What the first one finds.
        end(node.process, how)
        taken = [first_value_seconds(options, directory, how, generator) for _ in range(options.rounds)]
        is_met = statistics.median(taken) <= bound
        is_good = is_good and is_met
        figures = f"{statistics.median(taken):.3f} s ({min(taken):.3f}–{max(taken):.3f})"
        print(f"* {'pass' if is_met else 'FAIL'}: first value after {title}: {figures}, at most {bound:g} s")
        node = start_node(options, directory)
    end(node.process, signal.SIGTERM)
    return is_good


def replay(options, lines: list[str], port: int) -> tuple[int, int]:
    """Replays requests; how many blocks were found, and how many were asked for."""
    command = [options.reprise, "replay", "-", "--url", f"lm://127.0.0.1:{port}", "--block-bytes", "4096B"]
    text = "".join(lines)
    done = subprocess.run([*command, "--json"], input=text, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    report = json.loads(done.stdout)
    return report["hits"], report["block_references"]


def hit_rate(options, directory: str, ending: signal.Signals | None) -> float:
    """The hit rate of the whole trace, with a restart in the middle if an ending is given."""
    lines = pathlib.Path(options.trace).read_text().splitlines(keepends=True)
    middle = len(lines) // 2
    node = start_node(options, directory)
    first = replay(options, lines[:middle], node.port)
    if ending:
        end(node.process, ending)
        node = start_node(options, directory)
    second = replay(options, lines[middle:], node.port)
    end(node.process, signal.SIGTERM)
    return (first[0] + second[0]) / (first[1] + second[1])


def measure_replay(options, directory: str) -> bool:
    rates = {}
    for title, ending in (("no restart", None), ("a stop", signal.SIGTERM), ("kill -9", signal.SIGKILL)):
        rates[title] = hit_rate(options, f"{directory}-{len(rates)}", ending)
    lost = rates["no restart"] - min(rates.values())
    verdict = "pass" if lost <= LOSS_MAX else "FAIL"
    print(f"* {verdict}: hit rate of the trace, restarted in its middle after …")
    print("  " + ", ".join(f"{title}: {rate:.4f}" for title, rate in rates.items()))
    return lost <= LOSS_MAX


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reprise", required=True, help="the release build of reprise")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--size", default="2GiB", help="of the disk")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--trace", help="replay it with and without a restart in the middle")
    parser.add_argument("--directory", help="where the disks go; default: TMPDIR")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        is_good = measure_starts(options, os.path.join(name, "disk"))
        if options.trace:
            is_good = measure_replay(options, os.path.join(name, "trace")) and is_good
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
