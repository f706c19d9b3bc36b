"""Public names that are imported when they are first used, so that a package costs nothing.

The module of a package says::

    __getattr__, __dir__ = lazy_names(__name__, {"Diarizer": "diarspk.diarization.diarizer"})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, str], *present: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Parameters
    ----------
    package
        Its name, for errors.
    homes
        Module in which each name is defined.
    present
        Names besides that are there already.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    def names() -> list[str]:
        return sorted([*homes, *present])

    return find, names
