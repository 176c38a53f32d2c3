"""Pages of SGLang's host pools as values: where they lie if the pool says so, otherwise by a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..buffers import Value
from ..pieces import Pieces


class PagesError(ValueError):
    """A pool and the indices given do not fit each other."""


class Pages:
    """Some pages of one pool.

    - pool: a `HostKVCache`.
    - indices: the pool's index of each token of the pages, page by page.
    - count: how many pages these must be. Raises `PagesError` for another number.
    - loading: whether values are to be put into the pages.
    """

    def __init__(self, pool: Any, indices: Any, count: int, loading: bool):
        self._pool = pool
        self._page_size = getattr(pool, "page_size", 1) or 1
        if indices is None or len(indices) != count * self._page_size:
            given = 0 if indices is None else len(indices)
            raise PagesError(f"{count} pages of {self._page_size} tokens need as many indices, not {given}")
        self._firsts = [int(first) for first in indices[:: self._page_size].tolist()]
        located = _located(pool, indices, count)
        self._is_copied = located is None
        if located is not None:
            self.values: Sequence[Value] = located
        elif loading:
            self.values = [pool.get_dummy_flat_data_page().contiguous() for _ in self._firsts]
        else:
            self.values = [pool.get_data_page(first, flat=True).contiguous() for first in self._firsts]

    def settle(self, loaded: Sequence[bool]) -> None:
        """Puts loaded values into the pool, if they are not there yet."""
        if self._is_copied:
            for first, value, is_loaded in zip(self._firsts, self.values, loaded):
                if is_loaded:
                    self._pool.set_from_flat_data_page(first, value)


def _located(pool: Any, indices: Any, count: int) -> list[Pieces] | None:
    """Each page as the pieces that it consists of, or `None` if the pool cannot say where they lie."""
    get_meta: Callable[[Any], Any] | None = getattr(pool, "get_page_buffer_meta", None)
    if get_meta is None:
        return None
    try:
        meta = get_meta(indices)
    except (ValueError, NotImplementedError):
        # Pools say so for layouts in which a page is scattered.
        return None
    if meta is None:
        return None
    addresses, lengths = meta
    if not addresses or len(addresses) != len(lengths) or len(addresses) % count:
        raise PagesError(f"the pool describes {count} pages by {len(addresses)} pieces")
    each = len(addresses) // count
    return [
        Pieces.from_addresses(addresses[at : at + each], lengths[at : at + each], keep=pool)
        for at in range(0, len(addresses), each)
    ]
