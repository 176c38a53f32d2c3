"""A log that does not fill up while a node is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

INTERVAL_SECONDS = 30.0


class QuietLog:
    """Logs the first of a kind of message at once, then at most one in 30 s, with how many were left out."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic):
        self._logger, self._clock = logger, clock
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warning(self, kind: str, text: str) -> None:
        """Logs a warning, unless one of its kind was logged a short while ago."""
        now = self._clock()
        last = self._last.get(kind)
        if last is not None and now - last < INTERVAL_SECONDS:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._last[kind] = now
        count = self._left_out.pop(kind, 0)
        self._logger.warning("%s%s", text, f" ({count} more like it before)" if count else "")
