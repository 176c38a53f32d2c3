"""libreprise.so: what it exports and needs, and C programs that use it. Needs a C compiler."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import node  # noqa: E402

BYTES_MAX = 12_000_000
LIMIT_SECONDS = 120
PROGRAMS = node.ROOT / "Tests" / "C"
HEADER = node.ROOT / "Sources" / "CReprise" / "include" / "reprise.h"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


def library() -> pathlib.Path:
    """The folder of the library under test: that of $REPRISE_LIBRARY, or what scripts/library builds."""
    path = os.environ.get("REPRISE_LIBRARY")
    if path:
        return pathlib.Path(path).parent
    subprocess.run([node.ROOT / "scripts" / "library"], check=True, stdout=subprocess.DEVNULL)
    return node.ROOT / ".build" / "library"


def tool(*command) -> str:
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout


class CTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("cc") or not shutil.which("c++"):
            raise unittest.SkipTest("no C compiler: install gcc and g++")
        cls.library = library()
        cls.enterClassContext(cls._folder())

    @classmethod
    def _folder(cls):
        folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(folder.name)
        return folder

    def build(self, source: pathlib.Path, compiler=("cc", "-std=c11")) -> pathlib.Path:
        program = self.folder / source.stem
        include = ["-I", self.library / "include", "-I", PROGRAMS]
        link = ["-L", self.library, "-lreprise", "-lpthread", f"-Wl,-rpath,{self.library.resolve()}"]
        tool(*compiler, *WARNINGS, *include, source, "-o", program, *link)
        return program

    def run_program(self, program: pathlib.Path, *arguments) -> str:
        done = subprocess.run(
            [program, *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT_SECONDS
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


class Library(CTestCase):
    def test_it_exports_what_the_header_declares_and_nothing_else(self):
        symbols = tool("nm", "-D", "--defined-only", self.library / "libreprise.so").split()[2::3]
        code = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
        declared = re.findall(r"\b(reprise_\w+)\(", code)
        self.assertEqual(sorted(symbols), sorted(declared))
        self.assertEqual((self.library / "include" / "reprise.h").read_text(), HEADER.read_text())

    def test_it_needs_neither_swift_nor_foundation_nor_yams(self):
        needed = re.findall(r"NEEDED.*\[(.*)\]", tool("readelf", "-d", self.library / "libreprise.so"))
        known = r"lib(c|m|dl|pthread|gcc_s|stdc\+\+)\.so\.\d|ld-linux.*"
        self.assertEqual([name for name in needed if not re.fullmatch(known, name)], [])
        self.assertNotIn("RUNPATH", tool("readelf", "-d", self.library / "libreprise.so"))
        names = tool("strings", "-a", self.library / "libreprise.so")
        for word in ("FoundationEssentials", "$s4Yams", "yaml_parser"):
            self.assertNotIn(word, names)

    def test_it_is_smaller_than_12_megabytes(self):
        self.assertLess((self.library / "libreprise.so").stat().st_size, BYTES_MAX)

    def test_its_version_is_the_programs(self):
        version = tool(node.binary(), "--version").strip()
        self.assertIn(f'"{version}"', (node.ROOT / "Sources/RepriseC/ABI/Entry+Client.swift").read_text())

    def test_the_header_is_cpp_too(self):
        for standard in ("c++11", "c++20"):
            program = self.build(PROGRAMS / "header.cpp", ("c++", f"-std={standard}"))
            self.run_program(program)


class Programs(CTestCase):
    """Each program against an embedded client, and against a node."""

    def test_values_come_out_as_they_went_in(self):
        self.in_both_ways("values")

    def test_wrong_arguments_return_a_status(self):
        self.in_both_ways("arguments")

    def test_a_forked_child_fails_cleanly(self):
        self.in_both_ways("forks")

    def test_signals_are_left_alone(self):
        self.in_both_ways("signals")

    def test_threads_use_one_client_together(self):
        self.in_both_ways("threads")

    def in_both_ways(self, name: str):
        program = self.build(PROGRAMS / f"{name}.c")
        self.assertEqual(self.run_program(program, "embedded"), f"{name}: ok\n")
        socket = self.folder / "node.sock"
        with node.Node(unix_socket=socket) as served:
            self.assertEqual(self.run_program(program, socket), f"{name}: ok\n")
            held = served.settle(lambda values: values.get("local_leases", 0) == 0)
            self.assertEqual(held.get("local_leases", 0), 0, "leases outlive their client")

    def test_a_node_may_restart(self):
        program = self.build(PROGRAMS / "reconnects.c")
        socket = self.folder / "again.sock"
        nodes = contextlib.ExitStack()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with nodes, subprocess.Popen([program, socket], **pipes) as process:
            for line in process.stdout:
                if line == "start\n":
                    nodes.enter_context(node.Node(unix_socket=socket))
                elif line == "kill\n":
                    nodes.pop_all().close()
                else:
                    break
                process.stdin.write("done\n")
                process.stdin.flush()
            self.assertEqual((line, process.stderr.read()), ("reconnects: ok\n", ""))


class Example(CTestCase):
    def test_it_stores_and_loads(self):
        program = self.build(node.ROOT / "Examples" / "c" / "cache.c")
        socket = self.folder / "node.sock"
        with node.Node(unix_socket=socket):
            for arguments in ((), (socket,)):
                printed = self.run_program(program, *arguments)
                self.assertIn("4 of 5 chunks are stored\n", printed)
                self.assertIn("prompt/3: 131072 bytes, layer 1 begins with 20\n", printed)
                self.assertIn("prompt/1 lies in 131072 bytes, the last of which is 18\n", printed)


if __name__ == "__main__":
    unittest.main()
