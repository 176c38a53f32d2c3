"""The second level of LMCache's server, as its `native_plugin` adapter wants it."""

from __future__ import annotations

import logging
import os
import select
import threading
from dataclasses import dataclass, field

from .._structures import OPERATION_DELETE, OPERATION_EXISTS, OPERATION_GET, OPERATION_SET
from ..buffers import Value
from ..client import CONNECT_TIMEOUT_DEFAULT, TIMEOUT_DEFAULT, Client
from ..completions import Completion
from ..errors import Closed, Error, Forked

# The most keys of one batch of the library: LMCache's have as many as a prompt has chunks.
BATCH_KEYS_MAX = 4096
COPY_THREADS_DEFAULT = 4

_logger = logging.getLogger(__name__)


@dataclass
class _Future:
    """One of LMCache's batches, carried out in one batch of the library or, if it is large, in several."""

    number: int
    operation: int
    key_count: int
    # By the offset of their first key.
    results: dict[int, list[int]] = field(default_factory=dict)
    error: str = ""
    pending: int = 0

    def outcome(self) -> tuple[int, bool, str, list[bool] | None]:
        """What `drain_completions` says of it."""
        results = [result for offset in sorted(self.results) for result in self.results[offset]]
        if self.error:
            return self.number, False, self.error, None
        if self.operation == OPERATION_EXISTS:
            return self.number, True, "", [result > 0 for result in results]
        # What was not stored is gone, too: LMCache then forgets what the node has evicted.
        done = [result >= 0 for result in results]
        if self.operation == OPERATION_DELETE or all(done):
            return self.number, True, "", None if self.operation == OPERATION_SET else done
        count = len(done) - sum(done)
        verb = "loaded" if self.operation == OPERATION_GET else "stored"
        per_key = done if self.operation == OPERATION_GET else None
        return self.number, False, f"{count} of {len(done)} values were not {verb}", per_key


class L2Client:
    """Stores and loads the chunks of LMCache's server in a node.

    - path: the node's Unix socket; by default $REPRISE_SOCKET, or /run/reprise/reprise.sock.
    - copy_threads: threads that copy.
    - timeout, connect_timeout: seconds that a batch, and the first connection, may take.
    - connect_later: whether to start though the node is away. Until it is there, all is missing.

    A batch that fails is a miss for LMCache. Raises the errors of `reprise.Client`.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        copy_threads: int = COPY_THREADS_DEFAULT,
        timeout: float = TIMEOUT_DEFAULT,
        connect_timeout: float = CONNECT_TIMEOUT_DEFAULT,
        connect_later: bool = True,
    ):
        self._client = Client(
            path,
            copy_threads=copy_threads,
            timeout=timeout,
            connect_timeout=connect_timeout,
            connect_later=connect_later,
        )
        self._lock = threading.Lock()
        self._last_number = 0
        # By the number of the library's batch: the future, and the offset of the batch's first key.
        self._parts: dict[int, tuple[_Future, int]] = {}
        # Whose batches could not be submitted, or had no keys.
        self._ended: list[_Future] = []
        self._ended_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # Readable when either of the two is, so that LMCache has one descriptor to wait for.
        self._both = select.epoll()
        self._both.register(self._ended_fd, select.EPOLLIN)
        self._both.register(self._client.event_fd(), select.EPOLLIN)
        self._warn_if_away()

    def _warn_if_away(self) -> None:
        try:
            is_there = self._client.statistics().connected
        except Error:
            is_there = False
        if not is_there:
            _logger.warning(
                "Reprise's node cannot be reached yet: LMCache goes on without it until it is there"
            )

    def event_fd(self) -> int:
        """A descriptor that is readable while ended batches wait for `drain_completions`."""
        return self._both.fileno()

    def submit_batch_set(self, keys: list[str], bufs: list[Value]) -> int:
        """Stores chunks. Returns the batch's number, as all of these do."""
        return self._submit(OPERATION_SET, keys, bufs)

    def submit_batch_get(self, keys: list[str], bufs: list[Value]) -> int:
        """Loads chunks into memory of their lengths."""
        return self._submit(OPERATION_GET, keys, bufs)

    def submit_batch_exists(self, keys: list[str]) -> int:
        """Asks which chunks are stored."""
        return self._submit(OPERATION_EXISTS, keys, None)

    def submit_batch_delete(self, keys: list[str]) -> int:
        """Removes chunks."""
        return self._submit(OPERATION_DELETE, keys, None)

    def drain_completions(self) -> list[tuple[int, bool, str, list[bool] | None]]:
        """The batches that have ended: number, success, what was wrong, and what became of each key.

        Of a get that found only some of its keys the third says so, and the fourth which. Of a set the fourth
        is `None`: it succeeds or fails as a whole.
        """
        with self._lock:
            ended, self._ended = self._ended, []
            if ended:
                os.eventfd_read(self._ended_fd)
            for completion in self._client.drain():
                future = self._note(completion)
                if future.pending == 0:
                    ended.append(future)
        return [future.outcome() for future in ended]

    def close(self) -> None:
        """Ends the client. May be called more than once."""
        with self._lock:
            if self._both.closed:
                return
            self._both.close()
            os.close(self._ended_fd)
        self._client.close()

    def _submit(self, operation: int, keys: list[str], bufs: list[Value] | None) -> int:
        if bufs is not None and len(bufs) != len(keys):
            raise ValueError(f"{len(keys)} keys and {len(bufs)} buffers were given: give one for each")
        with self._lock:
            self._last_number += 1
            future = _Future(self._last_number, operation, len(keys))
            try:
                for offset in range(0, len(keys), BATCH_KEYS_MAX):
                    batch = self._submit_part(operation, keys, bufs, offset)
                    self._parts[batch] = future, offset
                    future.pending += 1
            except (Closed, Forked):
                raise
            except Error as error:
                # LMCache is told by the completion: its threads do not expect a submission to fail.
                future.error = str(error)
            if future.pending == 0:
                self._ended.append(future)
                if len(self._ended) == 1:
                    os.eventfd_write(self._ended_fd, 1)
            return future.number

    def _submit_part(self, operation: int, keys: list[str], bufs: list[Value] | None, offset: int) -> int:
        part = slice(offset, offset + BATCH_KEYS_MAX)
        if operation == OPERATION_SET and bufs is not None:
            return self._client.submit_set(*_without_repeats(keys[part], bufs[part]))
        if operation == OPERATION_GET and bufs is not None:
            return self._client.submit_get_into(keys[part], bufs[part])
        if operation == OPERATION_EXISTS:
            return self._client.submit_exists(keys[part])
        return self._client.submit_delete(keys[part])

    def _note(self, completion: Completion) -> _Future:
        future, offset = self._parts.pop(completion.id)
        future.pending -= 1
        if completion.ok:
            future.results[offset] = completion.results
        else:
            future.error = future.error or completion.error or "the batch failed"
        return future


def _without_repeats(keys: list[str], bufs: list[Value]) -> tuple[list[str], list[Value]]:
    """Keys and buffers with the last buffer of a repeated key, which a batch must not have."""
    last = dict(zip(keys, bufs))
    return (keys, bufs) if len(last) == len(keys) else (list(last), list(last.values()))
