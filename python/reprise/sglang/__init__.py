"""Reprise as the storage of SGLang's hierarchical cache (0.5.23), loaded dynamically.

--enable-hierarchical-cache --hicache-storage-backend dynamic
--hicache-storage-backend-extra-config '{"backend_name": "reprise", "module_path": "reprise.sglang",
  "class_name": "RepriseStorage", "interface_v1": 1, "socket": "/run/reprise/reprise.sock"}'
"""

from .storage import RepriseStorage

__all__ = ["RepriseStorage"]
