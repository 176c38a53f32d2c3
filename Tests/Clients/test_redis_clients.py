"""redis-py, blocking and asyncio, against a node; and against a Redis, as the control."""

from __future__ import annotations

import asyncio
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support.control import pairs  # noqa: E402
from support.resp_case import MIB, pattern  # noqa: E402

PASSWORD = "correct horse"
FUTURE = 4_102_444_800
LIMIT_SECONDS = 60


class WithRedisPy:
    modules = (("redis", "redis-py"),)

    def client(self, protocol=None, **options):
        import redis

        client = redis.Redis(
            host=self.server.host, port=self.server.port, protocol=protocol, socket_timeout=LIMIT_SECONDS,
            **options
        )
        self.addCleanup(client.close)
        return client

    def clients(self):
        """A client for each protocol, each beginning with an empty server."""
        for protocol in (2, 3):
            with self.subTest(protocol=protocol):
                client = self.client(protocol)
                client.flushall()
                yield client


class RedisPy(WithRedisPy):
    """redis-py, blocking and asyncio, in both protocols."""

    options = {"memory": "512MiB"}

    def test_values(self):
        for client in self.clients():
            self.assertTrue(client.ping())
            self.assertIsNone(client.get("k"))
            self.assertTrue(client.set("k", bytes(range(256))))
            self.assertEqual(client.get("k"), bytes(range(256)))
            self.assertTrue(client.mset({"a": 1, b"\xff\x00": b"\r\n", "": ""}))
            self.assertEqual(client.mget("a", b"\xff\x00", "", "none"), [b"1", b"\r\n", b"", None])
            self.assertEqual(client.strlen("k"), 256)
            self.assertEqual(client.exists("a", "k", "none"), 2)
            self.assertEqual(client.type("a"), b"string")
            self.assertEqual(client.touch("a", "none"), 1)
            self.assertEqual(client.delete("a", "none"), 1)
            self.assertEqual(client.unlink("k"), 1)
            self.assertEqual(client.dbsize(), 2)
            self.assertTrue(client.setnx("n", 1))
            self.assertFalse(client.setnx("n", 2))
            self.assertEqual(client.getdel("n"), b"1")
            self.assertIsNone(client.getdel("n"))

    def test_options_of_set(self):
        for client in self.clients():
            self.assertTrue(client.set("k", "v", ex=100))
            self.assertIn(client.ttl("k"), range(90, 101))
            self.assertTrue(client.set("k", "w", px=100_000, xx=True))
            self.assertIn(client.pttl("k"), range(90_000, 100_001))
            self.assertIsNone(client.set("k", "x", nx=True))
            self.assertEqual(client.set("k", "x", keepttl=True, get=True), b"w")
            self.assertIn(client.ttl("k"), range(90, 101))
            self.assertTrue(client.set("k", "y", exat=FUTURE))
            self.assertEqual(client.expiretime("k"), FUTURE)
            self.assertEqual(client.getex("k", persist=True), b"y")
            self.assertEqual(client.ttl("k"), -1)
            self.assertTrue(client.setex("s", 100, "v"))
            self.assertTrue(client.psetex("p", 100_000, "v"))

    def test_times_to_live(self):
        for client in self.clients():
            client.set("k", "v")
            self.assertTrue(client.expire("k", 100))
            self.assertFalse(client.expire("k", 50, gt=True))
            self.assertTrue(client.expire("k", 200, gt=True))
            self.assertFalse(client.expire("k", 100, nx=True))
            self.assertTrue(client.persist("k"))
            self.assertTrue(client.pexpireat("k", FUTURE * 1000 + 5))
            self.assertEqual(client.pexpiretime("k"), FUTURE * 1000 + 5)
            self.assertEqual(client.ttl("none"), -2)
            self.assertTrue(client.pexpire("k", 50))
            time.sleep(0.2)
            self.assertIsNone(client.get("k"))
            self.assertEqual(client.ttl("k"), -2)

    def test_scan_and_keys(self):
        for client in self.clients():
            client.mset({f"key:{index}": index for index in range(5000)})
            self.assertEqual(len(set(client.scan_iter())), 5000)
            self.assertEqual(set(client.scan_iter("key:49?", count=100)),
            {b"key:49%d" % index for index in range(10)})
            self.assertEqual(len(set(client.scan_iter(_type="string", count=1000))), 5000)
            self.assertEqual(sorted(client.keys("key:[1-3]")), [b"key:1", b"key:2", b"key:3"])

    def test_a_pipeline_of_ten_thousand(self):
        for client in self.clients():
            pipeline = client.pipeline(transaction=False)
            for index in range(5000):
                pipeline.set(f"k{index}", f"v{index}", ex=1000).get(f"k{index}")
            expected = [result for index in range(5000) for result in (True, b"v%d" % index)]
            self.assertEqual(pipeline.execute(), expected)
            self.assertEqual(client.dbsize(), 5000)

    def test_errors_in_a_pipeline_stay_in_their_place(self):
        import redis

        for client in self.clients():
            pipeline = client.pipeline(transaction=False)
            pipeline.set("k", "v").execute_command("NOSUCH", 1).get("k")
            first, second, third = pipeline.execute(raise_on_error=False)
            self.assertEqual((first, third), (True, b"v"))
            self.assertIsInstance(second, redis.ResponseError)

    def test_the_server(self):
        for client in self.clients():
            info = client.info()
            self.assertEqual(info["role"], "master")
            self.assertIn("redis_version", client.info("server"))
            self.assertIn("maxmemory", client.config_get("maxmemory"))
            self.assertEqual(client.config_get("nosuch"), {})
            self.assertTrue(client.config_resetstat())
            seconds, microseconds = client.time()
            self.assertLess(abs(seconds - time.time()), 60)
            self.assertLess(microseconds, 1_000_000)
            self.assertGreater(client.command_count(), 30)
            self.assertIn("get", client.command())
            self.assertEqual(client.echo("hello"), b"hello")
            client.set("k", "v" * 1000)
            self.assertGreaterEqual(client.memory_usage("k"), 1000)
            self.assertGreaterEqual(client.info("memory")["used_memory"], 1000)

    def test_connections(self):
        for client in self.clients():
            other = self.client(client_name="other")
            other.ping()
            names = [entry["name"] for entry in client.client_list()]
            self.assertIn("other", names)
            self.assertEqual(other.client_info()["name"], "other")
            self.assertEqual(other.client_getname(), "other")
            entry = next(entry for entry in client.client_list() if entry["name"] == "other")
            self.assertEqual(client.client_kill_filter(_id=entry["id"]), 1)
            self.assertNotIn("other", [entry["name"] for entry in client.client_list()])
            self.assertEqual(client.client_kill_filter(_id=entry["id"]), 0)
            self.assertTrue(other.ping(), "it connects again")
            other.close()

    def test_values_of_64_mebibytes(self):
        value = pattern(3, 64 * MIB)
        for client in self.clients():
            self.assertTrue(client.set("k", value))
            self.assertTrue(client.get("k") == value)
            self.assertTrue(client.set("k", value, get=True) == value)
            self.assertEqual(client.strlen("k"), 64 * MIB)

    def test_many_threads(self):
        client, failures = self.client(), []

        def work(number: int) -> None:
            for round in range(100):
                key, value = f"k{number}:{round % 7}", pattern(number * 1000 + round, 1000 * (round % 30))
                client.set(key, value)
                if client.get(key) != value:
                    failures.append(key)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_SECONDS)
        self.assertEqual(failures, [])

    def test_asyncio(self):
        for protocol in (2, 3):
            with self.subTest(protocol=protocol):
                asyncio.run(asyncio.wait_for(self.talk(protocol), LIMIT_SECONDS))

    async def talk(self, protocol: int) -> None:
        import redis.asyncio

        client = redis.asyncio.Redis(host=self.server.host, port=self.server.port, protocol=protocol,
        max_connections=150)
        async with client:
            self.assertTrue(await client.ping())
            values = {f"k{index}": pattern(index, 1000 * index) for index in range(150)}
            await asyncio.gather(*(client.set(key, value) for key, value in values.items()))
            found = await asyncio.gather(*(client.get(key) for key in values))
            self.assertTrue(found == list(values.values()))
            self.assertEqual(await client.exists(*values), 150)
            pipeline = client.pipeline(transaction=False)
            for key in values:
                pipeline.strlen(key)
            self.assertEqual(await pipeline.execute(), [1000 * index for index in range(150)])


class RedisPyAndPassword(WithRedisPy):
    options = {"password": PASSWORD}

    def test_a_password(self):
        import redis

        for protocol in (2, 3):
            with self.subTest(protocol=protocol):
                self.assertTrue(self.client(protocol, password=PASSWORD).set("k", "v"))
                client = self.client(protocol, username="default", password=PASSWORD)
                self.assertEqual(client.get("k"), b"v")
                with self.assertRaises(redis.AuthenticationError):
                    self.client(protocol, password="wrong").get("k")
                with self.assertRaises(redis.AuthenticationError):
                    self.client(protocol).get("k")


class RedisPyAndCluster(WithRedisPy):
    options = {"cluster": True}

    def test_a_cluster_of_one(self):
        import redis

        client = redis.RedisCluster(host=self.server.host, port=self.server.port)
        self.addCleanup(client.close)
        for index in range(100):
            self.assertTrue(client.set(f"k{index}", index))
        self.assertEqual([client.get(f"k{index}") for index in range(100)],
        [b"%d" % index for index in range(100)])
        self.assertEqual(client.cluster_keyslot("123456789"), 12739)
        self.assertEqual(len(client.get_nodes()), 1)


pairs(globals(), RedisPy, RedisPyAndPassword, RedisPyAndCluster)

if __name__ == "__main__":
    unittest.main(verbosity=2)
