"""Stores and loads sequences through LMCache 0.5.6's server by its own bench client, which checks sums.

Usage: python lmcache_server_round.py store|load|miss RPC_URL FIRST COUNT FILE

`store` expects that no chunk is there, stores COUNT sequences from number FIRST on, and writes the sums of
their chunks to FILE; `load` expects all, loads them into cleared memory and compares the sums; `miss` expects
none.
"""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import sys
import time

os.environ.update(LMCACHE_TRACK_USAGE="false", LMCACHE_DISABLE_BANNER="1", LMCACHE_LOG_LEVEL="WARNING")

from lmcache.cli.commands.bench.server_bench.client import ServerBenchClient  # noqa: E402
from lmcache.cli.commands.bench.server_bench.config import BenchConfig  # noqa: E402

TOKEN_COUNT = 512
# 2 layers of 4 heads: a chunk of 256 tokens has 1 MiB.
SHAPE = "(2,1024,16,4,128):float16:2"

STORE_LIMIT_SECONDS = 30
REQUESTS = itertools.count()


def connect(url: str) -> ServerBenchClient:
    config = BenchConfig(
        rpc_url=url,
        http_url="",
        mode="cpu",
        transfer_mode="engine_driven",
        tp_size=1,
        use_mla=False,
        num_tokens=TOKEN_COUNT,
        kvcache_shape_spec=SHAPE,
        num_blocks=1024,
        block_size=16,
    )
    client = ServerBenchClient(config, lambda text: print(text, flush=True))
    client.start()
    return client


def look_up(client: ServerBenchClient, sequence: int):
    """A request for a sequence, and how many of its two chunks there are."""
    request = client.create_request(sequence, f"{sequence}-{next(REQUESTS)}-{os.getpid()}", "round")
    assert request is not None and request.total_chunks == 2
    found = client.lookup(request)
    assert found.succeeded, f"sequence {sequence}: {found.error}"
    return request, found.hit_chunks


def store(client: ServerBenchClient, sequence: int) -> list[str]:
    miss(client, sequence)
    deadline = time.monotonic() + STORE_LIMIT_SECONDS
    while True:
        request, _ = look_up(client, sequence)
        sums = client.compute_checksums(request, 0, request.num_full_tokens)
        stored = client.store(request, 0, request.num_full_tokens)
        assert sums and stored is not None and stored.succeeded, f"sequence {sequence} was not stored"
        client.end_session(request)
        # The server says that it has stored what its full first level has dropped; eviction takes a moment.
        loaded = load(client, sequence)
        if loaded is not None:
            assert loaded == sums, f"sequence {sequence}: other bytes"
            return sums
        assert time.monotonic() < deadline, f"the first level has no room for sequence {sequence}"
        time.sleep(0.2)


def load(client: ServerBenchClient, sequence: int) -> list[str] | None:
    """The sums of a sequence's chunks, loaded into cleared memory; `None` if one is missing."""
    request, hits = look_up(client, sequence)
    try:
        if hits < request.total_chunks:
            return None
        count = request.num_full_tokens
        client.zero_destination(request, 0, count)
        loaded = client.retrieve(request, 0, count)
        assert loaded is not None and loaded.succeeded, f"sequence {sequence} was not loaded"
        return client.compute_checksums(request, 0, count)
    finally:
        client.end_session(request)


def miss(client: ServerBenchClient, sequence: int) -> None:
    request, hits = look_up(client, sequence)
    client.end_session(request)
    assert hits == 0, f"sequence {sequence}: {hits} chunks, not 0"


def main(action: str, url: str, first: int, count: int, file: pathlib.Path) -> None:
    client = connect(url)
    sequences = range(first, first + count)
    if action == "store":
        sums = [store(client, sequence) for sequence in sequences]
        assert len({value for values in sums for value in values}) == 2 * count, "chunks are alike"
        file.write_text(json.dumps(sums))
    elif action == "load":
        expected = json.loads(file.read_text())
        assert len(expected) == count
        for sequence, wanted in zip(sequences, expected):
            loaded = load(client, sequence)
            assert loaded is not None, f"sequence {sequence} is missing"
            assert loaded == wanted, f"sequence {sequence}: other bytes"
    else:
        for sequence in sequences:
            miss(client, sequence)
    client.close()


if __name__ == "__main__":
    action, url, first, count, file = sys.argv[1:]
    main(action, url, int(first), int(count), pathlib.Path(file))
    print(f"round {action} held", flush=True)
    # LMCache's threads must not keep the process.
    os._exit(0)
