"""Interleaved rounds of measurements, their medians and spreads, and the bars they have to reach."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys

VALUE_BYTE_COUNT = 4 << 20
SUBJECT = "reprise"


class Connections(int):
    """As many connections as one measurement uses."""

    @property
    def title(self) -> str:
        return f"{self} connection{'' if self == 1 else 's'}"


CONNECTION_COUNTS = (Connections(1), Connections(4))


@dataclasses.dataclass(frozen=True)
class Metric:
    """One figure of a client's report."""

    name: str
    unit: str
    # What is varied between measurements; has a title.
    case: object
    more_is_better: bool

    @property
    def title(self) -> str:
        return f"{self.name}, {self.case.title} ({self.unit})"


@dataclasses.dataclass(frozen=True)
class Bar:
    """What a ratio of Reprise to a peer has to reach."""

    metric: str
    case: object
    peer: str
    bound: float

    def verdict(self, samples) -> tuple[bool, str]:
        """Whether the bar is met, and a line that says so."""
        metric = next(
            metric
            for metric in samples[SUBJECT]
            if (metric.name, metric.case) == (self.metric, self.case)
        )
        ratio = statistics.median(ratios(samples, metric, self.peer))
        # "Not below": the spread of the peer decides, as two equal servers differ by noise.
        if metric.more_is_better and self.bound == 1.0:
            is_met = statistics.median(samples[SUBJECT][metric]) >= min(samples[self.peer][metric])
            rule = f"not below {self.peer} within its spread"
        elif metric.more_is_better:
            is_met, rule = ratio >= self.bound, f"≥ {self.bound:g} × {self.peer}"
        else:
            is_met, rule = ratio <= self.bound, f"≤ {self.bound:g} × {self.peer}"
        return is_met, f"{'pass' if is_met else 'FAIL'}: {metric.title} {rule}: {ratio:.2f}"


def ratios(samples, metric, peer) -> list[float]:
    """Reprise over the peer, round by round."""
    pairs = zip(samples[SUBJECT][metric], samples[peer][metric], strict=True)
    return [ours / theirs for ours, theirs in pairs]


def run_client(command: list[str]) -> str:
    """What a client that must succeed prints."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def collect(subjects, measure, rounds: int, cases=CONNECTION_COUNTS):
    """samples[name of subject][metric]: one figure for each round; `measure(subject, case)` returns them.

    The order of the subjects is rotated, so that drift of the machine meets all of them alike.
    """
    samples = {subject.name: {} for subject in subjects}
    for number in range(-1, rounds):
        order = subjects[number % len(subjects) :] + subjects[: number % len(subjects)]
        for case in cases:
            for subject in order:
                figures = measure(subject, case)
                # The round before the first warms everything up and is thrown away.
                for metric, value in figures.items() if number >= 0 else ():
                    samples[subject.name].setdefault(metric, []).append(value)
        print(f"round {number + 1} of {rounds} done", file=sys.stderr, flush=True)
    return samples


def figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spread(values: list[float]) -> str:
    return f"{figure(statistics.median(values))} ({figure(min(values))}–{figure(max(values))})"


def print_conditions(rounds: int, amount: str, load: float) -> None:
    """Prints what was measured where; `load` is the load average when it began."""
    conditions = f"{rounds} rounds, {amount}, {os.cpu_count()} cores"
    print(f"\n{conditions}, Linux {platform.release()}; median (min–max); ratios are round by round.\n")
    if load > (os.cpu_count() or 1):
        print(f"The machine was busy with other work (load {load:.1f} at the start): judge nothing by it.\n")


def print_table(samples, titles: dict[str, str]) -> None:
    """Prints a Markdown table; `titles` are those of the peers, in order, by their name."""
    columns = ["metric", *titles.values(), "Reprise", *(f"Reprise / {title}" for title in titles.values())]
    rows = [columns, ["---"] * len(columns)]
    for metric in samples[SUBJECT]:
        figures = [spread(samples[name][metric]) for name in (*titles, SUBJECT)]
        rows.append([metric.title, *figures, *(spread(ratios(samples, metric, peer)) for peer in titles)])
    for row in rows:
        print("| " + " | ".join(row) + " |")


def print_verdicts(samples, bars: list[Bar]) -> bool:
    """Prints a line for each bar and returns whether all are met."""
    verdicts = [bar.verdict(samples) for bar in bars]
    print()
    for _, line in verdicts:
        print(f"* {line}")
    return all(is_met for is_met, _ in verdicts)


def write_samples(samples, path) -> None:
    """Writes every sample as JSON."""
    flat = {
        name: {f"{metric.name}/{metric.case.title}": values for metric, values in metrics.items()}
        for name, metrics in samples.items()
    }
    path.write_text(json.dumps(flat, indent=1))
