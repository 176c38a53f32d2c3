"""Limits over RESP on raw sockets: values that are too large, no room, ends of life, broken peers.

Standard library only.
"""

from __future__ import annotations

import pathlib
import random
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import resp  # noqa: E402
from support.resp_case import MIB, RespCase, needs_node, pattern  # noqa: E402

OK, NIL, PONG = b"+OK\r\n", b"$-1\r\n", b"+PONG\r\n"


class TooLarge(RespCase):
    """A value over --max-value is read to its end and answered with an error; the connection goes on."""

    is_of_nodes = True
    options = {"memory": "128MiB", "arguments": ["--max-value", "1MiB"]}

    def test_the_largest_value_is_stored(self):
        client, value = self.connect(), pattern(1, MIB)
        self.assertEqual(client.raw("SET", "k", value), OK)
        self.assert_value(client, "k", value)

    def test_a_larger_value_is_an_error_and_the_connection_goes_on(self):
        for protocol in (2, 3):
            for byte_count in (MIB + 1, 5 * MIB, 40 * MIB):
                with self.subTest(protocol=protocol, byte_count=byte_count):
                    client = self.connect(protocol)
                    client.call("SET", "k", "old")
                    client.send(resp.command("SET", "k", bytes(byte_count)) + resp.command("PING"))
                    error = client.read_reply()
                    self.assertRegex(error, rb"^-ERR [^\r\n]+\r\n$")
                    self.assertNotIn(b"Protocol error", error)
                    self.assert_replies(client, PONG)
                    self.assert_value(client, "k", b"old")

    def test_every_command_that_stores_says_so(self):
        client, value = self.connect(), bytes(MIB + 1)
        for command in (
            ("SET", "k", value, "EX", 10), ("SET", "k", value, "NX", "GET"), ("SETEX", "k", 10, value),
            ("PSETEX", "k", 10_000, value), ("SETNX", "k", value), ("MSET", "a", "1", "k", value),
            ("MSET", "k", value, "a", "1"),
        ):  # fmt: skip
            with self.subTest(command=command[0], count=len(command)):
                self.assertEqual(client.raw(*command)[:5], b"-ERR ")
                self.assertEqual(client.raw("EXISTS", "k", "a"), b":0\r\n")

    def test_a_large_argument_that_is_no_value_ends_nothing_else(self):
        large = bytes(5 * MIB)
        for command in (("GET", large), ("NOSUCH", large), ("EXPIRE", "k", large), ("SET", large, "v"),
                        (large,)):  # fmt: skip
            with self.subTest(command=[argument[:10] for argument in command]):
                client = self.connect()
                try:
                    client.send(resp.command(*command))
                    # Read to its end, and answered, or refused as broken framing: both are an answer.
                    self.assertIn(client.read_reply()[:1], (b"-", b"$", b":"))
                except (ConnectionError, resp.Closed):
                    pass
                self.assert_serves()


class NoRoom(RespCase):
    is_of_nodes = True
    options = {"memory": "64MiB"}

    def test_a_value_that_can_never_fit_is_out_of_memory_and_evicts_nothing(self):
        client = self.connect()
        for index in range(20):
            client.call("SET", f"k{index}", pattern(index, MIB))
        before = self.node.statistics()["reprise_evictions_total"]
        client.send(resp.command("SET", "huge", bytes(65 * MIB)) + resp.command("PING"))
        self.assertRegex(client.read_reply(), rb"^-OOM [^\r\n]+\r\n$")
        self.assert_replies(client, PONG)
        for index in range(20):
            self.assert_value(client, f"k{index}", pattern(index, MIB))
        self.assertEqual(self.node.statistics()["reprise_evictions_total"], before)

    def test_more_than_the_memory_holds_evicts_and_never_mixes_values(self):
        client, byte_count = self.connect(), 3 * MIB + 17
        for index in range(60):
            self.assertEqual(client.raw("SET", f"k{index}", pattern(index, byte_count)), OK)
        found = 0
        for index in range(60):
            value = client.call("GET", f"k{index}")
            if value is not None:
                found += 1
                self.assertTrue(value == pattern(index, byte_count))
        self.assertGreaterEqual(found, 18)
        self.assert_value(client, "k59", pattern(59, byte_count))

    def test_headers_alone_cannot_empty_the_cache(self):
        client = self.connect()
        for index in range(60):
            client.call("SET", f"kept{index}", pattern(index, MIB))
        stalled = [self.connect() for _ in range(30)]
        for index, writer in enumerate(stalled):
            writer.send(b"*3\r\n$3\r\nSET\r\n$10\r\nstalled%03d\r\n$%d\r\n" % (index, 8 * MIB))
        values = self.node.settle(lambda values: values["reprise_memory_reserved_bytes"] >= 16 * MIB, 5)
        self.assertLessEqual(values["reprise_memory_reserved_bytes"], 16 * MIB)
        self.assertGreaterEqual(values["reprise_entries"], 44)
        self.assert_value(client, "kept59", pattern(59, MIB))
        for writer in stalled:
            writer.close()
        values = self.node.settle(lambda values: values["reprise_memory_reserved_bytes"] == 0)
        self.assertEqual(values["reprise_memory_reserved_bytes"], 0)
        self.assertEqual(values["reprise_allocator_consistent"], 1)
        self.assertEqual(client.raw("SET", "new", pattern(7, 8 * MIB)), OK)
        self.assert_value(client, "new", pattern(7, 8 * MIB))


class NothingEvicted(RespCase):
    """With `--evictor dummy` nothing leaves the memory unasked."""

    is_of_nodes = True
    options = {"memory": "64MiB", "arguments": ["--evictor", "dummy"]}

    def test_a_full_memory_is_out_of_memory_until_something_is_deleted(self):
        client, stored = self.connect(), 0
        while True:
            reply = client.raw("SET", f"k{stored}", pattern(stored, MIB))
            if reply != OK:
                break
            stored += 1
        self.assertRegex(reply, rb"^-OOM [^\r\n]+\r\n$")
        self.assertGreaterEqual(stored, 60)
        self.assertEqual(client.call("DBSIZE"), stored)
        for index in range(stored):
            self.assert_value(client, f"k{index}", pattern(index, MIB))
        self.assertEqual(client.call("DEL", "k0"), 1)
        self.assertEqual(client.raw("SET", "again", pattern(0, MIB)), OK)

    def test_a_deletion_and_a_value_after_it_in_one_pipeline(self):
        client, stored = self.connect(), 0
        while client.raw("SET", f"k{stored}", pattern(stored, MIB)) == OK:
            stored += 1
        client.send(resp.command("DEL", "k0") + resp.command("SET", "new", pattern(9, MIB)))
        self.assert_replies(client, b":1\r\n", OK)


class EndsOfLife(RespCase):
    def test_what_has_ended_leaves_the_memory_unasked(self):
        client = self.connect()
        for index in range(50):
            client.call("SET", f"goes{index}", pattern(index, MIB), "PX", 3000)
        client.call("SET", "stays", pattern(99, MIB))
        used = int(client.info("memory")["used_memory"])
        deadline = time.monotonic() + 20
        while client.call("DBSIZE") > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(client.call("DBSIZE"), 1)
        self.assertLessEqual(int(client.info("memory")["used_memory"]), used - 49 * MIB)
        self.assert_value(client, "stays", pattern(99, MIB))

    def test_the_statistics_of_the_node_follow(self):
        needs_node(self)
        client = self.connect()
        for index in range(50):
            client.call("SET", f"goes{index}", pattern(index, MIB), "PX", 300)
        values = self.node.settle(lambda values: values["reprise_entries"] == 0, 20)
        self.assertEqual(values["reprise_entries"], 0)
        self.assertEqual(values["reprise_memory_used_bytes"], 0)
        self.assertEqual(values["reprise_allocator_consistent"], 1)

    def test_many_small_values_end_in_time(self):
        client = self.connect()
        for start in range(0, 20_000, 1000):
            client.send(b"".join(resp.command("SET", f"k{index}", "v", "PX", 100 + index % 300)
                                 for index in range(start, start + 1000)))  # fmt: skip
            self.assert_replies(client, *[OK] * 1000)
        deadline = time.monotonic() + 20
        while client.call("DBSIZE") > 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(client.call("DBSIZE"), 0)

    def test_a_value_is_never_read_after_its_end(self):
        client = self.connect()
        for attempt in range(40):
            begun = time.monotonic()
            client.call("SET", "k", "v", "PX", 20)
            while client.call("GET", "k") is not None:
                self.assertLess(time.monotonic() - begun, 0.5, "still there long after its end")
            self.assertGreaterEqual(time.monotonic() - begun, 0.019, f"gone too early, attempt {attempt}")

    def test_a_value_that_ends_while_it_is_read_is_read_whole(self):
        client, value = self.connect(receive_buffer=16_384), pattern(5, 24 * MIB)
        client.call("SET", "k", value, "PX", 2000)
        client.send(resp.command("GET", "k"))
        time.sleep(2.5)
        self.assertEqual(self.connect().call("EXISTS", "k"), 0)
        self.assertTrue(client.read_reply() == resp.bulk(value))


class BrokenPeers(RespCase):
    def wait_for_no_reservation(self):
        if hasattr(self.node, "settle"):
            values = self.node.settle(lambda values: values["reprise_memory_reserved_bytes"] == 0)
            self.assertEqual(values["reprise_memory_reserved_bytes"], 0)

    def test_a_set_aborted_in_its_value_leaves_the_old_value(self):
        client, old = self.connect(), pattern(1, 5 * MIB)
        client.call("SET", "k", old)
        request = resp.command("SET", "k", pattern(2, 5 * MIB))
        for sent in (30, 5000, 2 * MIB, len(request) - 2, len(request) - 1):
            with self.subTest(sent=sent):
                aborted = self.connect()
                aborted.send(request[:sent])
                aborted.close()
                self.wait_for_no_reservation()
                self.assert_value(client, "k", old)

    def test_a_set_in_progress_hides_nothing(self):
        slow, client, old = self.connect(), self.connect(), pattern(1, 5 * MIB)
        request = resp.command("SET", "k", pattern(2, 5 * MIB), "EX", 100)
        slow.send(request[: 3 * MIB])
        self.assertEqual(client.raw("SET", "k", old), OK)
        self.assert_value(client, "k", old)
        slow.send(request[3 * MIB :])
        self.assert_replies(slow, OK)
        self.assert_value(client, "k", pattern(2, 5 * MIB))
        self.assertIn(client.call("TTL", "k"), range(90, 101))

    def test_broken_framing_in_the_middle_of_a_set_stores_nothing(self):
        client = self.connect()
        client.send(b"*5\r\n$3\r\nSET\r\n$1\r\nk\r\n" + resp.bulk(bytes(5 * MIB)) + b"$2\r\nEX\r\n:10\r\n")
        self.assertEqual(client.read_reply(), b"-ERR Protocol error: expected '$', got ':'\r\n")
        self.assertTrue(client.is_closed_by_peer())
        self.assertEqual(self.connect().call("EXISTS", "k"), 0)
        self.wait_for_no_reservation()

    def test_announced_lengths_take_no_memory(self):
        announcements = (
            b"*2147483647\r\n", b"*2\r\n$3\r\nGET\r\n$500000000\r\n", b"*1000000\r\n$4\r\nPING\r\n",
            b"*1\r\n$500000000\r\n",
        )  # fmt: skip
        clients = [self.connect() for _ in range(20)]
        for client in clients:
            client.call("PING")
        self.wait_until_populated()
        before = self.resident_byte_count()
        for index, client in enumerate(clients):
            client.send(announcements[index % len(announcements)])
        time.sleep(0.5)
        self.assert_serves()
        self.assertLess(self.resident_byte_count(), before + 64 * MIB)

    def wait_until_populated(self) -> None:
        """A node takes its memory page by page in its first moments."""
        if hasattr(self.node, "settle"):
            names = ("reprise_memory_populated_bytes", "reprise_memory_capacity_bytes")
            self.node.settle(lambda values: values[names[0]] == values[names[1]])

    def resident_byte_count(self) -> int:
        text = pathlib.Path(f"/proc/{self.node.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) * 1024

    def test_bytes_of_no_protocol_end_at_most_their_own_connection(self):
        for data in (
            b"\x00" * 10_000, b"GET \x00\r\n", b"*1\r\n\x00\r\n", random.Random(7).randbytes(20_000),
            b"$5\r\nhello\r\n",
            b"+OK\r\n" * 100, b"\r" * 5000, b"\r\n" * 5000, b"%2\r\n", b"*1\r\n" * 5000,
        ):  # fmt: skip
            with self.subTest(data=data[:20]):
                client = self.connect()
                try:
                    client.send(data)
                    client.socket.settimeout(0.1)
                    while client.socket.recv(65_536):
                        pass
                except OSError:
                    pass
                self.assert_serves()


if __name__ == "__main__":
    unittest.main(verbosity=2)
