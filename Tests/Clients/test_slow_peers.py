"""Peers that read late, slowly or not at all. Standard library only."""

from __future__ import annotations

import pathlib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import lm  # noqa: E402
from support.node import Node, raise_descriptor_limit  # noqa: E402
from test_wire import pattern  # noqa: E402

MIB = 1 << 20
IDLE_CONNECTION_COUNT = 2000
# Larger than what the kernel buffers for a socket, so that the node must keep the old bytes itself.
VALUE_BYTE_COUNT = 24 * MIB


class LateReaders(unittest.TestCase):
    """The bytes of a value under way do not change when its memory is wanted for something else."""

    def test_a_late_reader_gets_the_old_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "reprise.sock"
            with Node(memory="512MiB", unix_socket=path) as node:
                with node.client() as writer:
                    for index in range(4):
                        writer.put(f"old{index}", pattern(index, VALUE_BYTE_COUNT))
                    self.assertTrue(writer.exists("old3"))
                readers = self.start_reading(node)
                self.replace_and_refill(node)
                for name, index, reader in readers:
                    with self.subTest(transport=name, key=index):
                        self.assertEqual(reader.read_reply().length, VALUE_BYTE_COUNT)
                        self.assertTrue(reader.read(VALUE_BYTE_COUNT) == pattern(index, VALUE_BYTE_COUNT))
                    reader.close()
                self.assert_all_is_given_back(node)

    def start_reading(self, node):
        readers = []
        for index in range(4):
            for name, connect in (("tcp", node.client), ("unix", node.unix_client)):
                reader = connect(receive_buffer=16_384)
                self.addCleanup(reader.close)
                reader.send(lm.CURRENT.request(lm.GET, f"old{index}"))
                readers.append((name, index, reader))
        # Each GET has taken its value once the node has counted it.
        values = node.settle(lambda values: values["reprise_get_hits_total"] >= 8)
        self.assertEqual(values["reprise_get_hits_total"], 8)
        return readers

    def replace_and_refill(self, node):
        with node.client() as writer:
            for index in range(2):
                writer.put(f"old{index}", pattern(100 + index, VALUE_BYTE_COUNT))
            for index in range(2, 4):
                self.assertTrue(writer.remove(f"old{index}"))
                self.assertFalse(writer.exists(f"old{index}"))
            for index in range(200):
                writer.put(f"filler{index}", pattern(50 + index, 4 * MIB))
            self.assertTrue(writer.health())
        values = node.statistics()
        self.assertGreater(values["reprise_evictions_total"], 0)
        self.assertLessEqual(values["reprise_memory_used_bytes"], values["reprise_memory_capacity_bytes"])
        # Two readers hold each of the old values, which are in use though no entry has them any more.
        held = values["reprise_memory_used_bytes"] - values["reprise_entry_bytes"]
        self.assertEqual(held, 4 * VALUE_BYTE_COUNT)

    def assert_all_is_given_back(self, node):
        def settled(values):
            return values["reprise_memory_used_bytes"] == values["reprise_entry_bytes"]

        values = node.settle(settled)
        self.assertEqual(values["reprise_memory_used_bytes"], values["reprise_entry_bytes"])
        self.assertEqual(values["reprise_memory_reserved_bytes"], 0)
        self.assertEqual(values["reprise_allocator_consistent"], 1)

    def test_a_reader_that_goes_away_gives_its_value_back(self):
        with Node(memory="64MiB") as node:
            with node.client() as writer:
                writer.put("old", pattern(1, VALUE_BYTE_COUNT))
                self.assertTrue(writer.exists("old"))
                reader = node.client(receive_buffer=16_384)
                reader.send(lm.CURRENT.request(lm.GET, "old"))
                self.assertEqual(reader.read_reply().length, VALUE_BYTE_COUNT)
                writer.put("old", b"new")
                self.assertEqual(writer.get("old"), b"new")
                reader.close()
            self.assert_all_is_given_back(node)


class Pipelines(unittest.TestCase):
    def test_a_pipeline_written_whole_before_reading_is_answered(self):
        with Node(memory="256MiB") as node, node.client() as client:
            requests = (
                lm.CURRENT.put(f"key{index}", pattern(index, MIB)) + lm.CURRENT.request(lm.GET, f"key{index}")
                for index in range(100)
            )
            client.send(b"".join(requests))
            for index in range(100):
                self.assertEqual(client.read_reply().length, MIB)
                self.assertTrue(client.read(MIB) == pattern(index, MIB))


class StalledWriters(unittest.TestCase):
    def test_headers_alone_cannot_empty_the_cache(self):
        with Node(memory="64MiB") as node, node.client() as client:
            for index in range(60):
                client.put(f"kept{index}", pattern(index, MIB))
            self.assertTrue(client.exists("kept59"))
            stalled = [node.client() for _ in range(30)]
            for index, writer in enumerate(stalled):
                shape = (1, 1, 1, 8 * MIB)
                writer.send(lm.CURRENT.request(lm.PUT, f"stalled{index}", 8 * MIB, 1, lm.UINT8, shape))
            values = node.settle(lambda values: values["reprise_memory_reserved_bytes"] >= 16 * MIB)
            # A quarter of the memory is for values on their way in.
            self.assertLessEqual(values["reprise_memory_reserved_bytes"], 16 * MIB)
            self.assertGreaterEqual(values["reprise_entries"], 44)
            self.assertTrue(client.get("kept59") == pattern(59, MIB), "hits go on meanwhile")
            for writer in stalled:
                writer.close()
            values = node.settle(lambda values: values["reprise_memory_reserved_bytes"] == 0)
            self.assertEqual(values["reprise_memory_reserved_bytes"], 0)
            self.assertEqual(values["reprise_allocator_consistent"], 1)
            client.put("new", pattern(7, 8 * MIB))
            self.assertTrue(client.get("new") == pattern(7, 8 * MIB))


class ManyConnections(unittest.TestCase):
    def test_connections_beyond_the_limit_are_closed_and_the_others_served(self):
        with Node(memory="64MiB", arguments=["--max-connections", "10"]) as node:
            # The probe that saw the node come up has to be gone.
            node.settle(lambda values: values["reprise_connections"] == 1)
            # The connection of the statistics goes with it, so that ten are free.
            clients = []
            while len(clients) < 10:
                client = node.client()
                try:
                    self.assertTrue(client.health())
                    clients.append(client)
                except ConnectionError:
                    client.close()
            with node.client() as eleventh:
                self.assertTrue(eleventh.is_closed_by_peer())
            for client in clients:
                self.assertTrue(client.health())
                client.close()
            values = node.settle(lambda values: values["reprise_connections"] == 1)
            self.assertEqual(values["reprise_connections"], 1)

    def test_a_node_without_free_descriptors_serves_on_and_recovers(self):
        with Node(memory="64MiB", descriptor_limit=64) as node:
            clients = [node.client() for _ in range(100)]
            self.assertTrue(clients[0].health())
            for client in clients:
                client.close()
            values = node.settle(lambda values: values["reprise_connections"] == 1)
            self.assertEqual(values["reprise_connections"], 1)

    def test_idle_connections_and_a_byte_a_second_reader_block_nobody(self):
        raise_descriptor_limit()
        with Node(memory="256MiB") as node:
            with node.client() as client:
                client.put("value", pattern(1, VALUE_BYTE_COUNT))
                self.assertTrue(client.exists("value"))
            idle = [node.client() for _ in range(IDLE_CONNECTION_COUNT)]
            self.addCleanup(lambda: [client.close() for client in idle])
            # The statistics come over one connection more.
            values = node.settle(lambda values: values["reprise_connections"] >= IDLE_CONNECTION_COUNT + 1)
            self.assertEqual(values["reprise_connections"], IDLE_CONNECTION_COUNT + 1)
            stop, slow_bytes = threading.Event(), bytearray()
            slow = threading.Thread(target=self.read_a_byte_a_second, args=(node, stop, slow_bytes))
            slow.start()
            try:
                self.churn(node)
                for client in idle[:: IDLE_CONNECTION_COUNT // 50]:
                    self.assertTrue(client.health())
            finally:
                stop.set()
                slow.join()
            self.assertEqual(bytes(slow_bytes), pattern(1, len(slow_bytes)))
            self.assertGreaterEqual(len(slow_bytes), 3)
            for client in idle:
                client.close()
            values = node.settle(lambda values: values["reprise_connections"] == 1)
            self.assertEqual(values["reprise_connections"], 1)

    @staticmethod
    def read_a_byte_a_second(node, stop, received):
        with node.client(receive_buffer=4096) as client:
            client.send(lm.CURRENT.request(lm.GET, "value"))
            client.read_reply()
            while not stop.is_set() or len(received) < 3:
                received += client.read(1)
                stop.wait(1) if not stop.is_set() else time.sleep(0.01)

    def churn(self, node):
        """Work that other clients get done meanwhile; a stall runs into the socket's time-out."""
        with node.client(timeout=30) as client:
            for index in range(100):
                client.put(f"churn{index % 10}", pattern(index, MIB))
                self.assertEqual(client.get(f"churn{index % 10}"), pattern(index, MIB))


if __name__ == "__main__":
    unittest.main(verbosity=2)
