"""What the bytes of a KV cache depend on, read from vLLM's configuration."""

from __future__ import annotations

import json
from typing import Any

from .keys import digest
from .version import installed_version


def require_supported(vllm_config: Any, kv_cache_config: Any) -> None:
    """Raises `ValueError` for what the connector does not do, which says what to do instead."""
    groups = kv_cache_config.kv_cache_groups
    if len(groups) != 1 or not _is_full_attention(groups[0].kv_cache_spec):
        kinds = ", ".join(type(group.kv_cache_spec).__name__ for group in groups)
        raise ValueError(
            "RepriseConnector stores models with one group of full attention, and this one has "
            f"{len(groups)} ({kinds}). Start vLLM with --disable-hybrid-kv-cache-manager if the model allows "
            "it, or use OffloadingConnector with RepriseTier"
        )
    parallel = vllm_config.parallel_config
    for name in ("decode_context_parallel_size", "prefill_context_parallel_size"):
        if getattr(parallel, name, 1) > 1:
            raise ValueError(f"RepriseConnector does not divide contexts among ranks: {name} has to be 1")
    tokens, hashed = block_tokens(groups), hash_tokens(kv_cache_config, block_tokens(groups))
    if tokens % hashed:
        raise ValueError(f"blocks have {tokens} tokens, which is no multiple of the {hashed} that are hashed")


def _is_full_attention(spec: Any) -> bool:
    from vllm.v1.kv_cache_interface import FullAttentionSpec

    inner = getattr(spec, "kv_cache_specs", None)
    if inner is not None:
        return all(isinstance(each, FullAttentionSpec) for each in inner.values())
    return isinstance(spec, FullAttentionSpec)


def block_tokens(groups: Any) -> int:
    """Tokens of a block."""
    return int(groups[0].kv_cache_spec.block_size)


def hash_tokens(kv_cache_config: Any, block_size: int) -> int:
    """Tokens between the block hashes of a request."""
    return int(kv_cache_config.hash_block_size or block_size)


def model_fields(vllm_config: Any) -> dict[str, Any]:
    """Which model, and how its keys and values are computed and represented."""
    model, cache, parallel = vllm_config.model_config, vllm_config.cache_config, vllm_config.parallel_config
    speculative = vllm_config.speculative_config
    config = model.hf_config.to_dict()
    config.pop("transformers_version", None)
    return {
        "vllm": ".".join((installed_version() or "").split(".")[:2]),
        "model": str(model.model),
        "revision": str(model.revision),
        "config": digest({"text": json.dumps(config, sort_keys=True, default=str)}),
        "quantization": str(model.quantization),
        "dtype": str(model.dtype),
        "cache_dtype": str(cache.cache_dtype),
        "hash_algorithm": str(cache.prefix_caching_hash_algo),
        "sliding_window_disabled": bool(model.disable_sliding_window),
        "tensor_parallel": parallel.tensor_parallel_size,
        "pipeline_parallel": parallel.pipeline_parallel_size,
        "draft": str(getattr(getattr(speculative, "draft_model_config", None), "model", None)),
    }


def attention_fields(vllm_config: Any, layer_names: Any) -> dict[str, Any]:
    """How the attention of the layers orders a block's bytes, beyond the shape of their tensors.

    On CPUs that depends on the instructions it uses; a node may have got its values from another host.
    """
    layers = vllm_config.compilation_config.static_forward_context
    kinds = {_attention_kind(layers.get(name)) for name in layer_names}
    return {"attention": sorted(kinds)}


def _attention_kind(layer: Any) -> str:
    implementation = type(getattr(layer, "impl", None)).__name__
    return f"{implementation}/{getattr(layer, 'isa', None)}"
