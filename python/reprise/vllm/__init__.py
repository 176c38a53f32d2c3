"""Reprise in vLLM 0.32: `RepriseConnector`, and `RepriseTier` for vLLM's tiered offloading.

Importing it raises `ImportError` for other versions of vLLM.
"""

from .version import check_version, installed_version

check_version(installed_version())

from .connector import RepriseConnector  # noqa: E402
from .tier import RepriseTier  # noqa: E402

__all__ = ["RepriseConnector", "RepriseTier"]
