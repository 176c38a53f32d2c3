"""What a tier has under way with a node: questions, stores and loads. Knows nothing of vLLM's classes."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Error
from ..pieces import Pieces
from .quiet import QuietLog
from .transfers import wait_until


@dataclass
class Result:
    """How a job has ended: the keys that succeeded, in seconds, with so many bytes copied."""

    job: Hashable
    success: bool
    keys: list[bytes]
    seconds: float
    byte_count: int


@dataclass
class Job:
    """Chunks to be stored or loaded, and where in the primary tier they lie."""

    job: Hashable
    keys: list[bytes]
    chunks: list[int]
    is_load: bool
    began: float


class TierJobs:
    """Submits a tier's work to a node, and takes in what has ended.

    - connect: makes a client, which this object alone uses.
    - key_of: the node's key for one of vLLM's.
    - base, stride, size: where the first chunk lies, bytes from one to the next, and bytes of one.
    - count: chunks of the primary tier.
    - give_up_seconds: how long `settle` waits before it closes the client, so that nothing uses the memory.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        key_of: Callable[[bytes], str],
        *,
        base: int,
        stride: int,
        size: int,
        count: int,
        give_up_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._connect, self._key_of = connect, key_of
        self._client = connect()
        self._base, self._stride, self._size, self._count = base, stride, size, count
        self._give_up_seconds, self._clock = give_up_seconds, clock
        self._under_way: dict[int, Callable[[Any], None]] = {}
        self._jobs: dict[Hashable, Job] = {}
        self._results: list[Result] = []
        self._log = QuietLog(logging.getLogger(__name__))

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._under_way or self._jobs)

    def ask(self, keys: Sequence[bytes], answer: Callable[[Sequence[bytes], Sequence[bool]], None]) -> None:
        """Asks whether keys are stored; the answer comes in `poll`. Without a node, none is."""
        asked = list(keys)

        def take(completion: Any) -> None:
            stored = [result == 1 for result in completion.results] if completion.ok else [False] * len(asked)
            answer(asked, stored)

        if not self._submit(lambda: self._client.submit_exists([self._key_of(key) for key in asked]), take):
            answer(asked, [False] * len(asked))

    def store(self, job: Hashable, keys: Sequence[bytes], chunks: Sequence[int]) -> None:
        """Stores chunks that the node does not have. Raises `ValueError` for chunks there are not."""
        found = self._new_job(job, keys, chunks, False)
        once = list(dict.fromkeys(found.keys))
        self.ask(once, lambda asked, stored: self._store_missing(found, asked, stored))

    def load(self, job: Hashable, keys: Sequence[bytes], chunks: Sequence[int]) -> None:
        """Loads chunks. Raises `ValueError` for chunks there are not."""
        found = self._new_job(job, keys, chunks, True)
        values = [self._pieces(chunk) for chunk in found.chunks]
        names = [self._key_of(key) for key in found.keys]
        if not self._submit(
            lambda: self._client.submit_get_into(names, values),
            lambda completion: self._transferred(found, found.keys, [], completion),
        ):
            self._end(found, [], 0)

    def poll(self) -> list[Result]:
        """The jobs that have ended since the last call; does not wait."""
        if self._under_way:
            for completion in self._client.drain():
                self._under_way.pop(completion.id)(completion)
        results, self._results = self._results, []
        return results

    def settle(self) -> None:
        """Waits until nothing is under way; what takes too long fails. `poll` has the results."""
        kept: list[Result] = []

        def is_done() -> bool:
            kept.extend(self.poll())
            return not self.busy

        if not wait_until(is_done, self._wait, self._give_up_seconds):
            self._client.close()
            self._under_way.clear()
            for job in list(self._jobs.values()):
                self._end(job, [], 0)
            self._client = self._connect()
        self._results = kept + self._results

    def close(self) -> None:
        """Ends the client; afterwards nothing uses the primary tier's memory."""
        self._client.close()
        self._under_way.clear()

    # ---- Stages

    def _new_job(self, job: Hashable, keys: Sequence[bytes], chunks: Sequence[int], is_load: bool) -> Job:
        numbers = [int(chunk) for chunk in chunks]
        if len(keys) != len(numbers) or any(not 0 <= chunk < self._count for chunk in numbers):
            raise ValueError(f"{len(keys)} keys and chunks {numbers} of {self._count}: each key needs one")
        found = Job(job, [bytes(key) for key in keys], numbers, is_load, self._clock())
        self._jobs[job] = found
        return found

    def _store_missing(self, job: Job, asked: Sequence[bytes], stored: Sequence[bool]) -> None:
        chunks = dict(zip(job.keys, job.chunks, strict=True))
        there = [key for key, is_stored in zip(asked, stored, strict=True) if is_stored]
        missing = [key for key, is_stored in zip(asked, stored, strict=True) if not is_stored]
        if not missing:
            self._end(job, job.keys, 0)
            return
        values = [self._pieces(chunks[key]) for key in missing]
        names = [self._key_of(key) for key in missing]
        if not self._submit(
            lambda: self._client.submit_set(names, values),
            lambda completion: self._transferred(job, missing, there, completion),
        ):
            self._end(job, there, 0)

    def _transferred(self, job: Job, keys: Sequence[bytes], there: list[bytes], completion: Any) -> None:
        if completion.ok:
            done = [key for key, result in zip(keys, completion.results, strict=True) if result >= 0]
        else:
            done = []
            self._log.warning("batch", f"the node did not do what a tier has asked for: {completion.error}")
        self._end(job, there + done, len(done) * self._size)

    def _end(self, job: Job, done: Sequence[bytes], byte_count: int) -> None:
        del self._jobs[job.job]
        success = set(done) >= set(job.keys)
        self._results.append(Result(job.job, success, list(done), self._clock() - job.began, byte_count))

    def _submit(self, submit: Callable[[], int], take: Callable[[Any], None]) -> bool:
        """Submits a batch whose end `take` is told of; whether that was possible."""
        try:
            number = submit()
        except Error as error:
            self._log.warning("submit", f"the node does not do what a tier asks for: {error}")
            return False
        self._under_way[number] = take
        return True

    def _pieces(self, chunk: int) -> Pieces:
        return Pieces.from_addresses([self._base + chunk * self._stride], self._size)

    def _wait(self, seconds: float) -> None:
        select.select([self._client.event_fd()], [], [], seconds)
