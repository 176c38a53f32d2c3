"""Redis's own tools, redis-cli and redis-benchmark, against a node; and against a Redis, as the control."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import resp  # noqa: E402
from support.control import pairs  # noqa: E402
from support.redis_server import require  # noqa: E402
from support.resp_case import MIB, pattern  # noqa: E402

TOOL_LIMIT_SECONDS = 120
PASSWORD = "correct horse"


class Tool:
    """Runs a tool against the server of the class."""

    def run_tool(self, name: str, *arguments, stdin=b"", environment=None) -> bytes:
        command = [require(name), "-h", self.server.host, "-p", str(self.server.port), *map(str, arguments)]
        done = subprocess.run(
            command,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TOOL_LIMIT_SECONDS,
            env=os.environ | (environment or {}),
        )
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])
        return done.stdout

    def cli(self, *arguments, **options) -> bytes:
        return self.run_tool("redis-cli", *arguments, **options)


class CommandLine(Tool):
    """redis-cli."""

    programs = ("redis-cli",)

    def store_ten_thousand(self):
        with self.server.connect() as client:
            requests = (resp.command("SET", f"key:{index}", b"v" * (index % 1000)) for index in range(10_000))
            client.send(b"".join(requests))
            for _ in range(10_000):
                self.assertEqual(client.read_reply(), b"+OK\r\n")

    def test_commands_on_its_command_line(self):
        self.assertEqual(self.cli("ping"), b"PONG\n")
        self.assertEqual(self.cli("set", "k", "v", "EX", 100), b"OK\n")
        self.assertEqual(self.cli("get", "k"), b"v\n")
        self.assertEqual(self.cli("get", "none"), b"\n")
        self.assertEqual(self.cli("mget", "k", "none"), b"v\n\n")
        self.assertEqual(self.cli("exists", "k", "none"), b"1\n")
        self.assertIn(b"ERR unknown command", self.cli("nosuch"))
        self.assertEqual(self.cli("-r", 5, "ping"), b"PONG\n" * 5)
        self.assertEqual(self.cli("--no-raw", "get", "none"), b"(nil)\n")
        self.assertEqual(self.cli("-n", 0, "get", "k"), b"v\n")

    def test_a_binary_value_from_standard_input(self):
        for value in (bytes(range(256)), b"", b"\r\n", pattern(1, 5 * MIB)):
            self.assertEqual(self.cli("-x", "set", "k", stdin=value), b"OK\n")
            self.assertTrue(self.cli("get", "k") == value + b"\n")

    def test_resp3(self):
        self.assertEqual(self.cli("-3", "set", "k", "v"), b"OK\n")
        self.assertEqual(self.cli("-3", "get", "k"), b"v\n")
        self.assertEqual(self.cli("-3", "--no-raw", "get", "none"), b"(nil)\n")
        self.assertIn(b"role:master", self.cli("-3", "info", "replication"))
        self.assertEqual(self.cli("-3", "--json", "mget", "k", "none"), b'["v",null]\n')

    def test_info(self):
        text = self.cli("info").decode()
        for name in ("redis_version", "role", "used_memory", "connected_clients"):
            self.assertRegex(text, rf"(?m)^{name}:\S+")

    def test_scan(self):
        self.store_ten_thousand()
        keys = self.cli("--scan").split()
        self.assertEqual(set(keys), {b"key:%d" % index for index in range(10_000)})
        self.assertEqual(set(self.cli("--scan", "--pattern", "key:99?").split()),
                         {b"key:%d" % index for index in range(990, 1000)})  # fmt: skip
        self.assertEqual(len(set(self.cli("--scan", "--pattern", "*9").split())), 1000)

    def test_bigkeys(self):
        self.store_ten_thousand()
        with self.server.connect() as client:
            client.call("SET", "the:largest", bytes(50_000))
        text = self.cli("--bigkeys").decode()
        self.assertRegex(text, r"Sampled 10001 keys in the keyspace")
        self.assertRegex(text, r"Biggest string found '\"the:largest\"' has 50000 bytes")
        self.assertRegex(text, r"10001 strings with 5045000 bytes")

    def test_memkeys(self):
        self.store_ten_thousand()
        text = self.cli("--memkeys").decode()
        self.assertRegex(text, r"Sampled 10000 keys in the keyspace")
        self.assertRegex(text, r"Biggest string found")

    def test_commands_from_a_pipe(self):
        script = b'PING\nSET k "a b"\nGET k\nNOSUCH x\nTTL k\nCLIENT SETNAME me\nCLIENT GETNAME\nDEL k\n'
        lines = self.cli(stdin=script).split(b"\n")
        lines = [line for line in lines if line]
        self.assertEqual(lines[:3], [b"PONG", b"OK", b"a b"])
        self.assertIn(b"unknown command", lines[3])
        self.assertEqual(lines[4:], [b"-1", b"OK", b"me", b"1"])

    def test_mass_insertion(self):
        requests = b"".join(resp.command("SET", f"k{index}", pattern(index, 200)) for index in range(10_000))
        self.assertIn(b"errors: 0, replies: 10000", self.cli("--pipe", stdin=requests))
        with self.server.connect() as client:
            self.assertEqual(client.call("DBSIZE"), 10_000)
            self.assertEqual(client.call("GET", "k9999"), pattern(9999, 200))

    def test_a_failing_command_within_mass_insertion_is_counted(self):
        requests = resp.command("SET", "k", "v") + resp.command("NOSUCH") + resp.command("SET", "l", "v")
        command = [require("redis-cli"), "-h", self.server.host, "-p", str(self.server.port), "--pipe"]
        done = subprocess.run(command, input=requests, capture_output=True, timeout=TOOL_LIMIT_SECONDS)
        self.assertIn(b"errors: 1, replies: 3", done.stdout)


class CommandLineAndPassword(Tool):
    programs = ("redis-cli",)
    options = {"password": PASSWORD}

    def test_a_password(self):
        self.assertIn(b"NOAUTH", self.cli("get", "k"))
        self.assertEqual(self.cli("--no-auth-warning", "-a", PASSWORD, "ping"), b"PONG\n")
        self.assertEqual(self.cli("ping", environment={"REDISCLI_AUTH": PASSWORD}), b"PONG\n")
        login = ("--no-auth-warning", "--user", "default", "--pass", PASSWORD)
        self.assertEqual(self.cli(*login, "-3", "set", "k", "v"), b"OK\n")
        self.assertEqual(self.cli(*login, "get", "k"), b"v\n")
        self.assertIn(b"WRONGPASS", self.cli("--no-auth-warning", "-a", "wrong", "ping"))


class CommandLineAndCluster(Tool):
    programs = ("redis-cli",)
    options = {"cluster": True}

    def test_a_cluster_of_one(self):
        self.assertEqual(self.cli("-c", "set", "k", "v"), b"OK\n")
        self.assertEqual(self.cli("-c", "get", "k"), b"v\n")
        self.assertEqual(self.cli("cluster", "keyslot", "123456789"), b"12739\n")
        self.assertIn(b"cluster_state:ok", self.cli("cluster", "info"))


class Benchmark(Tool):
    """redis-benchmark."""

    programs = ("redis-benchmark",)

    def benchmark(self, *arguments) -> str:
        text = self.run_tool("redis-benchmark", "-q", *arguments).decode().replace("\r", "\n")
        for word in ("error", "Error", "ERR", "Could not", "closed"):
            self.assertNotIn(word, text)
        self.assertRegex(text, r"requests per second")
        return text

    def test_its_own_tests(self):
        text = self.benchmark("-t", "ping,set,get,mset", "-n", 20_000)
        for name in ("PING_INLINE", "PING_MBULK", "SET", "GET", "MSET"):
            self.assertRegex(text, rf"(?m)^{name}\b.*requests per second")

    def test_pipelines(self):
        self.benchmark("-t", "ping,set,get,mset", "-n", 50_000, "-P", 16)
        self.benchmark("-t", "set,get", "-n", 100_000, "-P", 500, "-c", 10, "-r", 10_000)

    def test_many_connections_and_threads(self):
        self.benchmark("-t", "ping,set,get", "-n", 20_000, "-c", 500, "--threads", 2)

    def test_larger_values(self):
        self.benchmark("-t", "set,get", "-n", 2000, "-d", 65_536, "-r", 100)
        self.benchmark("-t", "set,get", "-n", 100, "-d", 4 * MIB + 1, "-c", 4, "-r", 10)

    def test_connections_that_are_not_kept(self):
        self.benchmark("-t", "set,get", "-n", 1000, "-k", 0)

    def test_resp3(self):
        self.benchmark("-3", "-t", "ping,set,get,mset", "-n", 5000)

    def test_a_command_of_ones_own(self):
        self.benchmark("-n", 5000, "set", "k:__rand_int__", "v", "EX", "100")


pairs(globals(), CommandLine, CommandLineAndPassword, CommandLineAndCluster, Benchmark)

if __name__ == "__main__":
    unittest.main(verbosity=2)
