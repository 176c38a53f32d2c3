"""The local protocol, byte for byte, against a live node. Standard library only."""

from __future__ import annotations

import fcntl
import mmap
import os
import pathlib
import signal
import socket
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import lm  # noqa: E402
from support.local import (  # noqa: E402
    ABANDON, COMMIT, EXISTS, FORGET, HEADER, HELLO, KEEP, LATER, LIMIT, LOOKUP, MALFORMED, MISSING,
    NOT_PERMITTED, OK, PUT, RELEASE, REMOVE, RESERVE, STATS, TOO_LARGE, UNKNOWN, WANTS_REPLY,
    WRONG_VERSION, Local, Reply, keys_body, message,
)
from support.node import Node  # noqa: E402

MIB = 1 << 20


def pattern(seed: int, byte_count: int) -> bytes:
    block = bytes((seed * 31 + index * 7) & 0xFF for index in range(251))
    return (block * (byte_count // 251 + 1))[:byte_count]


class WithNode(unittest.TestCase):
    """One node for the tests of a class; each test uses keys of its own."""

    memory = "64MiB"
    arguments: tuple[str, ...] = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name) / "node.sock"
        cls.addClassCleanup(cls.folder.cleanup)
        cls.node = Node(memory=cls.memory, unix_socket=cls.path, arguments=cls.arguments)
        cls.addClassCleanup(cls.node.__exit__, None, None, None)

    def local(self, **fields) -> Local:
        client = Local(self.path, **fields)
        self.addCleanup(client.close)
        return client

    def gauge(self, name: str) -> int:
        return int(self.node.statistics()[name])

    def wait_for(self, name: str, value: int, seconds: float = 10.0):
        deadline = time.monotonic() + seconds
        while (now := self.gauge(name)) != value:
            self.assertLess(time.monotonic(), deadline, f"{name} is {now}, not {value}")
            time.sleep(0.01)


class ConversationTests(WithNode):
    def test_a_value_is_written_and_read_in_place(self):
        client = self.local()
        value = pattern(1, 3 * MIB + 5)
        self.assertIsNone(client.load(b"place"))
        client.store(b"place", value)
        self.assertEqual(client.load(b"place"), value)
        with self.node.client() as other:
            self.assertTrue(other.exists("place"))

    def test_lm_values_carry_their_metadata(self):
        with self.node.client() as other:
            other.put("meta@1@0@ab@half", bytes(16), fmt=1, dtype=lm.FLOAT16, shape=(2, 1, 2, 2))
            self.assertTrue(other.exists("meta@1@0@ab@half"))
        client = self.local()
        (lease,) = client.acquire([b"meta@1@0@ab@half"])
        self.assertEqual((lease.status, lease.length), (OK, 16))
        self.assertEqual(lease.metadata, (1, lm.FLOAT16, (2, 1, 2, 2)))
        client.numbers(RELEASE, [lease.number])

    def test_a_reservation_is_seen_by_nobody_before_its_commit(self):
        client, other = self.local(), self.local()
        client.store(b"old", b"before")
        (room,) = client.reserve({b"old": 5})
        os.pwrite(client.descriptor, b"after", room.offset)
        self.assertEqual(other.load(b"old"), b"before")
        client.numbers(COMMIT, [room.number])
        self.assertEqual(other.load(b"old"), b"after")

    def test_a_lease_keeps_its_bytes_though_the_key_is_overwritten_and_removed(self):
        client, other = self.local(), self.local()
        client.store(b"leased", pattern(3, MIB))
        (lease,) = client.acquire([b"leased"])
        other.store(b"leased", pattern(4, MIB))
        self.assertEqual(other.ask_keys(REMOVE, [b"leased"]).statuses(), [OK])
        for index in range(60):
            other.store(b"filler%d" % index, pattern(index, MIB))
        self.assertEqual(client.bytes_of(lease), pattern(3, MIB))
        self.assertEqual(client.numbers(RELEASE, [lease.number]).statuses(), [OK])

    def test_lookup_says_how_long_the_stored_prefix_is(self):
        client = self.local()
        for index in (0, 1, 2, 4):
            client.store(b"prefix%d" % index, b"x")
        keys = [b"prefix%d" % index for index in range(6)]
        reply = client.ask_keys(LOOKUP, keys)
        self.assertEqual((reply.count, reply.argument), (3, 0))
        self.assertEqual(client.ask_keys(EXISTS, keys).statuses(), [OK, OK, OK, MISSING, OK, MISSING])

    def test_requests_are_answered_in_their_order_though_they_come_together(self):
        client = self.local()
        client.store(b"one", b"1")
        batch = b"".join(
            message(EXISTS, keys_body([b"one"]), number=number, count=1) for number in range(100, 400)
        )
        client.socket.sendall(batch)
        for number in range(100, 400):
            reply = client.read()
            self.assertEqual((reply.id, reply.statuses()), (number, [OK]))

    def test_a_put_goes_through_the_socket(self):
        client = self.local()
        value = pattern(9, 2 * MIB + 1)
        body = keys_body([b"through"])
        client.socket.sendall(message(PUT, body, number=5, count=1, argument=len(value)) + value)
        self.assertEqual(client.read().status, OK)
        self.assertEqual(client.load(b"through"), value)

    def test_a_put_that_is_too_large_is_read_to_its_end_and_refused(self):
        client = self.local()
        size = 65 * MIB
        client.socket.sendall(message(PUT, keys_body([b"large"]), number=5, count=1, argument=size))
        client.socket.sendall(bytes(size))
        self.assertEqual(client.read().status, TOO_LARGE)
        self.assertEqual(client.ask_keys(EXISTS, [b"large"]).statuses(), [MISSING])

    def test_stats_tell_what_is_held(self):
        client = self.local()
        client.store(b"held", bytes(5000))
        (lease,) = client.acquire([b"held"])
        capacity, used, entries, leased, reserved = struct.unpack("<5Q", client.ask(STATS).body)
        self.assertEqual((capacity, leased, reserved), (64 * MIB, 8192, 0))
        self.assertGreaterEqual(used, 8192)
        self.assertGreaterEqual(entries, 1)
        client.numbers(RELEASE, [lease.number])


class KeepingTests(WithNode):
    SESSION = bytes(range(1, 17))

    def test_another_connection_of_the_session_redeems_a_lookup(self):
        scheduler, worker = self.local(session=self.SESSION), self.local(session=self.SESSION)
        scheduler.store(b"kept", b"value")
        reply = scheduler.ask_keys(LOOKUP, [b"kept"], flags=KEEP)
        self.assertEqual(reply.count, 1)
        self.assertNotEqual(reply.argument, 0)
        scheduler.ask_keys(REMOVE, [b"kept"])
        (lease,) = worker.acquire([b"kept"], lookup=reply.argument)
        self.assertEqual(worker.bytes_of(lease), b"value")
        worker.numbers(RELEASE, [lease.number])
        # It is redeemed once.
        self.assertEqual(worker.acquire([b"kept"], lookup=reply.argument)[0].status, MISSING)

    def test_another_session_cannot_redeem_a_lookup(self):
        mine, other = self.local(session=self.SESSION), self.local(session=bytes([9] * 16))
        mine.store(b"mine", b"value")
        reply = mine.ask_keys(LOOKUP, [b"mine"], flags=KEEP)
        mine.ask_keys(REMOVE, [b"mine"])
        self.assertEqual(other.acquire([b"mine"], lookup=reply.argument)[0].status, MISSING)
        forget = other.ask(FORGET, argument=reply.argument, flags=WANTS_REPLY)
        self.assertEqual(forget.status, UNKNOWN)
        self.assertEqual(mine.ask(FORGET, argument=reply.argument, flags=WANTS_REPLY).status, OK)
        self.wait_for("reprise_local_kept_bytes", 0)

    def test_a_session_that_ends_keeps_nothing(self):
        client = Local(self.path, session=bytes([7] * 16))
        client.store(b"ends", b"value")
        client.ask_keys(LOOKUP, [b"ends"], flags=KEEP)
        self.assertGreater(self.gauge("reprise_local_kept_bytes"), 0)
        client.close()
        self.wait_for("reprise_local_kept_bytes", 0)


class LimitTests(WithNode):
    def test_leases_stop_at_the_sessions_limit(self):
        client = self.local()
        keys = [b"limit%d" % index for index in range(40)]
        for key in keys:
            client.store(key, bytes(MIB))
        leases = client.acquire(keys)
        held = [lease for lease in leases if lease.status == OK]
        self.assertEqual(len(held), 16)
        self.assertEqual({lease.status for lease in leases[16:]}, {LIMIT})
        client.numbers(RELEASE, [lease.number for lease in held])
        self.assertEqual(sum(lease.status == OK for lease in client.acquire(keys[16:32])), 16)

    def test_room_beyond_the_limit_is_for_later(self):
        client = self.local()
        rooms = client.reserve({b"room%d" % index: MIB for index in range(20)})
        self.assertEqual([room.status for room in rooms], [OK] * 8 + [LATER] * 12)
        self.assertEqual(client.reserve({b"more": MIB})[0].status, LIMIT)
        client.numbers(ABANDON, [room.number for room in rooms[:8]])
        self.assertEqual(self.gauge("reprise_local_reserved_bytes"), 0)
        self.assertEqual(client.reserve({b"large": 65 * MIB})[0].status, TOO_LARGE)

    def test_what_is_stored_by_others_is_evicted_for_room(self):
        client = self.local()
        for index in range(150):
            client.store(b"evict%d" % index, pattern(index, MIB))
        self.assertEqual(client.load(b"evict149"), pattern(149, MIB))
        self.assertIsNone(client.load(b"evict0"))


class BadInputTests(WithNode):
    def test_numbers_that_are_not_the_connections_are_refused(self):
        client, other = self.local(), self.local()
        client.store(b"mine", b"1")
        (lease,) = client.acquire([b"mine"])
        (room,) = client.reserve({b"room": 10})
        self.assertEqual(other.numbers(COMMIT, [room.number]).statuses(), [UNKNOWN])
        self.assertEqual(other.numbers(ABANDON, [room.number]).statuses(), [UNKNOWN])
        self.assertEqual(other.numbers(RELEASE, [lease.number]).statuses(), [UNKNOWN])
        self.assertEqual(client.numbers(RELEASE, [lease.number, lease.number]).statuses(), [OK, UNKNOWN])
        twice = client.numbers(COMMIT, [room.number, room.number]).statuses()
        self.assertEqual(sorted(twice), [OK, UNKNOWN])
        self.assertEqual(client.numbers(COMMIT, [lease.number]).statuses(), [UNKNOWN])

    def refused(self, *pieces: bytes, after_hello: bool = True) -> Reply:
        """Sends bytes, and returns the refusal that the connection ends with."""
        client = self.local() if after_hello else Raw(self.path)
        if not after_hello:
            self.addCleanup(client.close)
        client.socket.sendall(b"".join(pieces))
        reply = client.read()
        with self.assertRaises(ConnectionError):
            client.read()
        return reply

    def test_broken_messages_are_told_and_end_the_connection(self):
        cases = {
            "flags": message(STATS, flags=4),
            "a body too long": HEADER.pack(0xD2, STATS, 0, (1 << 20) + 1, 1, 0, 0, 0),
            "too many elements": message(RELEASE, bytes(8), count=1025),
            "an operation": HEADER.pack(0xD2, 13, 0, 0, 1, 0, 0, 0),
            "another first byte": b"*" + bytes(31),
            "a status": message(STATS, status=99),
            "lengths beyond the body": message(EXISTS, b"\xff\xffa", count=1),
            "bytes behind the keys": message(EXISTS, keys_body([b"a"]) + b"b", count=1),
            "an empty key": message(EXISTS, keys_body([b""]), count=1),
            "a long key": message(EXISTS, keys_body([bytes(4097)]), count=1),
            "fewer numbers": message(RELEASE, bytes(8), count=2),
            "more numbers": message(COMMIT, bytes(17), count=2),
            "a put without a value": message(PUT, keys_body([b"a"]), count=1),
            "a put of two keys": message(PUT, keys_body([b"a", b"b"]), count=2, argument=1),
            "room for nothing": message(RESERVE, struct.pack("<Q", 0) + keys_body([b"a"]), count=1),
            "a second hello": message(HELLO, bytes(24)),
        }
        for name, case in cases.items():
            with self.subTest(name):
                reply = self.refused(case)
                self.assertEqual(reply.status, MALFORMED)
                self.assertTrue(reply.body.decode())
        self.assertEqual(self.local().ask_keys(EXISTS, [b"nothing"]).statuses(), [MISSING])

    def test_another_version_is_told(self):
        reply = self.refused(message(HELLO, struct.pack("<HHI", 2, 0, 0) + bytes(16)), after_hello=False)
        self.assertEqual(reply.status, WRONG_VERSION)

    def test_nothing_goes_before_the_hello(self):
        self.assertEqual(self.refused(message(STATS), after_hello=False).status, MALFORMED)

    def test_the_protocol_is_not_served_over_tcp(self):
        with socket.create_connection(self.node.address) as connection:
            connection.settimeout(10)
            connection.sendall(message(HELLO, bytes(24)))
            self.assertEqual(connection.recv(1), b"")

    def test_a_client_cannot_take_the_arena_away(self):
        client = self.local()
        for size in (0, client.arena_length - 4096, client.arena_length + 4096):
            with self.assertRaises(OSError):
                os.ftruncate(client.descriptor, size)
        with self.assertRaises(OSError):
            fcntl.fcntl(client.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)


class Raw:
    """A connection that has said nothing."""

    read, _take = Local.read, Local._take

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.buffer = b""

    def close(self):
        self.socket.close()


class EndTests(WithNode):
    def test_the_end_of_a_connection_ends_what_it_holds(self):
        client = Local(self.path)
        client.store(b"end", bytes(MIB))
        client.acquire([b"end"])
        client.reserve({b"room": MIB})
        self.assertEqual(self.gauge("reprise_local_leased_bytes"), MIB)
        client.close()
        self.wait_for("reprise_local_leased_bytes", 0)
        self.wait_for("reprise_local_reserved_bytes", 0)
        self.assertEqual(self.gauge("reprise_memory_reserved_bytes"), 0)

    def test_a_dead_clients_leases_end_though_its_child_keeps_the_socket(self):
        self.local().store(b"dead", bytes(MIB))
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            self.die_with_a_heir(told)
        os.close(told)
        heir = int(os.read(ready, 20))
        os.close(ready)
        try:
            self.assertEqual(self.gauge("reprise_local_leased_bytes"), MIB)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            self.wait_for("reprise_local_leased_bytes", 0)
        finally:
            os.kill(heir, signal.SIGKILL)

    def die_with_a_heir(self, told: int):
        """Takes a lease, forks a child that inherits the socket, and waits to be killed."""
        client = Local(self.path)
        client.acquire([b"dead"])
        heir = os.fork()
        if heir == 0:
            time.sleep(60)
            os._exit(0)
        os.write(told, b"%d" % heir)
        time.sleep(60)
        os._exit(0)

    def test_memory_of_a_client_that_the_node_has_ended_waits_for_it(self):
        client = self.local()
        client.store(b"quarantine", pattern(5, MIB))
        (lease,) = client.acquire([b"quarantine"])
        client.socket.sendall(message(STATS, flags=4))
        self.assertEqual(client.read().status, MALFORMED)
        with self.assertRaises(ConnectionError):
            client.read()
        self.wait_for("reprise_local_quarantined_connections", 1)
        other = self.local()
        other.ask_keys(REMOVE, [b"quarantine"])
        for index in range(100):
            other.store(b"over%d" % index, pattern(index, MIB))
        self.assertEqual(client.bytes_of(lease), pattern(5, MIB))
        client.socket.close()
        self.wait_for("reprise_local_quarantined_connections", 0)
        self.wait_for("reprise_local_leased_bytes", 0)


def as_nobody(body) -> None:
    """Runs a function in a child process of another user; raises what it says when it fails."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            body()
        except BaseException as error:  # noqa: BLE001 - the parent raises it
            os.write(write_end, f"{type(error).__name__}: {error}".encode()[:4000])
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if text:
        raise AssertionError(text)


NOBODY = 65534


@unittest.skipUnless(os.geteuid() == 0, "only root can be another user for a while")
class OtherUserTests(WithNode):
    arguments = ("--local-allow-uid", str(NOBODY))

    def setUp(self):
        os.chmod(self.folder.name, 0o755)

    def test_an_allowed_user_reads_in_place_and_stores_through_the_socket(self):
        self.local().store(b"shared", pattern(1, MIB))

        def body():
            with Local(self.path) as client:
                assert not client.is_writable
                assert client.load(b"shared") == pattern(1, MIB)
                assert [room.status for room in client.reserve({b"a": 1, b"b": 2})] == [NOT_PERMITTED] * 2
                for flags in (os.O_RDWR, os.O_WRONLY):
                    try:
                        os.open(f"/proc/self/fd/{client.descriptor}", flags)
                    except PermissionError:
                        continue
                    raise AssertionError("the arena was opened for writing")
                try:
                    mmap.mmap(client.descriptor, 4096)
                except PermissionError:
                    pass
                else:
                    raise AssertionError("the arena was mapped for writing")
                head = message(PUT, keys_body([b"theirs"]), number=1, count=1, argument=3)
                client.socket.sendall(head + b"abc")
                assert client.read().status == OK

        as_nobody(body)
        self.assertEqual(self.local().load(b"theirs"), b"abc")

    def test_an_allowed_user_speaks_no_other_protocol(self):
        def body():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(20)
                client.connect(str(self.path))
                client.sendall(b"PING\r\n")
                assert client.recv(10) == b""

        as_nobody(body)

    def test_other_users_are_refused(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        path = pathlib.Path(folder.name) / "node.sock"
        for arguments, expected in (((), PermissionError), (("--local-allow-uid", "12345"), ConnectionError)):

            def body():
                try:
                    Local(path)
                except expected:
                    return
                raise AssertionError("another user was served")

            with Node(unix_socket=path, arguments=arguments):
                as_nobody(body)


if __name__ == "__main__":
    unittest.main()
