"""The result of scoring: components of every file, and the convention they follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diarspk.metrics.components import Components
from diarspk.metrics.conventions import DEFAULT, Convention
from diarspk.metrics.reference_turns import ReferenceTurns

__all__ = ["Scores"]


@dataclass(frozen=True)
class Scores:
    """Error components by file.

    Attributes
    ----------
    files : mapping of str to Components
        By file id, in the order of the reference.
    collar : float
        As it was asked for: see ``rules`` for what it means.
    skip_overlap : bool
        Whether overlapped reference speech was left out.
    has_uem : bool
        Whether a UEM gave the regions.
    missing : tuple of str
        Files of the reference that the hypothesis lacks, scored as missed.
    unscored : tuple of str
        Files that were left out, since the reference or the UEM lacks them.
    rules : Convention
        The scoring tool that is followed.
    reference_turns : ReferenceTurns
        How finely the references are segmented.
    """

    files: Mapping[str, Components]
    collar: float = 0.0
    skip_overlap: bool = False
    has_uem: bool = False
    missing: tuple[str, ...] = ()
    unscored: tuple[str, ...] = ()
    rules: Convention = DEFAULT
    reference_turns: ReferenceTurns = field(default_factory=ReferenceTurns)

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
        side = self.collar * self.rules.collar_share
        collar = (
            f"{side:g} s on each side of every reference boundary are not scored "
            f"(pyannote.metrics calls this collar {2 * side:g})"
            if side
            else "No collar: speech is scored up to every reference boundary"
        )
        overlap = "is not" if self.skip_overlap else "is"
        turns = "reference turn" if self.rules.extent == "reference" else "turn"
        regions = (
            "the regions of the UEM"
            if self.has_uem
            else f"each file from the first start to the last end of any {turns}, as no UEM "
            "was given"
        )
        jaccard = (
            "on frames of 10 ms, without a collar"
            if self.rules.jaccard == "frames"
            else "in the same regions"
        )
        tool = "" if self.rules == DEFAULT else f"Rules of {self.rules.name}. "
        return (
            f"{tool}DER = (miss + false alarm + confusion) / reference speaker time. "
            f"{collar}. Overlapped reference speech {overlap} scored. Scored are {regions}. "
            "Files are pooled by speaker time. JER = mean over reference speakers of "
            f"1 - intersection / union with the mapped speaker, {jaccard}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON holds it; rates are fractions, times seconds."""
        return {
            "rules": self.rules.name,
            "convention": self.convention,
            "collar": self.collar,
            "skip_overlap": self.skip_overlap,
            "uem": self.has_uem,
            "pooled": self.pooled.as_dict(),
            "files": {name: components.as_dict() for name, components in self.files.items()},
            "missing": list(self.missing),
            "unscored": list(self.unscored),
            "reference_turns": self.reference_turns.as_dict(),
        }
