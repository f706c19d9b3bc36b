"""Warnings of the library, each to the request whose worker it befell; none reaches the log."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from diarspk.errors import DiarspkWarning

__all__ = ["collected_warnings", "collecting_warnings"]

_OF_THREAD = threading.local()


@contextmanager
def collecting_warnings() -> Iterator[None]:
    """Collect warnings in every thread, for as long as a server runs.

    The texts name recordings, so those of threads that collect none are lost.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DiarspkWarning)
        warnings.showwarning = _note
        yield


@contextmanager
def collected_warnings(texts: list[str] | None = None) -> Iterator[list[str]]:
    """Append the warnings of this thread to ``texts``, or to a new list, each once."""
    found: list[str] = [] if texts is None else texts
    _OF_THREAD.texts = found
    try:
        yield found
    finally:
        del _OF_THREAD.texts


def _note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    texts: list[str] | None = getattr(_OF_THREAD, "texts", None)
    if texts is not None and str(message) not in texts:
        texts.append(str(message))
