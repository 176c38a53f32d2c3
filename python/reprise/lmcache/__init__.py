"""Reprise in LMCache 0.5.6: a second level of its server, and a remote store of its in-process mode.

The server (`native_plugin`):

    lmcache server --l1-size-gb 4 --l2-adapter '{"type": "native_plugin", "module_path": "reprise.lmcache",
      "class_name": "L2Client", "adapter_params": {"path": "/run/reprise/reprise.sock"}}'

In process (`remote_storage_plugins`):

    remote_storage_plugins: ["reprise"]
    extra_config:
      remote_storage_plugin.reprise.module_path: reprise.lmcache
      remote_storage_plugin.reprise.class_name: ConnectorAdapter
      remote_storage_plugin.reprise.socket: /run/reprise/reprise.sock
"""

from __future__ import annotations

from typing import Any

from .l2 import L2Client

__all__ = ["ConnectorAdapter", "L2Client"]


def __getattr__(name: str) -> Any:
    # Needs LMCache itself, which the second level does not.
    if name == "ConnectorAdapter":
        from .connector import ConnectorAdapter

        return ConnectorAdapter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
