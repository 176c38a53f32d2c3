"""Batches that the client's threads carry out, drained by hand or awaited."""

from __future__ import annotations

import asyncio
import select
import threading
import time

import pytest
import reprise

from conftest import MEBIBYTE, pattern

LIMIT_SECONDS = 30


def drain(client, count: int = 1) -> list:
    """As many completions, waited for by the client's descriptor."""
    poller = select.poll()
    poller.register(client.event_fd(), select.POLLIN)
    found = []
    deadline = time.monotonic() + LIMIT_SECONDS
    while len(found) < count:
        assert poller.poll(1000 * max(0, deadline - time.monotonic())), "no completion came"
        found += client.drain()
    return found


def test_all_operations(client, prefix):
    keys = [f"{prefix}{index}" for index in range(3)]
    values = [pattern(MEBIBYTE, index) for index in range(3)]
    rooms = [bytearray(MEBIBYTE) for _ in range(3)]
    steps = [
        (client.submit_exists, (keys,), [0, 0, 0]),
        (client.submit_set, (keys[:2], values[:2]), [0, 0]),
        (client.submit_exists, (keys,), [1, 1, 0]),
        (client.submit_lookup, (keys,), [2]),
        (client.submit_get_into, (keys, rooms), [MEBIBYTE, MEBIBYTE, reprise.MISSING]),
        (client.submit_delete, (keys,), [1, 1, 0]),
    ]
    for submit, arguments, expected in steps:
        number = submit(*arguments)
        assert drain(client) == [reprise.Completion(number, True, "", expected, 0)]
    assert rooms[:2] == values[:2]
    assert client.drain() == []


def test_many_at_once_end_each_once(client, prefix):
    numbers = [client.submit_set([f"{prefix}{index}"], [pattern(9999, index)]) for index in range(200)]
    assert sorted(completion.id for completion in drain(client, 200)) == sorted(numbers)
    rooms = {}
    for index in range(200):
        room = bytearray(9999)
        rooms[client.submit_get_into([f"{prefix}{index}"], [room])] = index, room
    for completion in drain(client, 200):
        index, room = rooms[completion.id]
        assert completion.results == [9999] and room == pattern(9999, index)


def test_memory_is_kept_until_the_batch_is_drained(client, prefix):
    room = bytearray(MEBIBYTE)
    client.set(prefix, pattern(MEBIBYTE))
    client.submit_get_into([prefix], [room])
    with pytest.raises(BufferError):
        room.clear()
    drain(client)
    room.clear()
    # No other reference to this value is left.
    client.submit_set([prefix], [pattern(4 * MEBIBYTE, 5)])
    assert drain(client)[0].ok
    assert client.get(prefix) == pattern(4 * MEBIBYTE, 5)


def test_a_batch_that_fails_says_why(tmp_path):
    with reprise.Client(tmp_path / "nowhere.sock", connect_later=True, timeout=0.2) as client:
        number = client.submit_exists(["key"])
        (completion,) = drain(client)
        assert completion.id == number and not completion.ok and completion.results == []
        assert completion.error and completion.status in (-3, -4)


def test_a_lookup_is_redeemed_by_a_submitted_batch(client, prefix):
    client.set(prefix, b"12345")
    _, lookup = client.lookup_keeping([prefix])
    client.delete(prefix)
    room = bytearray(5)
    client.submit_get_into([prefix], [room], lookup=lookup)
    assert drain(client)[0].results == [5] and room == b"12345"


def test_awaited_calls(client, prefix):
    keys = [f"{prefix}{index}" for index in range(3)]

    async def run():
        await client.aset(keys[0], b"12345")
        assert await client.aset_many(keys[1:2], [b"54321"]) == [0]
        assert await client.aget(keys[0]) == b"12345"
        assert await client.aget(keys[2]) is None
        rooms = [bytearray(5) for _ in keys]
        assert await client.aget_many_into(keys, rooms) == [5, 5, reprise.MISSING]
        assert rooms[:2] == [b"12345", b"54321"]
        assert await client.aexists_many(keys) == [True, True, False]
        assert await client.alookup(keys) == 2
        assert await client.adelete_many(keys) == [True, True, False]

    # Each on a loop of its own.
    asyncio.run(run())
    asyncio.run(run())


def test_many_are_awaited_at_once(client, prefix):
    async def run():
        await asyncio.gather(*(client.aset(f"{prefix}{index}", pattern(9999, index)) for index in range(100)))
        return await asyncio.gather(*(client.aget(f"{prefix}{index}") for index in range(100)))

    assert asyncio.run(run()) == [pattern(9999, index) for index in range(100)]


def test_a_cancelled_call_does_no_harm(client, prefix):
    async def run():
        task = asyncio.ensure_future(client.aset(prefix, pattern(16 * MEBIBYTE)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Later ones are not disturbed by the completion that nobody waits for.
        await client.aset(prefix + "2", b"1")
        assert await client.aget(prefix + "2") == b"1"

    asyncio.run(run())


def test_drain_and_awaiting_exclude_each_other(client, prefix):
    async def run():
        await client.aset(prefix, b"1")
        with pytest.raises(reprise.InvalidArgument, match="asyncio"):
            client.drain()

    asyncio.run(run())


def test_closing_fails_what_is_awaited(socket_path, prefix):
    async def run():
        client = reprise.Client(socket_path, copy_threads=1)
        tasks = [asyncio.ensure_future(client.aset(f"{prefix}{i}", bytes(MEBIBYTE))) for i in range(50)]
        await asyncio.sleep(0)
        client.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(outcome, reprise.Closed) for outcome in outcomes)
        assert all(outcome is None or isinstance(outcome, reprise.Closed) for outcome in outcomes)
        with pytest.raises(reprise.Closed):
            await client.aset(prefix, b"1")

    asyncio.run(asyncio.wait_for(run(), LIMIT_SECONDS))


def test_many_threads_share_a_client(client, prefix):
    failures = []

    def work(thread: int):
        try:
            for round in range(30):
                value = pattern(50_000, thread * 100 + round)
                client.set(f"{prefix}{thread}", value)
                assert client.get(f"{prefix}{thread}") == value
                with client.acquire([f"{prefix}{thread}"]) as lease:
                    assert lease.views[0] == value
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
