"""Values stored and read one by one and in batches, from all kinds of memory."""

from __future__ import annotations

import array
import mmap

import pytest
import reprise

from conftest import MEBIBYTE, pattern


def test_a_value_is_stored_read_and_removed(client, prefix):
    key = prefix + "key"
    assert client.get(key) is None
    assert not client.exists(key)
    client.set(key, b"value")
    assert client.exists(key)
    assert client.get(key) == b"value"
    client.set(key, b"another value")
    assert client.get(key) == b"another value"
    assert client.delete(key)
    assert not client.delete(key)
    assert client.get(key) is None


def test_text_is_utf_8_and_bytes_are_taken_as_they_are(client, prefix):
    client.set(prefix + "ключ", b"1")
    assert client.get((prefix + "ключ").encode()) == b"1"
    odd = prefix.encode() + bytes(range(256))
    client.set_many([odd, prefix + "é", bytearray(odd + b"2")], [b"a", b"b", b"c"])
    assert client.exists_many([odd, (prefix + "é").encode(), odd + b"2", odd + b"3"]) == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("length", [1, 4095, MEBIBYTE + 1, 4 * MEBIBYTE])
def test_values_of_many_lengths_come_back_equal(client, prefix, length):
    value = pattern(length, seed=length)
    client.set(prefix, value)
    room = bytearray(length)
    assert client.get_into(prefix, room)
    assert room == value
    assert client.get(prefix) == value


def test_memory_of_all_kinds_is_read_and_written(client, prefix):
    value = pattern(mmap.PAGESIZE)
    mapped = mmap.mmap(-1, mmap.PAGESIZE)
    for room in (
        bytearray(len(value)),
        array.array("d", bytes(len(value))),
        mapped,
        memoryview(bytearray(value)),
    ):
        client.set(prefix, value)
        assert client.get_into(prefix, room)
        assert bytes(memoryview(room)) == value
        client.set(prefix + "again", room)
        assert client.get(prefix + "again") == value
    # Nothing is exported any more: closing would fail.
    mapped.close()


def test_numpy_arrays(client, prefix):
    numpy = pytest.importorskip("numpy")
    value = numpy.arange(3000, dtype=numpy.float32).reshape(30, 100)
    client.set(prefix, value)
    room = numpy.zeros_like(value)
    assert client.get_into(prefix, room)
    assert (room == value).all()
    assert client.get_into(prefix, room.view(numpy.uint8).reshape(-1))


def test_torch_tensors(client, prefix):
    torch = pytest.importorskip("torch")
    value = torch.arange(3000, dtype=torch.float32).to(torch.bfloat16).reshape(30, 100)
    client.set(prefix, value)
    room = torch.zeros_like(value)
    assert client.get_into(prefix, room)
    assert torch.equal(room, value)
    with pytest.raises(reprise.InvalidArgument, match="contiguous"):
        client.set(prefix, value.t())
    with pytest.raises(reprise.InvalidArgument, match="CPU"):
        client.set(prefix, torch.empty(4, device="meta"))


def test_batches_tell_of_each_key(client, prefix):
    keys = [f"{prefix}{index}" for index in range(300)]
    values = [pattern(100 + index, index) for index in range(300)]
    assert client.set_many(keys, values) == [0] * 300
    rooms = [bytearray(len(value)) for value in values]
    rooms[7] = bytearray(5)
    results = client.get_many_into([*keys, prefix + "missing"], [*rooms, bytearray(1)])
    assert results[7] == reprise.LengthMismatch.status
    assert results[300] == reprise.MISSING
    for index in set(range(300)) - {7}:
        assert results[index] == len(values[index])
        assert rooms[index] == values[index]
    assert client.delete_many(keys[:2] + [prefix + "missing"]) == [True, True, False]
    assert client.exists_many(keys[:4]) == [False, False, True, True]


def test_the_longest_stored_prefix(client, prefix):
    keys = [f"{prefix}{index}" for index in range(512)]
    assert client.lookup(keys) == 0
    client.set_many(keys[:100] + keys[200:], [b"x"] * 412)
    assert client.lookup(keys) == 100
    assert client.lookup(keys[200:]) == 312


def test_empty_batches_do_nothing(client):
    assert client.set_many([], []) == []
    assert client.get_many_into([], []) == []
    assert client.exists_many([]) == client.delete_many([]) == []
    assert client.lookup([]) == 0
    assert client.acquire([]).views == []


def test_batches_are_taken_from_any_iterable(client, prefix):
    keys = (f"{prefix}{index}" for index in range(3))
    assert client.set_many(keys, iter([b"0", b"1", b"2"])) == [0, 0, 0]
    assert client.exists_many({f"{prefix}{index}": None for index in range(3)}) == [True] * 3


def test_a_value_in_pieces(client, prefix):
    value = pattern(10_000)
    client.set(prefix, reprise.Pieces([value[:1], value[1:5000], value[5000:]]))
    assert client.get(prefix) == value
    rooms = [bytearray(3000), bytearray(6000), bytearray(1000)]
    pieces = reprise.Pieces(rooms, writable=True)
    assert pieces.byte_count == 10_000
    for _ in range(2):
        assert client.get_into(prefix, pieces)
        assert b"".join(rooms) == value
    whole = bytearray(10_000)
    assert client.get_many_into([prefix, prefix], [pieces, whole]) == [10_000, 10_000]
    assert whole == value


def test_pieces_at_addresses(client, prefix):
    memory = array.array("B", pattern(4096))
    base = memory.buffer_info()[0]
    blocks = [base + 1024 * block for block in (3, 1, 2)]
    client.set(prefix, reprise.Pieces.from_addresses(blocks, 1024, keep=memory))
    expected = b"".join(bytes(memory[1024 * block : 1024 * block + 1024]) for block in (3, 1, 2))
    assert client.get(prefix) == expected
    room = array.array("B", bytes(3072))
    target = [room.buffer_info()[0], room.buffer_info()[0] + 72]
    assert client.get_into(prefix, reprise.Pieces.from_addresses(target, [72, 3000], keep=room))
    assert room.tobytes() == expected


def test_pieces_at_addresses_in_a_numpy_array(client, prefix):
    numpy = pytest.importorskip("numpy")
    memory = numpy.frombuffer(bytearray(pattern(8192)), dtype=numpy.uint8)
    offsets = numpy.array([4096, 0], dtype=numpy.uint64)
    client.set(prefix, reprise.Pieces.from_addresses(memory.ctypes.data + offsets, 4096, keep=memory))
    assert client.get(prefix) == memory[4096:].tobytes() + memory[:4096].tobytes()
    with pytest.raises(reprise.InvalidArgument, match="whole numbers"):
        reprise.Pieces.from_addresses(numpy.array([-1]), 10)


def test_a_lookup_keeps_what_it_has_found_for_others_of_the_session(socket_path, prefix):
    session = bytes(range(1, 17))
    keys = [f"{prefix}{index}" for index in range(4)]
    with (
        reprise.Client(socket_path, session=session) as one,
        reprise.Client(socket_path, session=session) as two,
    ):
        assert one.lookup_keeping(keys) == (0, 0)
        one.set_many(keys[:3], [pattern(1000, index) for index in range(3)])
        count, lookup = one.lookup_keeping(keys)
        assert count == 3 and lookup != 0
        one.delete_many(keys)
        rooms = [bytearray(1000) for _ in range(3)]
        assert two.get_many_into(keys[:3], rooms, lookup=lookup) == [1000] * 3
        assert rooms == [pattern(1000, index) for index in range(3)]
        # It is redeemed, and what it kept was removed.
        assert two.get_many_into(keys[:3], rooms, lookup=lookup) == [reprise.MISSING] * 3
        two.forget_lookup(lookup)


def test_statistics(client, prefix):
    client.set(prefix, bytes(1000))
    assert client.get(prefix) == bytes(1000)
    found = client.statistics()
    assert found.connected and found.writable
    assert found.capacity_bytes > 100 * MEBIBYTE
    assert found.used_bytes >= 1000 and found.entries >= 1
    assert found.bytes_stored == 1000
    assert found.reconnects == found.leases == found.leased_bytes == 0


def test_an_embedded_node(prefix):
    with reprise.Client.embedded(16 * MEBIBYTE) as client:
        assert client.get(prefix) is None
        client.set(prefix, pattern(MEBIBYTE))
        assert client.get(prefix) == pattern(MEBIBYTE)
        with client.acquire([prefix]) as lease:
            assert lease.views[0] == pattern(MEBIBYTE)
        with pytest.raises(reprise.NoRoom):
            client.set(prefix, bytes(64 * MEBIBYTE))
