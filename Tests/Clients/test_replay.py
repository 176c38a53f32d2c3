"""A real hour of chat traffic through a live node: the hit rate that theory predicts, and no wrong byte.

The trace is read where it lies: in the folder $REPRISE_TRACES, or in ../shared/traces beside the checkout.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import unittest

from support import node

FOLDER = os.environ.get("REPRISE_TRACES") or node.ROOT.parent / "shared" / "traces"
TRACE = pathlib.Path(FOLDER) / "conversation_trace.jsonl"
BLOCK_BYTE_COUNT = 4096
REFERENCE_COUNT = 288_500
TOLERANCE = 0.002
LIMIT_SECONDS = 300


@unittest.skipUnless(TRACE.exists(), f"there is no trace at {TRACE}")
class Replay(unittest.TestCase):
    def replay(self, block_count: int) -> dict:
        memory = f"{block_count * BLOCK_BYTE_COUNT}B"
        with node.Node(memory=memory) as server:
            command = [
                node.binary(), "replay", str(TRACE), "--url", f"lm://127.0.0.1:{server.port}",
                "--block-bytes", str(BLOCK_BYTE_COUNT), "--json",
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def check(self, block_count: int, hit_rate: float) -> None:
        report = self.replay(block_count)
        self.assertEqual(report["wrong_bytes"], 0)
        self.assertEqual(report["block_references"], REFERENCE_COUNT)
        self.assertAlmostEqual(report["hit_rate"], hit_rate, delta=TOLERANCE)

    def test_room_for_a_thousand_blocks(self):
        self.check(1_000, 0.045)

    def test_room_for_ten_thousand_blocks(self):
        self.check(10_000, 0.212)

    def test_room_for_thirty_thousand_blocks(self):
        self.check(30_000, 0.326)


if __name__ == "__main__":
    unittest.main()
