"""Data: sources of images, preparing them once, and a loader whose order is a pure function of a counter.

Names load when first used: importing `zoo.data` imports neither numpy, PIL nor torch. The function that
prepares is `zoo.data.prepare.prepare`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.data.arrays import ArraySource
    from zoo.data.loader import Loader
    from zoo.data.prepared import Prepared, open_prepared
    from zoo.data.source import Item, Source, open_source
    from zoo.data.spec import DataSpec
    from zoo.data.tree_source import TreeSource

__all__ = [
    "ArraySource",
    "DataSpec",
    "Item",
    "Loader",
    "Prepared",
    "Source",
    "TreeSource",
    "open_prepared",
    "open_source",
]

_HOMES = {
    "ArraySource": "arrays",
    "DataSpec": "spec",
    "Item": "source",
    "Loader": "loader",
    "Prepared": "prepared",
    "Source": "source",
    "TreeSource": "tree_source",
    "open_prepared": "prepared",
    "open_source": "source",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"zoo.data.{_HOMES[name]}"), name)
