"""Reprise's disk backend beside fio, on the very same data file, and beside LMCache's LocalDiskBackend.

Each value is written to the device and read from it cold: Reprise, fio and one of the two LMCaches go
past the page cache; the other LMCache writes into it, and its pages are dropped before it reads. In
every round each writes and reads as much; the order is rotated. Reprise's disk is full after the first
round, so that it evicts for every put.

fio is run twice: as it is, which is what is judged by, and with buffers in huge pages, which the system
transfers faster and Reprise's arena has, too: that is all that the device gives. It needs the right to
reserve such pages, and is left out without.

Usage: python disk_peers.py --bench PATH [--directory DIR] [--rounds 9] [--mebibytes 256] [--json FILE]
fio must be in PATH, and LMCache be installed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from comparison import figures
from comparison.figures import Bar, Metric

MEBIBYTE = 1 << 20
BATCH_COUNTS = (1, 8)
VALUE_BYTE_COUNTS = (1 * MEBIBYTE, 4 * MEBIBYTE, 16 * MEBIBYTE)
# Behind the superblocks of Reprise's data file.
FIO_OFFSET = MEBIBYTE
MODES = ("direct", "buffered")
HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
TITLES = {
    "huge": "fio, huge pages",
    "fio": "fio",
    "direct": "LMCache, O_DIRECT",
    "buffered": "LMCache, buffered",
}


@dataclasses.dataclass(frozen=True)
class Case:
    """How large values are, and how many are on their way at a time."""

    value_byte_count: int
    batch_count: int

    @property
    def title(self) -> str:
        batch = "one by one" if self.batch_count == 1 else f"{self.batch_count} at a time"
        return f"{self.value_byte_count // MEBIBYTE} MiB, {batch}"


CASES = [Case(size, count) for size in VALUE_BYTE_COUNTS for count in BATCH_COUNTS]
BARS = [
    Bar(operation, case, peer, bound)
    for case in CASES
    for operation in ("PUT", "GET")
    for peer, bound in (("fio", 0.85), ("direct", 1.0))
]
# What fio's buffers take at most, and what it takes beside them.
HUGE_PAGE_COUNT = max(case.value_byte_count * case.batch_count for case in CASES) // (2 * MEBIBYTE) + 8


class Reprise:
    """The backend in a process of its own; its files stay from round to round."""

    name = figures.SUBJECT

    def __init__(self, program: str, directory: pathlib.Path):
        self.program = program
        self.directory = directory
        self.run_count = 0

    def data_directory(self, case: Case) -> pathlib.Path:
        return self.directory / f"reprise-{case.value_byte_count}"

    def measure(self, case: Case, count: int) -> dict:
        if not self.data_directory(case).exists():
            # All of the file is written once: its blocks are then the file system's ordinary ones.
            self.run(case, 2 * count, count)
        return self.run(case, count, count)

    def run(self, case: Case, count: int, usual_count: int) -> dict:
        self.run_count += 1
        # Room for half as much again, so that each run evicts what an earlier one has written.
        size = usual_count * case.value_byte_count * 3 // 2 + 64 * MEBIBYTE
        numbers = [size, case.value_byte_count, count, case.batch_count, self.run_count << 32]
        command = [self.program, str(self.data_directory(case)), *map(str, numbers)]
        return json.loads(figures.run_client(command))


class Fio:
    """Writes and reads Reprise's data file as fast as the device lets it."""

    def __init__(self, name: str, reprise: Reprise, options: list[str]):
        self.name = name
        self.reprise = reprise
        self.options = options

    def measure(self, case: Case, count: int) -> dict:
        file = self.reprise.data_directory(case) / "data"
        put, get = (self.run(file, case, count, direction) for direction in ("write", "read"))
        return {"put": put, "get": get, "wrong": 0}

    def run(self, file: pathlib.Path, case: Case, count: int, direction: str) -> dict:
        engine = "psync" if case.batch_count == 1 else "libaio"
        command = ["fio", "--name=peer", f"--filename={file}", f"--rw={direction}", "--direct=1"]
        command += [f"--bs={case.value_byte_count}", f"--size={count * case.value_byte_count}"]
        command += [f"--offset={FIO_OFFSET}", f"--ioengine={engine}", f"--iodepth={case.batch_count}"]
        # The file is there, and must not be laid out anew.
        command += ["--allow_file_create=0", "--fallocate=none", "--output-format=json", *self.options]
        job = json.loads(figures.run_client(command))["jobs"][0][direction]
        shares = job["clat_ns"]["percentile"]
        p50, p99 = (shares[f"{share}.000000"] / 1e3 for share in (50, 99))
        return {"bytes_per_second": job["bw_bytes"], "p50_us": p50, "p99_us": p99}


class LMCache:
    """LMCache's backend in a process of its own, which removes its files after each measurement.

    Its memory grows with each measurement, so the process is replaced after every round."""

    def __init__(self, mode: str, directory: pathlib.Path):
        self.name = mode
        program = pathlib.Path(__file__).parent / "comparison" / "lmcache_disk.py"
        self.command = [sys.executable, str(program), str(directory / f"lmcache-{mode}"), mode]
        self.measured = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, case: Case, count: int) -> dict:
        if self.measured == len(CASES):
            self.measured = 0
            self.close()
            self.start()
        self.measured += 1
        self.process.stdin.write(f"{case.value_byte_count} {count} {case.batch_count}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            # It logs to its output, too.
            if line.startswith('{"put"'):
                return json.loads(line)
        raise RuntimeError(f"LMCache ({self.name}) ended with {self.process.wait()}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def huge_pages():
    """Reserves the huge pages that fio needs, and says whether they are there."""
    before = int(HUGE_PAGES.read_text())
    wanted = max(before, HUGE_PAGE_COUNT)
    try:
        HUGE_PAGES.write_text(str(wanted))
    except OSError:
        yield before >= HUGE_PAGE_COUNT
        return
    try:
        yield int(HUGE_PAGES.read_text()) >= HUGE_PAGE_COUNT
    finally:
        HUGE_PAGES.write_text(str(before))


def measure(subject, case: Case, mebibyte_count: int) -> dict[Metric, float]:
    count = max(2 * max(BATCH_COUNTS), mebibyte_count * MEBIBYTE // case.value_byte_count)
    report = subject.measure(case, count)
    if report.get("huge_page_share", 1) < 1:
        print(f"only {report['huge_page_share']:.0%} of Reprise's arena lay in huge pages", file=sys.stderr)
    if report["wrong"]:
        raise RuntimeError(f"{subject.name} lost {report['wrong']} values")
    found = {}
    for name in ("PUT", "GET"):
        found[Metric(name, "GB/s", case, True)] = report[name.lower()]["bytes_per_second"] / 1e9
    if case.batch_count == 1:
        for share in ("p50", "p99"):
            found[Metric(f"GET {share}", "µs", case, False)] = report["get"][f"{share}_us"]
    return found


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="the DiskBench program")
    parser.add_argument("--directory", help="where the files go; default: TMPDIR")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--mebibytes", type=int, default=768, help="written, and read, in each measurement")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every sample")
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    os.environ |= {"LMCACHE_TRACK_USAGE": "false", "LMCACHE_DISABLE_BANNER": "1"}
    os.environ["LMCACHE_LOG_LEVEL"] = "ERROR"
    load = os.getloadavg()[0]
    with contextlib.ExitStack() as cleanup:
        name = cleanup.enter_context(tempfile.TemporaryDirectory(dir=options.directory))
        has_huge_pages = cleanup.enter_context(huge_pages())
        directory = pathlib.Path(name)
        reprise = Reprise(options.bench, directory)
        subjects = [reprise, Fio("fio", reprise, [])]
        subjects += [cleanup.enter_context(contextlib.closing(LMCache(mode, directory))) for mode in MODES]
        if has_huge_pages:
            subjects.insert(1, Fio("huge", reprise, ["--iomem=shmhuge", "--hugepage-size=2M"]))
        samples = figures.collect(
            subjects, lambda subject, case: measure(subject, case, options.mebibytes), options.rounds, CASES
        )
    figures.print_conditions(options.rounds, f"{options.mebibytes} MiB each", load)
    figures.print_table(samples, {name: title for name, title in TITLES.items() if name in samples})
    all_met = figures.print_verdicts(samples, BARS)
    if options.json:
        figures.write_samples(samples, options.json)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
