"""Values that lie in several pieces of memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

from . import _structures as c
from .buffers import Exports, Value
from .errors import InvalidArgument


class Pieces:
    """A value in several pieces of memory, in order: made once, used by any number of calls.

    - parts: what the value consists of, each C-contiguous; their memory stays exported while this lives.
    - writable: whether values may be got into the parts, whose memory must then be writable.

    Raises `InvalidArgument` for memory that cannot be used. The pieces of one batch are limited to 1,048,576.
    """

    __slots__ = ("byte_count", "count", "writable", "_table", "_kept")

    def __init__(self, parts: Iterable[Value], writable: bool = False):
        exports = Exports()
        table = array(c.UNSIGNED)
        for part in parts:
            table.extend(exports.add(part, writable))
        self._adopt(table, exports, writable)

    @classmethod
    def from_addresses(
        cls, addresses: Sequence[int] | Any, lengths: int | Sequence[int] | Any, keep: object = None
    ) -> Pieces:
        """Pieces at raw addresses, such as a tensor's `data_ptr()` plus the offsets of its blocks.

        They are trusted: memory that is not there ends the process.

        - addresses: whole numbers, or a numpy array of them.
        - lengths: that of all pieces, or one for each.
        - keep: what owns the memory; kept alive with the pieces.
        """
        first = _numbers(addresses)
        second = (
            array(c.UNSIGNED, repeat(lengths, len(first))) if isinstance(lengths, int) else _numbers(lengths)
        )
        if len(second) != len(first):
            raise InvalidArgument(
                f"{len(first)} addresses and {len(second)} lengths were given: give one for each"
            )
        pieces = cls.__new__(cls)
        pieces._adopt(c.pairs(first, second, len(first)), keep, True)
        return pieces

    def _adopt(self, table: array, kept: object, writable: bool) -> None:
        self._table, self._kept, self.writable = table, kept, writable
        self.count = len(table) // 2
        self.byte_count = sum(table[1::2])

    @property
    def address(self) -> int:
        """Where the array of `reprise_piece` lies."""
        return c.address_of(self._table)

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"Pieces({self.count} pieces, {self.byte_count} bytes, writable={self.writable})"


def _numbers(values: Any) -> array:
    """Whole numbers as an array, from a numpy array without an object for each."""
    try:
        if hasattr(values, "astype"):
            if values.dtype.kind not in "iu" or (values.size and int(values.min()) < 0):
                raise InvalidArgument("addresses and lengths are whole numbers from 0 on")
            return array(c.UNSIGNED, values.astype("uint64").tobytes())
        return array(c.UNSIGNED, values)
    except (OverflowError, TypeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(
            f"addresses and lengths are whole numbers from 0 to 2^64 - 1: {error}"
        ) from error
