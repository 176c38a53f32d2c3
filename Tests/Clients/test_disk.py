"""A node with a disk behind its memory: cold values over both protocols, restarts, removals, broken disks."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from collections import Counter

from support import lm, resp
from support.node import Node, binary
from support.resp_case import MIB, pattern

LIMIT_SECONDS = 30.0


def disk_statistic(node: Node, name: str) -> float:
    """A statistic of the node's disks, all of them together."""
    prefix = f"reprise_disk_{name}{{"
    return sum(value for key, value in node.statistics().items() if key.startswith(prefix))


class DiskCase(unittest.TestCase):
    """A directory of its own for each test, and nodes on it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "disk")

    def start(self, memory="2MiB", size="64MiB", *arguments) -> Node:
        node = Node(memory=memory, arguments=["--disk", f"{self.path}:{size}", *arguments])
        self.addCleanup(node.__exit__, None, None, None)
        node.was_told_to_end = True
        return node

    def connect(self, node: Node) -> resp.Client:
        client = resp.Client(node.address)
        self.addCleanup(client.close)
        return client

    def stop(self, node: Node, with_signal=signal.SIGTERM) -> None:
        node.process.send_signal(with_signal)
        node.process.wait(timeout=60)

    def wait_until_written(self, node: Node) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while disk_statistic(node, "queued_puts") > 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(disk_statistic(node, "queued_puts"), 0)

    def wait_for_output(self, node: Node, text: str) -> None:
        """What a node says of its disk comes a moment after the statistics have it."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while text not in node.output() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertIn(text, node.output())

    def fill(self, node: Node, count=40, byte_count=100_000) -> dict[str, bytes]:
        """Stores values, one after the other written to the disk: far more than the memory holds."""
        client = self.connect(node)
        values = {f"key-{number}": pattern(number, byte_count + number) for number in range(count)}
        for number, (key, value) in enumerate(values.items()):
            self.assertEqual(client.call("SET", key, value), b"OK")
            if number % 4 == 3:
                self.wait_until_written(node)
        self.wait_until_written(node)
        return values


class ColdValues(DiskCase):
    def test_values_that_memory_has_no_room_for_are_read_from_the_disk(self):
        node = self.start()
        values = self.fill(node)
        client = self.connect(node)
        for key, value in values.items():
            self.assertEqual(client.call("GET", key), value, key)
        self.assertGreater(disk_statistic(node, "hits_total"), 20)
        self.assertEqual(client.call("DBSIZE"), len(values))

    def test_values_that_come_faster_than_the_disk_takes_them_are_not_refused(self):
        node = self.start()
        client = self.connect(node)
        count = 5_000
        client.send(b"".join(resp.command("SET", f"key-{number}", b"x" * 3_000) for number in range(count)))
        replies = Counter(client.read_reply() for _ in range(count))
        self.assertEqual(replies, {b"+OK\r\n": count})

    def test_a_pipeline_of_cold_and_warm_values_keeps_its_order(self):
        node = self.start()
        values = self.fill(node)
        client = self.connect(node)
        keys = list(values) + ["absent"] + list(reversed(values))
        client.send(b"".join(resp.command("GET", key) + resp.command("ECHO", key) for key in keys))
        for key in keys:
            self.assertEqual(resp.parse(client.read_reply()), values.get(key), key)
            self.assertEqual(resp.parse(client.read_reply()), key.encode())

    def test_mget_reads_many_cold_values(self):
        node = self.start(memory="16MiB")
        values = self.fill(node, count=60)
        self.stop(node)
        node = self.start(memory="16MiB")
        client = self.connect(node)
        self.assertEqual(client.call("MGET", *values, "absent"), [*values.values(), None])

    def test_questions_about_cold_keys_do_not_read_them(self):
        node = self.start()
        values = self.fill(node)
        self.stop(node)
        node = self.start()
        client = self.connect(node)
        self.assertEqual(client.call("EXISTS", *values), len(values))
        self.assertEqual(client.call("STRLEN", "key-3"), len(values["key-3"]))
        self.assertEqual(client.call("TYPE", "key-3"), b"string")
        self.assertEqual(client.call("TTL", "key-3"), -1)
        self.assertGreater(client.call("MEMORY", "USAGE", "key-3"), len(values["key-3"]))
        self.assertEqual({key.decode() for key in client.call("KEYS", "*")}, set(values))
        found, cursor = set(), b"0"
        while True:
            cursor, keys = client.call("SCAN", cursor, "COUNT", 7)
            found |= {key.decode() for key in keys}
            if cursor == b"0":
                break
        self.assertEqual(found, set(values))
        self.assertEqual(disk_statistic(node, "hits_total"), 0)

    def test_commands_that_look_at_the_value_before(self):
        node = self.start()
        values = self.fill(node)
        self.stop(node)
        node = self.start()
        client = self.connect(node)
        self.assertIsNone(client.call("SET", "key-1", "new", "NX"))
        self.assertEqual(client.call("SET", "key-2", "new", "XX"), b"OK")
        self.assertEqual(client.call("GET", "key-2"), b"new")
        self.assertEqual(client.call("SET", "key-3", "new", "GET"), values["key-3"])
        self.assertEqual(client.call("GETDEL", "key-4"), values["key-4"])
        self.assertIsNone(client.call("GET", "key-4"))
        self.assertEqual(client.call("GETEX", "key-5", "EX", 100), values["key-5"])
        self.assertEqual(client.call("DEL", "key-6", "key-6"), 1)
        self.assertIsNone(client.call("GET", "key-6"))
        self.assertEqual(client.call("GET", "key-1"), values["key-1"])
        # The changes of cold keys survive the death of the node.
        self.stop(node, signal.SIGKILL)
        client = self.connect(self.start())
        self.assertIsNone(client.call("GET", "key-4"))
        self.assertIsNone(client.call("GET", "key-6"))
        self.assertIn(client.call("GET", "key-2"), (b"new", None))
        self.assertIn(client.call("GET", "key-3"), (b"new", None))

    def test_lm_reads_cold_values(self):
        node = self.start()
        values = {f"m@1@0@{number:x}@bf16": pattern(number, 100_000) for number in range(30)}
        with node.client() as client:
            for key, value in values.items():
                client.put(key, value)
                self.assertTrue(client.exists(key))
                self.wait_until_written(node)
        self.stop(node)
        node = self.start()
        with node.client() as client:
            for key, value in values.items():
                self.assertTrue(client.exists(key))
                self.assertEqual(client.get(key), value)


class Restarts(DiskCase):
    def test_values_survive_a_stop_and_a_kill(self):
        node = self.start(memory="16MiB")
        values = self.fill(node)
        for with_signal in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            self.stop(node, with_signal)
            node = self.start(memory="16MiB")
            client = self.connect(node)
            for key, value in values.items():
                self.assertEqual(client.call("GET", key), value, (key, with_signal))

    def test_removed_and_replaced_values_do_not_come_back(self):
        node = self.start(memory="16MiB")
        values = self.fill(node)
        client = self.connect(node)
        keys = list(values)
        for key in keys[:10]:
            self.assertEqual(client.call("DEL", key), 1)
        for key in keys[10:20]:
            self.assertEqual(client.call("SET", key, "new"), b"OK")
        self.assertEqual(client.call("PEXPIRE", keys[20], 1), 1)
        self.stop(node, signal.SIGKILL)
        client = self.connect(self.start(memory="16MiB"))
        for key in keys[:10]:
            self.assertIsNone(client.call("GET", key), key)
        for key in keys[10:20]:
            self.assertIn(client.call("GET", key), (b"new", None), key)
        self.assertIsNone(client.call("GET", keys[20]))
        for key in keys[21:]:
            self.assertEqual(client.call("GET", key), values[key])

    def test_nothing_is_left_after_flushall(self):
        node = self.start(memory="16MiB")
        values = self.fill(node)
        client = self.connect(node)
        self.assertEqual(client.call("FLUSHALL"), b"OK")
        self.assertEqual(client.call("DBSIZE"), 0)
        self.stop(node, signal.SIGKILL)
        client = self.connect(self.start(memory="16MiB"))
        self.assertEqual(client.call("EXISTS", *values), 0)

    def test_deadlines_survive(self):
        node = self.start(memory="16MiB")
        client = self.connect(node)
        client.call("SET", "long", "v", "EX", 1000)
        client.call("SET", "short", "v", "PX", 300)
        client.call("SET", "changed", "v", "EX", 1000)
        self.wait_until_written(node)
        self.assertEqual(client.call("EXPIRE", "changed", 5000), 1)
        self.stop(node, signal.SIGKILL)
        time.sleep(0.3)
        client = self.connect(self.start(memory="16MiB"))
        self.assertIn(client.call("TTL", "long"), range(900, 1001))
        self.assertIn(client.call("TTL", "changed"), range(4900, 5001))
        self.assertIsNone(client.call("GET", "short"))


class Directories(DiskCase):
    def fails(self, *arguments) -> str:
        command = [binary(), "serve", "--port", "0", "--memory", "16MiB", *arguments]
        process = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(process.returncode, 0)
        return process.stderr

    def test_a_second_node_is_told_who_has_the_directory(self):
        node = self.start()
        self.assertIn(f"in use by process {node.process.pid}", self.fails("--disk", f"{self.path}:64MiB"))

    def test_what_cannot_be_a_disk_is_refused_and_left_alone(self):
        file = os.path.join(self.folder.name, "file")
        pathlib.Path(file).write_text("x")
        self.assertIn("not a directory", self.fails("--disk", f"{file}:64MiB"))
        self.assertEqual(pathlib.Path(file).read_text(), "x")
        self.assertIn("too small", self.fails("--disk", f"{self.path}:4KiB"))
        self.assertIn("are free", self.fails("--disk", f"{self.path}:4TiB"))
        os.makedirs(self.path + "2")
        foreign = pathlib.Path(self.path + "2") / "data"
        foreign.write_bytes(b"not ours" * 4096)
        self.assertIn("not a disk of Reprise", self.fails("--disk", f"{self.path}2:64MiB"))
        self.assertEqual(foreign.read_bytes(), b"not ours" * 4096)

    def test_a_newer_version_is_refused_and_left_alone(self):
        node = self.start()
        self.stop(node)
        data = pathlib.Path(self.path) / "data"
        with data.open("r+b") as file:
            for page in range(2):
                file.seek(page * 4096)
                block = bytearray(file.read(4096))
                if block[:8] != b"RPRSDISK":
                    continue
                block[8:10] = (9).to_bytes(2, "little")
                block[4092:] = crc32c(bytes(block[:4092])).to_bytes(4, "little")
                file.seek(page * 4096)
                file.write(block)
        before = data.read_bytes()
        self.assertIn("newer version", self.fails("--disk", f"{self.path}:64MiB"))
        self.assertEqual(data.read_bytes(), before)

    def test_a_disk_that_was_away_starts_empty(self):
        other = self.path + "2"
        both = ["--disk", f"{other}:64MiB"]
        node = self.start("16MiB", "64MiB", *both)
        self.fill(node)
        self.stop(node)
        node = self.start("16MiB")
        kept = self.connect(node).call("DBSIZE")
        self.assertIn(kept, range(1, 40))
        self.stop(node)
        node = self.start("16MiB", "64MiB", *both)
        self.assertEqual(self.connect(node).call("DBSIZE"), kept)
        self.assertIn("starts empty", node.output())


class Removed(DiskCase):
    def test_a_directory_that_disappears_is_made_anew_at_the_next_start(self):
        node = self.start("16MiB")
        client = self.connect(node)
        self.assertEqual(client.call("SET", "a", pattern(1, 50_000)), b"OK")
        self.wait_until_written(node)
        shutil.rmtree(self.path)
        for number in range(20):
            self.assertEqual(client.call("SET", f"k{number}", pattern(number, 50_000)), b"OK")
        self.wait_until_written(node)
        self.assertEqual(client.call("GET", "a"), pattern(1, 50_000))
        self.stop(node)
        node = self.start("16MiB")
        self.assertEqual(self.connect(node).call("DBSIZE"), 0)
        self.stop(node)


@unittest.skipUnless(os.geteuid() == 0, "mounting a file system takes root")
class FullAndBroken(DiskCase):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", self.path], capture_output=True, text=True
        )
        if mounted.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.path], check=False)

    def test_a_read_only_file_system_takes_the_disk_out_and_it_returns(self):
        node = self.start("16MiB")
        client = self.connect(node)
        self.assertEqual(client.call("SET", "a", "1"), b"OK")
        self.wait_until_written(node)
        # Open files of a tmpfs can be written after a remount: truncating the data makes calls fail.
        directory = pathlib.Path(self.path) / "disk"
        self.assertFalse(directory.exists())
        size = (pathlib.Path(self.path) / "data").stat().st_size
        with (pathlib.Path(self.path) / "data").open("r+b") as file:
            file.truncate(0)
        filler = pathlib.Path(self.path) / "filler"
        with filler.open("wb") as file:
            try:
                while True:
                    file.write(bytes(1 << 20))
            except OSError:
                pass
        for number in range(60):
            self.assertEqual(client.call("SET", f"k{number}", pattern(number, 100_000)), b"OK")
            time.sleep(0.01)
        deadline = time.monotonic() + LIMIT_SECONDS
        while disk_statistic(node, "out") == 0 and time.monotonic() < deadline:
            client.call("SET", "more", pattern(1, 100_000))
            time.sleep(0.05)
        self.assertEqual(disk_statistic(node, "out"), 1)
        self.assertEqual(client.call("GET", "k59"), pattern(59, 100_000))
        self.wait_for_output(node, "taken out")
        filler.unlink()
        deadline = time.monotonic() + LIMIT_SECONDS
        while disk_statistic(node, "out") == 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(disk_statistic(node, "out"), 0)
        self.assertGreater(size, 0)
        self.wait_for_output(node, "serves again")
        self.assertEqual(client.call("SET", "after", pattern(9, 50_000)), b"OK")
        self.wait_until_written(node)


    def test_a_device_whose_writes_fail_takes_the_disk_out_and_it_returns(self):
        filler = self.mount_device_without_room()
        node = self.start("16MiB")
        client = self.connect(node)
        self.assertEqual(client.call("SET", "before", pattern(1, 50_000)), b"OK")
        self.wait_until_written(node)
        with filler.open("wb") as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        deadline = time.monotonic() + LIMIT_SECONDS
        number = 0
        while disk_statistic(node, "out") == 0 and time.monotonic() < deadline:
            number += 1
            self.assertEqual(client.call("SET", f"k{number}", pattern(number, 100_000)), b"OK")
            self.assertEqual(client.call("GET", f"k{number}"), pattern(number, 100_000))
        self.assertEqual(disk_statistic(node, "out"), 1)
        self.assertGreater(disk_statistic(node, "io_errors_total"), 0)
        self.wait_for_output(node, "taken out")
        filler.unlink()
        deadline = time.monotonic() + LIMIT_SECONDS
        while disk_statistic(node, "out") == 1 and time.monotonic() < deadline:
            client.call("SET", f"after{time.monotonic()}", pattern(2, 100_000))
            time.sleep(0.1)
        self.assertEqual(disk_statistic(node, "out"), 0)
        self.wait_until_written(node)
        self.stop(node)
        node = self.start("16MiB")
        self.assertIn(self.connect(node).call("GET", "before"), (pattern(1, 50_000), None))
        self.stop(node)

    def mount_device_without_room(self) -> pathlib.Path:
        """Puts a file system on a device whose blocks are taken from the one that is mounted already; returns
        a file by which that can be filled, so that the device has no blocks for what is written."""
        folder = pathlib.Path(self.path)
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(128 << 20)
        self.path = os.path.join(self.folder.name, "device")
        os.makedirs(self.path)
        if not shutil.which("mkfs.ext4"):
            self.skipTest("mkfs.ext4 is not installed")
        attached = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True)
        if attached.returncode != 0:
            self.skipTest(f"no loop device can be had here: {attached.stderr.strip()}")
        device = attached.stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "-d", device], check=False)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", device], check=True)
        subprocess.run(["mount", device, self.path], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.path], check=False)
        self.path = os.path.join(self.path, "disk")
        return folder / "filler"


class Checks(DiskCase):
    def check(self, *arguments) -> tuple[int, str]:
        process = subprocess.run(
            [binary(), "check", self.path, *arguments], capture_output=True, text=True, timeout=60
        )
        return process.returncode, process.stdout + process.stderr

    def test_a_sound_disk_a_flipped_bit_and_lost_journals(self):
        node = self.start("16MiB")
        values = self.fill(node)
        code, text = self.check()
        self.assertNotEqual(code, 0)
        self.assertIn("in use", text)
        self.stop(node, signal.SIGKILL)
        code, text = self.check()
        self.assertEqual(code, 0, text)
        self.assertIn(f"{len(values)} records good", text)
        with (pathlib.Path(self.path) / "data").open("r+b") as file:
            file.seek(4096 * 3 + 5)
            byte = file.read(1)[0]
            file.seek(4096 * 3 + 5)
            file.write(bytes([byte ^ 1]))
        code, text = self.check()
        self.assertEqual(code, 1, text)
        self.assertIn("checksum: 1", text)
        self.assertEqual(self.check("--repair")[0], 1)
        self.assertEqual(self.check()[0], 0)
        for name in ("journal-0", "journal-1", "snapshot-0", "snapshot-1"):
            (pathlib.Path(self.path) / name).unlink()
        self.assertEqual(self.check()[0], 1)
        code, text = self.check("--rebuild")
        self.assertEqual(code, 0, text)
        client = self.connect(self.start("16MiB"))
        found = [client.call("GET", key) for key in values]
        self.assertEqual(sum(value is not None for value in found), len(values) - 1)
        for key, value in zip(values, found):
            self.assertIn(value, (None, values[key]))

    def test_a_directory_that_is_no_disk(self):
        os.makedirs(self.path)
        code, text = self.check()
        self.assertEqual(code, 64, text)
        shutil.rmtree(self.path)
        self.assertEqual(self.check()[0], 64)


def crc32c(data: bytes) -> int:
    """The checksum of pages, computed bit by bit."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


if __name__ == "__main__":
    unittest.main()
