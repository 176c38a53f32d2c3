"""Lets an engine do without a node that does not answer in time, rather than wait for it again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import Error, NotConnected

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 60.0


class Pause:
    """When a node is not to be asked: after a failure, for a while that doubles with each, up to 60 s.

    A node that is not there says so at once, and is asked each time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._seconds = FIRST_SECONDS
        self._end = float("-inf")

    @property
    def is_on(self) -> bool:
        """Whether the node is not to be asked now."""
        return self._clock() < self._end

    def failed(self, error: Error) -> None:
        """The node was asked, and has failed."""
        if isinstance(error, NotConnected):
            return
        self._end = self._clock() + self._seconds
        self._seconds = min(2 * self._seconds, LONGEST_SECONDS)

    def succeeded(self) -> None:
        """The node was asked, and has answered."""
        self._seconds = FIRST_SECONDS
