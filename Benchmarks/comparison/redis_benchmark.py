"""The figures of Redis's own benchmark, beside those of our client."""

from __future__ import annotations

import csv

from . import figures

KEY_COUNT = 64
DEPTH = 32


def measure(server, connections: int, operations: int) -> dict[figures.Metric, float]:
    """Requests a second of `redis-benchmark` for values of 4 MiB, and for a pipeline of EXISTS."""
    rates = _rates(
        server,
        connections,
        operations,
        ["-t", "set,get", "-d", str(figures.VALUE_BYTE_COUNT), "-r", str(KEY_COUNT)],
    )
    # Asks for one of the keys that SET has just stored.
    exists = _rates(
        server,
        connections,
        400 * operations,
        ["-P", str(DEPTH), "-r", str(KEY_COUNT), "EXISTS", "key:__rand_int__"],
    )
    found = {
        figures.Metric(name, "GB/s", connections, True): rate * figures.VALUE_BYTE_COUNT / 1e9
        for name, rate in rates.items()
    }
    (rate,) = exists.values()
    found[figures.Metric(f"EXISTS {DEPTH} deep", "1000/s", connections, True)] = rate / 1e3
    return found


def _rates(server, connections: int, operations: int, arguments: list[str]) -> dict[str, float]:
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "--csv"]
    command += ["-c", str(connections), "-n", str(operations), *arguments]
    lines = figures.run_client(command).splitlines()
    # A server without CONFIG makes it print warnings in front of the table.
    start = next(number for number, line in enumerate(lines) if line.startswith('"test"'))
    return {row["test"]: float(row["rps"]) for row in csv.DictReader(lines[start:])}
