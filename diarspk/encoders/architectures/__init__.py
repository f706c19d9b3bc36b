"""Encoder architectures of the field by name, at their published parameter counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.encoders.architectures.base import Architecture
    from diarspk.encoders.architectures.registry import (
        ARCHITECTURES,
        ArchitectureEntry,
        build_architecture,
        count_parameters,
    )

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "ArchitectureEntry",
    "build_architecture",
    "count_parameters",
]

_HOMES = {
    "ARCHITECTURES": "diarspk.encoders.architectures.registry",
    "Architecture": "diarspk.encoders.architectures.base",
    "ArchitectureEntry": "diarspk.encoders.architectures.registry",
    "build_architecture": "diarspk.encoders.architectures.registry",
    "count_parameters": "diarspk.encoders.architectures.registry",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
