"""Error components that add over files, and the scores of a set of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diarspk.metrics.conventions import DEFAULT, Convention
from diarspk.metrics.reference_turns import ReferenceTurns

__all__ = ["Components", "Scores"]


@dataclass(frozen=True)
class Components:
    """Error components of one file or of several; every ratio is a property.

    Attributes
    ----------
    total : float
        Speaker time of the reference in seconds: overlap counts once per speaker.
    miss, false_alarm, confusion : float
        Missed speech, false alarm and speaker confusion: speaker time in seconds.
    speakers : int
        Speakers of the reference.
    speaker_errors : float
        Sum of their Jaccard errors, each in [0, 1].
    """

    total: float = 0.0
    miss: float = 0.0
    false_alarm: float = 0.0
    confusion: float = 0.0
    speakers: int = 0
    speaker_errors: float = 0.0

    def __add__(self, other: Components) -> Components:
        return Components(
            total=self.total + other.total,
            miss=self.miss + other.miss,
            false_alarm=self.false_alarm + other.false_alarm,
            confusion=self.confusion + other.confusion,
            speakers=self.speakers + other.speakers,
            speaker_errors=self.speaker_errors + other.speaker_errors,
        )

    @property
    def correct(self) -> float:
        """Speaker time, in seconds, that is assigned to the right speaker."""
        return self.total - self.miss - self.confusion

    @property
    def der(self) -> float:
        """Diarization error rate: errors over ``total``, so it may exceed 1.

        For an empty reference it is 0 where the hypothesis is empty too, else 1.
        """
        return self._rate(self.miss + self.false_alarm + self.confusion)

    @property
    def miss_rate(self) -> float:
        """Missed speech over ``total``."""
        return self._rate(self.miss)

    @property
    def false_alarm_rate(self) -> float:
        """False alarm over ``total``."""
        return self._rate(self.false_alarm)

    @property
    def confusion_rate(self) -> float:
        """Confusion of speakers over ``total``."""
        return self._rate(self.confusion)

    @property
    def jer(self) -> float:
        """Jaccard error rate in [0, 1]: mean over the speakers of the reference.

        One speaker's error is 1 - intersection / union with the speaker mapped to it (1 where
        there is none). For an empty reference it equals ``der``. Source: Ryant et al.,
        *The Second DIHARD Challenge Evaluation Plan*, 2019, on continuous time.
        """
        return self.speaker_errors / self.speakers if self.speakers else self.der

    def as_dict(self) -> dict[str, float]:
        """Seconds, then ratios, for JSON reports."""
        return {
            "total": self.total,
            "correct": self.correct,
            "miss": self.miss,
            "false_alarm": self.false_alarm,
            "confusion": self.confusion,
            "speakers": self.speakers,
            "miss_rate": self.miss_rate,
            "false_alarm_rate": self.false_alarm_rate,
            "confusion_rate": self.confusion_rate,
            "der": self.der,
            "jer": self.jer,
        }

    def _rate(self, seconds: float) -> float:
        return seconds / self.total if self.total > 0 else float(seconds > 0)


@dataclass(frozen=True)
class Scores:
    """Error components by file, and the convention that they follow.

    Attributes
    ----------
    files : mapping of str to Components
        By file id, in the order of the reference.
    collar : float
        Collar as given; its meaning depends on ``rules``.
    skip_overlap : bool
        Whether overlapped reference speech was not scored.
    has_uem : bool
        Whether a UEM was given.
    missing : tuple of str
        Files of the reference without a hypothesis, scored as missed.
    unscored : tuple of str
        Files that are not in the reference, or not in the UEM.
    rules : Convention
        Convention of the scoring tool.
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
        """Sum over files: DER is weighted by speaker time, JER by the number of speakers."""
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
        """Definition of these rates, with a sentence for each choice."""
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
        """Contents of the JSON report; rates are fractions, times seconds."""
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
