"""What the scheduler's connector tells those of the workers, in each step."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class LoadOrder:
    """Chunks to be loaded for a request that waits for them.

    - names: of the chunks, which follow the worker's prefix.
    - blocks: for each chunk the blocks that it goes to.
    - skip: blocks at the head of the first chunk that the engine has already.
    - lookups: for each rank the lookup that keeps the chunks, or 0.
    """

    request: str
    names: list[str]
    blocks: list[list[int]]
    skip: int
    lookups: dict[str, int]


@dataclass
class SaveOrder:
    """Chunks of a request that are computed when this step's forward pass is over."""

    request: str
    names: list[str]
    blocks: list[list[int]]


@dataclass
class StepOrders:
    """All orders of a step.

    - session: what the lookups were made with.
    - released: requests whose blocks others may use from this step on.
    - finishing: requests that have ended, and whose blocks are kept until their chunks are stored.
    - idle: whether the step computes nothing, so that a worker may wait for its loads.
    """

    session: bytes
    loads: list[LoadOrder] = field(default_factory=list)
    saves: list[SaveOrder] = field(default_factory=list)
    released: set[str] = field(default_factory=set)
    finishing: set[str] = field(default_factory=set)
    idle: bool = False
