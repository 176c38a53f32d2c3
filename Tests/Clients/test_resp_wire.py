"""RESP on raw sockets, beyond what a comparison with Redis shows. Standard library only.

Pipelines, commands in pieces, large values, and both protocols on one port.
"""

from __future__ import annotations

import pathlib
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import lm, resp  # noqa: E402
from support.redis_server import start_subject  # noqa: E402
from support.resp_case import MIB, RespCase, needs_node, pattern  # noqa: E402

OK, NIL, PONG = b"+OK\r\n", b"$-1\r\n", b"+PONG\r\n"
LARGE = 5 * MIB + 13


class Pipelines(RespCase):
    def mixed(self, count: int) -> tuple[bytes, list[bytes]]:
        """Commands with small values, and the replies that they must get."""
        requests, replies = [], []
        for index in range(count // 5):
            key, value = f"key{index % 97}", pattern(index, index % 700)
            for command, reply in (
                (("SET", key, value), OK),
                (("GET", key), resp.bulk(value)),
                (("EXPIRE", key, 1000), b":1\r\n"),
                (("EXISTS", key, "none"), b":1\r\n"),
                (("DEL", key), b":1\r\n"),
            ):
                requests.append(resp.command(*command))
                replies.append(reply)
        return b"".join(requests), replies

    def test_ten_thousand_commands_are_written_before_anything_is_read(self):
        requests, replies = self.mixed(10_000)
        for protocol in (2, 3):
            with self.subTest(protocol=protocol):
                client = self.connect(protocol)
                client.send(requests)
                self.assert_replies(client, *replies)

    def test_requests_and_replies_may_both_be_large(self):
        client = self.connect(receive_buffer=65_536)
        values = [pattern(index, MIB) for index in range(60)]
        requests = (resp.command("SET", f"key{index % 7}", value) + resp.command("GET", f"key{index % 7}")
                    for index, value in enumerate(values))  # fmt: skip
        client.send(b"".join(requests))
        for value in values:
            self.assert_replies(client, OK, resp.bulk(value))

    def test_all_replies_come_to_a_peer_that_has_shut_down_its_sending(self):
        # Redis drops what it has not sent when it sees the end of the requests.
        needs_node(self)
        requests, replies = self.mixed(10_000)
        value = pattern(1, LARGE)
        client = self.connect()
        client.send(requests + resp.command("SET", "k", value) + resp.command("GET", "k"))
        client.socket.shutdown(socket.SHUT_WR)
        self.assert_replies(client, *replies, OK, resp.bulk(value))
        self.assertTrue(client.is_closed_by_peer())

    def test_a_cut_command_before_a_shutdown_is_dropped(self):
        client = self.connect()
        client.send(resp.command("SET", "k", "v") + resp.command("SET", "k", "new")[:-3])
        client.socket.shutdown(socket.SHUT_WR)
        self.assert_replies(client, OK)
        self.assertTrue(client.is_closed_by_peer())
        self.assert_value(self.connect(), "k", b"v")

    def test_an_error_in_a_pipeline_stops_nothing(self):
        client = self.connect()
        client.send(resp.command("SET", "k") + resp.command("NOSUCH") + resp.command("SET", "k", "v", "EX",
        "x")
                    + resp.command("PING"))  # fmt: skip
        for _ in range(3):
            self.assertEqual(client.read_reply()[:5], b"-ERR ")
        self.assert_replies(client, PONG)


class Pieces(RespCase):
    def test_commands_that_come_byte_by_byte(self):
        requests = resp.command("SET", "k", "a\r\nb", "EX", 100) + resp.command("GET",
        "k") + b"PING 'x y'\r\n"
        for protocol in (2, 3):
            with self.subTest(protocol=protocol):
                client = self.connect(protocol)
                for byte in requests:
                    client.send(bytes([byte]))
                self.assert_replies(client, OK, b"$4\r\na\r\nb\r\n", b"$3\r\nx y\r\n")

    def test_a_command_cut_anywhere(self):
        request = resp.command("SET", "key", "the value", "PX", 100_000, "GET")
        client, old = self.connect(), NIL
        for cut in range(1, len(request)):
            client.send(request[:cut])
            time.sleep(0.001)
            client.send(request[cut:])
            self.assert_replies(client, old)
            old = b"$9\r\nthe value\r\n"

    def test_a_large_value_cut_anywhere_near_its_ends(self):
        value = pattern(3, LARGE)
        request = resp.command("SET", "k", value)
        start, end = request.index(value), len(request)
        client = self.connect()
        for cut in (start - 2, start - 1, start, start + 1, start + 4096, end - 3, end - 2, end - 1):
            with self.subTest(cut=cut):
                client.send(request[:cut])
                time.sleep(0.05)
                client.send(request[cut:])
                self.assert_replies(client, OK)
                self.assert_value(client, "k", value)

    def test_the_first_byte_alone_tells_the_protocol(self):
        for request, reply in ((resp.command("PING"), PONG), (b"PING\r\n", PONG)):
            client = self.connect()
            client.send(request[:1])
            time.sleep(0.05)
            client.send(request[1:])
            self.assert_replies(client, reply)

    def test_a_reader_of_small_pieces_gets_every_byte(self):
        value = pattern(7, 3 * MIB)
        self.connect().call("SET", "k", value)
        client = self.connect(receive_buffer=4096)
        client.send(resp.command("GET", "k") + resp.command("PING"))
        expected = resp.bulk(value) + PONG
        received = bytearray()
        while len(received) < len(expected):
            received += client.socket.recv(min(10_007, len(expected) - len(received)))
        self.assertTrue(received == expected)


class LargeValues(RespCase):
    options = {"memory": "512MiB"}

    def test_options_may_follow_a_large_value(self):
        client, one, two = self.connect(), pattern(1, LARGE), pattern(2, LARGE)
        self.assertEqual(client.raw("SET", "k", one, "EX", 1000), OK)
        self.assertIn(client.call("TTL", "k"), range(990, 1001))
        self.assertEqual(client.raw("SET", "k", two, "NX"), NIL)
        self.assert_value(client, "k", one)
        self.assertEqual(client.raw("SET", "none", two, "XX"), NIL)
        self.assertEqual(client.raw("EXISTS", "none"), b":0\r\n")
        self.assertTrue(client.call("SET", "k", two, "XX", "GET", "KEEPTTL") == one)
        self.assertIn(client.call("TTL", "k"), range(980, 1001))
        self.assertTrue(client.call("SET", "k", one, "NX", "GET", "PX", 1000) == two)
        self.assert_value(client, "k", two)
        self.assertEqual(client.raw("SET", "new", one, "NX", "GET"), NIL)
        self.assert_value(client, "new", one)

    def test_wrong_options_after_a_large_value_leave_the_old_one(self):
        client, old, new = self.connect(), pattern(1, LARGE), pattern(2, LARGE)
        client.call("SET", "k", old)
        for options in (["FOO"], ["EX"], ["EX", "abc"], ["EX", "0"], ["NX", "XX"], ["EX", "1", "PX", "1"]):
            with self.subTest(options=options):
                self.assertEqual(client.raw("SET", "k", new, *options)[:5], b"-ERR ")
                self.assert_value(client, "k", old)

    def test_other_commands_with_large_values(self):
        client, values = self.connect(), [pattern(seed, LARGE + seed) for seed in range(4)]
        self.assertEqual(client.raw("MSET", "a", values[0], "b", values[1], "c", "small"), OK)
        self.assertTrue(client.call("MGET", "a", "b", "none", "c", "a")
                        == [values[0], values[1], None, b"small", values[0]])  # fmt: skip
        self.assertEqual(client.raw("SETEX", "d", 100, values[2]), OK)
        self.assertEqual(client.raw("PSETEX", "e", 100_000, values[3]), OK)
        self.assertEqual(client.raw("SETNX", "e", values[0]), b":0\r\n")
        self.assertEqual(client.raw("SETNX", "f", values[1]), b":1\r\n")
        self.assertTrue(client.call("GETEX", "d", "PERSIST") == values[2])
        self.assertTrue(client.call("GETDEL", "e") == values[3])
        self.assert_value(client, "f", values[1])
        self.assertEqual(client.call("STRLEN", "f"), LARGE + 1)
        for name in ("ECHO", "PING", "GET"):
            reply = client.raw(name, values[0])
            self.assertRegex(reply, rb"-ERR argument of \d+ bytes; the limit is 65536\r\n")
        self.assertEqual(client.call("ECHO", values[0][:65536]), values[0][:65536])

    def test_a_value_of_64_mebibytes(self):
        client, value = self.connect(), pattern(9, 64 * MIB)
        self.assertEqual(client.raw("SET", "k", value), OK)
        self.assert_value(client, "k", value)

    def test_values_of_many_sizes(self):
        client = self.connect()
        for byte_count in (0, 1, 4095, 4096, 4097, 65_535, 65_536, MIB - 1, MIB + 1, 4 * MIB, 4 * MIB + 1):
            with self.subTest(byte_count=byte_count):
                value = pattern(byte_count, byte_count)
                self.assertEqual(client.raw("SET", "k", value), OK)
                self.assert_value(client, "k", value)

    def test_a_late_reader_gets_the_old_bytes(self):
        writer, readers = self.connect(), []
        for index in range(3):
            value = pattern(index, 24 * MIB)
            writer.call("SET", f"k{index}", value)
            reader = self.connect(receive_buffer=16_384)
            reader.send(resp.command("GET", f"k{index}"))
            readers.append((reader, value))
        time.sleep(0.5)
        writer.call("SET", "k0", pattern(100, 24 * MIB))
        writer.call("DEL", "k1")
        writer.call("PEXPIRE", "k2", 1)
        for index in range(30):
            writer.call("SET", f"other{index}", pattern(50 + index, 20 * MIB))
        for reader, value in readers:
            self.assertTrue(reader.read_reply() == resp.bulk(value))


class SharedKeys(RespCase):
    """lm:// and RESP on one port, and in one key space."""

    is_of_nodes = True

    def test_resp_reads_the_payload_of_an_lm_value(self):
        client = self.connect()
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                writer, payload = self.lm_connect(dialect), pattern(dialect.integer_count, LARGE)
                writer.put(self.key(), payload)
                self.assertTrue(writer.exists(self.key()))
                self.assert_value(client, self.key(), payload)
                self.assertEqual(client.call("STRLEN", self.key()), LARGE)
                self.assertEqual(client.raw("TYPE", self.key()), b"+string\r\n")
                self.assertEqual(client.call("TTL", self.key()), -1)
                self.assertEqual(client.call("KEYS", "*"), [self.key().encode()])

    def test_lm_misses_a_value_that_has_no_metadata(self):
        self.connect().call("SET", self.key(), "value")
        for dialect in lm.DIALECTS:
            with self.subTest(dialect=dialect.name):
                reader = self.lm_connect(dialect)
                self.assertIsNone(reader.get(self.key()))
                self.assertTrue(reader.health(), "the connection goes on")

    def test_each_protocol_replaces_what_the_other_stored(self):
        client, other = self.connect(), self.lm_connect()
        client.call("SET", self.key(), "by RESP", "EX", 1000)
        other.put(self.key(), b"by lm")
        self.assertEqual(other.get(self.key()), b"by lm")
        self.assert_value(client, self.key(), b"by lm")
        self.assertEqual(client.call("TTL", self.key()), -1)
        client.call("SET", self.key(), "by RESP")
        self.assertIsNone(other.get(self.key()))
        self.assert_value(client, self.key(), b"by RESP")

    def test_each_protocol_removes_what_the_other_stored(self):
        client, other = self.connect(), self.lm_connect()
        client.call("SET", self.key("a"), "value")
        self.assertTrue(other.remove(self.key("a")))
        self.assertEqual(client.call("EXISTS", self.key("a")), 0)
        other.put(self.key("b"), b"value")
        self.assertTrue(other.exists(self.key("b")))
        self.assertEqual(client.call("DEL", self.key("b")), 1)
        self.assertFalse(other.exists(self.key("b")))

    def test_an_lm_value_can_be_given_a_time_to_live(self):
        client, other = self.connect(), self.lm_connect()
        other.put(self.key(), b"value")
        self.assertEqual(other.get(self.key()), b"value")
        self.assertEqual(client.call("PEXPIRE", self.key(), 300), 1)
        self.assertEqual(other.get(self.key()), b"value")
        time.sleep(0.5)
        self.assertIsNone(other.get(self.key()))
        self.assertFalse(other.exists(self.key()))

    def test_binary_keys_of_resp_leave_the_list_of_lm_readable(self):
        self.connect().call("MSET", b"\xff\xfe", "a", b"two\nlines", "b", "", "c", "with space ", "d")
        other = self.lm_connect()
        other.put(self.key(), b"value")
        self.assertTrue(other.exists(self.key()))
        self.assertIn(self.key(), other.list())
        self.assertTrue(other.health(), "the connection goes on")

    def test_the_first_byte_of_an_lm_header_alone_tells_the_protocol(self):
        client = self.lm_connect()
        request = lm.CURRENT.put(self.key(), b"value") + lm.CURRENT.request(lm.GET, self.key())
        client.send(request[:1])
        time.sleep(0.05)
        client.send(request[1:])
        self.assertEqual(client.read_reply().code, lm.OK)
        self.assertEqual(client.read(5), b"value")

    def test_a_hello_of_tls_is_closed_and_logged(self):
        for hello in (b"\x16", bytes.fromhex("16030100f8010000f40303")):
            with self.subTest(hello=hello.hex()):
                client = self.connect()
                client.send(hello)
                self.assertTrue(client.is_closed_by_peer())
        self.assertIn("TLS", self.node.output())
        self.assert_serves()

    def test_other_first_bytes_are_of_resp(self):
        for byte in (0, 6, 0x15, 0x17, 0x7F, 0x80, 0xFF):
            with self.subTest(byte=byte):
                client = self.connect()
                client.send(bytes([byte]) + b"nosuch\r\nPING\r\n")
                if byte != 0:
                    self.assertEqual(client.read_reply()[:5], b"-ERR ")
                    self.assert_replies(client, PONG)
                client.close()
        self.assert_serves()


class Restart(unittest.TestCase):
    def test_a_node_that_ends_answers_what_it_has_begun(self):
        needs_node(self)
        with start_subject(memory="128MiB") as node:
            client = node.connect(receive_buffer=65_536)
            value = pattern(5, 24 * MIB)
            client.call("SET", "k", value)
            client.send(resp.command("GET", "k"))
            time.sleep(0.3)
            node.terminate()
            self.assertTrue(client.read_reply() == resp.bulk(value))
            self.assertEqual(node.process.wait(30), 0)
            client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
