"""What 2,000 idle connections and a reader of one byte a second cost the other clients of one node.

Rounds alternate: without them, with them, without them, ... on one running node, driven by `reprise bench`.
Usage: python idle.py --reprise PATH [--rounds 9] [--operations 400]
Exit status 1: the median cost is 10 % of the throughput or more.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading

from comparison.servers import Server, lm

IDLE_COUNT = 2000
COST_MAX = 0.1
VALUE_BYTE_COUNT = 4 << 20


def throughput(options, port: int) -> dict[str, float]:
    """Bytes a second of one run, by operation."""
    command = [
        options.reprise, "bench", "--json", "--url", f"lm://127.0.0.1:{port}", "--value-size", "4MiB",
        "--connections", "4", "--operations", str(options.operations), "--mix", "put,get",
    ]  # fmt: skip
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    operations = [phase["operations"][0] for phase in json.loads(output)["phases"]]
    return {operation["operation"]: operation["bytes_per_second"] for operation in operations}


class Crowd:
    """Idle connections, and one that has asked for a value and reads a byte of it a second."""

    def __init__(self, port: int):
        self.idle = [lm.Client(("127.0.0.1", port), timeout=60) for _ in range(IDLE_COUNT)]
        for client in self.idle:
            client.health()
        self.slow = lm.Client(("127.0.0.1", port), timeout=60)
        self.slow.put("slow", bytes(VALUE_BYTE_COUNT))
        self.slow.send(lm.CURRENT.request(lm.GET, "slow"))
        self.ended = threading.Event()
        self.reader = threading.Thread(target=self.read_slowly)
        self.reader.start()

    def read_slowly(self) -> None:
        while not self.ended.wait(1):
            self.slow.socket.recv(1)

    def disperse(self) -> None:
        self.ended.set()
        self.reader.join()
        for client in [*self.idle, self.slow]:
            client.close()


def main() -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--reprise", required=True, help="the release build of reprise: server and client")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--operations", type=int, default=400)
    options = parser.parse_args()
    server = Server("reprise", [options.reprise, "serve", "--port", "{port}", "--memory", "1GiB"])
    ratios: dict[str, list[float]] = {"put": [], "get": []}
    try:
        server.wait_until_up()
        throughput(options, server.port)
        for _ in range(options.rounds):
            alone = throughput(options, server.port)
            crowd = Crowd(server.port)
            try:
                crowded = throughput(options, server.port)
            finally:
                crowd.disperse()
            for name, values in ratios.items():
                values.append(crowded[name] / alone[name])
    finally:
        server.stop()
    is_met = True
    print(f"\n{options.rounds} rounds, {IDLE_COUNT} idle connections and a reader of one byte a second:\n")
    for name, values in ratios.items():
        median = statistics.median(values)
        is_met &= median > 1 - COST_MAX
        spread = f"{min(values):.2f}–{max(values):.2f}"
        print(f"{name.upper()} with / without: {median:.2f} ({spread})  bar > {1 - COST_MAX}: "
              f"{'met' if median > 1 - COST_MAX else 'MISSED'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
