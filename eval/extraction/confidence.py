"""Confidence that a track has the right voice: whether it is right, and its calibration.

Each second of a track is right if the voice in it is that of the speaker of the reference with whom
the diarization's speaker is matched: of all voices at the microphone, that one is correlated the
most with the track. The calibration is judged on other speakers than it was fitted on: each half of
them under what was fitted to the other half. The command is :mod:`eval.extraction.meetings`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.verification.calibration import ScoreCalibration, fit_calibration
from diarspk.verification.metrics import detection_curve
from eval.extraction.meeting_cases import MeetingCase
from eval.report.markdown import markdown_table
from eval.report.reliability import expected_calibration_error, reliability
from tse.track_confidence import LOG_SECONDS, RIVAL, SURROUNDINGS_S, TrackScores

__all__ = [
    "JudgedTrack",
    "describe_confidence",
    "fit",
    "judge_track",
    "rate_confidence",
    "right_seconds",
    "write_calibration",
]

Samples = NDArray[np.float32]
Figures = NDArray[np.float64]

ASSETS = Path(__file__).parents[2] / "tse" / "assets" / "confidence"

FITTED_ON = "seconds of gated tracks of simulated conversations of development speakers"


@dataclass(frozen=True, eq=False)
class JudgedTrack:
    """Scores of a track, and whether each second of it has the right voice (NaN: not judged)."""

    speaker: str
    scores: TrackScores
    right: Figures


def judge_track(scores: TrackScores, voice: Samples, case: MeetingCase, name: str) -> JudgedTrack:
    """Judge the track ``(time,)`` of whom the reference calls ``name``."""
    right = right_seconds(voice, case, name)
    right[~np.isfinite(scores.own)] = math.nan
    return JudgedTrack(name, scores, right)


def right_seconds(track: Samples, case: MeetingCase, name: str) -> Figures:
    """Whether the voice of ``name`` is the most correlated with each second of a track.

    Returns
    -------
    ndarray, ``(seconds,)``
        1 or 0; NaN where the track is silent, or nobody talks.
    """
    names = list(case.voices)
    found = np.full(math.ceil(len(track) / SAMPLE_RATE), math.nan)
    for second in range(len(found)):
        first = max(round((second - SURROUNDINGS_S) * SAMPLE_RATE), 0)
        part = slice(first, round((second + 1 + SURROUNDINGS_S) * SAMPLE_RATE))
        own = track[part].astype(np.float64)
        voices = np.stack([case.voices[one][part] for one in names]).astype(np.float64)
        lengths = np.linalg.norm(voices, axis=1) * np.linalg.norm(own)
        if lengths.max() > 0:
            alike = np.abs(voices @ own) / np.maximum(lengths, 1e-9)
            found[second] = names[int(alike.argmax())] == name
    return found


def fit(judged: Sequence[JudgedTrack], fingerprint: str = "") -> ScoreCalibration:
    """Fit the calibration; its prior is the share of the seconds that are right."""
    scores, quality, right = _gather(judged)
    prior = float(right.mean())
    fitted = fit_calibration(
        scores,
        right,
        quality=quality,
        target_prior=prior,
        fingerprint=fingerprint,
        fitted_on=FITTED_ON,
    )
    return replace(fitted, offset=fitted.offset + math.log(prior / (1 - prior)))


def write_calibration(judged: Sequence[JudgedTrack], fingerprint: str) -> None:
    """Fit to all tracks, and write the calibration into the package."""
    ASSETS.mkdir(exist_ok=True)
    fit(judged, fingerprint).write(ASSETS / f"{fingerprint}.json")


def rate_confidence(judged: Sequence[JudgedTrack]) -> dict[str, float]:
    """Rate the confidence of seconds, each under what is fitted to other speakers; in %."""
    probabilities, right = _cross_fit(judged)
    true = right.astype(bool)
    return {
        "tracks": len(judged),
        "seconds": len(right),
        "right %": 100 * float(true.mean()),
        "EER %": 100 * detection_curve(probabilities, true).equal_error_rate,
        "calibration error %": 100 * expected_calibration_error(reliability(probabilities, right)),
        "right at 0.5 and more %": _share(true[probabilities >= 0.5]),
        "right below 0.5 %": _share(true[probabilities < 0.5]),
    }


def describe_confidence(figures: dict[str, float]) -> str:
    """Table of what :func:`rate_confidence` found."""
    cells = [f"{one:.1f}" if isinstance(one, float) else str(one) for one in figures.values()]
    return markdown_table(list(figures), [cells])


def _share(outcomes: NDArray[np.bool_]) -> float:
    return 100 * float(outcomes.mean()) if len(outcomes) else math.nan


def _gather(judged: Sequence[JudgedTrack]) -> tuple[Figures, dict[str, Figures], Figures]:
    """Scores, quality measures and labels of all seconds that were judged."""
    known = [np.isfinite(one.right) for one in judged]

    def joined(values: Sequence[Figures]) -> Figures:
        return np.concatenate([own[mask] for own, mask in zip(values, known, strict=True)])

    quality = {
        RIVAL: joined([one.scores.rival for one in judged]),
        LOG_SECONDS: joined([one.scores.log_seconds for one in judged]),
    }
    right = joined([one.right for one in judged])
    return joined([one.scores.own for one in judged]), quality, right


def _cross_fit(judged: Sequence[JudgedTrack]) -> tuple[Figures, Figures]:
    """Probabilities of each half of the speakers under what is fitted to the other, and labels."""
    speakers = sorted({one.speaker for one in judged})
    probabilities, labels = [], []
    for side in (speakers[::2], speakers[1::2]):
        calibration = fit([one for one in judged if one.speaker not in side])
        for one in judged:
            if one.speaker in side:
                known = np.isfinite(one.right)
                probabilities.append(one.scores.probabilities(calibration)[known])
                labels.append(one.right[known])
    return np.concatenate(probabilities), np.concatenate(labels)
