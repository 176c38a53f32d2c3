"""The arrays that describe a batch to the library."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from . import _structures as c
from .buffers import Exports, Key, Value, address_of_bytes, join_keys, key_bytes
from .errors import InvalidArgument
from .pieces import Pieces


class Keys:
    """The keys of a batch as an array of `reprise_bytes`."""

    __slots__ = ("count", "address", "_table", "_data")

    def __init__(self, keys: Iterable[Key]):
        if isinstance(keys, (str, bytes, bytearray, memoryview)):
            raise InvalidArgument("one key was given where several are expected: give a list of keys")
        listed = keys if isinstance(keys, (list, tuple)) else list(keys)
        self.count = len(listed)
        if self.count == 1:
            data = key_bytes(listed[0])
            table = array(c.UNSIGNED, (address_of_bytes(data), len(data)))
        else:
            data, lengths = join_keys(listed)
            table = c.consecutive_pairs(address_of_bytes(data), lengths)
        self._data, self._table = data, table
        self.address = c.address_of(table)


class Values:
    """The values of a batch as an array of `reprise_value`; their memory stays exported until `release`.

    - writable: whether they are to be written.
    - count: how many there must be. Another number, or memory that cannot be used, is an `InvalidArgument`.
    """

    __slots__ = ("address", "exports", "_table", "_pieces")

    def __init__(self, values: Iterable[Value], writable: bool, count: int):
        listed = values if isinstance(values, (list, tuple)) else list(values)
        if len(listed) != count:
            raise InvalidArgument(f"{count} keys and {len(listed)} values were given: give one for each")
        self.exports = Exports()
        try:
            self._describe(listed, writable)
        except BaseException:
            self.release()
            raise
        self.address = c.address_of(self._table)

    def _describe(self, values: Sequence[Value], writable: bool) -> None:
        add = self.exports.add
        flat: list[int] = []
        in_pieces: list[tuple[int, Pieces]] = []
        for index, value in enumerate(values):
            if type(value) is Pieces:
                in_pieces.append((index, value))
                # Its place in the array, filled in below.
                flat += (0, 0)
            else:
                flat += add(value, writable)
        self._pieces = array(c.UNSIGNED, flat)
        self._table = c.single_piece_values(self._pieces, len(values))
        for index, pieces in in_pieces:
            if writable and not pieces.writable:
                raise InvalidArgument("a value is to be got into Pieces that were made without writable=True")
            self.exports.keep(pieces)
            self._table[2 * index], self._table[2 * index + 1] = pieces.address, pieces.count

    def release(self) -> None:
        """Gives the memory back to its owners."""
        self.exports.release()


def new_results(count: int) -> array:
    """Room for the results of `count` keys."""
    return array(c.SIGNED, bytes(8 * count))
