"""Reprise: the key/value cache of a node on this host, at the speed of memory.

    import reprise
    with reprise.Client("/run/reprise/reprise.sock") as client:
        client.set("key", b"value")
        with client.acquire(["key"]) as lease:
            print(bytes(lease.views[0]))

The library is loaded when the first client is made.
"""

from .buffers import Key, Value
from .client import Client
from .completions import Completion
from .errors import (
    MISSING,
    OK,
    Closed,
    Error,
    Forked,
    InvalidArgument,
    LeaseError,
    LengthMismatch,
    NoRoom,
    NotConnected,
    ProtocolError,
    Refused,
    SystemError_,
    Timeout,
)
from .leases import Layout, Lease
from .pieces import Pieces
from .statistics import Statistics

__version__ = "0.1.0"

__all__ = [
    "MISSING",
    "OK",
    "Client",
    "Closed",
    "Completion",
    "Error",
    "Forked",
    "InvalidArgument",
    "Key",
    "Layout",
    "Lease",
    "LeaseError",
    "LengthMismatch",
    "NoRoom",
    "NotConnected",
    "Pieces",
    "ProtocolError",
    "Refused",
    "Statistics",
    "SystemError_",
    "Timeout",
    "Value",
    "__version__",
]
