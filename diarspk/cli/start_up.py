"""Quick start of a command that loads models: what its imports cost, and what they need not."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quick_imports"]

NOTEBOOK = "pyannote.core.notebook"


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import large packages without the work that a command line has no use for.

    The garbage collector rests: imports make a million objects, and no garbage. Afterwards these
    objects are exempt from collection. pyannote.core is imported without its notebook module, which
    imports all of matplotlib where that is installed; it can be imported later.
    """
    resting = gc.isenabled()
    gc.disable()
    hidden = NOTEBOOK not in sys.modules
    if hidden:
        sys.modules[NOTEBOOK] = None  # type: ignore[assignment] # an ImportError, which is caught
    try:
        import pyannote.core  # noqa: F401

        yield
    finally:
        if hidden:
            del sys.modules[NOTEBOOK]
        if resting:
            gc.freeze()
            gc.enable()
