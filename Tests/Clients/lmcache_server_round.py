"""Stores and loads sequences through LMCache 0.5.6's server by its own bench client, which checks sums.

Usage: python lmcache_server_round.py store|load|miss RPC_URL COUNT FILE

`store` expects that no chunk is there, stores COUNT sequences and writes the sums of their chunks to FILE;
`load` expects all, loads them into cleared memory and compares the sums; `miss` expects none.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys

os.environ.update(LMCACHE_TRACK_USAGE="false", LMCACHE_DISABLE_BANNER="1", LMCACHE_LOG_LEVEL="WARNING")

from lmcache.cli.commands.bench.server_bench.client import ServerBenchClient  # noqa: E402
from lmcache.cli.commands.bench.server_bench.config import BenchConfig  # noqa: E402

TOKEN_COUNT = 512
# 2 layers of 4 heads: a chunk of 256 tokens has 1 MiB.
SHAPE = "(2,1024,16,4,128):float16:2"


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


def lookup(client: ServerBenchClient, sequence: int, kind: str, expected: bool):
    request = client.create_request(sequence, f"{kind}-{sequence}-{os.getpid()}", kind)
    assert request is not None and request.total_chunks == 2
    found = client.lookup(request)
    assert found.succeeded, f"sequence {sequence}: {found.error}"
    wanted = request.total_chunks if expected else 0
    assert found.hit_chunks == wanted, f"sequence {sequence}: {found.hit_chunks} chunks, not {wanted}"
    return request


def store(client: ServerBenchClient, sequence: int) -> list[str]:
    request = lookup(client, sequence, "store", False)
    sums = client.compute_checksums(request, 0, request.num_full_tokens)
    stored = client.store(request, 0, request.num_full_tokens)
    assert sums and stored is not None and stored.succeeded, f"sequence {sequence} was not stored"
    client.end_session(request)
    return sums


def load(client: ServerBenchClient, sequence: int) -> list[str]:
    request = lookup(client, sequence, "load", True)
    client.zero_destination(request, 0, request.num_full_tokens)
    loaded = client.retrieve(request, 0, request.num_full_tokens)
    assert loaded is not None and loaded.succeeded, f"sequence {sequence} was not loaded"
    sums = client.compute_checksums(request, 0, request.num_full_tokens)
    client.end_session(request)
    return sums or []


def miss(client: ServerBenchClient, sequence: int) -> None:
    client.end_session(lookup(client, sequence, "miss", False))


def main(action: str, url: str, count: int, file: pathlib.Path) -> None:
    client = connect(url)
    if action == "store":
        sums = [store(client, sequence) for sequence in range(count)]
        assert len({value for values in sums for value in values}) == 2 * count, "chunks are alike"
        file.write_text(json.dumps(sums))
    elif action == "load":
        expected = json.loads(file.read_text())
        assert len(expected) == count
        for sequence in range(count):
            assert load(client, sequence) == expected[sequence], f"sequence {sequence}: other bytes"
    else:
        for sequence in range(count):
            miss(client, sequence)
    client.close()


if __name__ == "__main__":
    action, url, count, file = sys.argv[1:]
    main(action, url, int(count), pathlib.Path(file))
    print(f"round {action} held", flush=True)
    # LMCache's threads must not keep the process.
    os._exit(0)
