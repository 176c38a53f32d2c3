"""A node as a tier of vLLM's offloading, behind its memory for the CPU."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from vllm.v1.kv_offload.base import LookupResult, Medium, ReqContext, RequestOffloadingContext
from vllm.v1.kv_offload.tiering.base import JobResult, SecondaryTierManager, TransferJob

from ..client import Client
from .keys import digest
from .tier_jobs import TierJobs

FORMAT = "vllmtier1"
# A copy that takes so many times the node's timeout is given up.
GIVE_UP_TIMEOUTS = 3


class RepriseTier(SecondaryTierManager):
    """Keeps the chunks of vLLM's primary tier in a Reprise node on this host.

    It is configured among the `secondary_tiers` of `TieringOffloadingSpec`:

        {"type": "RepriseTier", "module_path": "reprise.vllm", "socket": "/run/reprise/reprise.sock"}

    - socket: the node's Unix socket; by default $REPRISE_SOCKET, or /run/reprise/reprise.sock.
    - copy_threads: threads that copy.
    - timeout_s: how long the node may take for a batch.
    - namespace: any text; engines with different ones share nothing. Change it with a local model's weights.

    All methods return at once, but `drain_jobs`. A node that is away has nothing, and stores nothing.
    """

    medium: ClassVar[Medium] = Medium.CPU

    def __init__(
        self,
        offloading_spec: Any,
        primary_kv_view: memoryview,
        tier_type: str,
        socket: str | None = None,
        copy_threads: int = 2,
        timeout_s: float = 10.0,
        namespace: str = "",
        backpressure_detector: Any = None,
    ):
        super().__init__(offloading_spec, primary_kv_view, tier_type, backpressure_detector)
        rows = np.asarray(primary_kv_view)
        size = rows.nbytes // len(rows)
        if rows.ndim != 2 or not rows[0].flags.c_contiguous or not rows.flags.writeable:
            raise ValueError(
                f"the primary tier's view has the shape {rows.shape} and the strides {rows.strides}; "
                "RepriseTier needs one writable row of bytes for each chunk"
            )
        prefix = f"{FORMAT}:{digest(_fields(offloading_spec, size, namespace))}:"
        self._jobs = TierJobs(
            lambda: Client(
                socket,
                copy_threads=copy_threads,
                timeout=timeout_s,
                connect_timeout=timeout_s,
                connect_later=True,
            ),
            lambda key: prefix + bytes(key).hex(),
            base=rows.ctypes.data,
            stride=rows.strides[0],
            size=size,
            count=len(rows),
            give_up_seconds=timeout_s * GIVE_UP_TIMEOUTS,
        )
        self._results: list[JobResult] = []
        self._load_keys: dict[int, list[bytes]] = {}
        # Whether the keys are stored that unfinished requests have asked for; `None` while not known.
        self._stored: dict[bytes, bool | None] = {}
        self._unasked: dict[bytes, None] = {}
        self._askers: dict[bytes, set[str]] = {}
        self._asked_by: dict[str, set[bytes]] = {}
        logging.getLogger(__name__).info("Reprise tier %s: chunks of %d bytes as %s", tier_type, size, prefix)

    # ---- Lookups: gathered during a step, asked at its end, and remembered until their requests end

    def lookup(self, key: Any, req_context: ReqContext) -> LookupResult:
        """Whether a chunk is stored; RETRY until the node has answered."""
        name = bytes(key)
        self._take()
        self._askers.setdefault(name, set()).add(req_context.req_id)
        self._asked_by.setdefault(req_context.req_id, set()).add(name)
        if name not in self._stored:
            self._stored[name] = None
            self._unasked[name] = None
        stored = self._stored[name]
        if stored is None:
            return LookupResult.RETRY
        return LookupResult.HIT if stored else LookupResult.MISS

    def on_schedule_end(self, context: Any) -> None:
        """Asks the node for the keys that this step has come to want."""
        self._ask()

    def _ask(self) -> None:
        if self._unasked:
            keys, self._unasked = list(self._unasked), {}
            self._jobs.ask(keys, self._answered)

    def _answered(self, keys: Sequence[bytes], stored: Sequence[bool]) -> None:
        for key, is_stored in zip(keys, stored, strict=True):
            if self._stored.get(key, False) is None:
                self._stored[key] = is_stored

    def on_new_request(self, req_context: ReqContext) -> RequestOffloadingContext:
        """Chunks are stored as they are computed."""
        return RequestOffloadingContext()

    def on_request_finished(self, req_context: ReqContext) -> None:
        """Forgets what only this request has asked for."""
        for key in self._asked_by.pop(req_context.req_id, ()):
            askers = self._askers[key]
            askers.discard(req_context.req_id)
            if not askers:
                del self._askers[key]
                self._stored.pop(key, None)
                self._unasked.pop(key, None)

    # ---- Jobs

    def submit_store(self, job_metadata: TransferJob) -> None:
        """Begins to store chunks, but for those that are stored."""
        self._jobs.store(job_metadata.job_id, list(job_metadata.keys), list(job_metadata.chunk_ids))

    def submit_load(self, job_metadata: TransferJob) -> None:
        """Begins to load chunks."""
        keys = [bytes(key) for key in job_metadata.keys]
        self._load_keys[job_metadata.job_id] = keys
        self._jobs.load(job_metadata.job_id, keys, list(job_metadata.chunk_ids))

    def get_finished_jobs(self) -> Iterable[JobResult]:
        """The jobs that have ended since the last call."""
        self._ask()
        self._take()
        results, self._results = self._results, []
        return results

    def _take(self) -> None:
        for result in self._jobs.poll():
            done = set(result.keys)
            load_keys = self._load_keys.pop(result.job, None)
            # What could not be loaded is not asked for again, and what was stored is there.
            for key in load_keys if load_keys is not None else done:
                if key in self._stored:
                    self._stored[key] = key in done
                    self._unasked.pop(key, None)
            successful: Collection[Any] | None = None
            if load_keys is not None and not result.success:
                successful = [key for key in load_keys if key in done]
            self._results.append(
                JobResult(result.job, result.success, successful, result.seconds, result.byte_count)
            )

    def has_pending_work(self) -> bool:
        """Whether the engine has to go on stepping, so that jobs end."""
        return self._jobs.busy

    def drain_jobs(self) -> None:
        """Waits for all jobs; what takes too long fails."""
        self._jobs.settle()
        self._take()

    def shutdown(self) -> None:
        """Ends the connection to the node. May be called more than once."""
        self._jobs.close()


def _fields(spec: Any, size: int, namespace: str) -> dict[str, Any]:
    """What the bytes of a chunk depend on but its tokens."""
    config = spec.config
    parallel = config.parallel
    return {
        "model": config.model.name,
        "dtype": config.model.dtype,
        "groups": [[each.tokens_per_block, list(each.layer_names), each.group_id] for each in config.groups],
        "tokens_per_hash": config.cache.tokens_per_hash,
        "blocks_per_chunk": config.cache.blocks_per_chunk,
        "worker_bytes_per_block": config.worker_kv_bytes_per_block,
        "tensor_and_pipeline_parallel": [parallel.tp_size, parallel.pp_size, parallel.world_size],
        "context_parallel": [parallel.pcp_size, parallel.dcp_size],
        "rank": parallel.rank,
        "replicated_layout": bool(config.replicated_layout),
        "canonical_layout": bool(config.canonical_layout),
        "kv_cache_layout": str(config.kv_cache_layout),
        "chunk_bytes": size,
        "namespace": namespace,
    }
