"""Where chunks lie in KV caches of any layout."""

from __future__ import annotations

import ctypes
import itertools
import unittest

from vllm_parts import FakeTensor, part

try:
    import numpy as np
except ImportError:
    raise unittest.SkipTest("numpy is not installed") from None

layout = part("layout")
BLOCKS, HEADS, TOKENS, WIDTH = 5, 3, 4, 6


def cache(order: tuple[int, ...], seed: int = 0, shape=(BLOCKS, HEADS, TOKENS, WIDTH)) -> FakeTensor:
    """A tensor of logical shape [blocks, heads, tokens, width] whose dimensions lie in memory in an order."""
    source = np.random.default_rng(seed)
    memory = source.integers(0, 1 << 16, size=[shape[place] for place in order], dtype=np.uint16)
    return FakeTensor(memory.transpose(np.argsort(order)))


def read(pieces) -> bytes:
    return b"".join(ctypes.string_at(int(where), int(length)) for where, length in zip(*pieces, strict=True))


class LayoutTests(unittest.TestCase):
    def test_chunks_of_every_order_of_dimensions(self):
        for order in itertools.permutations(range(4)):
            tensors = {"a": cache(order, 1), "b": cache(order, 2)}
            made = layout.Layout(tensors)
            inner = [place for place in order if place != 0]
            for blocks in ([2, 3], [4, 0, 1], [3]):
                wanted = b"".join(
                    tensors[name].array[block].transpose([place - 1 for place in inner]).tobytes()
                    for name in ("a", "b")
                    for block in blocks
                )
                with self.subTest(order=order, blocks=blocks):
                    self.assertEqual(read(made.pieces(blocks)), wanted)
            self.assertEqual(made.block_bytes, 2 * HEADS * TOKENS * WIDTH * 2)

    def test_neighbours_are_one_piece(self):
        made = layout.Layout({"a": cache((0, 1, 2, 3))})
        self.assertEqual([len(made.pieces(blocks)[0]) for blocks in ([1, 2, 3], [1, 3], [2, 1])], [1, 2, 2])
        turned = layout.Layout({"a": cache((1, 0, 2, 3))})
        self.assertEqual(len(turned.pieces([1, 2])[0]), HEADS * 2)

    def test_layers_that_lie_between_each_other(self):
        memory = np.arange(BLOCKS * 2 * 8, dtype=np.uint16).reshape(BLOCKS, 2, 8)
        made = layout.Layout({"b": FakeTensor(memory[:, 1]), "a": FakeTensor(memory[:, 0])})
        wanted = b"".join(memory[block, layer].tobytes() for layer in (0, 1) for block in (1, 3))
        self.assertEqual(read(made.pieces([1, 3])), wanted)

    def test_skipped_blocks_are_not_touched(self):
        tensor = cache((0, 1, 2, 3))
        made = layout.Layout({"a": tensor})
        before = tensor.array.copy()
        addresses, lengths = made.pieces([0, 1, 2], skip=2)
        self.assertEqual(int(lengths.sum()), 3 * made.block_bytes)
        for address, length in zip(addresses, lengths, strict=True):
            ctypes.memset(int(address), 0xAB, int(length))
        np.testing.assert_array_equal(tensor.array[[0, 1, 3, 4]], before[[0, 1, 3, 4]])
        self.assertTrue((tensor.array[2] == 0xABAB).all())

    def test_layers_of_different_shapes(self):
        tensors = {"a": cache((0, 1, 2, 3)), "b": cache((0, 1, 2, 3), shape=(BLOCKS, 1, TOKENS, 2))}
        made = layout.Layout(tensors)
        self.assertEqual(len(read(made.pieces([1, 2]))), 2 * made.block_bytes)
        self.assertEqual(made.block_bytes, (HEADS * WIDTH + 2) * TOKENS * 2)

    def test_the_order_and_the_shape_are_in_the_description(self):
        orders = [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 2, 3)]
        described = [layout.Layout({"a": cache(order)}).describe() for order in orders]
        self.assertNotEqual(described[0], described[1])
        # Where blocks lie does not matter, as long as their own bytes have one order.
        self.assertEqual(described[0], described[2])
        self.assertNotEqual(described[0], layout.Layout({"b": cache(orders[0])}).describe())

    def test_what_cannot_be_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no KV cache"):
            layout.Layout({})
        with self.assertRaisesRegex(ValueError, "is a list"):
            layout.Layout({"a": []})
        with self.assertRaisesRegex(ValueError, "number of blocks"):
            layout.Layout({"a": cache((0, 1, 2, 3)), "b": cache((0, 1, 2, 3), shape=(2, 1, 1, 1))})
        with self.assertRaisesRegex(ValueError, "overlaps itself"):
            layout.Layout({"a": FakeTensor(np.broadcast_to(np.zeros((1, 4)), (3, 4)))})
        with self.assertRaisesRegex(ValueError, "dimension of blocks"):
            layout.Layout({"a": FakeTensor(np.zeros(4))})
        for blocks in ([], [-1], [BLOCKS]):
            with self.assertRaisesRegex(ValueError, "not all among"):
                layout.Layout({"a": cache((0, 1, 2, 3))}).pieces(blocks)


if __name__ == "__main__":
    unittest.main()
