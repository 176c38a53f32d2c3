"""Keys, options and versions of the vLLM hooks."""

from __future__ import annotations

import os
import unittest
from unittest import mock

from vllm_parts import part

keys, options, version = part("keys"), part("options"), part("version")
FIELDS = {
    "model": "m",
    "dtype": "float16",
    "kv_cache_layout": "LBHNC",
    "block_tokens": 16,
    "tensor_parallel": 2,
}


class KeysTests(unittest.TestCase):
    def test_what_differs_in_a_field_or_the_rank_has_another_prefix(self):
        seen = {keys.rank_prefix(FIELDS, "0.0")}
        for name, other in (("model", "n"), ("dtype", "bfloat16"), ("kv_cache_layout", "LBNHC")):
            seen.add(keys.rank_prefix({**FIELDS, name: other}, "0.0"))
        for name, other in (("block_tokens", 32), ("tensor_parallel", 1)):
            seen.add(keys.rank_prefix({**FIELDS, name: other}, "0.0"))
        seen.add(keys.rank_prefix(FIELDS, "0.1"))
        seen.add(keys.rank_prefix({**FIELDS, "more": None}, "0.0"))
        self.assertEqual(len(seen), 8)

    def test_the_order_of_fields_does_not_matter(self):
        turned = dict(reversed(FIELDS.items()))
        self.assertEqual(keys.rank_prefix(FIELDS, "0.0"), keys.rank_prefix(turned, "0.0"))

    def test_fields_that_cannot_be_told_apart_are_refused(self):
        with self.assertRaises(TypeError):
            keys.digest({"field": object()})
        with self.assertRaises(ValueError):
            keys.digest({"field": float("nan")})

    def test_salts_and_generations_are_kept_apart(self):
        salts = [("", ""), ("a", ""), ("", "a"), ("a", "b"), ("ab", ""), ("-", "")]
        self.assertEqual(len({keys.salt_name(*salt) for salt in salts}), len(salts))
        self.assertEqual(keys.salt_name(None), keys.salt_name(""))

    def test_a_chunk_is_named_by_its_last_block(self):
        hashes = [bytes([number]) * 32 for number in range(7)]
        names = keys.chunk_names(hashes, 2, 10, "-")
        self.assertEqual(names, [f"-:{hashes[last].hex()}" for last in (1, 3, 5)])
        self.assertEqual(keys.chunk_names(hashes, 2, 2, "-"), names[:2])
        self.assertEqual(keys.chunk_names(hashes[:1], 2, 2, "-"), [])


class OptionsTests(unittest.TestCase):
    def test_defaults_and_entries_of_others(self):
        read = options.Options.read({"shared_storage_path": "/tmp"})
        self.assertEqual(read, options.Options())
        self.assertEqual([read.blocks_per_chunk(size) for size in (16, 128, 256, 1024)], [16, 2, 1, 1])

    def test_values_are_taken(self):
        given = {"reprise.socket": "/s", "reprise.chunk_blocks": 3, "reprise.timeout_s": 1}
        read = options.Options.read({**given, "reprise.namespace": "n"})
        self.assertEqual((read.socket, read.timeout_s, read.namespace), ("/s", 1, "n"))
        self.assertEqual(read.blocks_per_chunk(16), 3)

    def test_wrong_ones_say_what_is_wrong(self):
        wrong = {
            "reprise.sockets": "/s",
            "reprise.chunk_blocks": -1,
            "reprise.copy_threads": 0,
            "reprise.timeout_s": "1",
            "reprise.save_decode": 1,
            "reprise.staging": "never",
            "reprise.staging_bytes": True,
            "reprise.namespace": None,
        }
        for name, value in wrong.items():
            with self.subTest(name), self.assertRaisesRegex(ValueError, name):
                options.Options.read({name: value})


class VersionTests(unittest.TestCase):
    def test_its_own_version_is_taken(self):
        for found in ("0.32.0", "0.32.1+cpu", "0.32.7.post1"):
            version.check_version(found)

    def test_others_are_refused_unless_asked_for(self):
        for found in ("0.31.0", "0.33.0", "1.32.0", "0.320.0"):
            with self.assertRaisesRegex(ImportError, f"(?s){found}.*REPRISE_VLLM_UNCHECKED"):
                version.check_version(found)
        with mock.patch.dict(os.environ, {"REPRISE_VLLM_UNCHECKED": "1"}):
            version.check_version("0.33.0")

    def test_none_is_named(self):
        with self.assertRaisesRegex(ImportError, "none is installed: pip install"):
            version.check_version(None)


if __name__ == "__main__":
    unittest.main()
