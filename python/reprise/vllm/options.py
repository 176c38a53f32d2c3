"""What a deployment configures in `kv_connector_extra_config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "reprise."
CHUNK_TOKENS_DEFAULT = 256
CHUNK_BLOCKS_MAX = 4096
COPY_THREADS_MAX = 64
TIMEOUT_MAX = 600.0
STAGING_BYTES_DEFAULT = 256 << 20


@dataclass(frozen=True)
class Options:
    """The options, by their names without `reprise.`.

    - socket: the node's Unix socket; by default $REPRISE_SOCKET, or /run/reprise/reprise.sock.
    - chunk_blocks: blocks of one value; 0 means as many as make about 256 tokens.
    - copy_threads: threads that copy, in each worker.
    - timeout_s: how long the scheduler or a worker waits for the node.
    - namespace: any text; engines with different ones share nothing. Change it with a local model's weights.
    - save_decode: whether generated tokens are stored too, and not only prompts.
    - staging: whether copies go through pinned memory: "auto" (for tensors of a device), or "always".
    - staging_bytes: pinned memory for that, in each worker.
    """

    socket: str | None = None
    chunk_blocks: int = 0
    copy_threads: int = 2
    timeout_s: float = 2.0
    namespace: str = ""
    save_decode: bool = False
    staging: str = "auto"
    staging_bytes: int = STAGING_BYTES_DEFAULT

    @classmethod
    def read(cls, extra: Mapping[str, Any]) -> Options:
        """The options of an extra configuration, in which others' entries are left alone.

        Raises `ValueError` for an unknown name that begins with `reprise.`, and for a value that cannot be.
        """
        given = {name[len(PREFIX) :]: value for name, value in extra.items() if name.startswith(PREFIX)}
        known = {field.name: field.type for field in fields(cls)}
        for name, value in given.items():
            if name not in known:
                names = ", ".join(PREFIX + name for name in known)
                raise ValueError(f"kv_connector_extra_config has no {PREFIX}{name}; there are {names}")
            given[name] = _typed(name, value, str(known[name]))
        options = cls(**given)
        options._check()
        return options

    def _check(self) -> None:
        _require("chunk_blocks", self.chunk_blocks, 0, CHUNK_BLOCKS_MAX)
        _require("copy_threads", self.copy_threads, 1, COPY_THREADS_MAX)
        _require("timeout_s", self.timeout_s, 0.001, TIMEOUT_MAX)
        _require("staging_bytes", self.staging_bytes, 1 << 20, 1 << 40)
        if self.staging not in ("auto", "always"):
            raise ValueError(f'{PREFIX}staging is "auto" or "always", not {self.staging!r}')

    def blocks_per_chunk(self, block_size: int) -> int:
        """Blocks of one value, for blocks of that many tokens."""
        return self.chunk_blocks or max(1, CHUNK_TOKENS_DEFAULT // block_size)


def _typed(name: str, value: Any, kind: str) -> Any:
    allowed = {"int": (int,), "float": (int, float), "bool": (bool,)}.get(kind, (str,))
    if kind.endswith("None") and value is None:
        return None
    if not isinstance(value, allowed) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"{PREFIX}{name} is {value!r}, and has to be of type {allowed[-1].__name__}")
    return value


def _require(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{PREFIX}{name} is {value}, and has to be from {least} to {most}")
