"""The keys that a model's chunks are stored under.

A key is `vllm1:<namespace>:<rank>:<salt>:<hash>`. The namespace is a digest of everything that the bytes of a
chunk depend on but its tokens; the hash is vLLM's own of the chunk's last block, which chains all tokens
before it, adapters and media. What differs in any of them has another key, so that it can never meet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

# Changes whenever the bytes of a chunk or the fields of the namespace do.
FORMAT = "vllm1"
DIGEST_CHARACTERS = 32
NO_SALT = "-"


def digest(fields: Mapping[str, Any]) -> str:
    """A digest of fields that does not depend on their order: 128 bits of SHA-256 of their canonical JSON.

    Raises `TypeError` for what JSON cannot express, rather than to leave it out.
    """
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]


def rank_prefix(fields: Mapping[str, Any], rank: str) -> str:
    """What the keys of one worker begin with.

    - fields: all that the bytes depend on but the tokens; the same for the same configuration.
    - rank: the worker's place among those that share the model, as "0.1".
    """
    return f"{FORMAT}:{digest(fields)}:{rank}:"


def salt_name(cache_salt: str | None, generation: str = "") -> str:
    """The part of a key that keeps apart requests of different `cache_salt`.

    - generation: a name that changes when everything stored before is to be out of reach.
    """
    if not cache_salt and not generation:
        return NO_SALT
    text = json.dumps([cache_salt or "", generation])
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]


def chunk_names(block_hashes: Sequence[bytes], hashes_per_chunk: int, count: int, salt: str) -> list[str]:
    """The names of a request's first chunks, which follow a worker's prefix.

    - block_hashes: vLLM's hashes of the request's full blocks, each of which covers all tokens before it.
    - count: how many are wanted; fewer are returned if fewer are full.
    """
    full = min(count, len(block_hashes) // hashes_per_chunk)
    ends = range(hashes_per_chunk - 1, full * hashes_per_chunk, hashes_per_chunk)
    return [f"{salt}:{bytes(block_hashes[end]).hex()}" for end in ends]
