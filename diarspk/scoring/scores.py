"""The result of scoring: components of every file, and the convention they follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diarspk.scoring.components import Components

__all__ = ["Scores"]


@dataclass(frozen=True)
class Scores:
    """Error components by file.

    Attributes
    ----------
    files : mapping of str to Components
        By file id, in the order of the reference.
    collar : float
        Seconds left out on each side of every reference boundary.
    skip_overlap : bool
        Whether overlapped reference speech was left out.
    has_uem : bool
        Whether a UEM gave the regions.
    missing : tuple of str
        Files of the reference that the hypothesis lacks, scored as missed.
    unscored : tuple of str
        Files that were left out, since the reference or the UEM lacks them.
    """

    files: Mapping[str, Components]
    collar: float = 0.0
    skip_overlap: bool = False
    has_uem: bool = False
    missing: tuple[str, ...] = ()
    unscored: tuple[str, ...] = ()

    @property
    def pooled(self) -> Components:
        """All files together: longer ones weigh more in DER, those with more speakers in JER."""
        return sum(self.files.values(), Components())

    @property
    def der(self) -> float:
        """Pooled diarization error rate."""
        return self.pooled.der

    @property
    def jer(self) -> float:
        """Pooled Jaccard error rate."""
        return self.pooled.jer

    @property
    def convention(self) -> str:
        """How these rates are defined, in a sentence for each choice."""
        collar = (
            f"{self.collar:g} s on each side of every reference boundary are not scored "
            f"(pyannote.metrics calls this collar {2 * self.collar:g})"
            if self.collar
            else "No collar: speech is scored up to every reference boundary"
        )
        overlap = "is not" if self.skip_overlap else "is"
        regions = (
            "the regions of the UEM"
            if self.has_uem
            else "each file from the first start to the last end of any turn, as no UEM was given"
        )
        return (
            "DER = (miss + false alarm + confusion) / reference speaker time. "
            f"{collar}. Overlapped reference speech {overlap} scored. Scored are {regions}. "
            "Files are pooled by speaker time. JER = mean over reference speakers of "
            "1 - intersection / union with the mapped speaker, in the same regions."
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON holds it; rates are fractions, times seconds."""
        return {
            "convention": self.convention,
            "collar": self.collar,
            "skip_overlap": self.skip_overlap,
            "uem": self.has_uem,
            "pooled": self.pooled.as_dict(),
            "files": {name: components.as_dict() for name, components in self.files.items()},
            "missing": list(self.missing),
            "unscored": list(self.unscored),
        }
