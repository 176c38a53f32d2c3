"""What the connector's scheduler decides."""

from __future__ import annotations

import hashlib
import types
import unittest

import reprise
from vllm_parts import FakeClient, FakeNode, part

scheduler = part("scheduler")
BLOCK, CHUNK_BLOCKS = 4, 2
CHUNK = BLOCK * CHUNK_BLOCKS


class Request(types.SimpleNamespace):
    """vLLM's request, as far as the connector looks at it."""

    def __init__(self, name: str, tokens: list[int], salt: str | None = None):
        super().__init__(request_id=name, cache_salt=salt, skip_reading_prefix_cache=False)
        self.num_prompt_tokens, self.num_computed_tokens, self.block_hashes = len(tokens), 0, []
        self.tokens: list[int] = []
        self.extend(tokens)

    def extend(self, tokens: list[int]) -> None:
        self.tokens += tokens
        for end in range(BLOCK, len(self.tokens) + 1, BLOCK):
            if end > len(self.block_hashes) * BLOCK:
                text = repr((self.cache_salt, self.tokens[:end]))
                self.block_hashes.append(hashlib.sha256(text.encode()).digest())

    @property
    def num_tokens(self) -> int:
        return len(self.tokens)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.node, self.now = FakeNode(), 0.0
        self.made = self.make()

    def make(self, ranks=("0.0",), **options):
        made = scheduler.RequestScheduler(
            lambda session: FakeClient(self.node),
            chunk_tokens=CHUNK,
            chunk_blocks=CHUNK_BLOCKS,
            hash_tokens=BLOCK,
            clock=lambda: self.now,
            **options,
        )
        made.set_prefixes({rank: f"{rank}/" for rank in ranks})
        return made

    def names(self, request: Request, count: int) -> list[str]:
        salt = scheduler.salt_name(request.cache_salt)
        return scheduler.chunk_names(request.block_hashes, CHUNK_BLOCKS, count, salt)

    def store(self, request: Request, count: int, rank: str = "0.0") -> None:
        for name in self.names(request, count):
            self.node.values[f"{rank}/{name}"] = b"x"

    def step(self, made, scheduled: list[tuple[Request, int]] | None = None, preempted=()):
        """One step of vLLM's scheduler; the requests' tokens are computed afterwards."""
        pairs = {} if scheduled is None else {each.request_id: (each, count) for each, count in scheduled}
        output = types.SimpleNamespace(
            num_scheduled_tokens={name: count for name, (_, count) in pairs.items()},
            total_num_scheduled_tokens=sum(count for _, count in pairs.values()),
            preempted_req_ids=set(preempted),
        )
        orders = made.orders(output, lambda name: list(range(100, 200)))
        for each, count in pairs.values():
            each.num_computed_tokens += count
        return orders


class LoadTests(Case):
    def test_nothing_is_found_in_an_empty_node(self):
        request = Request("a", list(range(100)))
        self.assertEqual(self.made.matched_tokens(request, 0), 0)
        self.made.allocated(request, list(range(25)), 0)
        self.assertEqual(self.step(self.made).loads, [])

    def test_whole_chunks_are_loaded(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.assertEqual(self.made.matched_tokens(request, 0), 5 * CHUNK)
        self.made.allocated(request, list(range(50, 75)), 5 * CHUNK)
        (order,) = self.step(self.made).loads
        self.assertEqual(order.names, self.names(request, 5))
        self.assertEqual(order.blocks, [[50, 51], [52, 53], [54, 55], [56, 57], [58, 59]])
        self.assertEqual((order.skip, order.lookups), (0, {"0.0": 1}))
        self.assertEqual(self.node.forgotten, [])
        # The second call, when the load has ended.
        self.made.loads_ended(["a"], [])
        self.made.allocated(request, list(range(50, 75)), 0)
        self.assertEqual(self.step(self.made).loads, [])

    def test_the_last_token_is_always_computed(self):
        request = Request("a", list(range(5 * CHUNK)))
        self.store(request, 5)
        self.assertEqual(self.made.matched_tokens(request, 0), 4 * CHUNK)
        longer = Request("b", list(range(5 * CHUNK + 1)))
        self.assertEqual(self.made.matched_tokens(longer, 0), 5 * CHUNK)
        self.assertEqual(self.made.matched_tokens(Request("c", list(range(CHUNK))), 0), 0)

    def test_what_is_computed_is_not_counted_nor_loaded(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        computed = 2 * CHUNK + BLOCK
        self.assertEqual(self.made.matched_tokens(request, computed), 5 * CHUNK - computed)
        self.made.allocated(request, list(range(25)), 5 * CHUNK - computed)
        (order,) = self.step(self.made).loads
        self.assertEqual((order.names, order.skip), (self.names(request, 5)[2:], 1))
        self.assertEqual(order.blocks, [[4, 5], [6, 7], [8, 9]])

    def test_more_computed_than_stored(self):
        request = Request("a", list(range(100)))
        self.store(request, 2)
        self.assertEqual(self.made.matched_tokens(request, 3 * CHUNK), 0)
        self.made.allocated(request, list(range(25)), 0)
        self.assertEqual(self.node.forgotten, [1])
        self.assertEqual(self.step(self.made).loads, [])

    def test_one_lookup_while_a_request_waits(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        for _ in range(5):
            self.assertEqual(self.made.matched_tokens(request, 0), 5 * CHUNK)
        self.assertEqual((self.node.lookups, self.node.forgotten), (1, []))
        self.now = scheduler.LOOKUP_SECONDS
        self.node.values.clear()
        self.assertEqual(self.made.matched_tokens(request, 0), 0)
        self.assertEqual((self.node.lookups, self.node.forgotten), (2, [1]))

    def test_a_lookup_is_given_up_when_its_request_ends(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.made.matched_tokens(request, 0)
        self.assertFalse(self.made.finished(request))
        self.assertEqual(self.node.forgotten, [1])

    def test_every_rank_needs_a_chunk(self):
        made = self.make(ranks=("0.0", "0.1", "1.0"))
        request = Request("a", list(range(100)))
        for rank, count in (("0.0", 5), ("0.1", 3), ("1.0", 4)):
            self.store(request, count, rank)
        self.assertEqual(made.matched_tokens(request, 0), 3 * CHUNK)
        made.allocated(request, list(range(25)), 3 * CHUNK)
        self.assertEqual(self.step(made).loads[0].lookups, {"0.0": 1, "0.1": 2, "1.0": 3})

    def test_a_rank_without_any_ends_the_search(self):
        made = self.make(ranks=("0.0", "0.1", "1.0"))
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.assertEqual(made.matched_tokens(request, 0), 0)
        self.assertEqual(self.node.lookups, 2)

    def test_salts_and_prompts_do_not_meet(self):
        self.store(Request("a", list(range(100))), 5)
        self.assertEqual(self.made.matched_tokens(Request("b", list(range(100)), "salt"), 0), 0)
        self.assertEqual(self.made.matched_tokens(Request("c", list(range(1, 101))), 0), 0)

    def test_a_node_that_is_away_has_nothing(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.node.error = _error(reprise.NotConnected)
        with self.assertLogs("reprise.vllm.scheduler") as logs:
            for name in "abc":
                self.assertEqual(self.made.matched_tokens(Request(name, list(range(100))), 0), 0)
        self.assertEqual(len(logs.output), 1)
        self.node.error = None
        self.assertEqual(self.made.matched_tokens(request, 0), 5 * CHUNK)

    def test_a_node_that_hangs_is_left_alone_for_a_while(self):
        self.store(Request("a", list(range(100))), 5)
        self.node.error = _error(reprise.Timeout)
        with self.assertLogs("reprise.vllm.scheduler"):
            self.assertEqual(self.made.matched_tokens(Request("a", list(range(100))), 0), 0)
        self.node.error = None
        self.assertEqual(self.made.matched_tokens(Request("b", list(range(100))), 0), 0)
        self.assertEqual(self.node.lookups, 0)
        self.now = part("pause").FIRST_SECONDS
        self.assertEqual(self.made.matched_tokens(Request("c", list(range(100))), 0), 5 * CHUNK)

    def test_a_request_whose_load_has_failed_does_not_load_again(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.made.matched_tokens(request, 0)
        self.made.allocated(request, list(range(25)), 5 * CHUNK)
        self.step(self.made)
        self.made.loads_ended(["a"], [4, 5])
        self.assertEqual(self.made.matched_tokens(request, 0), 0)
        self.assertEqual(self.made.matched_tokens(Request("b", list(range(100))), 0), 5 * CHUNK)

    def test_an_engine_that_only_produces_does_not_load(self):
        made = self.make(loads=False)
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.assertEqual(made.matched_tokens(request, 0), 0)

    def test_after_a_reset_nothing_is_found(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.made.reset()
        self.assertEqual(self.made.matched_tokens(request, 0), 0)


class SaveTests(Case):
    def admit(self, made, request: Request, loaded: int = 0) -> None:
        made.matched_tokens(request, 0)
        made.allocated(request, list(range(100, 125)), loaded)

    def test_chunks_are_stored_as_they_become_whole(self):
        request = Request("a", list(range(100)))
        self.admit(self.made, request)
        (first,) = self.step(self.made, [(request, 20)]).saves
        self.assertEqual(first.names, self.names(request, 2))
        self.assertEqual(first.blocks, [[100, 101], [102, 103]])
        self.assertEqual(self.step(self.made, [(request, 2)]).saves, [])
        (second,) = self.step(self.made, [(request, 78)]).saves
        self.assertEqual(second.names, self.names(request, 12)[2:])
        self.assertEqual(second.blocks[0], [104, 105])

    def test_what_was_loaded_is_not_stored(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.admit(self.made, request, 5 * CHUNK)
        self.made.loads_ended(["a"], [])
        self.made.allocated(request, [], 0)
        request.num_computed_tokens = 5 * CHUNK
        (order,) = self.step(self.made, [(request, 60)]).saves
        self.assertEqual(order.names, self.names(request, 12)[5:])

    def test_what_could_not_be_loaded_is_stored(self):
        request = Request("a", list(range(100)))
        self.store(request, 5)
        self.admit(self.made, request, 5 * CHUNK)
        self.made.loads_ended(["a"], [104])
        self.made.allocated(request, [], 0)
        request.num_computed_tokens = 2 * CHUNK
        (order,) = self.step(self.made, [(request, 84)]).saves
        self.assertEqual(order.names, self.names(request, 12))

    def test_generated_tokens_are_stored_if_asked_for(self):
        for save_decode in (False, True):
            made = self.make(save_decode=save_decode)
            request = Request("a", list(range(CHUNK)))
            self.admit(made, request)
            self.assertEqual(len(self.step(made, [(request, CHUNK)]).saves), 1)
            found = []
            for token in range(2 * CHUNK):
                request.extend([token])
                found += [name for order in self.step(made, [(request, 1)]).saves for name in order.names]
            self.assertEqual(found, self.names(request, 2)[1:] if save_decode else [])

    def test_drafts_are_not_stored(self):
        made = self.make(save_decode=True)
        request = Request("a", list(range(CHUNK)))
        self.admit(made, request)
        self.step(made, [(request, CHUNK)])
        request.extend([1])
        # The engine computes a chunk of drafts, of which none is known yet.
        self.assertEqual(self.step(made, [(request, CHUNK + 1)]).saves, [])
        self.assertEqual(self.step(made, [(request, CHUNK + 1)]).saves, [])

    def test_blocks_are_kept_until_the_workers_have_stored_them(self):
        request = Request("a", list(range(100)))
        self.admit(self.made, request)
        self.step(self.made, [(request, 100)])
        self.assertTrue(self.made.finished(request))
        self.assertEqual(self.step(self.made).finishing, {"a"})
        self.assertEqual(self.step(self.made).finishing, set())

    def test_blocks_are_not_kept_when_nothing_was_to_be_stored(self):
        request = Request("a", list(range(CHUNK - 1)))
        self.admit(self.made, request)
        self.step(self.made, [(request, CHUNK - 1)])
        self.assertFalse(self.made.finished(request))

    def test_a_request_that_was_preempted_begins_again(self):
        request = Request("a", list(range(100)))
        self.admit(self.made, request)
        self.step(self.made, [(request, 40)])
        orders = self.step(self.made, preempted=["a"])
        self.assertEqual(orders.released, {"a"})
        request.num_computed_tokens = 0
        self.admit(self.made, request)
        (order,) = self.step(self.made, [(request, 40)]).saves
        self.assertEqual(order.names, self.names(request, 5))

    def test_one_that_was_preempted_and_ends_does_not_keep_blocks(self):
        request = Request("a", list(range(100)))
        self.admit(self.made, request)
        self.step(self.made, [(request, 40)])
        self.step(self.made, preempted=["a"])
        self.assertFalse(self.made.finished(request))

    def test_an_engine_that_only_consumes_does_not_store(self):
        made = self.make(saves=False)
        request = Request("a", list(range(100)))
        self.admit(made, request)
        self.assertEqual(self.step(made, [(request, 100)]).saves, [])

    def test_after_a_reset_old_values_are_not_stored(self):
        request = Request("a", list(range(100)))
        self.admit(self.made, request)
        self.step(self.made, [(request, 40)])
        self.made.reset()
        self.assertEqual(self.step(self.made, [(request, 60)]).saves, [])
        new = Request("b", list(range(100)))
        self.admit(self.made, new)
        (order,) = self.step(self.made, [(new, 100)]).saves
        self.assertFalse(set(order.names) & set(self.names(new, 12)))


def _error(kind: type) -> Exception:
    from reprise import errors

    status = {reprise.NotConnected: -3, reprise.Timeout: -4}[kind]
    error = errors.from_status(status, "it is away")
    assert isinstance(error, kind)
    return error


if __name__ == "__main__":
    unittest.main()
