"""SGLang's `HiCacheStorage` on a node."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, List, Optional, TypeVar

import torch
from sglang.srt.mem_cache.hicache_storage import (
    HiCacheStorage,
    HiCacheStorageConfig,
    HiCacheStorageExtraInfo,
    PoolHitPolicy,
    PoolName,
    PoolTransfer,
    PoolTransferResult,
)

from ..client import TIMEOUT_DEFAULT, Client
from ..errors import Error
from ..pieces import Pieces
from .naming import Naming
from .pages import Pages, PagesError

COPY_THREADS_DEFAULT = 4

_logger = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class RepriseStorage(HiCacheStorage):
    """Pages of SGLang's host pools in a node, copied once between the pool's memory and the node's.

    - storage_config: SGLang's; its `extra_config` may have `socket`, the node's Unix socket (by default
      $REPRISE_SOCKET, or /run/reprise/reprise.sock), `copy_threads` and `timeout` in seconds.
    - kwargs: not used.

    While the node is away all is missing, and nothing is stored. Raises the errors of `reprise.Client`.
    """

    def __init__(self, storage_config: HiCacheStorageConfig, kwargs: Optional[dict] = None):
        extra = storage_config.extra_config or {}
        self._naming = Naming(storage_config)
        self.registered_pools: dict[str, Any] = {}
        self.mem_pool_host: Any = None
        self._client = Client(
            extra.get("socket"),
            copy_threads=int(extra.get("copy_threads", COPY_THREADS_DEFAULT)),
            timeout=float(extra.get("timeout", TIMEOUT_DEFAULT)),
            connect_later=True,
        )

    # ---- Pages of the first pool

    def batch_exists(self, keys: List[str], extra_info: Optional[HiCacheStorageExtraInfo] = None) -> int:
        """How many pages, from the first on, are stored."""
        names = self._names(PoolName.KV, keys)
        return self._unless_away(lambda: self._client.lookup(names), 0)

    def batch_get_v1(
        self,
        keys: List[str],
        host_indices: torch.Tensor,
        extra_info: Optional[HiCacheStorageExtraInfo] = None,
    ) -> List[bool]:
        """Loads pages into the first pool; for each whether it was."""
        return self._load(PoolName.KV, self.mem_pool_host, keys, host_indices)

    def batch_set_v1(
        self,
        keys: List[str],
        host_indices: torch.Tensor,
        extra_info: Optional[HiCacheStorageExtraInfo] = None,
    ) -> List[bool]:
        """Stores pages of the first pool; for each whether it is stored now."""
        return self._store(PoolName.KV, self.mem_pool_host, keys, host_indices)

    # ---- Pages of several pools

    def batch_exists_v2(
        self,
        keys: List[str],
        pool_transfers: Optional[List[PoolTransfer]] = None,
        extra_info: Optional[HiCacheStorageExtraInfo] = None,
    ) -> PoolTransferResult:
        """The longest prefix that can be restored in all pools, and all shorter ones that can be."""
        first = self.mem_pool_host
        # A pool without memory of its own: what can be restored is up to the others.
        is_logical = first is not None and getattr(first, "kv_buffer", first) is None
        page_count = len(keys) if is_logical else self.batch_exists(keys, extra_info)
        hits: dict = {PoolName.KV: page_count} if page_count else {}
        restorable = list(range(1, page_count + 1))
        for transfer in pool_transfers or []:
            if not restorable:
                break
            names = self._names(transfer.name, keys[:page_count], self.registered_pools.get(transfer.name))
            stored = self._unless_away(
                lambda names=names: self._client.exists_many(names), [False] * page_count
            )
            lengths = _restorable(transfer, stored)
            if lengths:
                hits[transfer.name] = max(lengths)
            restorable = [length for length in restorable if length in lengths]
        return PoolTransferResult(restorable[-1] if restorable else 0, hits, restorable)

    def batch_get_v2(
        self, transfers: List[PoolTransfer], extra_info: Optional[HiCacheStorageExtraInfo] = None
    ) -> dict[str, List[bool]]:
        """Loads pages into their pools."""
        return {
            transfer.name: self._load(
                transfer.name, self._pool(transfer.name), transfer.keys or [], transfer.host_indices
            )
            for transfer in transfers
        }

    def batch_set_v2(
        self, transfers: List[PoolTransfer], extra_info: Optional[HiCacheStorageExtraInfo] = None
    ) -> dict[str, List[bool]]:
        """Stores pages of their pools."""
        return {
            transfer.name: self._store(
                transfer.name, self._pool(transfer.name), transfer.keys or [], transfer.host_indices
            )
            for transfer in transfers
        }

    # ---- Values that the caller holds

    def get(
        self, key: str, target_location: Optional[Any] = None, target_sizes: Optional[Any] = None
    ) -> torch.Tensor | None:
        """A value in `target_location`, or as bytes if that is `None`; `None` if it is not stored."""
        return self.batch_get([key], [target_location], [target_sizes])[0]

    def batch_get(
        self, keys: List[str], target_locations: Optional[Any] = None, target_sizes: Optional[Any] = None
    ) -> List[torch.Tensor | None]:
        """Values in tensors, or at addresses with sizes; without targets as bytes."""
        targets = target_locations or [None] * len(keys)
        names = self._names(PoolName.KV, keys)
        if any(target is None for target in targets):
            return [self._unless_away(lambda name=name: self._bytes(name), None) for name in names]
        places = _places(targets, target_sizes)
        none: list[int] = [-1] * len(names)
        found = self._unless_away(lambda: self._client.get_many_into(names, places), none)
        return [target if result >= 0 else None for target, result in zip(targets, found)]

    def set(
        self,
        key: str,
        value: Optional[Any] = None,
        target_location: Optional[Any] = None,
        target_sizes: Optional[Any] = None,
    ) -> bool:
        """Stores a tensor, or what lies at an address."""
        values = None if value is None else [value]
        return self.batch_set([key], values, [target_location], [target_sizes])

    def batch_set(
        self,
        keys: List[str],
        values: Optional[Any] = None,
        target_locations: Optional[Any] = None,
        target_sizes: Optional[Any] = None,
    ) -> bool:
        """Stores tensors, or what lies at addresses; whether all are stored."""
        if values is None:
            if any(target is None for target in target_locations or [None]):
                return False
            values = _places(target_locations, target_sizes)
        else:
            values = [value.contiguous() for value in values]
        return all(self._set_missing(self._names(PoolName.KV, keys), values))

    def exists(self, key: str) -> bool:
        """Whether a value, or a page of the first pool, is stored."""
        return self.batch_exists([key]) == 1

    # ---- The storage itself

    def clear(self) -> None:
        """Nothing: a node is shared, and evicts by itself what is not used."""
        _logger.info("Reprise's node is shared with others: its pages are left to its eviction")

    def close(self) -> None:
        """Ends the client."""
        self._client.close()

    # ---- Parts

    def _pool(self, name: str) -> Any:
        pool = self.registered_pools.get(name)
        return self.mem_pool_host if pool is None and name == PoolName.KV else pool

    def _names(self, pool_name: str, keys: List[str], pool: Any = None) -> list[str]:
        if pool is None:
            pool = self._pool(pool_name)
        prefix = self._naming.prefix(str(pool_name), pool)
        return [prefix + key for key in keys]

    def _load(self, pool_name: str, pool: Any, keys: List[str], indices: Any) -> List[bool]:
        failed = [False] * len(keys)
        pages = self._pages(pool_name, pool, keys, indices, True)
        if pages is None:
            return failed
        names = self._names(pool_name, keys, pool)
        found = self._unless_away(lambda: self._client.get_many_into(names, pages.values), None)
        if found is None:
            return failed
        loaded = [result >= 0 for result in found]
        pages.settle(loaded)
        return loaded

    def _store(self, pool_name: str, pool: Any, keys: List[str], indices: Any) -> List[bool]:
        pages = self._pages(pool_name, pool, keys, indices, False)
        if pages is None:
            return [False] * len(keys)
        return self._set_missing(self._names(pool_name, keys, pool), pages.values)

    def _pages(self, pool_name: str, pool: Any, keys: List[str], indices: Any, loading: bool) -> Pages | None:
        if not keys:
            return None
        if pool is None:
            _logger.error("pages of the pool %s were asked for, which is not registered", pool_name)
            return None
        try:
            return Pages(pool, indices, len(keys), loading)
        except PagesError as error:
            _logger.error("pages of the pool %s: %s", pool_name, error)
            return None

    def _set_missing(self, names: list[str], values: Any) -> List[bool]:
        """Stores what is not: a page's key is the hash of what led to it, so equal keys have equal bytes."""

        def store() -> List[bool]:
            stored = self._client.exists_many(names)
            missing = {name: value for name, value, is_stored in zip(names, values, stored) if not is_stored}
            results = dict(zip(missing, self._client.set_many(list(missing), list(missing.values()))))
            return [results.get(name, 0) == 0 for name in names]

        return self._unless_away(store, [False] * len(names))

    def _bytes(self, name: str) -> torch.Tensor | None:
        value = self._client.get(name)
        return None if value is None else torch.frombuffer(bytearray(value), dtype=torch.uint8)

    def _unless_away(self, call: Callable[[], _Result], otherwise: _Result) -> _Result:
        """What a call returns, or `otherwise` if it fails: SGLang's threads must not meet an exception."""
        try:
            return call()
        except Error as error:
            _logger.warning("Reprise: %s", error)
            return otherwise


def _places(targets: Any, sizes: Any) -> list[Any]:
    """Tensors as they are, and addresses with the sizes given for them."""
    listed = sizes if sizes is not None else [None] * len(targets)
    return [
        Pieces.from_addresses([target], [size]) if isinstance(target, int) else target
        for target, size in zip(targets, listed)
    ]


def _restorable(transfer: PoolTransfer, stored: List[bool]) -> set[int]:
    """The lengths of prefixes that a pool can restore, by which of its pages are stored."""
    if transfer.hit_policy == PoolHitPolicy.ALL_PAGES:
        boundary = stored.index(False) if False in stored else len(stored)
        return set(range(1, boundary + 1))
    if transfer.hit_policy == PoolHitPolicy.TRAILING_PAGES:
        window = max(1, len(transfer.keys or ()))
        return {
            length for length in range(1, len(stored) + 1) if all(stored[max(0, length - window) : length])
        }
    raise ValueError(
        f"Reprise does not know the hit policy {transfer.hit_policy} of the pool {transfer.name}"
    )
