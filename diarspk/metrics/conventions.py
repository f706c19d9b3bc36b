"""What the field's scoring tools agree on, and where they differ.

All count ``DER = (miss + false alarm + confusion) / reference speaker time``, with overlapped
reference time once per speaker. They differ in what is scored at all; a :class:`Convention` says
how, so that a number can be compared with a published one. Sources: NIST md-eval version 22,
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
    """How one tool decides what is scored.

    Attributes
    ----------
    name : str
    collar_share : float
        Share of ``collar`` that is left out on each side of a reference boundary: pyannote.metrics
        centres a collar on the boundary, the others put one on each side.
    extent : {"reference", "both"}
        Whose first start and last end bound the scored region where no UEM is given.
    joined : {"never", "overlapping", "touching"}
        Which turns of one speaker become one before collars are laid around its ends. Where they
        are never joined, speech that repeats still counts once (except in pyannote.metrics).
    trimmed : bool
        Turns are cut at the UEM before collars are laid, so that a cut end has a collar as well.
    mapping : {"uem", "scored"}
        Time over which speakers are matched: the UEM, or what collars and ``skip_overlap`` leave
        of it.
    jaccard : {"frames", "continuous"}
        Jaccard error rate on frames of 10 ms without collar (dscore), or on continuous time in the
        scored region (pyannote.metrics). md-eval and spyder have none: they get dscore's.
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
"""By name, as ``diarspk score --convention`` takes them."""


def find_convention(name: str) -> Convention:
    """Convention of a name.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    if name not in CONVENTIONS:
        raise ArgumentError(f"`convention` must be one of {', '.join(CONVENTIONS)}, got {name!r}")
    return CONVENTIONS[name]
