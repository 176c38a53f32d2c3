"""The connector in the scheduler: what is loaded and stored, and when. It does not touch any bytes."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Error
from .keys import chunk_names, salt_name
from .messages import LoadOrder, SaveOrder, StepOrders
from .pause import Pause
from .quiet import QuietLog

SESSION_BYTES = 16
# The node takes so many keys in one batch; what lies beyond is computed.
LOOKUP_KEYS_MAX = 4096
# A lookup is asked anew when the node may have let go of what it keeps (30 s unless it says another time).
LOOKUP_SECONDS = 10.0


@dataclass
class Plan:
    """What is known of a request between its arrival and its end.

    - stored: chunks from the first on that the node has.
    - lookups: those that keep them, by rank, since `asked`.
    - next_save: the first chunk that was not given to the workers to store.
    - refused: whether a load has failed, so that the node is not asked again for this request.
    """

    request: Any
    salt: str
    stored: int = 0
    lookups: dict[str, int] = field(default_factory=dict)
    asked: float | None = None
    asked_count: int = 0
    next_save: int = 0
    loading: set[int] = field(default_factory=set)
    refused: bool = False


class RequestScheduler:
    """Decides for a scheduler what to load and to store.

    - connect: makes a client with a session.
    - chunk_tokens, chunk_blocks, hash_tokens: tokens of a chunk, its blocks, and tokens between block hashes.
    - loads, saves: whether this engine does them.
    - save_decode: whether generated tokens are stored too.
    """

    def __init__(
        self,
        connect: Callable[[bytes], Any],
        *,
        chunk_tokens: int,
        chunk_blocks: int,
        hash_tokens: int,
        loads: bool = True,
        saves: bool = True,
        save_decode: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.session = os.urandom(SESSION_BYTES)
        self._client = connect(self.session)
        self._chunk_tokens, self._chunk_blocks = chunk_tokens, chunk_blocks
        self._hashes_per_chunk = chunk_tokens // hash_tokens
        self._loads, self._saves, self._save_decode = loads, saves, save_decode
        self._clock = clock
        self._prefixes: dict[str, str] = {}
        self._plans: dict[str, Plan] = {}
        self._orders: list[LoadOrder] = []
        self._saving: set[str] = set()
        self._finishing: set[str] = set()
        self._generation = ""
        self._pause = Pause(clock)
        self._log = QuietLog(logging.getLogger(__name__))

    def set_prefixes(self, prefixes: Mapping[str, str]) -> None:
        """Sets what the keys of each rank begin with. Until then nothing is found."""
        self._prefixes = dict(prefixes)

    # ---- Loading

    def matched_tokens(self, request: Any, computed: int) -> int:
        """How many tokens beyond those computed the node has, in whole chunks; never the last one.

        - computed: tokens that the engine has itself, in whole blocks.
        """
        plan = self._plan(request)
        # Admitted again after it was preempted: what it had given to be stored is not in its new blocks.
        plan.next_save = 0
        wanted = min((request.num_tokens - 1) // self._chunk_tokens, LOOKUP_KEYS_MAX)
        if not self._loads or plan.refused or request.skip_reading_prefix_cache:
            wanted = 0
        if wanted * self._chunk_tokens > computed:
            self._ask(plan, wanted)
        else:
            self._forget(plan)
        return max(0, plan.stored * self._chunk_tokens - computed)

    def _ask(self, plan: Plan, wanted: int) -> None:
        """Looks the request's first chunks up, unless that was done a short while ago."""
        now = self._clock()
        fresh = plan.asked is not None and now - plan.asked < LOOKUP_SECONDS
        if fresh and plan.asked_count == wanted:
            return
        self._forget(plan)
        if not self._prefixes or self._pause.is_on:
            return
        names = chunk_names(plan.request.block_hashes, self._hashes_per_chunk, wanted, plan.salt)
        plan.asked, plan.asked_count = now, wanted
        try:
            plan.stored = self._look_up(plan, names)
            self._pause.succeeded()
        except Error as error:
            self._pause.failed(error)
            self._log.warning("lookup", f"nothing is loaded, as the node does not answer: {error}")
            self._forget(plan)

    def _look_up(self, plan: Plan, names: Sequence[str]) -> int:
        """How many of the chunks every rank has."""
        found = len(names)
        for rank, prefix in self._prefixes.items():
            if found == 0:
                return 0
            found, lookup = self._client.lookup_keeping([prefix + name for name in names[:found]])
            if lookup:
                plan.lookups[rank] = lookup
        return found

    def _forget(self, plan: Plan) -> None:
        lookups, plan.lookups = plan.lookups, {}
        plan.stored, plan.asked, plan.asked_count = 0, None, 0
        for lookup in lookups.values():
            try:
                self._client.forget_lookup(lookup)
            except Error:
                return  # The node lets go of it by itself after a while.

    def allocated(self, request: Any, blocks: Sequence[int], loaded: int) -> None:
        """Blocks are there for a request.

        - blocks: all of the request's, from its first token on.
        - loaded: how many tokens are to be loaded into them, of those that `matched_tokens` has returned.
        """
        plan = self._plan(request)
        end = plan.stored
        if loaded > 0:
            first_token = end * self._chunk_tokens - loaded
            self._orders.append(self._load_order(plan, blocks, first_token, end))
            plan.lookups = {}
        self._forget(plan)
        plan.next_save = max(plan.next_save, end)

    def _load_order(self, plan: Plan, blocks: Sequence[int], first_token: int, end: int) -> LoadOrder:
        first = first_token // self._chunk_tokens
        skip = (first_token % self._chunk_tokens) // (self._chunk_tokens // self._chunk_blocks)
        names = chunk_names(plan.request.block_hashes, self._hashes_per_chunk, end, plan.salt)[first:]
        chunks = [self._chunk(blocks, index) for index in range(first, end)]
        plan.loading = {block for chunk in chunks for block in chunk}
        return LoadOrder(plan.request.request_id, names, chunks, skip, dict(plan.lookups))

    def _chunk(self, blocks: Sequence[int], index: int) -> list[int]:
        return list(blocks[index * self._chunk_blocks : (index + 1) * self._chunk_blocks])

    def loads_ended(self, finished: Iterable[str], failed_blocks: Iterable[int]) -> None:
        """Workers have reported loads that ended, and blocks that could not be loaded."""
        failed = set(failed_blocks)
        if failed:
            for plan in self._plans.values():
                if plan.loading & failed:
                    plan.refused, plan.next_save = True, 0
        for request in finished:
            plan = self._plans.get(request)
            if plan is not None:
                plan.loading = set()

    # ---- Storing

    def orders(self, step: Any, blocks_of: Callable[[str], Sequence[int]]) -> StepOrders:
        """The orders of a step, which end what was collected for it.

        - step: vLLM's `SchedulerOutput`.
        - blocks_of: all blocks of a request that is scheduled.
        """
        orders = StepOrders(self.session, idle=step.total_num_scheduled_tokens == 0)
        orders.loads, self._orders = self._orders, []
        orders.finishing, self._finishing = self._finishing, set()
        orders.released = set(step.preempted_req_ids or ())
        self._saving -= orders.released
        if not self._saves:
            return orders
        for request, scheduled in step.num_scheduled_tokens.items():
            plan = self._plans.get(request)
            order = plan and self._save_order(plan, scheduled, blocks_of)
            if order:
                orders.saves.append(order)
                self._saving.add(request)
        return orders

    def _save_order(
        self, plan: Plan, scheduled: int, blocks_of: Callable[[str], Sequence[int]]
    ) -> SaveOrder | None:
        """The chunks that are whole after this step and were not given to be stored before."""
        first, end = plan.next_save, self._computed(plan.request, scheduled) // self._chunk_tokens
        if end <= first:
            return None
        names = chunk_names(plan.request.block_hashes, self._hashes_per_chunk, end, plan.salt)
        end = len(names)
        if end <= first:
            return None
        blocks = blocks_of(plan.request.request_id)
        plan.next_save = end
        chunks = [self._chunk(blocks, index) for index in range(first, end)]
        return SaveOrder(plan.request.request_id, names[first:], chunks)

    def _computed(self, request: Any, scheduled: int) -> int:
        """Tokens whose keys and values are final when this step's forward pass is over."""
        prompt = min(request.num_prompt_tokens, request.num_computed_tokens + scheduled)
        if not self._save_decode or prompt < request.num_prompt_tokens:
            return prompt
        # Of generated tokens those of earlier steps; the last one was not computed, drafts are not known.
        return max(prompt, min(request.num_computed_tokens, request.num_tokens - 1))

    def finished(self, request: Any) -> bool:
        """A request has ended. Whether its blocks are to be kept until the workers have stored them."""
        plan = self._plans.pop(request.request_id, None)
        if plan is not None:
            self._forget(plan)
        if request.request_id not in self._saving:
            return False
        self._saving.discard(request.request_id)
        self._finishing.add(request.request_id)
        return True

    # ---- The whole

    def _plan(self, request: Any) -> Plan:
        plan = self._plans.get(request.request_id)
        if plan is None:
            plan = Plan(request, salt_name(request.cache_salt, self._generation))
            self._plans[request.request_id] = plan
        return plan

    def reset(self) -> None:
        """Puts all that is stored out of this engine's reach, as after a change of the model's weights."""
        self._generation = os.urandom(SESSION_BYTES).hex()
        for plan in self._plans.values():
            self._forget(plan)
            plan.salt = salt_name(plan.request.cache_salt, self._generation)
            # Computed before; only if it is admitted again it is computed anew.
            plan.refused, plan.next_save = True, sys.maxsize

    def close(self) -> None:
        """Ends the connection to the node."""
        self._client.close()
