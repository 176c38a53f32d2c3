"""Values read where they lie, and what becomes of views that are still in use."""

from __future__ import annotations

import gc

import pytest
import reprise

from conftest import pattern


@pytest.fixture
def key(client, prefix):
    client.set(prefix, pattern(100_000))
    return prefix


def held(client) -> int:
    gc.collect()
    return client.statistics().leases


def test_views_show_the_values_and_end_with_the_lease(client, key):
    with client.acquire([key, key + "missing"]) as lease:
        view, missing = lease.views
        assert missing is None and lease.results == [100_000, reprise.MISSING]
        assert view.readonly and view.format == "B" and view.nbytes == 100_000
        assert view == pattern(100_000)
        assert held(client) == 1
        with pytest.raises(TypeError):
            view[0] = 1
    assert lease.released and held(client) == 0
    with pytest.raises(ValueError):
        view[0]
    lease.release()


def test_a_value_stays_what_it_was_while_it_is_leased(client, key):
    with client.acquire([key]) as lease:
        client.set(key, pattern(100_000, seed=9))
        assert client.get(key) == pattern(100_000, seed=9)
        assert lease.views[0] == pattern(100_000)
        client.delete(key)
        assert lease.views[0] == pattern(100_000)


def test_a_slice_that_is_left_keeps_the_lease(client, key):
    lease = client.acquire([key])
    part = lease.views[0][10:20]
    with pytest.raises(BufferError, match="in use"):
        lease.release()
    assert not lease.released and held(client) == 1
    client.delete(key)
    assert part == pattern(100_000)[10:20]
    del part
    assert lease.released and held(client) == 0
    lease.release()


def test_an_array_that_is_left_keeps_the_lease(client, key):
    numpy = pytest.importorskip("numpy")
    with pytest.raises(BufferError, match="in use"):
        with client.acquire([key, key]) as lease:
            array = numpy.asarray(lease.views[0])
    assert held(client) == 1
    assert array.tobytes() == pattern(100_000)
    with pytest.raises(ValueError):
        array.setflags(write=True)
    del array
    assert held(client) == 0


def test_another_exception_is_not_hidden_by_a_view_in_use(client, key):
    with pytest.raises(RuntimeError, match="the caller's own"):
        with client.acquire([key]) as lease:
            part = lease.views[0][:1]
            raise RuntimeError("the caller's own")
    del part, lease
    assert held(client) == 0


def test_a_dropped_lease_is_given_back(client, key):
    client.acquire([key, key])
    assert held(client) == 0


def test_views_outlive_the_client(socket_path, key):
    client = reprise.Client(socket_path)
    lease = client.acquire([key])
    part = lease.views[0][1:]
    client.close()
    assert client.closed
    assert part == pattern(100_000)[1:]
    with pytest.raises(reprise.Closed):
        client.get(key)
    del part, lease, client
    gc.collect()


def test_a_batch_of_leases(client, prefix):
    keys = [f"{prefix}{index}" for index in range(100)]
    client.set_many(keys, [pattern(1000 + index, index) for index in range(100)])
    with client.acquire(keys) as lease:
        assert len(lease) == 100 and held(client) == 100
        for index, view in enumerate(lease.views):
            assert view == pattern(1000 + index, index)
    assert held(client) == 0


def test_what_a_value_was_stored_with(client, key):
    with client.acquire([key]) as lease:
        assert lease.layouts == [reprise.Layout(0, 0, (0, 0, 0, 0))]
