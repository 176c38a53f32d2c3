"""The connector in a worker: carries out the scheduler's orders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import Error
from .messages import LoadOrder, SaveOrder, StepOrders
from .pause import Pause
from .quiet import QuietLog
from .transfers import Transfer, split, wait_until

# How long a step that computes nothing waits for its loads, instead of asking again at once.
IDLE_WAIT_SECONDS = 0.002
# Copies that take so many times the node's timeout are given up.
GIVE_UP_TIMEOUTS = 3
# REPRISE_BATCH_KEYS_MAX of the library.
BATCH_KEYS_MAX = 4096


class RequestWorker:
    """Loads and stores chunks of a worker's KV cache.

    - connect: makes a client with a session.
    - make_mover: makes what moves bytes, from a client.
    - prefix, rank: of this worker's keys.
    - parts: in how many batches what is to be stored is divided.
    - timeout: the client's.
    """

    def __init__(
        self,
        connect: Callable[[bytes], Any],
        make_mover: Callable[[Any], Any],
        *,
        prefix: str,
        rank: str,
        parts: int,
        timeout: float,
    ):
        self._connect, self._make_mover = connect, make_mover
        self._prefix, self._rank, self._parts = prefix, rank, parts
        self._give_up_seconds = timeout * GIVE_UP_TIMEOUTS
        self._session: bytes | None = None
        self._client: Any = None
        self._mover: Any = None
        self._orders: StepOrders | None = None
        self._storing: set[str] = set()
        self._finishing: set[str] = set()
        self._loaded: set[str] = set()
        self._failed_blocks: set[int] = set()
        self._pause = Pause()
        self._log = QuietLog(logging.getLogger(__name__))

    # ---- The steps of a step, in the order that vLLM calls them

    def begin(self, orders: StepOrders) -> None:
        """A step begins. Afterwards blocks of requests that were released may be written.

        That is why what is still being copied from them is waited for.
        """
        self._orders = orders
        self._open(orders.session)
        self._finishing |= orders.finishing
        if orders.released:
            self._settle(lambda: not self._saves_of(orders.released))

    def load(self) -> None:
        """Begins the step's loads."""
        for order in self._orders.loads if self._orders else ():
            self._mover.start(self._load_transfer(order))

    def save(self) -> None:
        """Begins to store what the step has computed, but for what the node has."""
        if not self._orders or not self._orders.saves or self._pause.is_on:
            return
        for order in self._missing(self._orders.saves):
            keys = [self._prefix + name for name in order.names]
            for part in split(keys, self._parts):
                self._storing.update(keys[part])
                self._mover.start(Transfer(order.request, False, keys[part], order.blocks[part]))

    def ended(self) -> tuple[set[str], set[str]]:
        """The requests of which all is stored, and those that were loaded, be it in vain."""
        self._take(self._mover.poll() if self._mover else [])
        if self._orders and self._orders.idle and not self._loaded and self._mover and self._mover.active:
            self._mover.wait(IDLE_WAIT_SECONDS)
            self._take(self._mover.poll())
        stored = {request for request in self._finishing if not self._saves_of({request})}
        self._finishing -= stored
        loaded, self._loaded = self._loaded, set()
        self._orders = None
        return stored, loaded

    def failed_blocks(self) -> set[int]:
        """Blocks of the requests just returned as loaded whose chunks could not be loaded."""
        failed, self._failed_blocks = self._failed_blocks, set()
        return failed

    def close(self) -> None:
        """Ends the connection; what is not stored by then is not stored at all."""
        if self._mover is not None:
            self._settle(lambda: not self._mover.active)
            self._client.close()
            self._mover = self._client = None

    # ---- Transfers

    def _load_transfer(self, order: LoadOrder) -> Transfer:
        keys = [self._prefix + name for name in order.names]
        return Transfer(order.request, True, keys, order.blocks, order.skip, order.lookups.get(self._rank, 0))

    def _missing(self, orders: Iterable[SaveOrder]) -> list[SaveOrder]:
        """The orders without chunks that are stored, or on their way from another request."""
        orders = list(orders)
        names = list(dict.fromkeys(name for order in orders for name in order.names))
        names = [name for name in names if self._prefix + name not in self._storing][:BATCH_KEYS_MAX]
        try:
            stored = self._client.exists_many([self._prefix + name for name in names])
            self._pause.succeeded()
        except Error as error:
            self._pause.failed(error)
            self._log.warning("save", f"nothing is stored, as the node does not answer: {error}")
            return []
        wanted = {name for name, is_stored in zip(names, stored, strict=True) if not is_stored}
        missing = []
        for order in orders:
            places = [place for place, name in enumerate(order.names) if name in wanted]
            wanted -= set(order.names)
            if places:
                kept = [order.names[place] for place in places], [order.blocks[place] for place in places]
                missing.append(SaveOrder(order.request, *kept))
        return missing

    def _take(self, transfers: Iterable[Transfer]) -> None:
        """Takes in transfers that have ended."""
        for transfer in transfers:
            failed = [place for place, result in enumerate(transfer.results) if result < 0]
            if transfer.is_load:
                self._loaded.add(transfer.request)
                if failed:
                    self._take_failed_load(transfer, failed)
                continue
            self._storing.difference_update(transfer.keys)
            if failed:
                why = transfer.error or f"status {transfer.results[failed[0]]}"
                text = f"{len(failed)} of {len(transfer.keys)} chunks are not stored: {why}"
                self._log.warning("save", text)

    def _take_failed_load(self, transfer: Transfer, failed: list[int]) -> None:
        why = transfer.error or f"status {transfer.results[failed[0]]}"
        text = f"{len(failed)} of {len(transfer.keys)} chunks are not loaded and have to be computed: {why}"
        self._log.warning("load", text)
        for place in failed:
            blocks = transfer.blocks[place]
            self._failed_blocks.update(blocks[transfer.skip if place == 0 else 0 :])

    def _saves_of(self, requests: set[str]) -> list[Transfer]:
        active = self._mover.active if self._mover else []
        return [transfer for transfer in active if not transfer.is_load and transfer.request in requests]

    def _settle(self, done: Callable[[], bool]) -> None:
        """Waits until nothing uses certain blocks any more; gives everything up if that takes too long."""

        def is_done() -> bool:
            self._take(self._mover.poll())
            return done()

        if not wait_until(is_done, self._mover.wait, self._give_up_seconds):
            self._take(self._mover.abandon())
            self._connect_anew()

    # ---- The client

    def _open(self, session: bytes) -> None:
        if self._session == session:
            return
        self._session = session
        self._connect_anew()

    def _connect_anew(self) -> None:
        self._client = self._connect(self._session)
        self._mover = self._make_mover(self._client)
