"""`RepriseTier` with a node, driven as vLLM's manager of tiers drives it, by a view of memory and a spec."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
import time
import types
import unittest

import numpy as np
from node_process import Node
from vllm.v1.kv_offload.base import LookupResult, ReqContext, make_offload_key
from vllm.v1.kv_offload.tiering.base import TransferJob
from vllm.v1.kv_offload.tiering.factory import SecondaryTierFactory

CHUNKS, BYTES = 16, 1 << 20
SECONDS = 10


def spec(**changes):
    """An offloading spec, as far as the tier looks at it."""
    group = types.SimpleNamespace(tokens_per_block=16, layer_names=("l0", "l1"), group_id=0)
    parallel = {"rank": 0, "world_size": 1, "tp_size": 1, "pp_size": 1, "pcp_size": 1, "dcp_size": 1}
    config = {
        "groups": (group,),
        "model": types.SimpleNamespace(name="m", dtype="float16"),
        "cache": types.SimpleNamespace(tokens_per_hash=16, blocks_per_chunk=1),
        "parallel": types.SimpleNamespace(**parallel),
        "worker_kv_bytes_per_block": BYTES,
        "replicated_layout": False,
        "canonical_layout": False,
        "kv_cache_layout": "LBNHC",
    }
    return types.SimpleNamespace(config=types.SimpleNamespace(**{**config, **changes}))


class TierTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        directory = pathlib.Path(tempfile.mkdtemp(prefix="reprise-e2e-"))
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        cls.node = Node(pathlib.Path(os.environ["REPRISE_PROGRAM"]), directory, memory="256MiB").start()
        cls.addClassCleanup(cls.node.stop)

    def setUp(self) -> None:
        self.rows = np.random.default_rng(1).integers(0, 256, size=(CHUNKS, BYTES), dtype=np.uint8)

    def tier(self, made=None, **options):
        configuration = {"type": "RepriseTier", "module_path": "reprise.vllm", "timeout_s": 2.0, **options}
        configuration["socket"] = str(self.node.socket)
        view = memoryview(self.rows)
        found = SecondaryTierFactory.create_secondary_tier(configuration, view, made or spec())
        self.addCleanup(found.shutdown)
        return found

    def key(self, number: int):
        return make_offload_key(f"{self.id()}{number}".encode(), 0)

    def look(self, tier, key, request="r") -> LookupResult:
        """A request's lookup, as often as the tier wants it repeated; the first is never answered at once."""
        context = ReqContext(request)
        end = time.monotonic() + SECONDS
        self.assertIs(tier.lookup(key, context), LookupResult.RETRY)
        while (result := tier.lookup(key, context)) is LookupResult.RETRY:
            self.assertLess(time.monotonic(), end)
            tier.on_schedule_end(None)
            time.sleep(0.002)
        tier.on_request_finished(context)
        return result

    def finish(self, tier, number: int):
        end = time.monotonic() + SECONDS
        while True:
            for result in tier.get_finished_jobs():
                self.assertEqual(result.job_id, number)
                self.assertFalse(tier.has_pending_work())
                return result
            self.assertTrue(tier.has_pending_work())
            self.assertLess(time.monotonic(), end)
            time.sleep(0.002)

    def job(self, number: int, keys, chunks, is_promotion: bool) -> TransferJob:
        return TransferJob(number, keys, np.array(chunks), is_promotion, ReqContext("r"))

    def test_stores_finds_and_loads(self):
        tier, keys = self.tier(), [self.key(0), self.key(1)]
        self.assertIs(self.look(tier, keys[0]), LookupResult.MISS)
        wanted = self.rows[[3, 9]].copy()
        tier.submit_store(self.job(1, keys, [3, 9], False))
        stored = self.finish(tier, 1)
        self.assertTrue(stored.success)
        self.assertEqual(stored.transfer_bytes, 2 * BYTES)
        other = self.tier()
        self.assertIs(self.look(other, keys[1]), LookupResult.HIT)
        other.submit_load(self.job(2, keys, [0, 1], True))
        self.assertTrue(self.finish(other, 2).success)
        np.testing.assert_array_equal(self.rows[[0, 1]], wanted)

    def test_what_differs_does_not_meet(self):
        key = self.key(0)
        tier = self.tier()
        tier.submit_store(self.job(1, [key], [3], False))
        self.assertTrue(self.finish(tier, 1).success)
        self.assertIs(self.look(tier, key), LookupResult.HIT)
        others = [
            spec(model=types.SimpleNamespace(name="n", dtype="float16")),
            spec(model=types.SimpleNamespace(name="m", dtype="bfloat16")),
            spec(kv_cache_layout="LBHNC"),
            spec(cache=types.SimpleNamespace(tokens_per_hash=32, blocks_per_chunk=1)),
        ]
        for made in others:
            self.assertIs(self.look(self.tier(made), key), LookupResult.MISS)
        self.assertIs(self.look(self.tier(namespace="other"), key), LookupResult.MISS)

    def test_a_load_that_fails_in_part_is_not_found_again(self):
        tier, stored, missing = self.tier(), self.key(0), self.key(1)
        tier.submit_store(self.job(1, [stored], [3], False))
        self.assertTrue(self.finish(tier, 1).success)
        tier.submit_load(self.job(2, [missing, stored], [0, 1], True))
        result = self.finish(tier, 2)
        self.assertFalse(result.success)
        self.assertEqual(list(result.successful_keys), [stored])

    def test_a_node_that_hangs_and_goes_on(self):
        tier, key = self.tier(), self.key(0)
        tier.submit_store(self.job(1, [key], [3], False))
        self.assertTrue(self.finish(tier, 1).success)
        self.node.pause()
        try:
            began = time.monotonic()
            self.assertIs(tier.lookup(key, ReqContext("q")), LookupResult.RETRY)
            tier.on_schedule_end(None)
            tier.submit_load(self.job(2, [key], [0], True))
            self.assertLess(time.monotonic() - began, 1, "calls of the scheduler do not wait for the node")
            tier.drain_jobs()
            self.finish(tier, 2)
        finally:
            self.node.resume()
        # As long as the request lasts that was told that there is nothing, there is nothing.
        self.assertIs(tier.lookup(key, ReqContext("q")), LookupResult.MISS)
        tier.on_request_finished(ReqContext("q"))
        # The client, which has given its connection up, makes another.
        end = time.monotonic() + SECONDS
        while self.look(tier, key, "s") is not LookupResult.HIT:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_draining_leaves_nothing_under_way(self):
        tier, keys = self.tier(), [self.key(number) for number in range(CHUNKS)]
        tier.submit_store(self.job(1, keys, range(CHUNKS), False))
        tier.drain_jobs()
        self.assertFalse(tier.has_pending_work())
        (result,) = tier.get_finished_jobs()
        self.assertTrue(result.success)


if __name__ == "__main__":
    unittest.main(verbosity=2)
