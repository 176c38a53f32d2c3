"""The command line tool over redis://, against a real Redis and against a node. Standard library only."""

from __future__ import annotations

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import node, redis_server  # noqa: E402

PASSWORD = "p@ss/w:rd %"
PASSWORD_IN_URL = "p%40ss%2Fw%3Ard%20%25"
LIMIT_SECONDS = 120
ABSENT, USAGE, UNAVAILABLE = 1, 64, 69


def run(*arguments, stdin: bytes = b"", environment=None) -> subprocess.CompletedProcess:
    variables = {name: value for name, value in os.environ.items() if name != "REPRISE_PASSWORD"}
    return subprocess.run(
        [node.binary(), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        env=variables | (environment or {}),
    )


def write_trace(path: pathlib.Path, requests) -> None:
    with path.open("w") as file:
        for index, ids in enumerate(requests):
            record = {"timestamp": index, "input_length": 1, "output_length": 1, "hash_ids": ids}
            file.write(json.dumps(record) + "\n")


def conversations(seed: int, count: int) -> list[list[int]]:
    """Requests whose blocks repeat as those of growing conversations do."""
    generator = random.Random(seed)
    threads = [[1000 * index] for index in range(40)]
    requests = []
    for _ in range(count):
        thread = generator.choice(threads)
        thread += [thread[-1] + 1 + step for step in range(generator.randint(0, 3))]
        requests.append(list(thread))
    return requests


class Commands:
    """What holds for every server; a class beside it says which, as `url`."""

    url = ""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_ok(self, command, *arguments, **options) -> bytes:
        done = run(command, "--url", self.url, *arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def key(self, suffix="") -> str:
        return f"{self._testMethodName}{suffix}"

    def test_values_come_back_as_they_were(self):
        for size in (0, 1, 16_383, 16_384, 1_000_003):
            value = random.Random(size).randbytes(size)
            self.run_ok("put", self.key(size), stdin=value)
            self.assertEqual(self.run_ok("get", "-o", "-", self.key(size)), value)

    def test_a_file_is_stored_and_fetched(self):
        source, target = self.folder / "source", self.folder / "target"
        source.write_bytes(random.Random(1).randbytes(5_000_000))
        self.run_ok("put", self.key(), source)
        self.run_ok("get", self.key(), "-o", target)
        self.assertEqual(source.read_bytes(), target.read_bytes())

    def test_absent_keys_are_told_by_the_exit_code(self):
        self.run_ok("put", self.key("-there"), stdin=b"x")
        self.run_ok("exists", self.key("-there"))
        done = run("exists", "--url", self.url, self.key("-there"), self.key("-not"))
        self.assertEqual(done.returncode, ABSENT)
        self.assertIn(b"-not: not stored", done.stderr)
        self.assertEqual(run("get", "--url", self.url, self.key("-not")).returncode, ABSENT)

    def test_keys_are_listed_and_removed(self):
        keys = [f"{self.key()}-{index}" for index in range(5)]
        for key in keys:
            self.run_ok("put", key, stdin=b"x")
        self.assertEqual(self.run_ok("ls", self.key()).decode().split(), keys)
        self.run_ok("rm", *keys[:4])
        self.assertEqual(self.run_ok("ls", self.key()).decode().split(), keys[4:])
        self.assertEqual(run("rm", "--url", self.url, keys[0]).returncode, ABSENT)
        self.run_ok("rm", "--force", *keys)

    def test_ping(self):
        self.assertEqual(self.run_ok("ping", "--count", 3).count(b"answered in"), 3)

    def test_shapes_are_refused_with_the_reason(self):
        done = run("put", "--url", self.url, "--dtype", "half", "--shape", "1", self.key(), stdin=b"xx")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"RESP has no place", done.stderr)
        self.assertEqual(run("get", "--url", self.url, self.key()).returncode, ABSENT)

    def test_bench_verifies_every_byte(self):
        arguments = ["--value-size", "64KiB", "--keys", 8, "--operations", 100, "--connections", 2]
        for mix in ("put,get,exist", "put=1,get=3"):
            report = json.loads(self.run_ok("bench", *arguments, "--verify", "--json", "--mix", mix))
            self.assertEqual(report["protocol"], "resp")
            for phase in report["phases"]:
                for operation in phase["operations"]:
                    self.assertEqual((operation["misses"], operation["wrong_bytes"]), (0, 0))

    def test_replay_hits_what_was_stored(self):
        requests = conversations(seed=7, count=200)
        trace = self.folder / "trace.jsonl"
        write_trace(trace, requests)
        seen, hits = set(), 0
        for ids in requests:
            hits += sum(block in seen for block in ids)
            seen |= set(ids)
        output = self.run_ok("replay", "--block-bytes", "4KiB", "--key-prefix", self.key(), "--json", trace)
        report = json.loads(output)
        self.assertEqual((report["hits"], report["wrong_bytes"]), (hits, 0))
        self.assertEqual(report["requests_not_kept"], 0)

    def test_watch_ends_after_its_count(self):
        output = self.run_ok("stat", "--watch", "--interval", "100ms", "--count", 2).decode()
        self.assertEqual(output.count(", over 0.1"), 2, output)
        for word in ("per second", "hit rate", "traffic", "memory", "entries", "evictions", "connections"):
            self.assertEqual(output.count(word), 2, output)

    def test_watch_ends_with_an_interrupt(self):
        command = [node.binary(), "stat", "--url", self.url, "--watch", "--interval", "50ms"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            self.assertEqual(process.wait(LIMIT_SECONDS), 0)

    def test_watch_shows_what_happens(self):
        command = [node.binary(), "stat", "--url", self.url, "--watch", "--interval", "2", "--count", "1"]
        self.run_ok("put", self.key(), stdin=b"x" * 100_000)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(0.5)
            for _ in range(5):
                self.run_ok("get", "-o", "-", self.key())
            output = process.stdout.read()
            self.assertEqual(process.wait(LIMIT_SECONDS), 0)
        self.assertIn("1.000 (5 of 5)", output)
        self.assertRegex(output, r"(?m)^(resp )?get +2\.5 +[0-9.]+ [num]?s$")


@unittest.skipUnless(redis_server.program(), "there is no redis-server")
class RealRedis(Commands, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.unix_socket = pathlib.Path(folder.name) / "redis.sock"
        cls.server = redis_server.RedisServer(password=PASSWORD, unix_socket=cls.unix_socket)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.bare_url = f"redis://127.0.0.1:{cls.server.port}"
        cls.url = f"redis://:{PASSWORD_IN_URL}@127.0.0.1:{cls.server.port}/0"

    def test_the_password_may_come_from_elsewhere(self):
        file = self.folder / "password"
        file.write_text(PASSWORD + "\n")
        done = run("ping", "--url", self.bare_url, "--password-file", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("ping", "--url", self.bare_url, environment={"REPRISE_PASSWORD": PASSWORD})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            run("ping", "--url", self.url, "--password-file", file).returncode, USAGE, "given twice"
        )

    def test_who_is_not_let_in_learns_why(self):
        done = run("ping", "--url", self.bare_url)
        self.assertEqual(done.returncode, UNAVAILABLE)
        self.assertIn(b"NOAUTH", done.stderr)
        done = run("ping", "--url", f"redis://:hunter2@127.0.0.1:{self.server.port}")
        self.assertEqual(done.returncode, UNAVAILABLE)
        self.assertIn(b"WRONGPASS", done.stderr)
        self.assertNotIn(b"hunter2", done.stderr)

    def test_no_message_shows_the_password(self):
        for url in ("redis://:hunter2@h:x", "rediss://:hunter2@h", "redis://:hunter2"):
            done = run("ping", "--url", url)
            self.assertEqual(done.returncode, USAGE)
            self.assertNotIn(b"hunter2", done.stderr + done.stdout)

    def test_a_unix_socket(self):
        done = run("ping", "--url", f"redis+unix://:{PASSWORD_IN_URL}@{self.unix_socket}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_statistics_are_the_answer_as_it_came(self):
        text = self.run_ok("stat")
        self.assertTrue(text.startswith(b"# Server\r\nredis_version:"))
        self.assertIn(b"# Commandstats", text)
        self.assertTrue(self.run_ok("stat", "--raw").startswith(b"# Server\r\n"))
        values = json.loads(self.run_ok("stat", "--json"))
        self.assertEqual(values["tcp_port"], self.server.port)

    def test_a_long_list_takes_many_steps(self):
        trace = self.folder / "trace.jsonl"
        write_trace(trace, [list(range(5000))])
        self.run_ok("replay", "--block-bytes", "8B", "--key-prefix", self.key(), trace)
        self.assertEqual(len(self.run_ok("ls", self.key()).split()), 5000)

    def test_a_server_without_room_keeps_nothing(self):
        with redis_server.RedisServer(arguments=["--maxmemory", "1kb"]) as full:
            url = f"redis://127.0.0.1:{full.port}"
            done = run("put", "--url", url, "k", stdin=b"x" * 100)
            self.assertEqual(done.returncode, ABSENT)
            self.assertIn(b"did not keep", done.stderr)
            output = run("bench", "--url", url, "--mix", "put", "--operations", 20, "--json").stdout
            self.assertEqual(json.loads(output)["phases"][0]["operations"][0]["misses"], 20)

    def test_watch_goes_on_when_the_server_restarts(self):
        server = redis_server.RedisServer()
        url = f"redis://127.0.0.1:{server.port}"
        for _ in range(30):
            run("ping", "--url", url)
        command = [node.binary(), "stat", "--url", url, "--watch", "--interval", "500ms", "--count", "8"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(0.8)
            server.kill()
            time.sleep(0.8)
            again = subprocess.Popen(
                [redis_server.program(), "--port", str(server.port), "--bind", "127.0.0.1", "--save", ""],
                stdout=subprocess.DEVNULL,
            )
            output = process.stdout.read()
            self.assertEqual(process.wait(LIMIT_SECONDS), 0)
        again.kill()
        again.wait()
        server.__exit__(None)
        self.assertIn("trying again", output)
        self.assertIn("the node began anew", output)
        self.assertNotRegex(output, r"-[0-9]")


class Node(Commands, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = node.Node(memory="256MiB")
        cls.addClassCleanup(cls.node.__exit__, None, None, None)
        cls.url = f"redis://127.0.0.1:{cls.node.port}"
        cls.lm_url = f"lm://127.0.0.1:{cls.node.port}"

    def test_statistics_have_the_same_names_over_both_protocols(self):
        over_resp = json.loads(self.run_ok("stat", "--json"))
        done = run("stat", "--json", "--url", self.lm_url)
        # Commands are listed once they have been called, and the first of these calls is one.
        names = [{name for name in names if not name.startswith("reprise_command")}
                 for names in (over_resp, json.loads(done.stdout))]
        self.assertEqual(*names)
        self.assertIn("reprise_entries", over_resp)

    def test_both_protocols_see_the_same_keys(self):
        self.run_ok("put", self.key(), stdin=b"over RESP")
        self.assertEqual(run("exists", "--url", self.lm_url, self.key()).returncode, 0)
        run("put", "--url", self.lm_url, self.key("-lm"), stdin=b"over lm")
        self.assertEqual(self.run_ok("get", "-o", "-", self.key("-lm")), b"over lm")

    def test_replay_hits_the_same_over_both_protocols(self):
        trace = self.folder / "trace.jsonl"
        write_trace(trace, conversations(seed=11, count=400))
        hits = []
        for scheme in ("lm", "redis"):
            # Room for a part of the blocks, so that the order of eviction decides.
            with node.Node(memory=f"{64 * 4096}B") as small:
                url = f"{scheme}://127.0.0.1:{small.port}"
                done = run("replay", "--url", url, "--block-bytes", "4KiB", "--json", trace)
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual(report["wrong_bytes"], 0)
            hits.append(report["hits"])
        self.assertEqual(hits[0], hits[1])


if __name__ == "__main__":
    unittest.main()
