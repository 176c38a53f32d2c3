"""valkey-glide's blocking client, alone and in cluster mode, against a node; and against a Redis."""

from __future__ import annotations

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support.control import pairs  # noqa: E402
from support.resp_case import MIB, pattern  # noqa: E402

PASSWORD = "correct horse"


class Glide:
    """valkey-glide's blocking client."""

    modules = (("glide_sync", "valkey-glide-sync"),)
    is_cluster = False

    def glide(self, **options):
        import glide_sync

        kind = "Cluster" if self.is_cluster else ""
        configuration = getattr(glide_sync, f"Glide{kind}ClientConfiguration")
        addresses = [glide_sync.NodeAddress(self.server.host, self.server.port)]
        options.setdefault("request_timeout", 10_000)
        client = getattr(glide_sync, f"Glide{kind}Client").create(configuration(addresses, **options))
        self.addCleanup(client.close)
        return client

    def protocols(self):
        import glide_sync

        return (glide_sync.ProtocolVersion.RESP2, glide_sync.ProtocolVersion.RESP3)

    def test_values(self):
        import glide_sync

        for protocol in self.protocols():
            with self.subTest(protocol=protocol):
                client = self.glide(protocol=protocol)
                self.assertIsNone(client.get("k"))
                self.assertEqual(client.set("k", bytes(range(256))), "OK")
                self.assertEqual(client.get("k"), bytes(range(256)))
                expiry = glide_sync.ExpirySet(glide_sync.ExpiryType.SEC, 100)
                self.assertEqual(client.set("k", "v", expiry=expiry), "OK")
                self.assertIn(client.ttl("k"), range(90, 101))
                self.assertEqual(client.exists(["k", "none"]), 1)
                self.assertEqual(client.mget(["k", "none"]), [b"v", None])
                self.assertEqual(client.delete(["k", "none"]), 1)
                self.assertEqual(client.ping(), b"PONG")

    def test_as_lmcache_uses_it(self):
        client = self.glide(client_info_tag="lmcache:0.5.6")
        value = pattern(1, 4 * MIB + 1)
        self.assertEqual(client.set(b"k", memoryview(value)), "OK")
        target = bytearray(len(value))
        self.assertEqual(int(client.get(b"k", buffer=memoryview(target))), len(value))
        self.assertTrue(target == value)
        self.assertIsNone(client.get(b"none", buffer=memoryview(target)))

    def test_large_values(self):
        client, value = self.glide(), pattern(5, 64 * MIB)
        self.assertEqual(client.set("k", value), "OK")
        self.assertTrue(client.get("k") == value)

    def test_an_unknown_command_is_an_error_and_no_more(self):
        import glide_sync

        client = self.glide()
        with self.assertRaises(glide_sync.RequestError):
            client.custom_command(["NOSUCH", "a"])
        self.assertEqual(client.set("k", "v"), "OK")


class GlideAlone(Glide):
    options = {"memory": "512MiB"}

    def test_the_server(self):
        client = self.glide(client_name="me", database_id=0)
        self.assertIn(b"role:master", client.custom_command(["INFO", "REPLICATION"]))
        self.assertEqual(client.client_getname(), b"me")
        self.assertGreater(client.client_id(), 0)
        self.assertEqual(client.dbsize(), 0)
        cursor, keys = client.scan("0")
        self.assertEqual((cursor, keys), (b"0", []))


class GlideInCluster(Glide):
    options = {"cluster": True, "memory": "512MiB"}
    is_cluster = True

    def test_keys_of_many_slots(self):
        client = self.glide()
        for index in range(200):
            self.assertEqual(client.set(f"k{index}", str(index)), "OK")
        self.assertEqual([client.get(f"k{index}") for index in range(200)],
        [b"%d" % index for index in range(200)])
        self.assertEqual(client.mget([f"k{index}" for index in range(50)]),
        [b"%d" % index for index in range(50)])
        self.assertEqual(client.delete([f"k{index}" for index in range(200)]), 200)


class GlideAndPassword(Glide):
    options = {"password": PASSWORD, "memory": "512MiB"}

    def glide(self, **options):
        import glide_sync

        options.setdefault("credentials", glide_sync.ServerCredentials(PASSWORD, "default"))
        return super().glide(**options)

    def test_a_wrong_password_does_not_connect(self):
        import glide_sync

        with self.assertRaises(glide_sync.ClosingError):
            self.glide(credentials=glide_sync.ServerCredentials("wrong"))


pairs(globals(), GlideAlone, GlideInCluster, GlideAndPassword)

if __name__ == "__main__":
    unittest.main(verbosity=2)
