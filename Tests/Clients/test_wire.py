"""The lm:// wire, byte for byte, against a live node. Standard library only."""

from __future__ import annotations

import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import lm  # noqa: E402
from support.node import Node, binary, free_port  # noqa: E402

MIB = 1 << 20
ARENA_BYTE_COUNT = 64 * MIB
GOLDEN_SEED_PUT = bytes.fromhex(
    "0100000010000000010000000300000002000000010000000200000002000000"
    "766c6c6d40746573745f6d6f64656c4033403132334068617368202020202020"
)
GOLDEN_CURRENT_PUT = bytes.fromhex(
    "010000001000000001000000030000000000000002000000010000000200000002000000"
    "746573745f6d6f64656c403340313233406465644062666c6f61743136202020"
)
GOLDEN_PAYLOAD = bytes(range(16))


def pattern(seed: int, byte_count: int) -> bytes:
    """Bytes that differ between seeds and between offsets."""
    block = bytes((seed * 31 + index * 7) & 0xFF for index in range(251))
    return (block * (byte_count // 251 + 1))[:byte_count]


class WithNode(unittest.TestCase):
    """One node for the tests of a class; each test uses keys of its own."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node(memory=str(ARENA_BYTE_COUNT // MIB) + "MiB")
        cls.addClassCleanup(cls.node.__exit__, None, None, None)

    def connect(self, dialect=lm.CURRENT) -> lm.Client:
        client = self.node.client(dialect)
        self.addCleanup(client.close)
        return client

    def key(self, suffix="") -> str:
        # Short: the field holds 150 bytes.
        return f"model@1@0@{self._testMethodName[-80:]}{suffix}@uint8"

    def assert_node_serves(self):
        with self.node.client() as client:
            self.assertTrue(client.health())


class GoldenBytes(WithNode):
    def test_seed_dialect(self):
        client = self.connect(lm.SEED)
        request = GOLDEN_SEED_PUT.ljust(lm.SEED.request_byte_count) + GOLDEN_PAYLOAD
        client.send(request)
        key = "vllm@test_model@3@123@hash"
        client.send(lm.SEED.request(lm.EXIST, key))
        yes = "c800000000000000010000000200000000000000000000000000000000000000"
        self.assertEqual(client.read(32).hex(), yes)
        client.send(lm.SEED.request(lm.GET, key))
        hit = "c800000010000000010000000300000002000000010000000200000002000000"
        self.assertEqual(client.read(32).hex(), hit)
        self.assertEqual(client.read(16), GOLDEN_PAYLOAD)
        for command in (lm.GET, lm.EXIST):
            client.send(lm.SEED.request(command, "vllm@test_model@3@123@none"))
            expected = "9001000000000000010000000200000000000000000000000000000000000000"
            self.assertEqual(client.read(32).hex(), expected)

    def test_current_dialect(self):
        client = self.connect()
        client.send(GOLDEN_CURRENT_PUT.ljust(lm.CURRENT.request_byte_count) + GOLDEN_PAYLOAD)
        key = "test_model@3@123@ded@bfloat16"
        client.send(lm.CURRENT.request(lm.EXIST, key))
        yes = "c80000000000000001000000020000000000000000000000000000000000000000000000"
        self.assertEqual(client.read(36).hex(), yes)
        client.send(lm.CURRENT.request(lm.GET, key))
        hit = "c80000001000000001000000030000000200000001000000020000000200000000000000"
        self.assertEqual(client.read(36).hex(), hit)
        self.assertEqual(client.read(16), GOLDEN_PAYLOAD)
        for command in (lm.GET, lm.EXIST):
            client.send(lm.CURRENT.request(command, "test_model@3@123@eee@bfloat16"))
            no = "900100000000000001000000020000000000000000000000000000000000000000000000"
            self.assertEqual(client.read(36).hex(), no)

    def test_v0_dialect(self):
        client = self.connect(lm.V0)
        client.send(lm.V0.request(lm.PUT, "v0-key", 16) + GOLDEN_PAYLOAD)
        client.send(lm.V0.request(lm.EXIST, "v0-key"))
        self.assertEqual(client.read(8).hex(), "c800000000000000")
        client.send(lm.V0.request(lm.GET, "v0-key"))
        self.assertEqual(client.read(8).hex(), "c800000010000000")
        self.assertEqual(client.read(16), GOLDEN_PAYLOAD)
        for command in (lm.GET, lm.EXIST):
            client.send(lm.V0.request(command, "v0-none"))
            self.assertEqual(client.read(8).hex(), "9001000000000000")


class EveryDialect(WithNode):
    def test_put_exist_get_and_misses(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                client, key = self.connect(dialect), self.key(dialect.name)
                self.assertFalse(client.exists(key))
                self.assertIsNone(client.get(key))
                payload = pattern(dialect.integer_count, 100_003)
                client.put(key, payload)
                self.assertTrue(client.exists(key))
                self.assertEqual(client.get(key), payload)
                self.assertFalse(client.exists(key + "x"))

    def test_a_value_can_be_read_in_every_other_dialect(self):
        for writer in lm.DIALECTS:
            key, payload = self.key(writer.name), pattern(writer.integer_count, 4096)
            source = self.connect(writer)
            source.put(key, payload)
            self.assertTrue(source.exists(key))
            for reader in lm.DIALECTS:
                with self.subTest(writer=writer.name, reader=reader.name):
                    self.assertEqual(self.connect(reader).get(key), payload)

    def test_a_v0_value_has_fixed_metadata(self):
        client = self.connect(lm.V0)
        client.put(self.key(), b"twelve bytes")
        self.assertTrue(client.exists(self.key()))
        reader = self.connect()
        reader.send(lm.CURRENT.request(lm.GET, self.key()))
        self.assertEqual(reader.read(36), lm.CURRENT.reply(lm.OK, 12, 1, lm.FLOAT16, (12, 0, 0, 0)))
        self.assertEqual(reader.read(12), b"twelve bytes")

    def test_metadata_comes_back_as_sent(self):
        client = self.connect()
        cases = [
            (1, lm.BFLOAT16, (2, 1, 2, 2), 16),
            (2, lm.FLOAT32, (3, 5, 7, 1), 420),
            (1, lm.UINT8, (16, 0, 0, 0), 16),
            (1, lm.FLOAT16, (4, 6, 0, 0), 48),
            (5, 0, (33, 0, 0, 0), 33),
        ]
        for index, (fmt, dtype, shape, byte_count) in enumerate(cases):
            with self.subTest(fmt=fmt, dtype=dtype, shape=shape):
                payload, key = pattern(index, byte_count), self.key(str(index))
                client.put(key, payload, fmt=fmt, dtype=dtype, shape=shape)
                client.send(lm.CURRENT.request(lm.GET, key))
                self.assertEqual(client.read(36), lm.CURRENT.reply(lm.OK, byte_count, fmt, dtype, shape))
                self.assertEqual(client.read(byte_count), payload)

    def test_health(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                client = self.connect(dialect)
                client.send(dialect.request(lm.HEALTH, "any-key"))
                self.assertEqual(client.read(dialect.reply_byte_count), dialect.reply(lm.OK))

    def test_an_overwrite_is_seen_by_other_connections(self):
        writer, reader = self.connect(), self.connect()
        for version in range(20):
            payload = pattern(version, 10_000 + version)
            writer.put(self.key(), payload)
            self.assertTrue(writer.exists(self.key()))
            self.assertEqual(reader.get(self.key()), payload)

    def test_remove(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                client, key = self.connect(dialect), self.key(dialect.name)
                client.put(key, b"soon gone")
                client.send(dialect.request(lm.REMOVE, key))
                self.assertEqual(client.read(dialect.reply_byte_count), dialect.reply(lm.OK))
                self.assertIsNone(client.get(key))
                client.send(dialect.request(lm.REMOVE, key))
                self.assertEqual(client.read(dialect.reply_byte_count), dialect.reply(lm.FAIL))

    def test_a_key_of_150_bytes(self):
        client = self.connect()
        key = "k" * 150
        client.put(key, b"long")
        self.assertEqual(client.get(key), b"long")
        self.assertIsNone(client.get("k" * 149))


class Listing(unittest.TestCase):
    def test_list_in_every_dialect(self):
        with Node(memory="64MiB") as node:
            with node.client(lm.V0) as client:
                client.send(lm.V0.request(lm.LIST, b""))
                self.assertEqual(client.read(8), lm.V0.reply(lm.OK, 0), "an empty store lists nothing")
            keys = {f"model@1@0@{index:04x}@uint8" for index in range(500)}
            with node.client() as client:
                for key in keys:
                    client.put(key, b"value")
                self.assertTrue(client.exists(key))
            for dialect in lm.DIALECTS:
                with self.subTest(dialect=dialect.name), node.client(dialect) as client:
                    listed = client.list()
                    self.assertEqual(len(listed), len(keys), "no key twice")
                    self.assertEqual(set(listed), keys)
                    self.assertTrue(client.exists(listed[0]), "the connection goes on")


class Segments(WithNode):
    def test_a_header_in_one_byte_segments(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                client, key = self.connect(dialect), self.key(dialect.name)
                for byte in dialect.put(key, b"in small pieces"):
                    client.send(bytes([byte]))
                for byte in dialect.request(lm.GET, key):
                    client.send(bytes([byte]))
                self.assertEqual(client.read_reply().code, lm.OK)
                self.assertEqual(client.read(15), b"in small pieces")

    def test_put_exist_and_get_in_one_segment(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                client, key = self.connect(dialect), self.key(dialect.name)
                payload = pattern(9, 300)
                requests = dialect.put(key, payload) + dialect.request(lm.EXIST, key)
                client.send(requests + dialect.request(lm.GET, key) + dialect.request(lm.EXIST, "absent"))
                self.assertEqual(client.read_reply().code, lm.OK)
                self.assertEqual(client.read_reply().length, 300)
                self.assertEqual(client.read(300), payload)
                self.assertEqual(client.read_reply().code, lm.FAIL)

    def test_a_deep_pipeline_is_answered_in_order(self):
        client = self.connect()
        values = {self.key(str(index)): pattern(index, 1000 + index) for index in range(100)}
        client.send(b"".join(lm.CURRENT.put(key, value) for key, value in values.items()))
        client.send(b"".join(lm.CURRENT.request(lm.GET, key) for key in values))
        for value in values.values():
            reply = client.read_reply()
            self.assertEqual((reply.code, reply.length), (lm.OK, len(value)))
            self.assertEqual(client.read(reply.length), value)

    def test_requests_sent_before_a_half_close_are_answered(self):
        client = self.connect()
        payload = pattern(3, MIB)
        client.send(lm.CURRENT.put(self.key(), payload) + lm.CURRENT.request(lm.GET, self.key()))
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.read_reply().length, MIB)
        self.assertEqual(client.read(MIB), payload)
        self.assertTrue(client.is_closed_by_peer())


class Puts(WithNode):
    def wait_for_no_reservation(self):
        values = self.node.settle(lambda values: values["reprise_memory_reserved_bytes"] == 0)
        self.assertEqual(values["reprise_memory_reserved_bytes"], 0)

    def test_a_put_aborted_in_its_payload_leaves_the_old_value(self):
        client, old = self.connect(), pattern(1, 50_000)
        client.put(self.key(), old)
        self.assertTrue(client.exists(self.key()))
        for sent in (0, 1, 25_000, 49_999):
            with self.subTest(sent=sent):
                aborted = self.node.client()
                request = lm.CURRENT.put(self.key(), pattern(2, 50_000))
                aborted.send(request[: lm.CURRENT.request_byte_count + sent])
                aborted.close()
                self.wait_for_no_reservation()
                self.assertEqual(client.get(self.key()), old)

    def test_an_aborted_put_of_a_new_key_stores_nothing(self):
        aborted = self.node.client()
        aborted.send(lm.CURRENT.put(self.key(), pattern(2, 50_000))[:40_000])
        aborted.close()
        self.wait_for_no_reservation()
        self.assertFalse(self.connect().exists(self.key()))

    def test_a_put_in_progress_hides_nothing(self):
        slow, other = self.connect(), self.connect()
        request = lm.CURRENT.put(self.key(), pattern(5, 20_000))
        slow.send(request[:1000])
        other.put(self.key(), pattern(6, 20_000))
        self.assertTrue(other.exists(self.key()))
        slow.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(slow.is_closed_by_peer())
        self.assertEqual(other.get(self.key()), pattern(6, 20_000))

    def test_a_put_of_no_bytes(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                client, key = self.connect(dialect), self.key(dialect.name)
                client.send(dialect.request(lm.PUT, key, 0))
                self.assertTrue(client.exists(key))
                self.assertEqual(client.get(key), b"")

    def test_a_shape_that_does_not_match_drops_the_put_and_keeps_the_connection(self):
        client, old = self.connect(), pattern(1, 64)
        client.put(self.key(), old)
        client.put(self.key(), pattern(2, 100_000), dtype=lm.BFLOAT16, shape=(2, 1, 2, 2))
        self.assertTrue(client.exists(self.key()))
        self.assertEqual(client.get(self.key()), old)
        client.put(self.key("new"), pattern(2, 17), dtype=lm.BFLOAT16, shape=(2, 1, 2, 2))
        self.assertFalse(client.exists(self.key("new")))

    def test_a_value_larger_than_the_arena_is_dropped_and_evicts_nothing(self):
        client = self.connect()
        keys = [self.key(str(index)) for index in range(8)]
        for index, key in enumerate(keys):
            client.put(key, pattern(index, 100_000))
        evicted = self.node.statistics()["reprise_evictions_total"]
        client.put(self.key("huge"), bytes(ARENA_BYTE_COUNT + 1))
        self.assertFalse(client.exists(self.key("huge")))
        for index, key in enumerate(keys):
            self.assertEqual(client.get(key), pattern(index, 100_000))
        self.assertEqual(self.node.statistics()["reprise_evictions_total"], evicted)

    def test_dropped_puts_are_counted_by_reason(self):
        def dropped():
            values = self.node.statistics()
            return sum(v for k, v in values.items() if k.startswith("reprise_puts_dropped_total{"))

        before, client = dropped(), self.connect()
        client.put(self.key(), b"x" * 10, dtype=lm.FLOAT32, shape=(1, 1, 1, 1))
        self.assertFalse(client.exists(self.key()))
        self.assertEqual(dropped(), before + 1)

    def test_values_of_many_sizes(self):
        client = self.connect()
        for byte_count in (1, 2, 4095, 4096, 4097, 65_535, MIB - 1, MIB + 1, 8 * MIB):
            with self.subTest(byte_count=byte_count):
                key, payload = self.key(str(byte_count)), pattern(byte_count, byte_count)
                client.put(key, payload)
                self.assertEqual(client.get(key), payload)

    def test_more_than_the_arena_holds_evicts_and_never_mixes_values(self):
        client = self.connect()
        byte_count = 3 * MIB + 17
        for index in range(60):
            client.put(self.key(str(index)), pattern(index, byte_count))
        hits = 0
        for index in range(60):
            value = client.get(self.key(str(index)))
            if value is not None:
                hits += 1
                self.assertEqual(value, pattern(index, byte_count))
        self.assertGreaterEqual(hits, ARENA_BYTE_COUNT // byte_count - 2)
        self.assertEqual(client.get(self.key("59")), pattern(59, byte_count), "the newest stays")


class BrokenRequests(WithNode):
    def assert_closes(self, request: bytes, dialect=lm.CURRENT):
        client = self.connect(dialect)
        client.send(request)
        self.assertTrue(client.is_closed_by_peer())
        self.assert_node_serves()

    def test_a_negative_length_closes(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                self.assert_closes(dialect.request(lm.PUT, self.key(), -1), dialect)
                self.assert_closes(dialect.request(lm.PUT, self.key(), -(1 << 31)), dialect)

    def test_an_unknown_command_closes(self):
        for command in (0x7705, 0x7F000001, 0x0104, 3 | 1 << 30):
            with self.subTest(command=command):
                self.assert_closes(lm.CURRENT.request(command, self.key()))

    def test_a_key_that_is_not_utf8_closes(self):
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                self.assert_closes(dialect.request(lm.EXIST, b"good\xff\xfe"), dialect)

    def test_an_empty_key_closes(self):
        for command in (lm.GET, lm.EXIST):
            with self.subTest(command=command):
                self.assert_closes(lm.CURRENT.request(command, b""))

    def test_a_cut_header_closes_quietly(self):
        client = self.connect()
        client.send(lm.CURRENT.request(lm.EXIST, self.key())[:100])
        client.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(client.is_closed_by_peer())
        self.assert_node_serves()

    def test_the_other_connections_go_on(self):
        other = self.connect()
        other.put(self.key(), b"kept")
        self.assert_closes(lm.CURRENT.request(lm.PUT, self.key(), -1))
        self.assertEqual(other.get(self.key()), b"kept")


class Transports(unittest.TestCase):
    def test_ipv6(self):
        try:
            free_port("::1")
        except OSError as error:
            self.skipTest(f"this machine has no IPv6 loopback: {error}")
        with Node(host="::1", memory="64MiB") as node, node.client() as client:
            client.put("v6", pattern(6, MIB))
            self.assertEqual(client.get("v6"), pattern(6, MIB))

    def assert_does_not_start(self, *arguments):
        command = [binary(), "serve", "--memory", "64MiB", *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("listen", done.stderr)

    def test_a_place_that_is_taken_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "reprise.sock"
            with Node(memory="64MiB", unix_socket=path) as node:
                self.assert_does_not_start("--port", str(node.port))
                self.assert_does_not_start("--port", "0", "--unix", str(path))
                with node.unix_client() as local:
                    self.assertTrue(local.health(), "the first node keeps its socket")

    def test_the_unix_socket_of_a_killed_node_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "reprise.sock"
            with Node(memory="64MiB", unix_socket=path):
                pass
            self.assertTrue(path.exists())
            with Node(memory="64MiB", unix_socket=path) as node, node.unix_client() as local:
                self.assertTrue(local.health())

    def test_a_unix_socket_beside_tcp(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "reprise.sock"
            with Node(memory="64MiB", unix_socket=path) as node:
                with node.unix_client() as local, node.client() as remote:
                    for dialect_index, writer, reader in ((0, local, remote), (1, remote, local)):
                        key, payload = f"unix{dialect_index}", pattern(dialect_index, 5 * MIB)
                        writer.put(key, payload)
                        self.assertTrue(writer.exists(key))
                        self.assertEqual(reader.get(key), payload)
                node.terminate()
                self.assertEqual(node.process.wait(30), 0)
                self.assertFalse(path.exists(), "the socket file goes with the node")


class Shutdown(unittest.TestCase):
    VALUE_BYTE_COUNT = 24 * MIB

    def start_with_stuck_reader(self) -> tuple[Node, lm.Client]:
        """A node that is in the middle of a reply its peer does not read."""
        node = Node(memory="64MiB")
        self.addCleanup(node.__exit__, None, None, None)
        with node.client() as writer:
            writer.put("value", pattern(1, self.VALUE_BYTE_COUNT))
            self.assertTrue(writer.exists("value"))
        reader = node.client(receive_buffer=65_536)
        self.addCleanup(reader.close)
        reader.send(lm.CURRENT.request(lm.GET, "value"))
        self.assertEqual(reader.read_reply().length, self.VALUE_BYTE_COUNT)
        return node, reader

    def test_sigterm_with_idle_connections_exits_0(self):
        with Node(memory="64MiB") as node, node.client() as idle:
            self.assertTrue(idle.health())
            node.terminate()
            self.assertEqual(node.process.wait(30), 0)
            self.assertTrue(idle.is_closed_by_peer())

    def test_sigterm_finishes_the_reply_in_flight(self):
        node, reader = self.start_with_stuck_reader()
        node.terminate()
        with self.assertRaises(OSError):
            while True:
                # Accepting may go on for the moment that the signal takes to arrive.
                with node.client(timeout=5) as late:
                    if late.is_closed_by_peer():
                        raise ConnectionRefusedError
        self.assertEqual(reader.read(self.VALUE_BYTE_COUNT), pattern(1, self.VALUE_BYTE_COUNT))
        self.assertEqual(node.process.wait(30), 0)

    def test_sigint_is_like_sigterm(self):
        with Node(memory="64MiB") as node:
            node.was_told_to_end = True
            node.process.send_signal(signal.SIGINT)
            self.assertEqual(node.process.wait(30), 0)

    def test_a_second_sigterm_exits_at_once(self):
        node, _ = self.start_with_stuck_reader()
        node.terminate()
        time.sleep(0.5)
        self.assertIsNone(node.process.poll(), "the first signal drains")
        node.terminate()
        node.process.wait(5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
