"""Wrong calls: a clear error to their caller, and no effect on anyone else."""

from __future__ import annotations

import pytest
import reprise

from conftest import pattern


@pytest.fixture(autouse=True)
def others(client, prefix):
    """A value of someone else, which is there and equal after each of these tests."""
    client.set(prefix + "other", pattern(5000))
    yield
    assert client.get(prefix + "other") == pattern(5000)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: b"12345", "read-only"),
        (lambda: memoryview(bytearray(5)).toreadonly(), "read-only"),
        (lambda: memoryview(bytearray(10))[::2], "contiguous"),
        (lambda: "12345", "type str"),
        (lambda: 12345, "type int"),
        (lambda: None, "type NoneType"),
    ],
)
def test_memory_that_cannot_be_written(client, prefix, make, message):
    client.set(prefix, b"12345")
    with pytest.raises(reprise.InvalidArgument, match=message):
        client.get_into(prefix, make())
    with pytest.raises(reprise.InvalidArgument, match=message):
        client.submit_get_into([prefix], [make()])
    with pytest.raises(reprise.InvalidArgument, match=message):
        client.get_many_into([prefix, prefix], [bytearray(5), make()])


def test_memory_that_is_not_contiguous_is_not_stored(client, prefix):
    with pytest.raises(reprise.InvalidArgument, match="contiguous"):
        client.set(prefix, memoryview(b"1234")[::2])
    assert not client.exists(prefix)


def test_numpy_arrays_that_cannot_be_used(client, prefix):
    numpy = pytest.importorskip("numpy")
    square = numpy.zeros((4, 4))
    for wrong in (square[:, 1], square.T, square[::2]):
        with pytest.raises(reprise.InvalidArgument, match="contiguous"):
            client.set(prefix, wrong)
    square.setflags(write=False)
    client.set(prefix, square)
    with pytest.raises(reprise.InvalidArgument, match="read-only"):
        client.get_into(prefix, square)


def test_memory_of_another_length(client, prefix):
    client.set(prefix, b"12345")
    for length in (1, 4, 6, 5000):
        with pytest.raises(reprise.LengthMismatch):
            client.get_into(prefix, bytearray(length))
    assert client.get(prefix) == b"12345"


def test_empty_values_and_keys(client, prefix):
    with pytest.raises(reprise.InvalidArgument):
        client.set(prefix, b"")
    with pytest.raises(reprise.InvalidArgument):
        client.set(prefix, reprise.Pieces([]))
    for key in ("", b"", "k" * 4097):
        with pytest.raises(reprise.InvalidArgument):
            client.set(key, b"1")
        with pytest.raises(reprise.InvalidArgument):
            client.exists_many([prefix, key])
        with pytest.raises(reprise.InvalidArgument):
            client.acquire([key])
    client.set("k" * 4096, b"1")
    assert client.delete("k" * 4096)


@pytest.mark.parametrize("key", [1, None, 1.5, ["a"], "\ud800"])
def test_keys_of_other_types(client, key):
    with pytest.raises(reprise.InvalidArgument):
        client.exists(key)
    with pytest.raises(reprise.InvalidArgument):
        client.exists_many(["a", key])


def test_one_key_where_many_are_expected(client):
    for keys in ("key", b"key"):
        with pytest.raises(reprise.InvalidArgument, match="list"):
            client.exists_many(keys)


def test_as_many_values_as_keys(client, prefix):
    with pytest.raises(reprise.InvalidArgument, match="2 keys and 1 values"):
        client.set_many([prefix, prefix + "2"], [b"1"])
    assert not client.exists(prefix)


def test_keys_that_repeat_are_not_stored(client, prefix):
    with pytest.raises(reprise.InvalidArgument):
        client.set_many([prefix, prefix], [b"1", b"2"])
    assert not client.exists(prefix)


def test_too_many_keys(client, prefix):
    keys = [f"{prefix}{index}" for index in range(4097)]
    with pytest.raises(reprise.InvalidArgument):
        client.exists_many(keys)
    assert client.exists_many(keys[1:]) == [False] * 4096


def test_pieces_that_cannot_be_used(client, prefix):
    client.set(prefix, b"123456")
    with pytest.raises(reprise.InvalidArgument, match="writable"):
        client.get_into(prefix, reprise.Pieces([bytearray(6)]))
    with pytest.raises(reprise.InvalidArgument, match="read-only"):
        reprise.Pieces([bytearray(3), b"123"], writable=True)
    with pytest.raises(reprise.InvalidArgument, match="one for each"):
        reprise.Pieces.from_addresses([1, 2], [3])
    for wrong in (["a"], [-1], [1 << 64], [1.5]):
        with pytest.raises(reprise.InvalidArgument, match="whole numbers"):
            reprise.Pieces.from_addresses(wrong, 3)


def test_failed_calls_leave_the_memory_to_its_owner(client, prefix):
    room = bytearray(3)
    client.set(prefix, b"12345")
    with pytest.raises(reprise.LengthMismatch):
        client.get_into(prefix, room)
    with pytest.raises(reprise.InvalidArgument):
        client.get_many_into([prefix, prefix], [room, b"1"])
    # A buffer that is exported cannot be resized.
    room.extend(b"more")


@pytest.mark.parametrize(
    "options",
    [
        {"session": b"short"},
        {"session": bytes(16)},
        {"copy_threads": 0},
        {"copy_threads": 65},
        {"timeout": 0},
        {"timeout": -1},
        {"connect_timeout": 1e12},
        {"copy_threads": -1},
    ],
)
def test_options_that_cannot_be(socket_path, options):
    with pytest.raises(reprise.InvalidArgument):
        reprise.Client(socket_path, **options)


def test_a_node_that_is_not_there(tmp_path):
    with pytest.raises(reprise.NotConnected) as caught:
        reprise.Client(tmp_path / "nowhere.sock", connect_timeout=0.2)
    assert isinstance(caught.value, ConnectionError) and str(caught.value)
    with reprise.Client(tmp_path / "nowhere.sock", connect_later=True, timeout=0.2) as client:
        with pytest.raises((reprise.NotConnected, reprise.Timeout)):
            client.set("key", b"value")
        assert not client.statistics().connected
    with pytest.raises(reprise.InvalidArgument):
        reprise.Client("a\0b")
