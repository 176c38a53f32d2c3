"""Copies between a device's KV cache and the node, through pinned memory of the host."""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import Error
from .layout import Layout
from .transfers import Transfer

# Buffers beyond this many do not make anything faster.
BUFFERS_MAX = 64


@dataclass(eq=False)
class Chunk:
    """One chunk of a transfer, with the buffer that it passes through.

    - event: recorded after the device's copy, or `None` if the copy was made at once.
    """

    transfer: Transfer
    index: int
    buffer: torch.Tensor | None = None
    event: Any = None
    result: int = -1

    @property
    def copied(self) -> bool:
        """Whether the device's copy has ended."""
        return self.event is None or self.event.query()


class StagedMover:
    """Passes each chunk through a buffer of pinned memory, with copies on a stream of their own.

    - client: used by this object alone for submitted batches.
    - buffer_bytes: of all buffers together; there is at least one.

    The interface is that of `DirectMover`. Tensors on the CPU are copied at once.
    """

    def __init__(self, client: Any, layout: Layout, chunk_blocks: int, buffer_bytes: int):
        self._client, self._layout = client, layout
        device = next(iter(layout.tensors.values())).device
        self._is_cuda = device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if self._is_cuda else None
        self._device = device
        size = layout.block_bytes * chunk_blocks
        count = max(1, min(BUFFERS_MAX, buffer_bytes // size))
        whole = torch.zeros(count, size, dtype=torch.uint8, pin_memory=self._is_cuda)
        self._free = deque(whole.unbind())
        self._queue: deque[Chunk] = deque()
        self._leaving: list[Chunk] = []
        self._arriving: list[Chunk] = []
        self._submitted: dict[int, list[Chunk]] = {}
        self._left: dict[Transfer, int] = {}
        self._ended: list[Transfer] = []

    def start(self, transfer: Transfer) -> None:
        """Begins a transfer, which ends in `poll`. Raises `ValueError` for blocks there are not."""
        for blocks in transfer.blocks:
            if min(blocks) < 0 or max(blocks) >= self._layout.block_count:
                raise ValueError(f"blocks {blocks} are not all of the {self._layout.block_count} there are")
        if self._stream is not None and not transfer.is_load:
            # What is stored was computed by what the engine's stream has been given so far.
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
        transfer.results = [-1] * len(transfer.keys)
        self._left[transfer] = len(transfer.keys)
        self._queue.extend(Chunk(transfer, index) for index in range(len(transfer.keys)))
        self._begin()

    @property
    def active(self) -> list[Transfer]:
        """The transfers that have begun and not ended."""
        return list(self._left)

    def poll(self) -> list[Transfer]:
        """The transfers that have ended since the last call; does not wait."""
        if self._submitted:
            for completion in self._client.drain():
                self._completed(self._submitted.pop(completion.id), completion)
        copied = [chunk for chunk in self._leaving if chunk.copied]
        self._leaving = [chunk for chunk in self._leaving if chunk not in copied]
        if copied:
            self._submit(copied)
        for chunk in [chunk for chunk in self._arriving if chunk.copied]:
            self._arriving.remove(chunk)
            self._end(chunk)
        self._begin()
        ended, self._ended = self._ended, []
        return ended

    def wait(self, seconds: float) -> None:
        """Waits a little: a device's copies cannot be waited for together with the node's."""
        import select

        limit = seconds if self._submitted and not (self._leaving or self._arriving) else min(seconds, 0.0005)
        select.select([self._client.event_fd()], [], [], limit)

    def abandon(self) -> list[Transfer]:
        """Ends all that is under way; the memory is no longer used. The client is closed by it."""
        self._client.close()
        if self._stream is not None:
            self._stream.synchronize()
        left, self._left = list(self._left), {}
        self._queue.clear()
        self._submitted, self._leaving, self._arriving = {}, [], []
        ended, self._ended = self._ended, []
        return ended + [transfer.fail("it took too long and was given up") for transfer in left]

    # ---- Stages

    def _begin(self) -> None:
        """Gives free buffers to chunks that wait, first come, first served."""
        loads: list[Chunk] = []
        stores: list[Chunk] = []
        while self._queue and self._free:
            chunk = self._queue.popleft()
            chunk.buffer = self._free.popleft()
            if chunk.transfer.is_load:
                loads.append(chunk)
            else:
                self._copy(chunk)
                (self._leaving if chunk.event is not None else stores).append(chunk)
        if stores:
            self._submit(stores)
        # A lookup is redeemed as a whole, so that chunks of different transfers are not of one batch.
        for transfer in dict.fromkeys(chunk.transfer for chunk in loads):
            self._submit([chunk for chunk in loads if chunk.transfer is transfer])

    def _submit(self, chunks: list[Chunk]) -> None:
        keys = [chunk.transfer.keys[chunk.index] for chunk in chunks]
        values = [chunk.buffer[: self._bytes(chunk)] for chunk in chunks]
        transfer = chunks[0].transfer
        try:
            if transfer.is_load:
                number = self._client.submit_get_into(keys, values, lookup=transfer.lookup)
                transfer.lookup = 0
            else:
                number = self._client.submit_set(keys, values)
        except Error as error:
            for chunk in chunks:
                chunk.transfer.error = str(error)
                self._end(chunk)
            return
        self._submitted[number] = chunks

    def _completed(self, chunks: list[Chunk], completion: Any) -> None:
        for index, chunk in enumerate(chunks):
            chunk.result = completion.results[index] if completion.ok else -1
            if not completion.ok:
                chunk.transfer.error = completion.error
            if chunk.transfer.is_load and chunk.result >= 0:
                self._copy(chunk)
                self._arriving.append(chunk)
            else:
                self._end(chunk)

    def _end(self, chunk: Chunk) -> None:
        transfer = chunk.transfer
        transfer.results[chunk.index] = chunk.result
        self._free.append(chunk.buffer)
        chunk.buffer = None
        self._left[transfer] -= 1
        if self._left[transfer] == 0:
            del self._left[transfer]
            self._ended.append(transfer)

    # ---- Copies

    def _bytes(self, chunk: Chunk) -> int:
        return self._layout.block_bytes * len(chunk.transfer.blocks[chunk.index])

    def _copy(self, chunk: Chunk) -> None:
        """Copies between a chunk's blocks and its buffer, in the order of `Layout.pieces`."""
        transfer = chunk.transfer
        blocks = transfer.blocks[chunk.index]
        skip = transfer.skip if transfer.is_load and chunk.index == 0 else 0
        with torch.cuda.stream(self._stream) if self._stream is not None else nullcontext():
            where = torch.tensor(blocks[skip:], dtype=torch.long).to(self._device)
            offset = 0
            for kind, names in self._layout.groups:
                size = kind.block_bytes * len(blocks)
                for name in names:
                    memory = chunk.buffer[offset : offset + size].view(len(blocks), kind.block_bytes)[skip:]
                    _copy_layer(self._layout.tensors[name], kind.order, where, memory, transfer.is_load)
                    offset += size
            if self._stream is not None:
                chunk.event = torch.cuda.Event()
                chunk.event.record(self._stream)


def _copy_layer(
    tensor: torch.Tensor, order: tuple[int, ...], where: torch.Tensor, memory: torch.Tensor, load: bool
) -> None:
    """Copies blocks of a layer to or from memory, of which each row is a block as it lies in memory."""
    in_memory = tensor.permute(0, *order).view(torch.uint8)
    if load:
        shape = (memory.shape[0], *in_memory.shape[1:])
        in_memory.index_copy_(0, where, memory.view(shape).to(in_memory.device, non_blocking=True))
    else:
        memory.copy_(in_memory.index_select(0, where).view(memory.shape), non_blocking=True)
