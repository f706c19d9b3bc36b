"""Fault of an annotation file, as the linter reports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes
    ----------
    file : str
    line : int or None
        One-based; None where the fault is the file's.
    severity : {"error", "warning"}
        An error cannot be read, or is surely wrong; a warning means that tools differ.
    message : str
        The fault, and the remedy.
    """

    file: str
    line: int | None
    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.severity}: {self.message}"
