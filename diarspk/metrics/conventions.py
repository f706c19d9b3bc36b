"""Conventions of the field's scoring tools, and how they differ.

All count ``DER = (miss + false alarm + confusion) / reference speaker time``, with overlapped
reference time once per speaker. They differ in what is scored; a :class:`Convention` states
it, so that a number can be compared with a published one. Sources: NIST md-eval version 22,
nryant/dscore, pyannote.metrics, spyder (spy-der 0.4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from diarspk.errors import ArgumentError

__all__ = ["CONVENTIONS", "DEFAULT", "Convention", "find_convention"]


@dataclass(frozen=True)
class Convention:
    """Rules of one scoring tool.

    Attributes
    ----------
    name : str
    collar_share : float
        Share of ``collar`` that is not scored on each side of a reference boundary:
        pyannote.metrics centres a collar on the boundary, the others put one on each side.
    extent : {"reference", "both"}
        Annotations whose first start and last end delimit the scored region without a UEM.
    joined : {"never", "overlapping", "touching"}
        Turns of one speaker that are joined before collars are applied. Where they are never
        joined, repeated speech still counts once (except in pyannote.metrics).
    trimmed : bool
        Whether turns are cropped to the UEM before collars are applied, so that a cropped end has a
        collar as well.
    mapping : {"uem", "scored"}
        Time over which speakers are mapped: the UEM, or the scored part of it.
    jaccard : {"frames", "continuous"}
        Jaccard error rate on frames of 10 ms without collar (dscore), or on continuous time in the
        scored region (pyannote.metrics). md-eval and spyder define none: dscore's is used.
    """

    name: str
    collar_share: float = 1.0
    extent: Literal["reference", "both"] = "both"
    joined: Literal["never", "overlapping", "touching"] = "never"
    trimmed: bool = False
    mapping: Literal["uem", "scored"] = "uem"
    jaccard: Literal["frames", "continuous"] = "frames"

    @property
    def by_pyannote(self) -> bool:
        """Whether pyannote.metrics itself computes the rates."""
        return self.mapping == "scored"


DEFAULT = Convention("diarspk", mapping="scored", jaccard="continuous")
"""pyannote.metrics, except that ``collar`` counts on each side."""

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            DEFAULT,
            Convention("md-eval", extent="reference"),
            Convention("dscore", joined="overlapping", trimmed=True),
            Convention("pyannote", collar_share=0.5, mapping="scored", jaccard="continuous"),
            Convention("spyder", joined="touching"),
        )
    }
)
"""Conventions by name, for ``diarspk score --convention``."""


def find_convention(name: str) -> Convention:
    """Look up a convention by name.

    Raises
    ------
    ArgumentError
        There is none of that name.
    """
    if not isinstance(name, str) or name not in CONVENTIONS:
        raise ArgumentError(f"`convention` must be one of {', '.join(CONVENTIONS)}, got {name!r}")
    return CONVENTIONS[name]
