"""False matches and non-matches of linking, and the criterion that has the fewest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np

from diarspk.diarization.linking_criterion import LinkingCriterion
from diarspk.diarization.people import link_speakers
from diarspk.diarization.recorded_speakers import compare_speakers
from diarspk.verification.calibration import fit_calibration
from eval.linking.recorded_set import RecordedSet

__all__ = ["LinkingRates", "choose", "fit", "measure"]

THRESHOLDS = tuple(np.arange(-2.0, 8.5, 0.5).tolist())
MARGINS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""None is too small to tell two people apart by: at 0.5 one of them is 1.6 times as likely."""

TARGET_PRIOR = 0.05
"""Of one person, in the cost by which threshold and margin are chosen."""


@dataclass(frozen=True)
class LinkingRates:
    """Counts of pairs, which add."""

    targets: int = 0
    missed: int = 0
    others: int = 0
    matched: int = 0
    people: int = 0
    found: int = 0

    def __add__(self, other: LinkingRates) -> LinkingRates:
        return LinkingRates(*(a + b for a, b in zip(_counts(self), _counts(other), strict=True)))

    @property
    def false_non_match(self) -> float:
        """Share of pairs of one person with two labels."""
        return self.missed / max(self.targets, 1)

    @property
    def false_match(self) -> float:
        """Share of pairs of two people with one label."""
        return self.matched / max(self.others, 1)

    @property
    def cost(self) -> float:
        """Both rates, weighted by the prior."""
        return TARGET_PRIOR * self.false_non_match + (1 - TARGET_PRIOR) * self.false_match


def measure(recorded: RecordedSet, criterion: LinkingCriterion) -> LinkingRates:
    """Link the speakers, and count what is wrong."""
    people = {
        (one.recording, one.speaker): one.person
        for one in link_speakers(recorded.speakers, criterion).appearances
    }
    label = np.array([people[one.recording, one.speaker] for one in recorded.speakers])
    first, second, target = recorded.trials()
    joined = label[first] == label[second]
    return LinkingRates(
        targets=int(target.sum()),
        missed=int((target & ~joined).sum()),
        others=int((~target).sum()),
        matched=int((~target & joined).sum()),
        people=len(set(recorded.truth)),
        found=len(set(label.tolist())),
    )


def fit(sets: Sequence[RecordedSet], fingerprint: str) -> LinkingCriterion:
    """Fit the calibration, then choose threshold and margin; speakers of two sets are no trial."""
    cosines, targets = [], []
    for own in sets:
        first, second, target = own.trials()
        cosines.append(compare_speakers(own.speakers)[first, second])
        targets.append(target)
    calibration = fit_calibration(
        np.concatenate(cosines), np.concatenate(targets), fingerprint=fingerprint
    )
    return choose(sets, LinkingCriterion(0.0, 0.0, calibration))


def choose(sets: Sequence[RecordedSet], criterion: LinkingCriterion) -> LinkingCriterion:
    """Choose threshold and margin by the cost; of equals, the higher margin and threshold."""
    candidates = [
        LinkingCriterion(threshold, margin, criterion.calibration)
        for threshold, margin in product(THRESHOLDS, MARGINS)
    ]
    return min(
        candidates,
        key=lambda one: (
            sum((measure(own, one) for own in sets), LinkingRates()).cost,
            -one.margin,
            -one.threshold,
        ),
    )


def _counts(rates: LinkingRates) -> tuple[int, ...]:
    return tuple(asdict(rates).values())
