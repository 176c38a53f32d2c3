"""`reprise.lmcache.L2Client` on the contract of LMCache's `native_plugin`, without LMCache."""

from __future__ import annotations

import select
import time

import pytest
import reprise
from reprise.lmcache import L2Client

from conftest import MEBIBYTE, pattern

LIMIT_SECONDS = 30


@pytest.fixture
def l2(socket_path):
    client = L2Client(path=socket_path)
    yield client
    client.close()


def wait(l2, count: int = 1) -> list:
    poller = select.poll()
    poller.register(l2.event_fd(), select.POLLIN)
    found, deadline = [], time.monotonic() + LIMIT_SECONDS
    while len(found) < count:
        assert poller.poll(1000 * max(0, deadline - time.monotonic())), "no completion came"
        found += l2.drain_completions()
    # Nothing is left, so LMCache's thread sleeps.
    assert not poller.poll(0)
    assert l2.drain_completions() == []
    return found


def test_chunks_are_stored_found_loaded_and_removed(l2, prefix):
    keys = [f"test-model@01000100@0@{prefix.encode().hex()}{index:02x}" for index in range(4)]
    chunks = [bytearray(pattern(MEBIBYTE // 2, index)) for index in range(3)]
    number = l2.submit_batch_exists(keys)
    assert wait(l2) == [(number, True, "", [False] * 4)]
    number = l2.submit_batch_set(keys[:3], [memoryview(chunk) for chunk in chunks])
    assert wait(l2) == [(number, True, "", None)]
    number = l2.submit_batch_exists(keys)
    assert wait(l2) == [(number, True, "", [True, True, True, False])]
    rooms = [bytearray(MEBIBYTE // 2) for _ in range(4)]
    number = l2.submit_batch_get(keys[:3], [memoryview(room) for room in rooms[:3]])
    assert wait(l2) == [(number, True, "", [True, True, True])]
    assert rooms[:3] == chunks
    number = l2.submit_batch_delete(keys)
    # What was not there is gone, too.
    assert wait(l2) == [(number, True, "", [True] * 4)]
    number = l2.submit_batch_exists(keys)
    assert wait(l2) == [(number, True, "", [False] * 4)]


def test_a_partial_load_says_which(l2, prefix):
    l2.submit_batch_set([prefix], [bytearray(b"12345")])
    wait(l2)
    number = l2.submit_batch_get([prefix, prefix + "missing"], [bytearray(5), bytearray(5)])
    ((found, ok, error, loaded),) = wait(l2)
    assert (found, ok, loaded) == (number, False, [True, False]) and "1 of 2" in error
    number = l2.submit_batch_get([prefix], [bytearray(4)])
    assert wait(l2)[0][1:2] + wait_nothing(l2) == (False,)


def wait_nothing(l2) -> tuple:
    assert l2.drain_completions() == []
    return ()


def test_batches_of_any_size(l2, prefix):
    keys = [f"{prefix}{index}" for index in range(9000)]
    l2.submit_batch_set(keys, [bytearray(str(index).encode()) for index in range(9000)])
    ((_, ok, error, _),) = wait(l2)
    assert ok, error
    number = l2.submit_batch_exists([prefix + "missing", *keys])
    assert wait(l2) == [(number, True, "", [False] + [True] * 9000)]
    number = l2.submit_batch_exists([])
    assert wait(l2) == [(number, True, "", [])]


def test_a_key_that_repeats_is_stored_once(l2, prefix):
    l2.submit_batch_set([prefix, prefix], [bytearray(b"1"), bytearray(b"2")])
    assert wait(l2)[0][1]
    room = bytearray(1)
    l2.submit_batch_get([prefix, prefix], [room, bytearray(1)])
    assert wait(l2)[0][3] == [True, True] and room == b"2"


def test_a_wrong_submission_is_a_completion_that_failed(l2, prefix):
    for submit in (
        lambda: l2.submit_batch_get([prefix], [b"read-only"]),
        lambda: l2.submit_batch_set([""], [bytearray(1)]),
        lambda: l2.submit_batch_exists(["k" * 5000]),
    ):
        number = submit()
        ((found, ok, error, results),) = wait(l2)
        assert (found, ok, results) == (number, False, None) and error
    with pytest.raises(ValueError, match="one for each"):
        l2.submit_batch_set([prefix], [])


def test_numbers_are_not_used_twice_and_several_end_at_once(l2, prefix):
    numbers = [l2.submit_batch_set([f"{prefix}{index}"], [bytearray(b"1")]) for index in range(100)]
    assert len(set(numbers)) == 100
    assert sorted(entry[0] for entry in wait(l2, 100)) == sorted(numbers)


def test_without_a_node_all_is_missing(tmp_path, caplog):
    l2 = L2Client(path=str(tmp_path / "nowhere.sock"), timeout=0.2)
    assert "cannot be reached yet" in caplog.text
    number = l2.submit_batch_exists(["key"])
    ((found, ok, error, results),) = wait(l2)
    assert (found, ok, results) == (number, False, None) and error
    l2.close()
    l2.close()
    with pytest.raises(reprise.Closed):
        l2.submit_batch_exists(["key"])
