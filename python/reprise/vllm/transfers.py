"""Copies between a worker's KV cache and the node, straight from and to the memory of the tensors."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MISSING, Error
from ..pieces import Pieces
from .layout import Layout

# What a chunk of a batch that failed as a whole counts as.
FAILED = MISSING
# REPRISE_BATCH_PIECES_MAX of the library.
BATCH_PIECES_MAX = 1 << 20
# How often a wait looks whether its time is over.
WAIT_STEP_SECONDS = 0.5


@dataclass(eq=False)
class Transfer:
    """Chunks of one request on their way, in one direction.

    - is_load: whether into the KV cache.
    - keys, blocks: of each chunk.
    - skip: blocks at the head of the first chunk that must not be touched; of loads only.
    - lookup: what keeps the chunks, or 0.
    - results: of each chunk a negative number if it failed; set when the transfer has ended.
    - error: why, if all of it failed.
    """

    request: str
    is_load: bool
    keys: list[str]
    blocks: list[list[int]]
    skip: int = 0
    lookup: int = 0
    results: list[int] | None = None
    error: str = ""

    def fail(self, error: str) -> Transfer:
        """Ends all of it without success."""
        self.results, self.error = [FAILED] * len(self.keys), error
        return self


class DirectMover:
    """Has the node's library copy from and to the tensors themselves: for a KV cache in this host's memory.

    - client: used by this object alone for submitted batches.
    - pieces_max: the most pieces of one batch.
    """

    def __init__(self, client: Any, layout: Layout, pieces_max: int = BATCH_PIECES_MAX):
        self._client, self._layout, self._pieces_max = client, layout, pieces_max
        self._batches: dict[int, tuple[Transfer, slice]] = {}
        self._left: dict[Transfer, int] = {}
        self._ended: list[Transfer] = []

    def start(self, transfer: Transfer) -> None:
        """Begins a transfer, which ends in `poll`. Raises `ValueError` for blocks there are not."""
        values = []
        for index, blocks in enumerate(transfer.blocks):
            addresses, lengths = self._layout.pieces(blocks, transfer.skip if index == 0 else 0)
            values.append(Pieces.from_addresses(addresses, lengths, keep=self._layout))
        transfer.results = [FAILED] * len(transfer.keys)
        batches = _batches([len(value) for value in values], self._pieces_max)
        self._left[transfer] = len(batches)
        for batch in batches:
            try:
                number = self._submit(transfer, transfer.keys[batch], values[batch])
            except Error as error:
                transfer.error = str(error)
                self._batch_ended(transfer)
            else:
                self._batches[number] = (transfer, batch)

    def _submit(self, transfer: Transfer, keys: list[str], values: list[Pieces]) -> int:
        if not transfer.is_load:
            return self._client.submit_set(keys, values)
        # The first batch redeems the lookup; what it kept for others is stored, if not evicted meanwhile.
        lookup, transfer.lookup = transfer.lookup, 0
        return self._client.submit_get_into(keys, values, lookup=lookup)

    def _batch_ended(self, transfer: Transfer) -> None:
        self._left[transfer] -= 1
        if self._left[transfer] == 0:
            del self._left[transfer]
            self._ended.append(transfer)

    @property
    def active(self) -> list[Transfer]:
        """The transfers that have begun and not ended."""
        return list(self._left)

    def poll(self) -> list[Transfer]:
        """The transfers that have ended since the last call; does not wait."""
        for completion in self._client.drain() if self._batches else ():
            transfer, batch = self._batches.pop(completion.id)
            if completion.ok:
                transfer.results[batch] = completion.results
            else:
                transfer.error = completion.error
            self._batch_ended(transfer)
        ended, self._ended = self._ended, []
        return ended

    def wait(self, seconds: float) -> None:
        """Waits until something may have ended, for so long at most."""
        if self._batches and not self._ended:
            select.select([self._client.event_fd()], [], [], seconds)

    def abandon(self) -> list[Transfer]:
        """Ends all that is under way; the memory is no longer used. The client is closed by it."""
        self._client.close()
        left, self._left = list(self._left), {}
        self._batches.clear()
        ended, self._ended = self._ended, []
        return ended + [transfer.fail("it took too long and was given up") for transfer in left]


def _batches(counts: Sequence[int], most: int) -> list[slice]:
    """Slices of values with so many pieces at most, or of one value."""
    slices, begin, total = [], 0, 0
    for index, count in enumerate(counts):
        if index > begin and total + count > most:
            slices.append(slice(begin, index))
            begin, total = index, 0
        total += count
    return [*slices, slice(begin, len(counts))]


def wait_until(
    done: Callable[[], bool],
    wait: Callable[[float], None],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Waits until something is done, for so long at most; whether it is.

    - done: asked after each wait; takes in what has ended.
    - wait: waits for a given time or less.
    """
    end = clock() + seconds
    while not done():
        left = end - clock()
        if left <= 0:
            return False
        wait(min(left, WAIT_STEP_SECONDS))
    return True


def split(chunks: Sequence[Any], parts: int) -> list[slice]:
    """Up to so many slices of about the same length, none of them empty."""
    count = min(parts, len(chunks))
    ends = [len(chunks) * (index + 1) // count for index in range(count)] if count else []
    return [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
