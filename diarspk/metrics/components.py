"""Seconds of error that add over files; every ratio is a property."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Components"]


@dataclass(frozen=True)
class Components:
    """What a hypothesis got wrong, in one file or in many.

    Attributes
    ----------
    total : float
        Speaker time of the reference in seconds: overlap counts once per speaker.
    miss, false_alarm, confusion : float
        Speaker time, in seconds, that the hypothesis lacks, that it adds, and that it gives to
        the wrong speaker.
    speakers : int
        Speakers of the reference.
    speaker_errors : float
        Their Jaccard errors, each in [0, 1], summed.
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
        """Speaker time, in seconds, that the hypothesis gives to the right speaker."""
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
        """Jaccard error rate, in [0, 1]: mean over the reference's speakers, each alike.

        One speaker's error is 1 - intersection / union with the speaker mapped to it (1 where
        there is none). For an empty reference it is what ``der`` is. Source: Ryant et al.,
        *The Second DIHARD Challenge Evaluation Plan*, 2019, on continuous time.
        """
        return self.speaker_errors / self.speakers if self.speakers else self.der

    def as_dict(self) -> dict[str, float]:
        """Seconds, then ratios, as JSON holds them."""
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
