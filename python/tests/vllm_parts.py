"""Imports the parts of `reprise.vllm` that do not need vLLM, and stands in for a node."""

from __future__ import annotations

import ctypes
import importlib
import os
import pathlib
import sys
import types
from typing import Any

PYTHON = pathlib.Path(__file__).resolve().parents[1]
if importlib.util.find_spec("reprise") is None:
    sys.path.insert(0, str(PYTHON))
import reprise  # noqa: E402

NAME = "reprise.vllm"


def part(name: str) -> Any:
    """A module of the package, whose `__init__` would ask for vLLM, and is not run."""
    if NAME not in sys.modules:
        package = types.ModuleType(NAME)
        package.__path__ = [str(pathlib.Path(root) / "vllm") for root in reprise.__path__]
        sys.modules[NAME] = package
    return importlib.import_module(f"{NAME}.{name}")


class FakeNode:
    """What several clients share: the values, and what goes wrong."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.error: Exception | None = None
        self.is_stuck = False
        self.lookups = 0
        self.forgotten: list[int] = []
        self.redeemed: list[int] = []
        self.closed = 0


class FakeClient:
    """The calls of a client that the connector makes; batches end when they are drained, by real copies."""

    def __init__(self, node: FakeNode):
        self.node = node
        self.batches: list[tuple[int, Any, list[str], list[Any]]] = []
        self.count = 0
        self.event = os.eventfd(0, os.EFD_NONBLOCK)

    def lookup_keeping(self, keys: list[str]) -> tuple[int, int]:
        self._check()
        found = 0
        while found < len(keys) and keys[found] in self.node.values:
            found += 1
        self.node.lookups += 1
        return found, self.node.lookups if found else 0

    def forget_lookup(self, lookup: int) -> None:
        self._check()
        self.node.forgotten.append(lookup)

    def exists_many(self, keys: list[str]) -> list[bool]:
        self._check()
        return [key in self.node.values for key in keys]

    def submit_set(self, keys: list[str], values: list[Any]) -> int:
        assert len(set(keys)) == len(keys)
        return self._submit(self._set, keys, values)

    def submit_get_into(self, keys: list[str], values: list[Any], *, lookup: int = 0) -> int:
        self.node.redeemed.append(lookup)
        return self._submit(self._get, keys, values)

    def submit_exists(self, keys: list[str]) -> int:
        return self._submit(lambda key, _: int(key in self.node.values), keys, [None] * len(keys))

    def event_fd(self) -> int:
        return self.event

    def drain(self) -> list[Any]:
        if self.node.is_stuck:
            return []
        batches, self.batches = self.batches, []
        return [self._carry_out(*batch) for batch in batches]

    def close(self) -> None:
        self.node.closed += 1
        os.close(self.event)

    def _check(self) -> None:
        if self.node.error is not None:
            raise self.node.error

    def _submit(self, function: Any, keys: list[str], values: list[Any]) -> int:
        self._check()
        self.count += 1
        self.batches.append((self.count, function, keys, values))
        if not self.node.is_stuck:
            os.eventfd_write(self.event, 1)
        return self.count

    def _carry_out(self, number: int, function: Any, keys: list[str], values: list[Any]) -> Any:
        if self.node.error is not None:
            return types.SimpleNamespace(id=number, ok=False, error=str(self.node.error), results=[])
        results = [function(key, value) for key, value in zip(keys, values, strict=True)]
        return types.SimpleNamespace(id=number, ok=True, error="", results=results)

    def _set(self, key: str, value: Any) -> int:
        self.node.values[key] = b"".join(ctypes.string_at(*piece) for piece in pieces_of(value))
        return 0

    def _get(self, key: str, value: Any) -> int:
        stored = self.node.values.get(key)
        if stored is None:
            return reprise.MISSING
        if sum(length for _, length in pieces_of(value)) != len(stored):
            return -8
        offset = 0
        for address, length in pieces_of(value):
            ctypes.memmove(address, stored[offset : offset + length], length)
            offset += length
        return len(stored)


def pieces_of(value: Any) -> list[tuple[int, int]]:
    """The addresses and lengths of a value's pieces."""
    if isinstance(value, reprise.Pieces):
        numbers = (ctypes.c_uint64 * (2 * len(value))).from_address(value.address)
        return list(zip(numbers[::2], numbers[1::2], strict=True))
    return [(value.data_ptr(), value.numel() * value.element_size())]


class FakeTensor:
    """A tensor over numpy's memory, with the methods that the connector uses."""

    def __init__(self, array: Any):
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.device = types.SimpleNamespace(type="cpu")

    def stride(self) -> tuple[int, ...]:
        return tuple(stride // self.array.itemsize for stride in self.array.strides)

    def element_size(self) -> int:
        return self.array.itemsize

    def data_ptr(self) -> int:
        return self.array.ctypes.data
