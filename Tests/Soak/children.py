"""Child processes that play clients. They are killed or awaited, and say when they saw wrong bytes."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

LIMIT_SECONDS = 60
WRONG_BYTES_STATUS = 3


def spawn(seed: int, work, *arguments) -> int:
    """Runs `work(*arguments, source)` in a child, with random numbers from `seed`; returns the child's id."""
    child = os.fork()
    if child != 0:
        return child
    status = 1
    try:
        work(*arguments, random.Random(seed))
        status = 0
    except ValueError as error:
        print(f"wrong bytes: {error}", file=sys.stderr, flush=True)
        status = WRONG_BYTES_STATUS
    except Exception as error:
        print(f"client failed: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def kill(children) -> None:
    for child in children:
        os.kill(child, signal.SIGKILL)


def reap(child: int, deadline: float, may_end: bool) -> None:
    """Waits for a child. It must have been killed, or, if it may end by itself, have ended well."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid != 0:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise AssertionError(f"a client was stuck for {LIMIT_SECONDS} s")
        time.sleep(0.005)
    was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not was_killed and not (may_end and status == 0):
        raise AssertionError(f"a client ended with status {status} instead of being killed; see above")


def reap_all(children, may_end=False) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    for child in children:
        reap(child, deadline, may_end)
