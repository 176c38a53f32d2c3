"""What the connector's worker does, with real copies between memory and a stand-in for a node."""

from __future__ import annotations

import unittest

from reprise import errors
from vllm_parts import FakeClient, FakeNode, FakeTensor, part

try:
    import numpy as np
except ImportError:
    raise unittest.SkipTest("numpy is not installed") from None

layout, messages, transfers, worker = part("layout"), part("messages"), part("transfers"), part("worker")
BLOCKS = 12
SESSION = b"s" * 16


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.node = FakeNode()
        source = np.random.default_rng(1)
        self.arrays = [source.integers(0, 1 << 16, size=(BLOCKS, 2, 4), dtype=np.uint16) for _ in range(3)]
        tensors = {str(place): self.tensor(array) for place, array in enumerate(self.arrays)}
        self.layout = layout.Layout(tensors)
        self.worker = self.make()
        self.addCleanup(self.end)

    def tensor(self, array):
        return FakeTensor(array)

    def mover(self, client):
        return transfers.DirectMover(client, self.layout, pieces_max=6)

    def make(self):
        return worker.RequestWorker(
            lambda session: FakeClient(self.node), self.mover, prefix="p/", rank="0.0", parts=2, timeout=0.1
        )

    def end(self) -> None:
        self.node.is_stuck = False
        self.worker.close()

    def step(self, **orders):
        """One step; what was stored, what was loaded, and the blocks that failed."""
        self.worker.begin(messages.StepOrders(SESSION, **orders))
        self.worker.load()
        self.worker.save()
        stored, loaded = self.worker.ended()
        return stored, loaded, self.worker.failed_blocks()

    def save(self, request: str, names: list[str], blocks: list[list[int]]):
        return messages.SaveOrder(request, names, blocks)

    def load(self, request: str, names: list[str], blocks: list[list[int]], skip: int = 0):
        return messages.LoadOrder(request, names, blocks, skip, {"0.0": 9})

    def copies(self, blocks: list[int]) -> list[bytes]:
        return [array[block].tobytes() for array in self.arrays for block in blocks]


class WorkerTests(Case):
    def test_what_is_stored_is_loaded_into_other_blocks(self):
        self.step(saves=[self.save("a", ["x", "y", "z"], [[0, 1], [4, 3], [6, 7]])])
        self.step()
        self.assertEqual(set(self.node.values), {"p/x", "p/y", "p/z"})
        wanted = self.copies([0, 1, 4, 3])
        _, loaded, failed = self.step(loads=[self.load("b", ["x", "y"], [[8, 9], [11, 10]])])
        self.assertEqual((loaded, failed), ({"b"}, set()))
        self.assertEqual(self.copies([8, 9, 11, 10]), wanted)
        self.assertEqual(self.node.redeemed[0], 9)
        self.assertFalse(any(self.node.redeemed[1:]))

    def test_blocks_at_the_head_are_left_alone(self):
        self.step(saves=[self.save("a", ["x"], [[0, 1]])])
        self.step()
        before, wanted = self.copies([8]), self.copies([1])
        self.step(loads=[self.load("b", ["x"], [[8, 9]], skip=1)])
        self.assertEqual((self.copies([8]), self.copies([9])), (before, wanted))

    def test_what_is_stored_is_not_stored_again(self):
        self.step(saves=[self.save("a", ["x"], [[0, 1]])])
        self.step()
        before = dict(self.node.values)
        self.step(saves=[self.save("b", ["x", "y"], [[2, 3], [4, 5]]), self.save("c", ["y"], [[6, 7]])])
        self.step()
        self.assertEqual(set(self.node.values), {"p/x", "p/y"})
        self.assertEqual(self.node.values["p/x"], before["p/x"])
        self.assertEqual(self.node.values["p/y"], b"".join(self.copies([4, 5])))

    def test_missing_chunks_are_reported_by_their_blocks(self):
        self.step(saves=[self.save("a", ["x", "z"], [[0, 1], [2, 3]])])
        self.step()
        with self.assertLogs("reprise.vllm.worker", "WARNING"):
            result = self.step(loads=[self.load("b", ["x", "y", "z"], [[4, 5], [6, 7], [8, 9]])])
        self.assertEqual(result, (set(), {"b"}, {6, 7}))

    def test_of_a_missing_chunk_blocks_that_were_not_to_be_loaded_are_not_reported(self):
        with self.assertLogs("reprise.vllm.worker", "WARNING"):
            result = self.step(loads=[self.load("b", ["y"], [[6, 7]], skip=1)])
        self.assertEqual(result, (set(), {"b"}, {7}))

    def test_a_value_of_another_length_is_a_failure(self):
        self.node.values["p/x"] = b"short"
        with self.assertLogs("reprise.vllm.worker", "WARNING"):
            result = self.step(loads=[self.load("b", ["x"], [[6, 7]])])
        self.assertEqual(result, (set(), {"b"}, {6, 7}))

    def test_a_node_that_is_away_costs_nothing_but_hits(self):
        self.node.error = errors.from_status(-3, "away")
        with self.assertLogs("reprise.vllm.worker", "WARNING"):
            result = self.step(
                loads=[self.load("b", ["x"], [[6, 7]])], saves=[self.save("a", ["y"], [[0, 1]])]
            )
        self.assertEqual(result, (set(), {"b"}, {6, 7}))
        self.assertEqual(self.step(finishing={"a"})[0], {"a"})
        self.node.error = None
        self.step(saves=[self.save("c", ["y"], [[0, 1]])])
        self.step()
        self.assertIn("p/y", self.node.values)

    def test_a_node_that_dies_during_a_copy(self):
        self.node.is_stuck = True
        self.step(loads=[self.load("b", ["x"], [[6, 7]])], saves=[self.save("a", ["y"], [[0, 1]])])
        self.node.is_stuck, self.node.error = False, errors.from_status(-3, "died")
        with self.assertLogs("reprise.vllm.worker", "WARNING"):
            self.assertEqual(self.step(finishing={"a"}), ({"a"}, {"b"}, {6, 7}))

    def test_blocks_are_kept_while_they_are_copied(self):
        self.node.is_stuck = True
        self.step(saves=[self.save("a", ["x"], [[0, 1]])])
        self.assertEqual(self.step(finishing={"a", "c"})[0], {"c"})
        self.assertEqual(self.step()[0], set())
        self.node.is_stuck = False
        self.assertEqual(self.step()[0], {"a"})
        self.assertEqual(self.step()[0], set())

    def test_released_blocks_are_waited_for(self):
        self.worker.begin(messages.StepOrders(SESSION, saves=[self.save("a", ["x"], [[0, 1]])]))
        self.worker.save()
        wanted = b"".join(self.copies([0, 1]))
        self.worker.begin(messages.StepOrders(SESSION, released={"a"}))
        for array in self.arrays:
            array[:2] = 0
        self.worker.ended()
        self.assertEqual(self.node.values["p/x"], wanted)

    def test_a_copy_that_takes_too_long_is_given_up(self):
        self.node.is_stuck = True
        self.step(saves=[self.save("a", ["x"], [[0, 1]])])
        with self.assertLogs("reprise.vllm.worker", "WARNING"):
            self.worker.begin(messages.StepOrders(SESSION, released={"a"}))
        # Its client was closed, after which nothing reads the memory, and there is another.
        self.assertEqual(self.node.closed, 1)
        self.node.is_stuck = False
        self.worker.ended()
        self.step(saves=[self.save("b", ["x"], [[2, 3]])])
        self.step()
        self.assertEqual(self.node.values["p/x"], b"".join(self.copies([2, 3])))

    def test_an_idle_step_waits_for_its_load(self):
        self.step(saves=[self.save("a", ["x"], [[0, 1]])])
        self.step()
        self.assertEqual(self.step(idle=True, loads=[self.load("b", ["x"], [[6, 7]])])[1], {"b"})


class PartsTests(unittest.TestCase):
    def test_a_pause_grows_and_ends(self):
        pause, now = part("pause"), [0.0]
        made = pause.Pause(lambda: now[0])
        made.failed(errors.from_status(-3, "away"))
        self.assertFalse(made.is_on)
        for seconds in (5, 10, 20, 40, 60, 60):
            made.failed(errors.from_status(-4, "late"))
            self.assertTrue(made.is_on)
            now[0] += seconds
            self.assertFalse(made.is_on)
        made.succeeded()
        made.failed(errors.from_status(-4, "late"))
        now[0] += pause.FIRST_SECONDS
        self.assertFalse(made.is_on)

    def test_split(self):
        for count in range(6):
            for parts in (1, 2, 4):
                chunks = list(range(count))
                found = [chunks[each] for each in transfers.split(chunks, parts)]
                self.assertEqual(sum(found, []), chunks)
                self.assertLessEqual(len(found), parts)
                self.assertNotIn([], found)

    def test_a_log_stays_quiet(self):
        quiet = part("quiet")
        now = [0.0]
        import logging

        log = quiet.QuietLog(logging.getLogger("quiet"), lambda: now[0])
        with self.assertLogs("quiet") as logs:
            for _ in range(5):
                log.warning("a", "text")
            log.warning("b", "other")
            now[0] = quiet.INTERVAL_SECONDS
            log.warning("a", "text")
        self.assertEqual([record.getMessage() for record in logs.records],
                         ["text", "other", "text (4 more like it before)"])


if __name__ == "__main__":
    unittest.main()
