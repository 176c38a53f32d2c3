"""Where the blocks of a KV cache lie in memory.

vLLM hands a worker one tensor a layer, whose first dimension counts blocks; the others may lie in memory in
any order. A chunk's bytes are, layer after layer, those of its blocks, each in the order of memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Geometry:
    """How one block of a layer lies, relative to its start.

    - shape: that of a block, in the order of the tensor's dimensions.
    - order: the dimensions after the first, from the outermost in memory to the innermost.
    - offsets: where its contiguous runs begin, in bytes, in the order of memory.
    - run: the bytes of each.
    """

    block_stride: int
    shape: tuple[int, ...]
    order: tuple[int, ...]
    offsets: tuple[int, ...]
    run: int
    dtype: str

    @property
    def block_bytes(self) -> int:
        """Bytes of one block of one layer."""
        return self.run * len(self.offsets)

    def describe(self) -> list[Any]:
        """What decides the meaning of a block's bytes; not where they lie."""
        return [self.dtype, list(self.shape), list(self.order)]


def geometry(tensor: Any) -> Geometry:
    """How the blocks of a layer's tensor lie. Raises `ValueError` if they cannot be told apart."""
    shape, size = tuple(tensor.shape), tensor.element_size()
    strides = tuple(stride * size for stride in tensor.stride())
    if len(shape) < 2:
        raise ValueError(f"a KV cache of shape {shape} has no dimension of blocks")
    if any(stride <= 0 for stride, count in zip(strides, shape, strict=True) if count > 1):
        raise ValueError(f"a KV cache of shape {shape} overlaps itself: its strides are {strides}")
    inner = range(1, len(shape))
    # Dimensions of one element lie anywhere, and are taken as the outermost.
    order = tuple(sorted(inner, key=lambda place: -strides[place] if shape[place] > 1 else float("-inf")))
    run, outer = size, []
    for dimension in reversed(order):
        if shape[dimension] == 1:
            continue
        if not outer and strides[dimension] == run:
            run *= shape[dimension]
        else:
            outer.append((shape[dimension], strides[dimension]))
    offsets = [0]
    for count, stride in reversed(outer):
        offsets = [offset + index * stride for offset in offsets for index in range(count)]
    return Geometry(strides[0], shape[1:], order, tuple(offsets), run, str(tensor.dtype))


class Layout:
    """The layers of a worker's KV cache.

    - kv_caches: vLLM's tensors by the names of their layers; kept alive by this object.

    Raises `ValueError` if the layers do not have the same blocks.
    """

    def __init__(self, kv_caches: Mapping[str, Any]):
        if not kv_caches:
            raise ValueError("there is no KV cache to store: no layer has one")
        self.tensors = {name: _tensor(name, kv_caches[name]) for name in sorted(kv_caches)}
        counts = {tensor.shape[0] for tensor in self.tensors.values()}
        if len(counts) > 1:
            raise ValueError(f"the layers need one number of blocks, and have {sorted(counts)}")
        self.block_count: int = counts.pop()
        self.device: str = next(iter(self.tensors.values())).device.type
        self.groups: list[tuple[Geometry, list[str]]] = []
        groups: dict[Geometry, list[str]] = {}
        for name, tensor in self.tensors.items():
            groups.setdefault(geometry(tensor), []).append(name)
        self.groups = list(groups.items())
        self._bases = [_bases(self.tensors, names) for _, names in self.groups]
        self._scratch = np.zeros(max(kind.run for kind in groups), dtype=np.uint8)

    @property
    def block_bytes(self) -> int:
        """Bytes of one block of all layers."""
        return sum(kind.block_bytes * len(names) for kind, names in self.groups)

    def describe(self) -> dict[str, Any]:
        """What decides the meaning of a chunk's bytes, for the namespace of its key."""
        return {"layers": [[kind.describe(), names] for kind, names in self.groups]}

    def pieces(self, blocks: Sequence[int], skip: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The addresses and lengths of a chunk's bytes, with neighbours joined.

        - blocks: the chunk's blocks, in order.
        - skip: how many blocks at its head are not to be touched: memory that nobody reads stands for them.

        Raises `ValueError` for a block that there is not.
        """
        indices = np.asarray(blocks, dtype=np.int64)
        if len(indices) == 0 or indices.min() < 0 or indices.max() >= self.block_count:
            raise ValueError(f"blocks {list(blocks)} are not all among the {self.block_count} there are")
        addresses, lengths = [], []
        for (kind, _), bases in zip(self.groups, self._bases, strict=True):
            starts = bases[:, None, None] + (indices * kind.block_stride)[None, :, None]
            found = starts + np.asarray(kind.offsets, dtype=np.int64)[None, None, :]
            found[:, :skip, :] = self._scratch.ctypes.data
            addresses.append(found.ravel())
            lengths.append(np.full(found.size, kind.run, dtype=np.int64))
        return _joined(np.concatenate(addresses), np.concatenate(lengths))


def _tensor(name: str, value: Any) -> Any:
    if not all(hasattr(value, wanted) for wanted in ("data_ptr", "stride", "element_size")):
        raise ValueError(f"the KV cache of layer {name} is a {type(value).__name__}, and not one tensor")
    return value


def _bases(tensors: Mapping[str, Any], names: Sequence[str]) -> np.ndarray:
    return np.asarray([tensors[name].data_ptr() for name in names], dtype=np.int64)


def _joined(addresses: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of which those that follow each other in memory are one."""
    begins = np.ones(len(addresses), dtype=bool)
    begins[1:] = addresses[1:] != addresses[:-1] + lengths[:-1]
    starts = np.flatnonzero(begins)
    return addresses[starts], np.add.reduceat(lengths, starts)
