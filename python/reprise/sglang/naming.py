"""The keys under which pages of SGLang's pools are stored."""

from __future__ import annotations

from typing import Any

from sglang.srt.mem_cache.hicache_storage import HiCacheStorageConfig, PoolName

# Pools whose host class holds what is the same on every tensor-parallel rank.
REPLICATED_CLASSES = {"MLATokenToKVPoolHost", "DeepSeekV4PagedHostPool"}


class Naming:
    """Names pages so that what differs in bytes differs in its key: model, shard, pool, type and layout."""

    def __init__(self, config: HiCacheStorageConfig):
        self._is_mla = config.is_mla_model
        model = config.model_name or ""
        stage = f"pp{config.pp_rank}of{config.pp_size}.cp{config.attn_cp_rank}of{config.attn_cp_size}"
        if config.dcp_size > 1:
            stage += f".dcp{config.dcp_rank}of{config.dcp_size}.page{config.logical_page_size}"
        # SGLang hands pages of its first pool over in one of two orders of bytes.
        has_pages = bool((config.extra_config or {}).get("interface_v1", 0))
        self._order = "pages" if has_pages else "flat"
        self._replicated = f"sglang:{model}:{stage}"
        self._sharded = f"{self._replicated}.tp{config.tp_rank}of{config.tp_size}"

    def prefix(self, pool_name: str, pool: Any) -> str:
        """What the keys of a pool begin with; `pool` is `None` for values that lie in none."""
        shard = self._replicated if self._is_replicated(pool_name, pool) else self._sharded
        if pool_name == PoolName.KV:
            shard = f"{shard}:{self._order}"
        if pool is None:
            return f"{shard}:{pool_name}:"
        layout, kind = getattr(pool, "layout", ""), getattr(pool, "dtype", "")
        return f"{shard}:{pool_name}:{kind}:{layout}:{getattr(pool, 'page_size', 1)}:"

    def _is_replicated(self, pool_name: str, pool: Any) -> bool:
        if not self._is_mla or pool_name == PoolName.MAMBA:
            return False
        if pool_name in (PoolName.DRAFT, PoolName.DRAFT_SWA):
            # A draft model has attention of its own, whatever the model's is.
            return any(cls.__name__ in REPLICATED_CLASSES for cls in type(pool).__mro__)
        return True
