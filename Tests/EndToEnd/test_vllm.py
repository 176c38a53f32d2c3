"""vLLM with a Reprise node, from the first token's time to a node that is killed.

Run by `scripts/test e2e` with the interpreter of scripts/vllm-env. $REPRISE_PROGRAM names the node's program,
$REPRISE_LIBRARY the client's library. The tests run in the order of their numbers, on one node and few
engines, which take long to start.
"""

from __future__ import annotations

import os
import pathlib
import random
import shutil
import statistics
import tempfile
import time
import unittest
from typing import Any

import small_model
from engine_process import Engine
from node_process import Node

HERE = pathlib.Path(__file__).parent
LONG, SHORT = 8000, 2048
CHUNK = 256
# Tokens of whole chunks before the last token, which has to be computed.
LONG_CACHED = (LONG - 1) // CHUNK * CHUNK
SHORT_CACHED = (SHORT - 1) // CHUNK * CHUNK
SHORT_TOKENS = 16
REPEATS, REPEATS_MAX = 9, 40
# The threads of the engine that was measured before go on spinning for 0.2 s, on a machine of few cores.
SETTLE_SECONDS = 0.4
FASTER, AS_FAST, CLOSE = 10.0, 1.10, 0.02
# Moments after a burst of requests begins at which the node is killed.
KILL_SECONDS = (0.01, 0.03, 0.06, 0.3)


def prompt(seed: int, length: int) -> list[int]:
    source = random.Random(seed)
    return [source.randrange(2, small_model.VOCABULARY) for _ in range(length)]


LONG_PROMPT, SHORT_PROMPT = prompt(1, LONG), prompt(2, SHORT)
BURST = [prompt(100 + number, SHORT) for number in range(6)]


class VllmTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="reprise-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.model = cls.directory / "model"
        small_model.make(cls.model)
        cls.node = Node(pathlib.Path(os.environ["REPRISE_PROGRAM"]), cls.directory).start()
        cls.addClassCleanup(cls.node.stop)
        cls.engine: Engine | None = None
        cls.table: list[tuple[str, str]] = []
        cls.expected: dict[str, Any] = {}
        cls.addClassCleanup(cls.print_table)

    @classmethod
    def print_table(cls) -> None:
        print("\ntime to first token, 8,000 tokens of prompt (best, median):")
        for name, text in cls.table:
            print(f"  {name:<44} {text}")

    @classmethod
    def stop_engine(cls) -> None:
        if cls.engine is not None:
            cls.engine.stop()
            cls.engine = None

    @classmethod
    def start(cls, transfer: dict[str, Any], name: str) -> Engine:
        engine = Engine(cls.model, transfer, cls.directory / f"{name}.log")
        cls.addClassCleanup(engine.stop)
        engine.wait_ready()
        # The first requests of a process wait for code to be loaded.
        engine.generate([prompt(999, 300)], 2)
        return engine

    @classmethod
    def start_reprise(cls, name: str) -> Engine:
        extra = {"reprise.socket": str(cls.node.socket), "reprise.timeout_s": 2}
        transfer = {
            "kv_connector": "RepriseConnector",
            "kv_connector_module_path": "reprise.vllm",
            "kv_role": "kv_both",
            "kv_load_failure_policy": "recompute",
            "kv_connector_extra_config": extra,
        }
        return cls.start(transfer, name)

    def note(self, name: str, seconds: list[float]) -> float:
        best, median = min(seconds), statistics.median(seconds)
        type(self).table.append((name, f"{best * 1000:8.0f} ms {median * 1000:8.0f} ms"))
        return best

    def first_token(self, engine: Engine, cached: int | None = None) -> float:
        """Seconds to the first token of the long prompt; of it, so many tokens were cached."""
        answer = engine.generate([LONG_PROMPT], 1)
        if cached is not None:
            self.assertEqual(answer["answers"][0]["cached"], cached)
        self.check_answer(answer["answers"][0], self.expected.get("long"))
        return answer["seconds"]

    def check_answer(self, answer: dict[str, Any], expected: dict[str, Any] | None) -> None:
        """The same tokens, or others as likely: how a prompt is divided changes the last digits."""
        if expected is None:
            return
        for place, token in enumerate(answer["tokens"]):
            there, here = expected["likely"][place], answer["likely"][place]
            wanted = expected["tokens"][place]
            self.assertIn(str(token), there, f"token {place} was not likely without the cache")
            self.assertLessEqual(abs(there[str(token)] - here[str(token)]), CLOSE, f"token {place}")
            if token != wanted:
                self.assertLessEqual(there[str(wanted)] - there[str(token)], CLOSE, f"token {place}")
                return

    def check_short(self, engine: Engine, cached: int) -> None:
        """Greedy tokens of the short prompt are the same, after so many tokens from the cache."""
        answer = engine.generate([SHORT_PROMPT], SHORT_TOKENS)["answers"][0]
        self.assertEqual(answer["cached"], cached)
        self.assertEqual(answer["tokens"], self.expected["short"]["tokens"])

    def check_hits(self, engine: Engine, name: str, repeats: int = 3) -> None:
        """What is stored is found: as fast as the bar, and with the same answers."""
        seconds = []
        for _ in range(repeats):
            engine.reset()
            seconds.append(self.first_token(engine, LONG_CACHED))
        best = self.note(name, seconds)
        self.assertGreaterEqual(self.expected["first"] / best, FASTER, name)
        engine.reset()
        self.check_short(engine, SHORT_CACHED)

    # ---- The tests, in order

    def test_1_second_time_to_first_token(self) -> None:
        example = self.start(
            {
                "kv_connector": "ExampleConnector",
                "kv_role": "kv_both",
                "kv_connector_extra_config": {"shared_storage_path": str(self.directory / "example")},
            },
            "example",
        )
        cls = type(self)
        cls.engine = reprise = self.start_reprise("reprise-1")
        cls.expected["first"] = first = self.note("first, Reprise", [self.first_token(reprise, 0)])
        self.note("first, ExampleConnector", [self.first_token(example)])
        cls.expected["long"] = reprise.generate([prompt(1, LONG)], 1)["answers"][0]
        ours, theirs = [], []
        # By turns, so that what else the machine does befalls both; and more often on a busy machine, where
        # it takes longer until the best times of both are undisturbed ones.
        while len(ours) < REPEATS or (len(ours) < REPEATS_MAX and min(ours) > min(theirs) * AS_FAST):
            for engine, seconds, cached in ((reprise, ours, LONG_CACHED), (example, theirs, None)):
                engine.reset()
                time.sleep(SETTLE_SECONDS)
                seconds.append(self.first_token(engine, cached))
        example.stop()
        our_best = self.note("second, Reprise", ours)
        their_best = self.note("second, ExampleConnector", theirs)
        self.assertGreaterEqual(first / our_best, FASTER)
        self.assertLessEqual(our_best, their_best * AS_FAST)

    def test_2_greedy_tokens(self) -> None:
        engine = self.require_engine()
        first = engine.generate([SHORT_PROMPT], SHORT_TOKENS)["answers"][0]
        type(self).expected["short"] = first
        self.assertEqual(first["cached"], 0)
        self.assertGreater(len(set(first["tokens"])), SHORT_TOKENS // 2, "the model says one thing only")
        engine.reset()
        self.check_short(engine, SHORT_CACHED)
        # What only differs in its salt is never found.
        for cached in (0, SHORT_CACHED):
            engine.reset()
            salted = engine.generate([SHORT_PROMPT], SHORT_TOKENS, salt="another tenant")["answers"][0]
            self.assertEqual(salted["cached"], cached)
            self.assertEqual(salted["tokens"], first["tokens"])

    def test_3_engine_restarted(self) -> None:
        self.require_engine()
        self.stop_engine()
        type(self).engine = self.start_reprise("reprise-2")
        self.check_hits(self.engine, "after a restart of the engine")

    def test_4_node_restarted(self) -> None:
        engine = self.require_engine()
        self.node.restart()
        time.sleep(1)
        self.check_hits(engine, "after a restart of the node")

    def test_5_both_restarted(self) -> None:
        self.require_engine()
        self.stop_engine()
        self.node.restart()
        type(self).engine = self.start_reprise("reprise-3")
        self.check_hits(self.engine, "after a restart of both")

    def test_6_node_killed_while_serving(self) -> None:
        engine = self.require_engine()
        expected = engine.generate(BURST, SHORT_TOKENS)["answers"]
        for seconds in KILL_SECONDS:
            engine.reset()
            engine.begin(BURST, SHORT_TOKENS)
            time.sleep(seconds)
            self.node.kill()
            for answer, wanted in zip(engine.finish()["answers"], expected, strict=True):
                self.check_answer(answer, wanted)
            # While it is away, requests do without.
            engine.reset()
            self.check_short(engine, 0)
            self.node.start()
            self.wait_for_hits(engine)
        self.check_hits(engine, "after the node was killed, and is back")
        log = engine.log.read_text(errors="replace")
        recovered = log.count("Recovered from KV load failure")
        type(self).table.append(("loads under way when it was killed", f"{recovered:8d}"))

    def test_7_node_hangs(self) -> None:
        engine = self.require_engine()
        engine.reset()
        self.node.pause()
        self.addCleanup(self.node.resume)
        self.check_short(engine, 0)
        self.node.resume()
        self.wait_for_hits(engine)
        self.stop_engine()

    # ---- Helpers of these

    def require_engine(self) -> Engine:
        if self.engine is None or "long" not in self.expected:
            self.skipTest("there is no engine: an earlier test has failed")
        return self.engine

    def wait_for_hits(self, engine: Engine, seconds: float = 20) -> None:
        """Repeats the two prompts until they are found again, having been stored anew if they were lost."""
        end = time.monotonic() + seconds
        while True:
            engine.reset()
            answers = engine.generate([LONG_PROMPT, SHORT_PROMPT], 1)["answers"]
            if [answer["cached"] for answer in answers] == [LONG_CACHED, SHORT_CACHED]:
                return
            self.assertLess(time.monotonic(), end, "the node is back, and nothing is found")
            time.sleep(0.2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
