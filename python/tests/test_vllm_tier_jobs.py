"""What a tier does with a node, with real copies between memory and a stand-in for a node."""

from __future__ import annotations

import unittest

from reprise import errors
from vllm_parts import FakeClient, FakeNode, part

try:
    import numpy as np
except ImportError:
    raise unittest.SkipTest("numpy is not installed") from None

tier_jobs = part("tier_jobs")
CHUNKS, BYTES = 8, 40


class TierJobsTests(unittest.TestCase):
    def setUp(self) -> None:
        self.node = FakeNode()
        # Rows that do not follow each other without a gap.
        source = np.random.default_rng(1)
        self.rows = source.integers(0, 256, size=(CHUNKS, BYTES + 8), dtype=np.uint8)[:, :BYTES]
        self.jobs = tier_jobs.TierJobs(
            lambda: FakeClient(self.node),
            lambda key: "t/" + key.hex(),
            base=self.rows.ctypes.data,
            stride=self.rows.strides[0],
            size=BYTES,
            count=CHUNKS,
            give_up_seconds=0.2,
        )
        self.addCleanup(self.jobs.close)

    def ended(self) -> list:
        self.jobs.settle()
        return self.jobs.poll()

    def test_what_is_stored_is_loaded(self):
        wanted = self.rows[[2, 5]].copy()
        self.jobs.store(1, [b"a", b"b"], np.array([2, 5]))
        self.assertTrue(self.jobs.busy)
        (stored,) = self.ended()
        self.assertEqual((stored.job, stored.success, stored.byte_count), (1, True, 2 * BYTES))
        self.jobs.load(2, [b"b", b"a"], np.array([0, 7]))
        (loaded,) = self.ended()
        self.assertEqual((loaded.job, loaded.success, loaded.byte_count), (2, True, 2 * BYTES))
        np.testing.assert_array_equal(self.rows[[7, 0]], wanted)
        self.assertFalse(self.jobs.busy)

    def test_what_is_there_is_not_copied(self):
        self.jobs.store(1, [b"a"], [2])
        self.ended()
        before = dict(self.node.values)
        self.jobs.store(2, [b"a"], [3])
        (again,) = self.ended()
        self.assertEqual((again.success, again.byte_count, self.node.values), (True, 0, before))
        self.jobs.store(3, [b"a", b"b"], [3, 4])
        (mixed,) = self.ended()
        self.assertEqual((mixed.success, mixed.byte_count), (True, BYTES))
        self.assertEqual(self.node.values["t/" + b"b".hex()], self.rows[4].tobytes())

    def test_loads_that_fail_in_part(self):
        self.jobs.store(1, [b"a"], [2])
        self.ended()
        self.jobs.load(2, [b"x", b"a"], [0, 1])
        (loaded,) = self.ended()
        self.assertEqual((loaded.success, loaded.keys), (False, [b"a"]))
        np.testing.assert_array_equal(self.rows[1], self.rows[2])

    def test_questions(self):
        self.jobs.store(1, [b"a"], [2])
        self.ended()
        answers = []
        self.jobs.ask([b"a", b"b"], lambda keys, stored: answers.append((list(keys), list(stored))))
        self.assertEqual(answers, [])
        self.ended()
        self.assertEqual(answers, [([b"a", b"b"], [True, False])])

    def test_a_node_that_is_away(self):
        self.node.error = errors.from_status(-3, "away")
        answers = []
        with self.assertLogs("reprise.vllm.tier_jobs", "WARNING"):
            self.jobs.ask([b"a"], lambda keys, stored: answers.append(list(stored)))
            self.jobs.store(1, [b"a"], [2])
            self.jobs.load(2, [b"a"], [2])
        self.assertEqual(answers, [[False]])
        self.assertEqual([(each.job, each.success) for each in self.ended()], [(1, False), (2, False)])

    def test_a_node_that_hangs_is_given_up(self):
        self.node.is_stuck = True
        self.jobs.store(1, [b"a"], [2])
        self.jobs.load(2, [b"b"], [3])
        self.assertEqual(self.jobs.poll(), [])
        ended = self.ended()
        self.assertEqual({(each.job, each.success) for each in ended}, {(1, False), (2, False)})
        self.assertEqual(self.node.closed, 1)
        self.node.is_stuck = False
        self.jobs.store(3, [b"a"], [2])
        self.assertTrue(self.ended()[0].success)

    def test_chunks_there_are_not_are_refused(self):
        for keys, chunks in (([b"a"], [CHUNKS]), ([b"a"], [-1]), ([b"a"], [1, 2])):
            with self.assertRaisesRegex(ValueError, "each key needs one"):
                self.jobs.load(1, keys, chunks)


if __name__ == "__main__":
    unittest.main()
