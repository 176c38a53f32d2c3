"""How clients begin and end, in one process and in forked ones, and how the library is found."""

from __future__ import annotations

import gc
import os
import pathlib
import subprocess
import sys
import threading
import weakref

import pytest
import reprise

from conftest import ROOT


def run_python(program: str, **environment) -> subprocess.CompletedProcess:
    variables = os.environ | {"PYTHONPATH": str(ROOT / "python")} | environment
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_calls_after_close_are_refused(socket_path):
    client = reprise.Client(socket_path)
    client.close()
    client.close()
    assert client.closed
    for call in (
        lambda: client.set("a", b"1"),
        lambda: client.get("a"),
        lambda: client.exists("a"),
        client.drain,
        client.statistics,
        client.event_fd,
        lambda: client.acquire(["a"]),
        lambda: client.submit_exists(["a"]),
        lambda: client.lookup(["a"]),
        lambda: client.forget_lookup(1),
    ):
        with pytest.raises(reprise.Closed):
            call()


def test_close_waits_for_calls_of_other_threads(socket_path):
    for _ in range(20):
        client = reprise.Client(socket_path)
        ended = []

        def work():
            try:
                while True:
                    client.set("thread", bytes(100_000))
            except reprise.Closed:
                ended.append(True)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        client.close()
        for thread in threads:
            thread.join()
        assert ended == [True] * 3


def test_a_client_that_is_dropped_is_closed(socket_path):
    client = reprise.Client(socket_path)
    handle, reference = client._handle, weakref.ref(client)
    client.submit_exists(["a"])
    del client
    gc.collect()
    assert reference() is None and handle.is_closed


# Python warns of forking a process with threads; that it does no harm is what these two test.
FORKING = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@FORKING
def test_a_forked_child_is_refused_and_does_not_disturb_its_parent(client, prefix):
    client.set(prefix, b"12345")
    lease = client.acquire([prefix])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            try:
                client.get(prefix)
            except reprise.Forked:
                status = 0
            lease.release()
            client.close()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lease.views[0] == b"12345"
    lease.release()
    assert client.get(prefix) == b"12345"


@FORKING
def test_a_forked_child_makes_a_client_of_its_own(client, socket_path, prefix):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with reprise.Client(socket_path) as own:
                own.set(prefix, b"of the child")
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.get(prefix) == b"of the child"


def test_an_interpreter_ends_with_clients_and_batches_left(socket_path):
    done = run_python(
        "import reprise, sys, threading\n"
        f"client = reprise.Client({socket_path!r})\n"
        "client.set('end', bytes(100_000))\n"
        "lease = client.acquire(['end']); part = lease.views[0][1:]\n"
        "client.submit_get_into(['end'], [bytearray(100_000)])\n"
        "print('ended')\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


def test_the_package_is_imported_without_the_library():
    done = run_python("import reprise; print(reprise.__version__)", REPRISE_LIBRARY="/nowhere.so")
    assert done.stdout == f"{reprise.__version__}\n", done.stderr


@pytest.mark.parametrize("library", ["/nowhere.so", "libc.so.6", __file__])
def test_another_library_is_refused_with_a_reason(library):
    done = run_python(
        "import reprise\ntry:\n    reprise.Client('x')\nexcept ImportError as error:\n    print(error)",
        REPRISE_LIBRARY=library,
    )
    assert "cannot be loaded as Reprise's library" in done.stdout, done.stderr


def test_versions_agree():
    from reprise._library import load

    assert load().version().decode() == reprise.__version__
    text = (pathlib.Path(reprise.__file__).parents[1] / "pyproject.toml").read_text()
    assert f'version = "{reprise.__version__}"' in text
