"""Submitted batches as awaitables of an asyncio event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

from .completions import Completion, Submitter
from .errors import Closed, InvalidArgument, from_status


class Waiter:
    """Hands a client's ended batches to the coroutines that wait for them, on one event loop at a time."""

    def __init__(self, submitter: Submitter):
        self._submitter = submitter
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor = -1
        self._waiting: dict[int, asyncio.Future[Completion]] = {}

    @property
    def in_use(self) -> bool:
        """Whether a loop reads the client's event descriptor."""
        return self._loop is not None

    async def results(self, submit: Callable[[], int]) -> list[int]:
        """Submits a batch and returns its results once it has ended; raises what the batch failed with.

        The memory of a batch whose coroutine is cancelled is kept until the library is done with it.
        """
        loop = asyncio.get_running_loop()
        self._attach(loop)
        # The loop's thread alone drains, so the batch cannot be handed over before it is noted.
        batch = submit()
        future = self._waiting[batch] = loop.create_future()
        completion = await future
        if not completion.ok:
            raise from_status(completion.status, completion.error)
        return completion.results

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if self._loop is loop:
                return
            if self._loop is not None and not self._loop.is_closed() and self._waiting:
                raise InvalidArgument(
                    "the client's asynchronous calls are being awaited on another event loop: use one client "
                    "for each loop"
                )
            self._detach()
            # A duplicate, so that the loop never watches a descriptor that the library has closed.
            descriptor = os.dup(self._submitter.event_fd())
            try:
                loop.add_reader(descriptor, self._hand_over)
            except BaseException:
                os.close(descriptor)
                raise
            self._loop, self._descriptor = loop, descriptor

    def _detach(self) -> None:
        loop, descriptor = self._loop, self._descriptor
        self._loop, self._descriptor = None, -1
        # What a closed loop waited for is not awaited by anyone; the library drains it with the rest.
        self._waiting.clear()
        if loop is None:
            return
        if not loop.is_closed():
            loop.remove_reader(descriptor)
        os.close(descriptor)

    def _hand_over(self) -> None:
        try:
            completions = self._submitter.drain()
        except Exception as error:  # Whatever it is, those who wait have to learn of it.
            self._fail(error)
            return
        for completion in completions:
            future = self._waiting.pop(completion.id, None)
            if future is not None and not future.done():
                future.set_result(completion)

    def _fail(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)

    def close(self) -> None:
        """Fails what is awaited with `Closed`, and leaves the loop. From any thread."""
        loop = self._loop
        if loop is None:
            return
        if loop.is_closed() or _running_loop() is loop:
            self._end()
        else:
            try:
                loop.call_soon_threadsafe(self._end)
            except RuntimeError:  # Closed meanwhile.
                self._end()

    def _end(self) -> None:
        self._fail(Closed("the client was closed while the batch was under way"))
        with self._lock:
            self._detach()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
