"""What a client knows of its node and of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """The connected node's fill, and counters of this client alone.

    - connected: whether there is a connection now.
    - writable: whether the node gave memory that can be written, as it does to clients of its own user.
    - capacity_bytes, used_bytes, entries: what the node can hold in memory, and holds; 0 while not connected.
    - reconnects: connections made after the first.
    - leases, leased_bytes: what is leased now.
    - bytes_stored, bytes_loaded: copied to and from the node.
    """

    connected: bool
    writable: bool
    capacity_bytes: int
    used_bytes: int
    entries: int
    reconnects: int
    leases: int
    leased_bytes: int
    bytes_stored: int
    bytes_loaded: int
