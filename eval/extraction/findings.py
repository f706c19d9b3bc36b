"""What Ashihara et al. found of cues, asked of a study: each claim with the number that tells.

Ashihara et al. 2024, "Investigation of speaker representation for target-speaker speech processing"
(arXiv 2410.11243): verification does not predict extraction; one-hot codes beat enrolments of known
speakers; the best cue depends on the mixture; a cue that is optimised by gradient gains much.
Intervals are those of a bootstrap over speakers (:mod:`eval.correlation.resampling`), for whom
mixtures and verification are drawn together, and over encoders by origin where these are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval.correlation.association import MIN_ENCODERS, Interval, associate
from eval.extraction.study_figures import (
    CellFigures,
    Draws,
    StudyFigures,
    Values,
    mean_interval,
)

__all__ = ["Finding", "find"]

CLEARLY_DB = 1.0
"""Gain of another cue over the best one on average that counts as clear in a mixture."""


@dataclass(frozen=True)
class Finding:
    """A claim, the figures that speak for or against it, and the verdict in words."""

    claim: str
    figures: dict[str, Interval]
    verdict: str


def find(study: StudyFigures, draws: Draws) -> list[Finding]:
    """Ask each of the four claims, as far as the study has what it takes."""
    found = (
        _predicts(study, draws),
        _one_hot(study, draws),
        _depends(study, draws),
        _headroom(study, draws),
    )
    return [one for one in found if one is not None]


def _predicts(study: StudyFigures, draws: Draws) -> Finding | None:
    cells = study.encoders
    if len(cells) < MIN_ENCODERS:
        return None
    gains = [_open(one) for one in cells]
    rates = [one.pairs.error_rate() for one in cells if one.pairs is not None]
    drawn = np.stack(
        [
            [draws.error_rates(one) for one in cells],
            [draws.means(own, study.open_speakers) for own in gains],
        ]
    )  # (2, encoders, resamples)
    crossed = [drawn[:, chosen, number] for number, chosen in enumerate(draws.encoders)]
    spearman = associate(rates, [own.mean() for own in gains], samples=crossed).spearman
    verifier, best = int(np.argmin(rates)), int(np.argmax([own.mean() for own in gains]))
    lead = mean_interval(draws, gains[best] - gains[verifier], study.open_speakers)
    if spearman.high < 0:
        verdict = "contradicted: the lower the EER, the better the extraction"
    elif spearman.low > 0:
        verdict = "confirmed, and more: the lower the EER, the worse the extraction"
    else:
        verdict = "neither confirmed nor contradicted: the interval of the correlation holds zero"
    verdict += f"; the best verifier is {cells[verifier].label}, the best cue {cells[best].label}"
    # The best cue is chosen on these mixtures, so that its lead is what it can be at most.
    figures = {"Spearman of EER and SI-SDRi": spearman, "best cue less best verifier, dB": lead}
    return Finding("Verification does not predict extraction", figures, verdict)


def _open(cell: CellFigures) -> Values:
    assert cell.open_db is not None
    return cell.open_db


def _one_hot(study: StudyFigures, draws: Draws) -> Finding | None:
    codes = [one for one in study.cells if one.cue == "one-hot"]
    others = [one for one in study.cells if one.cue != "one-hot"]
    if not codes or not others:
        return None
    best = max(others, key=lambda one: one.closed_db.mean())
    difference = mean_interval(draws, codes[0].closed_db - best.closed_db, study.closed_speakers)
    verdict = _tell(difference, f"one-hot codes are better than {best.label}", "are worse")
    figures = {f"one-hot less {best.label}, dB": difference}
    return Finding("One-hot codes beat enrolments of known speakers", figures, verdict)


def _depends(study: StudyFigures, draws: Draws) -> Finding | None:
    cells = [one for one in study.cells if one.open_db is not None]
    first = [one for one in cells if one.seed == min(each.seed for each in cells)]
    if len(first) < 2:
        return None
    best = max(first, key=lambda one: float(_open(one).mean()))
    lost = np.max([_open(one) for one in first], axis=0) - _open(best)
    figures = {
        "best cue of each mixture less best on average, dB": lost,
        f"mixtures with another cue over {CLEARLY_DB:g} dB better, %": 100.0 * (lost > CLEARLY_DB),
    }
    again = [one for one in cells if (one.cue, one.encoder) == (best.cue, best.encoder)]
    if len(again) > 1:
        lost = np.max([_open(one) for one in again], axis=0) - _open(best)
        figures[f"the same with {best.label} of another seed, dB"] = lost
    found = {
        name: mean_interval(draws, values, study.open_speakers) for name, values in figures.items()
    }
    _, clearly, *_ = found.values()
    verdict = (
        f"another cue than {best.label}, the best on average, is better by over {CLEARLY_DB:g} dB "
        f"in {clearly.value:.0f} % of the mixtures"
    )
    if len(again) == 1:
        verdict += "; how much of that is chance, a training with another seed tells (--seeds)"
    return Finding("The best cue depends on the mixture", found, verdict)


def _headroom(study: StudyFigures, draws: Draws) -> Finding | None:
    cells = [one for one in study.cells if one.optimised_db is not None]
    figures = {}
    for one in cells:
        assert one.optimised_db is not None and one.enrolled_db is not None
        speakers = study.open_speakers if one.open_db is not None else study.closed_speakers
        gained = one.optimised_db - one.enrolled_db
        figures[f"headroom of {one.label}, dB"] = mean_interval(
            draws, gained, speakers[: len(gained)]
        )
    if not figures:
        return None
    sure = sum(one.low > CLEARLY_DB for one in figures.values())
    verdict = (
        f"{sure} of {len(figures)} cues gain over {CLEARLY_DB:g} dB by optimisation, intervals "
        "considered"
    )
    return Finding("Optimising the cue gains much", figures, verdict)


def _tell(difference: Interval, better: str, worse: str) -> str:
    if difference.low > 0:
        return f"confirmed: {better}"
    if difference.high < 0:
        return f"contradicted: they {worse}"
    return "neither confirmed nor contradicted: the interval holds zero"
