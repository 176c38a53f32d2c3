"""SGLang's storage interface without the rest of SGLang, which needs an accelerator to be imported."""

from __future__ import annotations

import importlib
import importlib.util
import pathlib
import sys
import types

PACKAGES = ("sglang", "sglang.srt", "sglang.srt.mem_cache")


def is_installed() -> bool:
    return "sglang" in sys.modules or importlib.util.find_spec("sglang") is not None


def load():
    """The module `hicache_storage` as SGLang has it; raises `ImportError` if SGLang is not installed."""
    if "sglang" not in sys.modules:
        specification = importlib.util.find_spec("sglang")
        if specification is None:
            raise ImportError("SGLang is not installed; scripts/python-env installs it")
        root = pathlib.Path(specification.submodule_search_locations[0])
        for name in PACKAGES:
            # The packages' own __init__ would import the engine; their modules are found all the same.
            package = types.ModuleType(name)
            package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
            sys.modules[name] = package
    return importlib.import_module("sglang.srt.mem_cache.hicache_storage")
