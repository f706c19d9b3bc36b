"""Refusal of an output that is a file which the same command reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from diarspk.errors import ArgumentError

__all__ = ["keep_inputs"]


def keep_inputs(output: Path | None, inputs: Iterable[Path | None]) -> None:
    """Refuse to write over a file that is read, under whatever name.

    Raises
    ------
    ArgumentError
        If the output is one of the inputs.
    """
    if output is None or not output.exists():
        return
    for path in inputs:
        if path is not None and path.exists() and os.path.samefile(output, path):
            raise ArgumentError(
                f"`-o` must not be an input, got {output}; choose another folder or name"
            )
