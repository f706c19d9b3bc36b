"""Evaluation of an extractor on a set of mixtures, with and without the enrolled speaker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from eval.extraction.mixtures import Trial
from eval.report.markdown import markdown_table
from tse.extractor import Extractor
from tse.metrics import (
    ABSENT,
    ExtractionSummary,
    attenuation_db,
    detection_error,
    score_extraction,
    summarise,
)

__all__ = [
    "Absence",
    "Extract",
    "Run",
    "Samples",
    "evaluate",
    "extraction",
    "format_runs",
    "measure_absence",
]

Samples = NDArray[np.float32]


Extract = Callable[[Trial], Samples]


HEADER = (
    "condition",
    "enrolment s",
    "mixtures",
    "SI-SDR in dB",
    "SI-SDRi dB",
    "accepted %",
    "negative %",
    "nearer interferer %",
    "louder interferer %",
    "real-time factor",
)


CONVENTION = (
    "SI-SDR with the mean taken off both, SI-SDRi against the mixture. Accepted: SI-SDRi > 1 dB; "
    "negative: below 0; nearer interferer: by the embedding of the output; louder interferer: "
    "SI-SDR to it above that to the target. Mixtures of absent targets are in no mean. The "
    "real-time factor includes the cue."
)


@dataclass(frozen=True)
class Run:
    """An extractor on one condition."""

    condition: str
    enrolment_s: float
    summary: ExtractionSummary
    real_time_factor: float


@dataclass(frozen=True)
class Absence:
    """Mixtures without the enrolled speaker, beside as many with.

    Attributes
    ----------
    attenuation_db : float
        Median of the output below the mixture.
    detection_eer : float
        Of telling by the output's embedding whether the speaker was there.
    silent : int
        Outputs with nothing left at all.
    """

    mixtures: int
    attenuation_db: float
    detection_eer: float
    silent: int


def evaluate(
    trials: Sequence[Trial],
    extract: Extract,
    *,
    condition: str,
    enrolment_s: float,
    encoder: SpeakerEncoder | None,
    measures: Sequence[str] = (),
) -> Run:
    """Extract and score every mixture of a condition in which the target talks."""
    scores, seconds = [], 0.0
    for trial in trials:
        start = time.perf_counter()
        voice = extract(trial)
        seconds += time.perf_counter() - start
        made = trial.made
        scores.append(
            score_extraction(
                voice,
                made.target,
                made.mixture,
                made.interferers,
                encoder=encoder,
                measures=measures,
            )
        )
    audio = sum(len(trial.made.mixture) for trial in trials) / SAMPLE_RATE
    return Run(condition, enrolment_s, summarise(scores), seconds / max(audio, 1e-9))


def measure_absence(
    absent: Sequence[Trial], present: Sequence[Trial], extract: Extract, encoder: SpeakerEncoder
) -> Absence:
    """Measure the attenuation for absent speakers, and the detection of their absence."""
    outputs = [extract(trial) for trial in absent]
    levels = [
        attenuation_db(voice, trial.made.mixture)
        for voice, trial in zip(outputs, absent, strict=True)
    ]
    similarities = [
        [_similarity(encoder, voice, trial.enrolment) for voice, trial in pairs]
        for pairs in (
            [(extract(trial), trial) for trial in present],
            zip(outputs, absent, strict=True),
        )
    ]
    return Absence(
        mixtures=len(absent),
        attenuation_db=float(np.median(levels)),
        detection_eer=detection_error(*similarities),
        silent=sum(math.isinf(level) for level in levels),
    )


def _similarity(encoder: SpeakerEncoder, voice: Samples, enrolment: Samples) -> float:
    if not np.any(voice):
        return ABSENT
    pair = [encoder.embed(one, SAMPLE_RATE) for one in (voice, enrolment)]
    return float(pair[0] @ pair[1])


def extraction(extractor: Extractor | None, *, wrong: bool = False) -> Extract:
    """Extract as a user would, cue included; without an extractor, leave the mixture as it is."""

    def extract(trial: Trial) -> Samples:
        if extractor is None:
            return trial.made.mixture
        enrolment = trial.wrong_enrolment if wrong else trial.enrolment
        cue = extractor.cue(enrolment, SAMPLE_RATE, speaker=trial.speaker)
        return extractor(trial.made.mixture, cue, SAMPLE_RATE)

    return extract


def format_runs(runs: Sequence[Run]) -> str:
    """Markdown table of runs; further measures and what failed are columns of their own."""
    names = sorted({name for run in runs for name in run.summary.measures})
    rows = [
        [
            run.condition,
            f"{run.enrolment_s:g}",
            f"{run.summary.mixtures}",
            f"{run.summary.input_db:.2f}",
            f"{run.summary.improvement_db:.2f}",
            *(
                f"{100 * share:.1f}"
                for share in (
                    run.summary.accepted,
                    run.summary.negative,
                    run.summary.nearer_interferer,
                    run.summary.louder_interferer,
                )
            ),
            f"{run.real_time_factor:.3f}",
            *(f"{run.summary.measures.get(name, math.nan):.3f}" for name in names),
            ", ".join(f"{name} {count}" for name, count in run.summary.failures.items()) or "-",
        ]
        for run in runs
    ]
    return markdown_table([*HEADER, *names, "not measured"], rows)
