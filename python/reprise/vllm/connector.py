"""vLLM's side of the connector: its methods, in the roles of the scheduler and of a worker."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vllm.distributed.kv_transfer.kv_connector.v1.base import (
    KVConnectorBase_V1,
    KVConnectorHandshakeMetadata,
    KVConnectorMetadata,
    KVConnectorRole,
)
from vllm.v1.metrics.cache_hit_source import CacheHitSource

from ..client import Client
from .keys import rank_prefix
from .layout import Layout
from .messages import StepOrders
from .model import attention_fields, block_tokens, hash_tokens, model_fields, require_supported
from .options import Options
from .scheduler import RequestScheduler
from .transfers import DirectMover
from .worker import RequestWorker


@dataclass
class RepriseMetadata(KVConnectorMetadata):
    """The scheduler's orders, as vLLM passes them on."""

    orders: StepOrders


@dataclass
class RepriseHandshake(KVConnectorHandshakeMetadata):
    """What a worker's keys begin with, which only it can know: it has the tensors."""

    prefix: str


class RepriseConnector(KVConnectorBase_V1):
    """Stores the KV cache of vLLM in a Reprise node on this host, and loads it from there.

    It is configured in `--kv-transfer-config`:

        {"kv_connector": "RepriseConnector", "kv_connector_module_path": "reprise.vllm",
         "kv_role": "kv_both", "kv_load_failure_policy": "recompute",
         "kv_connector_extra_config": {"reprise.socket": "/run/reprise/reprise.sock"}}

    with the options of `Options`. A node that is away costs hits and nothing else. Without
    `recompute`, though, vLLM fails the requests whose loads have begun and do not succeed.

    Raises `ValueError` for models and options that it cannot do with, and says what to do.
    """

    _cache_hit_source = CacheHitSource.HOST

    def __init__(self, vllm_config: Any, role: KVConnectorRole, kv_cache_config: Any):
        super().__init__(vllm_config=vllm_config, role=role, kv_cache_config=kv_cache_config)
        require_supported(vllm_config, kv_cache_config)
        transfer = vllm_config.kv_transfer_config
        self._options = Options.read(transfer.kv_connector_extra_config)
        self._block_tokens = block_tokens(kv_cache_config.kv_cache_groups)
        self._chunk_blocks = self._options.blocks_per_chunk(self._block_tokens)
        self._scheduler: RequestScheduler | None = None
        self._worker: RequestWorker | None = None
        self._prefix = ""
        if role == KVConnectorRole.SCHEDULER:
            self._scheduler = RequestScheduler(
                self._connect,
                chunk_tokens=self._chunk_blocks * self._block_tokens,
                chunk_blocks=self._chunk_blocks,
                hash_tokens=hash_tokens(kv_cache_config, self._block_tokens),
                loads=transfer.is_kv_consumer,
                saves=transfer.is_kv_producer,
                save_decode=self._options.save_decode,
            )

    @property
    def requires_kv_delivery(self) -> bool:
        """Whether a request must not end before its values are delivered. They are a cache: no."""
        return False

    def _connect(self, session: bytes) -> Client:
        return Client(
            self._options.socket,
            session=session,
            copy_threads=self._options.copy_threads,
            timeout=self._options.timeout_s,
            connect_timeout=self._options.timeout_s,
            connect_later=True,
        )

    # ---- A worker

    def register_kv_caches(self, kv_caches: dict[str, Any]) -> None:
        """Takes the tensors that blocks are copied from and to."""
        layout = Layout(kv_caches)
        rank = _rank()
        fields = {
            **model_fields(self._vllm_config),
            **attention_fields(self._vllm_config, layout.tensors),
            **layout.describe(),
            "kv_cache_layout": str(self._kv_cache_config.kv_cache_layout),
            "machine": f"{platform.machine()}/{layout.device}",
            "block_tokens": self._block_tokens,
            "chunk_blocks": self._chunk_blocks,
            "namespace": self._options.namespace,
        }
        self._prefix = rank_prefix(fields, rank)
        self._worker = RequestWorker(
            self._connect,
            lambda client: self._mover(client, layout),
            prefix=self._prefix,
            rank=rank,
            parts=self._options.copy_threads,
            timeout=self._options.timeout_s,
        )

    def _mover(self, client: Client, layout: Layout) -> Any:
        if layout.device == "cpu" and self._options.staging == "auto":
            return DirectMover(client, layout)
        from .staging import StagedMover

        return StagedMover(client, layout, self._chunk_blocks, self._options.staging_bytes)

    def get_handshake_metadata(self) -> RepriseHandshake | None:
        """What the scheduler needs to know of this worker."""
        return RepriseHandshake(self._prefix) if self._prefix else None

    def handle_preemptions(self, kv_connector_metadata: KVConnectorMetadata) -> None:
        """Called first in each step, before any block is written."""
        self._of_worker().begin(kv_connector_metadata.orders)

    def start_load_kv(self, forward_context: Any, **kwargs: Any) -> None:
        """Begins the loads; none of them is for this step's forward pass."""
        self._of_worker().load()

    def wait_for_layer_load(self, layer_name: str) -> None:
        """Nothing to wait for: requests are scheduled when all of their layers are loaded."""

    def save_kv_layer(self, layer_name: str, kv_layer: Any, attn_metadata: Any, **kwargs: Any) -> None:
        """Nothing to do for a layer: chunks hold all layers, and are stored after the forward pass."""

    def wait_for_save(self) -> None:
        """Begins to store what the step has computed; its blocks are kept until that has ended."""
        self._of_worker().save()

    def get_finished(self, finished_req_ids: set[str]) -> tuple[set[str] | None, set[str] | None]:
        """The requests that were stored, of those that have ended, and those that were loaded."""
        stored, loaded = self._of_worker().ended()
        return stored or None, loaded or None

    def get_block_ids_with_load_errors(self) -> set[int]:
        """Blocks that could not be loaded."""
        return self._of_worker().failed_blocks()

    # ---- The scheduler

    def set_xfer_handshake_metadata_pp_aware(self, metadata: dict[tuple[int, int], Any]) -> None:
        """Takes what all workers have said of themselves."""
        ranks = sorted(metadata.items())
        self._of_scheduler().set_prefixes({f"{pipe}.{tensor}": each.prefix for (pipe, tensor), each in ranks})

    def get_num_new_matched_tokens(self, request: Any, num_computed_tokens: int) -> tuple[int | None, bool]:
        """How many tokens can be loaded beyond those computed, and that they are loaded between steps."""
        matched = self._of_scheduler().matched_tokens(request, num_computed_tokens)
        return matched, matched > 0

    def update_state_after_alloc(self, request: Any, blocks: Any, num_external_tokens: int) -> None:
        """Takes the blocks that tokens are to be loaded into."""
        self._of_scheduler().allocated(request, blocks.get_block_ids()[0], num_external_tokens)

    def build_connector_meta(self, scheduler_output: Any) -> RepriseMetadata:
        """The orders of this step."""
        state = scheduler_output.kv_connector_block_state
        orders = self._of_scheduler().orders(
            scheduler_output, lambda request: state.resolve_block_ids(request)[0]
        )
        return RepriseMetadata(orders)

    def update_connector_output(self, connector_output: Any) -> None:
        """Learns which loads have ended, and how."""
        finished: Iterable[str] = connector_output.finished_recving or ()
        self._of_scheduler().loads_ended(finished, connector_output.invalid_block_ids or ())

    def request_finished(self, request: Any, block_ids: list[int]) -> tuple[bool, dict[str, Any] | None]:
        """Whether the blocks of a request that has ended are still being stored."""
        return self._of_scheduler().finished(request), None

    def reset_cache(self) -> bool:
        """Puts what is stored out of this engine's reach; others with the same model still have it."""
        self._of_scheduler().reset()
        return True

    # ---- Both

    def shutdown(self) -> None:
        """Ends the connections to the node. May be called more than once."""
        if self._scheduler is not None:
            self._scheduler.close()
        if self._worker is not None:
            self._worker.close()

    def _of_scheduler(self) -> RequestScheduler:
        if self._scheduler is None:
            raise RuntimeError("this RepriseConnector is not in the role of the scheduler")
        return self._scheduler

    def _of_worker(self) -> RequestWorker:
        if self._worker is None:
            raise RuntimeError("this RepriseConnector has no KV caches: register_kv_caches was not called")
        return self._worker


def _rank() -> str:
    """This worker's place among those that share the model: of the pipeline, and of the tensors."""
    from vllm.distributed.parallel_state import get_pp_group, get_tp_group

    return f"{get_pp_group().rank_in_group}.{get_tp_group().rank_in_group}"
