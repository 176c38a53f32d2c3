"""Reprise beside the loopback limit and LMCache's own server, over lm://, driven by one and the same client.

All servers run throughout; rounds are interleaved with the order rotated, so that drift of the machine meets
all of them alike. Prints a Markdown table of medians, spreads and per-round ratios, and which bars are met.

Usage: python peers.py --reprise PATH --limit PATH [--rounds 9] [--operations 500] [--json FILE]
Run it with a Python that has LMCache (scripts/python-env); `make bench` does.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests" / "Clients"))
from support import lm  # noqa: E402
from support.node import free_port  # noqa: E402

VALUE_BYTE_COUNT = 4 << 20
CONNECTION_COUNTS = (1, 4)
CLIENT = (
    "{reprise} bench --json --url lm://127.0.0.1:{port} --value-size 4MiB --connections {connections} "
    "--operations {operations} --mix put,get,exist"
)


class Server:
    """A child process that serves lm:// on a port of its own."""

    def __init__(self, name: str, command: list[str]):
        self.name = name
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        words = [word.format(port=self.port) for word in command]
        environment = os.environ | {"LMCACHE_TRACK_USAGE": "false", "LMCACHE_DISABLE_BANNER": "1"}
        environment["LMCACHE_LOG_LEVEL"] = "ERROR"
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment
        )

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                with lm.Client(("127.0.0.1", self.port), timeout=5) as client:
                    client.health()
                    return
            except OSError as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.log.seek(0)
                    log = self.log.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(f"{self.name} did not start: {error}\n{log}") from None
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclasses.dataclass(frozen=True)
class Metric:
    """One figure of the client's report."""

    name: str
    unit: str
    connections: int
    more_is_better: bool

    @property
    def title(self) -> str:
        plural = "" if self.connections == 1 else "s"
        return f"{self.name}, {self.connections} connection{plural} ({self.unit})"


@dataclasses.dataclass(frozen=True)
class Bar:
    """What a ratio of Reprise to a peer has to reach."""

    metric: str
    connections: int
    peer: str
    bound: float

    def verdict(self, samples, metric) -> str:
        ratio = statistics.median(ratios(samples, metric, self.peer))
        if metric.more_is_better:
            # "Not below": the spread of the peer decides, as two equal servers differ by noise.
            if self.bound == 1.0:
                met = statistics.median(samples["reprise"][metric]) >= min(samples[self.peer][metric])
            else:
                met = ratio >= self.bound
            return f"{'pass' if met else 'FAIL'} (≥ {self.bound:g} × {self.peer}: {ratio:.2f})"
        return f"{'pass' if ratio <= self.bound else 'FAIL'} (≤ {self.bound:g} × {self.peer}: {ratio:.2f})"


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


def ratios(samples, metric, peer) -> list[float]:
    """Reprise over the peer, round by round."""
    pairs = zip(samples["reprise"][metric], samples[peer][metric], strict=True)
    return [ours / theirs for ours, theirs in pairs]


def measure(server: Server, connections: int, options) -> dict[Metric, float]:
    command = options.client.format(
        reprise=shlex.quote(options.reprise),
        port=server.port,
        connections=connections,
        operations=options.operations,
    )
    done = subprocess.run(
        shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return read_report(json.loads(done.stdout), connections)


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


def collect(servers: list[Server], options):
    """samples[server][metric]: one figure for each round."""
    samples = {server.name: {} for server in servers}
    for number in range(-1, options.rounds):
        order = servers[number % len(servers) :] + servers[: number % len(servers)]
        for connections in CONNECTION_COUNTS:
            for server in order:
                figures = measure(server, connections, options)
                # The round before the first warms every server up and is thrown away.
                for metric, value in figures.items() if number >= 0 else ():
                    samples[server.name].setdefault(metric, []).append(value)
        print(f"round {number + 1} of {options.rounds} done", file=sys.stderr, flush=True)
    return samples


def figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spread(values: list[float]) -> str:
    return f"{figure(statistics.median(values))} ({figure(min(values))}–{figure(max(values))})"


def table(samples) -> tuple[list[str], bool]:
    lines = [
        "| metric | loopback limit | LMCache server | Reprise | Reprise / limit | Reprise / LMCache | bar |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    all_met = True
    for metric in sorted(samples["reprise"], key=lambda metric: (metric.connections, metric.name)):
        bars = [bar for bar in BARS if (bar.metric, bar.connections) == (metric.name, metric.connections)]
        verdicts = [bar.verdict(samples, metric) for bar in bars]
        all_met = all_met and not any(verdict.startswith("FAIL") for verdict in verdicts)
        cells = [metric.title]
        cells += [spread(samples[name][metric]) for name in ("limit", "lmcache", "reprise")]
        cells += [spread(ratios(samples, metric, peer)) for peer in ("limit", "lmcache")]
        lines.append("| " + " | ".join([*cells, "; ".join(verdicts) or "–"]) + " |")
    return lines, all_met


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
    servers = [
        Server("reprise", [options.reprise, "serve", "--port", "{port}", "--memory", "1GiB"]),
        Server("limit", [options.limit, "{port}", str(VALUE_BYTE_COUNT)]),
        Server("lmcache", [*python, "127.0.0.1", "{port}", "cpu"]),
    ]
    try:
        for server in servers:
            server.wait_until_up()
        load = os.getloadavg()[0]
        samples = collect(servers, options)
    finally:
        for server in servers:
            server.stop()
    lines, all_met = table(samples)
    amount = f"{options.rounds} rounds, {options.operations} operations of 4 MiB, {os.cpu_count()} cores"
    print(f"\n{amount}, ", end="")
    print(f"Linux {platform.release()}; median (min–max); ratios are taken round by round.\n")
    if load > (os.cpu_count() or 1):
        print(f"The machine was busy with other work (load {load:.1f} at the start): judge nothing by it.\n")
    print("\n".join(lines))
    if options.json:
        flat = {
            name: {f"{metric.name}/{metric.connections}": values for metric, values in metrics.items()}
            for name, metrics in samples.items()
        }
        options.json.write_text(json.dumps(flat, indent=1))
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
