"""`reprise.sglang.RepriseStorage` on the class contract of SGLang 0.5.23's `HiCacheStorage`.

The interface, the factory that loads the class and the failure injector are SGLang's own; the host pools are
ours, laid out as SGLang's are, for those cannot be imported without an accelerator.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from support import sglang_interface  # noqa: E402
from support.node import ROOT, Node  # noqa: E402

PAGE_SIZE, PAGE_COUNT, LAYER_COUNT, TOKEN_ELEMENTS = 4, 16, 3, 32


class Pool:
    """A host pool of K and V in pages of 4 tokens, as MHATokenToKVPoolHost lays it out."""

    def __init__(self, layout: str, seed: int, dtype=None):
        import torch

        self.layout, self.page_size, self.dtype = layout, PAGE_SIZE, dtype or torch.bfloat16
        tokens = PAGE_SIZE * PAGE_COUNT
        shapes = {
            "layer_first": (2, LAYER_COUNT, tokens, TOKEN_ELEMENTS),
            "page_first": (2, tokens, LAYER_COUNT, TOKEN_ELEMENTS),
        }
        generator = torch.Generator().manual_seed(seed)
        self.kv_buffer = torch.rand(shapes[layout], generator=generator).to(self.dtype)

    def get_page_buffer_meta(self, indices):
        base, item = self.kv_buffer.data_ptr(), self.dtype.itemsize
        half = self.kv_buffer[0].numel() * item
        addresses = []
        for first in indices.tolist()[::PAGE_SIZE]:
            if self.layout == "layer_first":
                for layer in range(LAYER_COUNT):
                    at = base + (layer * PAGE_SIZE * PAGE_COUNT + first) * TOKEN_ELEMENTS * item
                    addresses += (at, at + half)
            else:
                at = base + first * LAYER_COUNT * TOKEN_ELEMENTS * item
                addresses += (at, at + half)
        length = PAGE_SIZE * TOKEN_ELEMENTS * item * (LAYER_COUNT if self.layout == "page_first" else 1)
        return addresses, [length] * len(addresses)

    def page(self, number: int):
        """A page's elements, wherever they lie."""
        tokens = slice(number * PAGE_SIZE, (number + 1) * PAGE_SIZE)
        return self.kv_buffer[:, tokens] if self.layout == "page_first" else self.kv_buffer[:, :, tokens]


class StatePool:
    """A pool whose pages cannot be located, as SGLang's of Mamba states in some layouts: one row a page."""

    page_size = 1
    layout = "layer_first"

    def __init__(self, seed: int):
        import torch

        self.dtype = torch.float32
        self.rows = torch.rand((PAGE_COUNT, 50), generator=torch.Generator().manual_seed(seed))

    def get_page_buffer_meta(self, indices):
        raise ValueError("not in this layout")

    def get_dummy_flat_data_page(self):
        import torch

        return torch.zeros(50)

    def get_data_page(self, index, flat=True):
        return self.rows[index]

    def set_from_flat_data_page(self, index, page):
        self.rows[index] = page


class StorageCase(unittest.TestCase):
    """A node, and storages of it made by SGLang's own factory."""

    @classmethod
    def setUpClass(cls):
        if importlib.util.find_spec("torch") is None or not sglang_interface.is_installed():
            raise unittest.SkipTest("SGLang is not installed for this Python; scripts/python-env installs it")
        sys.path.insert(0, str(ROOT / "python"))
        os.environ.setdefault("REPRISE_LIBRARY", str(ROOT / ".build" / "library" / "libreprise.so"))
        cls.interface = sglang_interface.load()
        from sglang.srt.mem_cache.storage.backend_factory import StorageBackendFactory

        cls.factory = StorageBackendFactory
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.socket = str(pathlib.Path(folder.name) / "reprise.sock")
        cls.addClassCleanup(Node(memory="256MiB", unix_socket=cls.socket).__exit__, None, None, None)

    def storage(self, pool, rank: int = 0, is_mla: bool = False, model: str | None = None, **extra):
        options = {"backend_name": "reprise", "module_path": "reprise.sglang", "class_name": "RepriseStorage"}
        config = self.interface.HiCacheStorageConfig(
            tp_rank=rank,
            tp_size=2,
            pp_rank=0,
            pp_size=1,
            attn_cp_rank=0,
            attn_cp_size=1,
            is_mla_model=is_mla,
            enable_storage_metrics=False,
            is_page_first_layout=False,
            model_name=model or self.id(),
            extra_config=options | {"interface_v1": 1, "socket": self.socket} | extra,
        )
        storage = self.factory.create_backend("dynamic", config, pool)
        self.addCleanup(storage.close)
        if pool is not None:
            storage.register_mem_pool_host(pool)
            storage.on_host_pools_registered()
        return storage

    @staticmethod
    def indices(*pages: int, size: int = PAGE_SIZE):
        import torch

        return torch.tensor([page * size + token for page in pages for token in range(size)])

    def transfer(self, name, pages, keys, policy=None):
        return self.interface.PoolTransfer(
            name=name,
            host_indices=pages,
            keys=keys,
            hit_policy=policy or self.interface.PoolHitPolicy.ALL_PAGES,
        )


class Pages(StorageCase):
    """Pages of the first pool, where they lie."""

    def assert_equal_pages(self, one: Pool, first: int, other: Pool, second: int):
        import torch

        self.assertTrue(torch.equal(one.page(first), other.page(second)))

    def test_pages_are_stored_and_loaded_in_both_layouts(self):
        for layout in ("layer_first", "page_first"):
            with self.subTest(layout):
                pool, keys = Pool(layout, 1), [f"{layout}{index}" for index in range(4)]
                storage = self.storage(pool)
                self.assertEqual(storage.batch_exists(keys), 0)
                self.assertEqual(storage.batch_set_v1(keys[:3], self.indices(5, 0, 9)), [True] * 3)
                self.assertEqual(storage.batch_exists(keys), 3)
                self.assertTrue(storage.exists(keys[0]))
                self.assertFalse(storage.exists(keys[3]))
                other = Pool(layout, 2)
                reader = self.storage(other)
                before = other.kv_buffer.clone()
                self.assertEqual(
                    reader.batch_get_v1(keys, self.indices(1, 2, 3, 4)), [True, True, True, False]
                )
                for page, source in ((1, 5), (2, 0), (3, 9)):
                    self.assert_equal_pages(other, page, pool, source)
                for page in {*range(PAGE_COUNT)} - {1, 2, 3}:
                    view = Pool(layout, 2)
                    view.kv_buffer = before
                    self.assert_equal_pages(other, page, view, page)

    def test_stored_pages_are_not_written_again(self):
        pool = Pool("page_first", 1)
        storage = self.storage(pool)
        self.assertEqual(storage.batch_set_v1(["a"], self.indices(0)), [True])
        self.assertEqual(storage.batch_set_v1(["a", "b", "b"], self.indices(1, 2, 2)), [True] * 3)
        self.assertEqual(storage.batch_get_v1(["a", "b"], self.indices(3, 4)), [True, True])
        self.assert_equal_pages(pool, 3, pool, 0)
        self.assert_equal_pages(pool, 4, pool, 2)

    def test_what_differs_in_bytes_differs_in_keys(self):
        import torch

        pool = Pool("page_first", 1)
        self.assertTrue(all(self.storage(pool, model="m").batch_set_v1(["k"], self.indices(0))))
        self.assertEqual(self.storage(pool, model="m").batch_exists(["k"]), 1)
        for other in (
            self.storage(pool, model="m", rank=1),
            self.storage(pool, model="n"),
            self.storage(Pool("layer_first", 1), model="m"),
            self.storage(Pool("page_first", 1, torch.float16), model="m"),
            self.storage(pool, model="m", interface_v1=0),
        ):
            self.assertEqual(other.batch_exists(["k"]), 0)

    def test_ranks_of_an_mla_model_share_pages(self):
        pool = Pool("page_first", 1)
        self.storage(pool, is_mla=True).batch_set_v1(["k"], self.indices(0))
        self.assertEqual(self.storage(pool, is_mla=True, rank=1).batch_exists(["k"]), 1)

    def test_indices_that_do_not_fit_are_a_failure(self):
        storage = self.storage(Pool("page_first", 1))
        with self.assertLogs("reprise.sglang", "ERROR"):
            self.assertEqual(storage.batch_set_v1(["a", "b"], self.indices(0)), [False, False])
        self.assertEqual(storage.batch_exists(["a"]), 0)
        self.assertEqual(storage.batch_set_v1([], self.indices()), [])

    def test_sglangs_failure_injector_wraps_it(self):
        from unittest import mock

        with mock.patch.dict(os.environ, SGLANG_TEST_HICACHE_BACKEND_RANDOM_FAILURE="0.0"):
            storage = self.storage(Pool("page_first", 1))
        self.assertEqual(type(storage).__name__, "HiCacheStorageFailureInjector")
        self.assertEqual(storage.batch_set_v1(["a"], self.indices(0)), [True])
        self.assertEqual(storage.batch_exists(["a", "b"]), 1)

    def test_without_a_node_all_is_missing(self):
        pool = Pool("page_first", 1)
        storage = self.storage(pool, socket=self.socket + ".nowhere", timeout=0.2)
        with self.assertLogs("reprise.sglang", "WARNING"):
            self.assertEqual(storage.batch_exists(["a"]), 0)
            self.assertEqual(storage.batch_set_v1(["a"], self.indices(0)), [False])
            self.assertEqual(storage.batch_get_v1(["a"], self.indices(0)), [False])
            self.assertIsNone(storage.get("a"))


class Tensors(StorageCase):
    """The generic methods, by which SGLang hands tensors over one by one."""

    def test_tensors_are_stored_and_loaded(self):
        import torch

        storage = self.storage(Pool("page_first", 1), interface_v1=0)
        tensors = [torch.rand(100, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
        self.assertTrue(storage.set("one", tensors[0]))
        self.assertTrue(storage.batch_set(["two", "three"], tensors[1:]))
        self.assertTrue(storage.exists("one"))
        self.assertEqual(storage.batch_exists(["one", "two", "three", "four"]), 3)
        rooms = [torch.zeros(100) for _ in range(4)]
        found = storage.batch_get(["one", "two", "three", "four"], rooms)
        self.assertIsNone(found[3])
        for room, tensor in zip(found[:3], tensors):
            self.assertTrue(torch.equal(room, tensor))
        self.assertTrue(torch.equal(storage.get("one").view(torch.float32), tensors[0]))
        self.assertIsNone(storage.get("four", torch.zeros(100)))
        self.assertIsNone(storage.get("one", torch.zeros(99)))

    def test_addresses_with_sizes(self):
        import torch

        storage = self.storage(Pool("page_first", 1), interface_v1=0)
        source, target = torch.rand(64), torch.zeros(64)
        self.assertTrue(storage.set("a", target_location=source.data_ptr(), target_sizes=256))
        self.assertIsNotNone(storage.get("a", target.data_ptr(), 256))
        self.assertTrue(torch.equal(source, target))
        self.assertFalse(storage.set("b"))


class SeveralPools(StorageCase):
    """The second form of the interface: what can be restored is what all pools have."""

    def setUp(self):
        names = self.interface.PoolName
        self.keys = [f"page{index}" for index in range(8)]
        self.pools = {names.INDEXER: Pool("page_first", 3), names.MAMBA: StatePool(4)}
        self.kv = Pool("page_first", 1)
        self.store = self.storage(self.kv)
        for name, pool in self.pools.items():
            self.store.register_mem_host_pool_v2(pool, name)
        self.store.batch_set_v1(self.keys[:6], self.indices(*range(6)))

    def set(self, name, numbers):
        size = self.pools[name].page_size
        transfer = self.transfer(
            name, self.indices(*numbers, size=size), [self.keys[number] for number in numbers]
        )
        self.assertEqual(self.store.batch_set_v2([transfer]), {name: [True] * len(numbers)})

    def query(self, *transfers):
        return self.store.batch_exists_v2(self.keys, list(transfers))

    def test_the_first_pool_alone(self):
        found = self.query()
        self.assertEqual((found.kv_hit_pages, found.restorable_prefix_pages), (6, [1, 2, 3, 4, 5, 6]))
        self.assertEqual(found.extra_pool_hit_pages, {self.interface.PoolName.KV: 6})

    def test_a_pool_that_needs_all_pages(self):
        name = self.interface.PoolName.INDEXER
        self.assertEqual(self.query(self.transfer(name, None, None)).kv_hit_pages, 0)
        self.set(name, [0, 1, 2, 4])
        found = self.query(self.transfer(name, None, None))
        self.assertEqual((found.kv_hit_pages, found.restorable_prefix_pages), (3, [1, 2, 3]))
        self.assertEqual(found.extra_pool_hit_pages[name], 3)

    def test_a_pool_that_needs_the_last_pages(self):
        names = self.interface.PoolName
        trailing = self.interface.PoolHitPolicy.TRAILING_PAGES
        self.set(names.MAMBA, [1, 4, 6])
        found = self.query(self.transfer(names.MAMBA, None, ["one"], trailing))
        self.assertEqual((found.kv_hit_pages, found.restorable_prefix_pages), (5, [2, 5]))
        self.set(names.INDEXER, [0, 1, 2])
        both = (self.transfer(names.MAMBA, None, ["one"], trailing), self.transfer(names.INDEXER, None, None))
        found = self.query(*both)
        self.assertEqual((found.kv_hit_pages, found.restorable_prefix_pages), (2, [2]))

    def test_windows_of_two_pages(self):
        name = self.interface.PoolName.MAMBA
        self.set(name, [0, 2, 3])
        window = self.transfer(name, None, ["one", "two"], self.interface.PoolHitPolicy.TRAILING_PAGES)
        self.assertEqual(self.query(window).restorable_prefix_pages, [1, 4])

    def test_an_unknown_policy_is_refused(self):
        name = self.interface.PoolName.MAMBA
        transfer = self.transfer(name, None, None, self.interface.PoolHitPolicy.BLOCK_GROUPS)
        with self.assertRaisesRegex(ValueError, "hit policy"):
            self.query(transfer)

    def test_pages_are_loaded_into_their_pools(self):
        import torch

        names = self.interface.PoolName
        self.set(names.MAMBA, [3, 5])
        self.set(names.INDEXER, [3])
        rows, pages = self.pools[names.MAMBA].rows, self.pools[names.INDEXER]
        states = self.transfer(
            names.MAMBA, self.indices(10, 11, 12, size=1), [self.keys[i] for i in (3, 5, 7)]
        )
        index = self.transfer(names.INDEXER, self.indices(9), [self.keys[3]])
        kv = self.transfer(names.KV, self.indices(8), [self.keys[2]])
        found = self.store.batch_get_v2([states, index, kv])
        self.assertEqual(found, {names.MAMBA: [True, True, False], names.INDEXER: [True], names.KV: [True]})
        self.assertTrue(torch.equal(rows[10], rows[3]) and torch.equal(rows[11], rows[5]))
        self.assertTrue(torch.equal(pages.page(9), pages.page(3)))
        self.assertTrue(torch.equal(self.kv.page(8), self.kv.page(2)))

    def test_a_pool_that_is_not_registered_is_a_failure(self):
        transfer = self.transfer(self.interface.PoolName.SWA, self.indices(0), ["a"])
        with self.assertLogs("reprise.sglang", "ERROR"):
            self.assertEqual(self.store.batch_get_v2([transfer]), {self.interface.PoolName.SWA: [False]})

    def test_a_first_pool_without_memory(self):
        class Logical:
            kv_buffer = None
            page_size = PAGE_SIZE

        names = self.interface.PoolName
        store = self.storage(Logical())
        store.register_mem_host_pool_v2(self.pools[names.INDEXER], names.INDEXER)
        self.set(names.INDEXER, [0, 1])
        found = store.batch_exists_v2(self.keys, [self.transfer(names.INDEXER, None, None)])
        self.assertEqual(found.kv_hit_pages, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
