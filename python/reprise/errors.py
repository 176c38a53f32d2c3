"""The exceptions of this package: one for each status of the library, with the library's message."""

from __future__ import annotations

OK = 0
MISSING = -1


class Error(Exception):
    """What the library refuses or cannot do. `status` is its number in `reprise.h`."""

    status: int = 0


class InvalidArgument(Error, ValueError):
    """An argument is wrong; nothing was done."""

    status = -2


class NotConnected(Error, ConnectionError):
    """The node is away or restarting. The client goes on trying to reach it, so a later call may succeed."""

    status = -3


class Timeout(Error, TimeoutError):
    """The node did not answer in time."""

    status = -4


class Forked(Error):
    """The client belongs to the process that this one was forked from; make another client here."""

    status = -5


class Closed(Error):
    """The client is closed."""

    status = -6


class Refused(Error, PermissionError):
    """The node refuses this client, or speaks another version of the protocol."""

    status = -7


class LengthMismatch(Error, ValueError):
    """The stored value has another length than the caller's memory."""

    status = -8


class NoRoom(Error):
    """There is no room for the value in the node, or a limit of this client is reached."""

    status = -9


class LeaseError(Error):
    """The lease is not, or no longer, this client's."""

    status = -10


class SystemError_(Error, OSError):
    """The system has refused memory, threads or descriptors."""

    status = -11


class ProtocolError(Error):
    """The node has answered what it must not."""

    status = -12


_CLASSES: dict[int, type[Error]] = {
    cls.status: cls
    for cls in (
        InvalidArgument,
        NotConnected,
        Timeout,
        Forked,
        Closed,
        Refused,
        LengthMismatch,
        NoRoom,
        LeaseError,
        SystemError_,
        ProtocolError,
    )
}


def from_status(status: int, message: str) -> Error:
    """The exception for a negative status; of class `Error` itself if a later library knows more of them."""
    cls = _CLASSES.get(status)
    if cls is not None:
        return cls(message)
    error = Error(message)
    error.status = status
    return error
