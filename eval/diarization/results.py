"""Results of a system on one recording, and pooled over many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import stdev
from typing import Any

from diarspk.metrics import Components
from eval.diarization.conversation import OWN

__all__ = ["Outcome", "Summary"]


@dataclass(frozen=True)
class Outcome:
    """One system on one recording.

    Attributes
    ----------
    system, collection, recording : str
    components : Components
        Seconds of error and of reference speech.
    reference_speakers, found_speakers : int
        Within the scored part.
    duration : float
        Seconds of the recording that are scored.
    processing : float
        Wall-clock seconds the system took, loading its models apart.
    seed : int
        Of the generators that a system may draw from.
    reference : str
        Which reference it was scored against.
    """

    system: str
    collection: str
    recording: str
    components: Components
    reference_speakers: int
    found_speakers: int
    duration: float
    processing: float
    seed: int = 0
    reference: str = OWN


@dataclass(frozen=True)
class Summary:
    """Outcomes of one system on one collection and reference, pooled: long recordings weigh more.

    Several seeds are pooled as well, so that their rates are averaged.
    """

    outcomes: Sequence[Outcome]

    @property
    def system(self) -> str:
        return self.outcomes[0].system

    @property
    def collection(self) -> str:
        return self.outcomes[0].collection

    @property
    def reference(self) -> str:
        return self.outcomes[0].reference

    @property
    def components(self) -> Components:
        return reduce(add, (outcome.components for outcome in self.outcomes))

    @property
    def seeds(self) -> list[int]:
        return sorted({outcome.seed for outcome in self.outcomes})

    @property
    def der_deviation(self) -> float:
        """Standard deviation of the error rate over seeds; 0 for one seed."""
        rates = [self.of_seed(seed).components.der for seed in self.seeds]
        return stdev(rates) if len(rates) > 1 else 0.0

    def of_seed(self, seed: int) -> Summary:
        """Outcomes of one seed alone."""
        return Summary([outcome for outcome in self.outcomes if outcome.seed == seed])

    @property
    def count_accuracy(self) -> float:
        """Share of recordings with the right number of speakers."""
        errors = self._count_errors()
        return errors.count(0) / len(errors)

    @property
    def count_error(self) -> float:
        """Mean distance between the number of speakers found and the right one."""
        errors = self._count_errors()
        return sum(errors) / len(errors)

    @property
    def found_speakers(self) -> float:
        """Mean number of speakers found."""
        return sum(one.found_speakers for one in self.outcomes) / len(self.outcomes)

    def by_speakers(self) -> dict[int, Summary]:
        """Outcomes apart by the right number of speakers, from the fewest."""
        counts = sorted({one.reference_speakers for one in self.outcomes})
        return {
            count: Summary([one for one in self.outcomes if one.reference_speakers == count])
            for count in counts
        }

    @property
    def processing(self) -> float:
        """Wall-clock seconds."""
        return sum(outcome.processing for outcome in self.outcomes)

    @property
    def real_time_factor(self) -> float:
        """Processing time over duration."""
        return self.processing / sum(outcome.duration for outcome in self.outcomes)

    def as_dict(self) -> dict[str, Any]:
        """Figures as JSON holds them, recording by recording as well when there are several."""
        figures = {
            "system": self.system,
            "collection": self.collection,
            "reference": self.reference,
            **self.components.as_dict(),
            "speaker_count_accuracy": self.count_accuracy,
            "speaker_count_error": self.count_error,
            "processing": self.processing,
            "real_time_factor": self.real_time_factor,
            "seeds": self.seeds,
            "der_deviation": self.der_deviation,
        }
        if len(self.outcomes) == 1:
            return {"recording": self.outcomes[0].recording, **figures}
        return {**figures, "recordings": [Summary([one]).as_dict() for one in self.outcomes]}

    def _count_errors(self) -> list[int]:
        return [abs(one.found_speakers - one.reference_speakers) for one in self.outcomes]
