"""`reprise config` and `reprise serve --config`: options, variables and files. Standard library only."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import node  # noqa: E402

LIMIT_SECONDS = 60
USAGE, NO_INPUT = 64, 66


def bare_environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("REPRISE_", "LMCACHE_"))
    }


def run(*arguments, environment=None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [node.binary(), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env=bare_environment() | (environment or {}),
    )


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.folder / "cache.yaml"

    def write(self, *lines: str) -> pathlib.Path:
        self.file.write_text("\n".join(lines) + "\n")
        return self.file

    def settings(self, *arguments, environment=None) -> dict[str, dict[str, str]]:
        done = run("config", "--json", *arguments, environment=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {setting["name"]: setting for setting in json.loads(done.stdout)["settings"]}

    def fails(self, *arguments, environment=None, status=USAGE, command="config") -> str:
        done = run(command, *arguments, environment=environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr


class Config(Case):
    def test_defaults(self):
        settings = self.settings()
        self.assertEqual({setting["origin"] for setting in settings.values()}, {"default"})
        self.assertEqual(settings["port"]["value"], "65432")
        self.assertEqual(settings["evictor"]["value"], "lru")

    def test_each_place_has_its_rank(self):
        file = self.write("port: 1", "threads: 3", "max_local_cpu_size: 0.25", "host: localhost")
        environment = {"REPRISE_PORT": "2", "REPRISE_THREADS": "4", "LMCACHE_MAX_LOCAL_CPU_SIZE": "'0.5'"}
        settings = self.settings("--config", file, "--port", 3, environment=environment)
        found = {name: (settings[name]["value"], settings[name]["origin"])
                 for name in ("port", "threads", "memory", "host", "evictor")}
        self.assertEqual(found, {
            "port": ("3", "--port"),
            "threads": ("4", "REPRISE_THREADS"),
            "memory": ("512MiB", "LMCACHE_MAX_LOCAL_CPU_SIZE"),
            "host": ("localhost", f"{file}:4"),
            "evictor": ("lru", "default"),
        })

    def test_variables_name_the_file(self):
        file = self.write("port: 7001")
        other = self.folder / "other.yaml"
        other.write_text("port: 7002\n")
        names = {"LMCACHE_CONFIG_FILE": str(file)}
        self.assertEqual(self.settings(environment=names)["port"]["value"], "7001")
        names["REPRISE_CONFIG"] = str(other)
        self.assertEqual(self.settings(environment=names)["port"]["value"], "7002")
        self.assertEqual(self.settings("--config", file, environment=names)["port"]["value"], "7001")

    def test_the_table_is_aligned(self):
        done = run("config", "--config", self.write("memory: 64MiB"))
        lines = done.stdout.splitlines()
        self.assertEqual(len({line.index("default") for line in lines if line.endswith(" default")}), 1)
        self.assertIn("64MiB", next(line for line in lines if line.startswith("memory ")))

    def test_every_setting_is_in_the_readme(self):
        text = (node.ROOT / "README.md").read_text()
        self.assertEqual([name for name in self.settings() if f"`{name}`" not in text], [])

    def test_options_that_repeat(self):
        settings = self.settings("--disk", "/a:1GiB", "--disk", "/b,c:2GiB", "--lm-allow", "10.0.0.0/8")
        self.assertEqual(settings["disks"]["value"], "/a:1GiB,/b,c:2GiB")
        self.assertEqual(settings["disks"]["origin"], "--disk")
        self.assertEqual(settings["lm_allow"]["value"], "10.0.0.0/8")

    def test_an_option_takes_back_what_a_file_says(self):
        file = self.write("mlock: true", "tcp: false", "unprotected: true", "unix: /tmp/x")
        settings = self.settings("--config", file, "--no-mlock", "--tcp", "--no-unprotected")
        self.assertEqual([settings[name]["value"] for name in ("mlock", "tcp", "unprotected")],
                         ["false", "true", "false"])
        self.assertEqual(settings["mlock"]["origin"], "--no-mlock")

    def test_no_password_is_shown(self):
        file = self.write('remote_url: "redis://:hunter2@store:6379"', 'lookup_url: "redis://u:hunter2@h:1"')
        done = run("config", "--config", file)
        self.assertNotIn("hunter2", done.stdout + done.stderr)
        self.assertIn("redis://:***@store:6379", done.stdout)
        for text in ("redis://:hunter2@h:x", "rediss://:hunter2@h", "[redis://:hunter2@h"):
            self.assertNotIn("hunter2", self.fails("--config", self.write(f"remote_url: {text}")))

    def test_the_own_address_is_no_store(self):
        environment = {"LMCACHE_REMOTE_URL": "lm://127.0.0.1:65432"}
        done = run("config", environment=environment)
        self.assertEqual(done.returncode, 0)
        self.assertIn("names this node itself", done.stderr)
        self.assertEqual(self.settings(environment=environment)["remote_url"]["value"], "-")
        self.assertNotEqual(self.settings("--port", 1, environment=environment)["remote_url"]["value"], "-")
        file = self.write("remote_url: lm://localhost:65432")
        self.assertIn(f"{file}:1: remote_url: this is the node itself", self.fails("--config", file))


class Mistakes(Case):
    def test_values_say_where_and_what_is_allowed(self):
        file = self.write("host: localhost", "max_local_cpu_size: 5x")
        self.assertEqual(
            self.fails("--config", file),
            f"reprise: {file}:2: max_local_cpu_size: '5x' is no number of GiB; write 5 or 0.5\n",
        )
        self.assertIn("--threads: '0' is not allowed", self.fails("--threads", 0))
        self.assertIn("REPRISE_PORT: 'x'", self.fails(environment={"REPRISE_PORT": "x"}))
        self.assertIn("--no-tcp: ", self.fails("--no-tcp"))
        twice = self.fails("--disk", "/a:1GiB", "--disk", "/a:2GiB")
        self.assertIn("--disk: a directory is named twice", twice)
        self.assertIn("--lm-allow: '10.0.0.0/99'", self.fails("--lm-allow", "10.0.0.0/99"))
        self.assertIn("--log-level: 'loud'", self.fails("--log-level", "loud"))

    def test_names_get_the_nearest_one(self):
        self.assertIn("did you mean memory?", self.fails("--config", self.write("memroy: 1GiB")))
        self.assertIn("did you mean REPRISE_MEMORY?", self.fails(environment={"REPRISE_MEMORI": "1GiB"}))

    def test_what_is_not_spoken_is_refused(self):
        for line, word in (("remote_serde: cachegen", "fp8"), ("enable_blending: true", "blending"),
                           ("enable_nixl: true", "NIXL"), ("remote_url: mooncakestore://h:1", "redis://"),
                           ("extra_config: {enable_nixl_storage: true}", "NIXL")):
            message = self.fails("--config", self.write("# first", line))
            self.assertIn(f"{self.file}:2: ", message)
            self.assertIn(word, message)

    def test_files_that_are_none(self):
        self.assertIn("No such file", self.fails("--config", self.folder / "none", status=NO_INPUT))
        self.assertIn("directory", self.fails("--config", self.folder, status=NO_INPUT))
        self.assertIn("65536 bytes", self.fails("--config", "/dev/zero"))
        self.file.write_bytes(b"port: 1\n\xff\n")
        self.assertIn(f"{self.file}:2: a byte that is not UTF-8", self.fails("--config", self.file))
        self.assertIn("this is no YAML", self.fails("--config", self.write("port: 'x")))

    def test_serve_says_the_same(self):
        file = self.write("port: x")
        self.assertIn(f"{file}:1: port: 'x'", self.fails("--config", file, command="serve"))
        self.assertIn("did you mean", self.fails(environment={"REPRISE_PROT": "1"}, command="serve"))


class Serve(Case):
    def test_a_node_is_what_its_file_says(self):
        disk = self.folder / "disk"
        file = self.write(
            "max_local_cpu_size: 0.125",
            "cache_policy: FIFO",
            f"local_disk: file://{disk}/",
            "max_local_disk_size: 0.0625",
            "max_connections: 77",
            "chunk_size: 256",
        )
        with node.Node(memory="64MiB", arguments=["--config", str(file)]) as running:
            statistics = running.statistics()
            greeting = running.output()
        # An option wins over the file.
        self.assertEqual(statistics["reprise_memory_capacity_bytes"], 64 << 20)
        self.assertIn("evicting by fifo", greeting)
        self.assertIn(f"disk {disk}:      64MiB, 0 values found", greeting)
        self.assertTrue((disk / "data").exists())

    def test_a_node_is_what_its_variables_say(self):
        port = node.free_port()
        environment = {"REPRISE_PORT": str(port), "LMCACHE_MAX_LOCAL_CPU_SIZE": "0.0625",
                       "LMCACHE_REMOTE_URL": f"lm://127.0.0.1:{port}"}
        command = [node.binary(), "serve"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=bare_environment() | environment) as process:
            first = process.stdout.readline()
            process.terminate()
            _, log = process.communicate(timeout=LIMIT_SECONDS)
        self.assertEqual(process.returncode, 0, log)
        self.assertIn("reprise serves 64MiB of memory", first)
        self.assertIn("remote_url names this node itself", log)


if __name__ == "__main__":
    unittest.main()
