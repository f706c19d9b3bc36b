"""How well a speaker was extracted, how often the wrong one was, and what failed to be measured.

Signal measures come from torchmetrics and the packages behind it (``pip install
diarspk[extraction]``). What cannot be measured is NaN for its mixture and is counted; means are
over what could be.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import DiarspkError
from diarspk.verification.metrics import equal_error_rate

__all__ = [
    "ABSENT",
    "MEASURES",
    "ExtractionScore",
    "ExtractionSummary",
    "attenuation_db",
    "detection_error",
    "score_extraction",
    "si_sdr",
    "summarise",
]

Samples = NDArray[np.float32]
ACCEPTED_DB = 1.0
ABSENT = math.nan
"""A measure that could not be taken."""


def si_sdr(estimate: Samples, target: Samples) -> float:
    """Scale-invariant SDR in dB, the mean taken off both; NaN if the target is silent."""
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

    if not np.any(target):
        return ABSENT
    pair = torch.from_numpy(estimate).double(), torch.from_numpy(target).double()
    return float(scale_invariant_signal_distortion_ratio(*pair, zero_mean=True))


def sdr(estimate: Samples, target: Samples) -> float:
    """SDR of BSS Eval in dB: a filter of 512 taps on the target is forgiven."""
    from torchmetrics.functional.audio import signal_distortion_ratio

    pair = torch.from_numpy(estimate).double(), torch.from_numpy(target).double()
    return float(signal_distortion_ratio(*pair))


def pesq(estimate: Samples, target: Samples) -> float:
    """Wide-band PESQ (ITU-T P.862.2), a mean opinion score; it fails on silence."""
    from torchmetrics.functional.audio.pesq import perceptual_evaluation_speech_quality

    pair = torch.from_numpy(estimate), torch.from_numpy(target)
    return float(perceptual_evaluation_speech_quality(*pair, SAMPLE_RATE, "wb"))


def stoi(estimate: Samples, target: Samples) -> float:
    """Short-time objective intelligibility in [0, 1]."""
    from torchmetrics.functional.audio.stoi import short_time_objective_intelligibility

    pair = torch.from_numpy(estimate), torch.from_numpy(target)
    return float(short_time_objective_intelligibility(*pair, SAMPLE_RATE))


def dnsmos(estimate: Samples, target: Samples) -> float:
    """DNSMOS P.835, overall; it needs no target, but its models, which are downloaded once."""
    from torchmetrics.functional.audio.dnsmos import deep_noise_suppression_mean_opinion_score

    scores = deep_noise_suppression_mean_opinion_score(
        torch.from_numpy(estimate), SAMPLE_RATE, personalized=False
    )
    return float(scores[..., -1])


MEASURES: dict[str, Callable[[Samples, Samples], float]] = {
    "SDR": sdr,
    "PESQ": pesq,
    "STOI": stoi,
    "DNSMOS": dnsmos,
}
"""Measures of an estimate against its target, beside SI-SDR."""


@dataclass(frozen=True)
class ExtractionScore:
    """One mixture in which the target talks.

    Attributes
    ----------
    input_db, output_db : float
        SI-SDR of the mixture, and of the estimate.
    interferer_db : float
        Highest SI-SDR of the estimate to an interferer; NaN without one.
    target_similarity, interferer_similarity : float
        Cosine of the estimate's embedding to the target's and to the nearest interferer's.
    measures : mapping of str to float
        Further ones, by name.
    """

    input_db: float
    output_db: float
    interferer_db: float = ABSENT
    target_similarity: float = ABSENT
    interferer_similarity: float = ABSENT
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def improvement_db(self) -> float:
        """SI-SDRi."""
        return self.output_db - self.input_db


@dataclass(frozen=True)
class ExtractionSummary:
    """Many mixtures.

    Attributes
    ----------
    mixtures : int
    input_db, improvement_db : float
        Means in dB.
    accepted : float
        Share with SI-SDRi above 1 dB.
    negative : float
        Share with SI-SDRi below zero.
    nearer_interferer : float
        Share whose embedding is nearer an interferer's than the target's.
    louder_interferer : float
        Share with a higher SI-SDR to an interferer than to the target.
    measures : mapping of str to float
        Means of the further measures.
    failures : mapping of str to int
        How many mixtures a mean is without.
    """

    mixtures: int
    input_db: float
    improvement_db: float
    accepted: float
    negative: float
    nearer_interferer: float
    louder_interferer: float
    measures: Mapping[str, float]
    failures: Mapping[str, int]


def score_extraction(
    estimate: Samples,
    target: Samples,
    mixture: Samples,
    interferers: Sequence[Samples],
    *,
    encoder: SpeakerEncoder | None = None,
    measures: Sequence[str] = (),
) -> ExtractionScore:
    """Score an estimate ``(time,)`` at 16 kHz of a target that is in the mixture.

    Parameters
    ----------
    interferers
        The other voices as they are in the mixture.
    encoder
        What tells whose voice the estimate is; better not the one that made the cue.
    measures
        Names in :data:`MEASURES`.
    """
    own = near = ABSENT
    if encoder is not None and interferers:
        voice = _embed(encoder, estimate)
        own = _cosine(voice, _embed(encoder, target))
        near = _highest([_cosine(voice, _embed(encoder, other)) for other in interferers])
    return ExtractionScore(
        input_db=si_sdr(mixture, target),
        output_db=si_sdr(estimate, target),
        interferer_db=_highest([si_sdr(estimate, other) for other in interferers]),
        target_similarity=own,
        interferer_similarity=near,
        measures={name: _attempt(MEASURES[name], estimate, target) for name in measures},
    )


def summarise(scores: Sequence[ExtractionScore]) -> ExtractionSummary:
    """Pool mixtures; a share is of the mixtures in which it could be told."""
    gains = [one.improvement_db for one in scores]
    similar = [one.interferer_similarity - one.target_similarity for one in scores]
    louder = [one.interferer_db - one.output_db for one in scores]
    names = sorted({name for one in scores for name in one.measures})
    columns = {name: [one.measures.get(name, ABSENT) for one in scores] for name in names}
    counted: dict[str, list[float]] = {"SI-SDR": gains, "similarity": similar, **columns}
    return ExtractionSummary(
        mixtures=len(scores),
        input_db=_mean([one.input_db for one in scores]),
        improvement_db=_mean(gains),
        accepted=_share(gains, lambda gain: gain > ACCEPTED_DB),
        negative=_share(gains, lambda gain: gain < 0),
        nearer_interferer=_share(similar, lambda excess: excess > 0),
        louder_interferer=_share(louder, lambda excess: excess > 0),
        measures={name: _mean(values) for name, values in columns.items()},
        failures={
            name: missing
            for name, values in counted.items()
            if (missing := int((~np.isfinite(values)).sum()))
        },
    )


def attenuation_db(estimate: Samples, mixture: Samples) -> float:
    """How far an output lies below its mixture, in dB: what an absent target should leave.

    Infinite where nothing is left, NaN for a silent mixture.
    """
    power, left = float(np.mean(np.square(mixture))), float(np.mean(np.square(estimate)))
    if power == 0:
        return ABSENT
    return math.inf if left == 0 else 10 * math.log10(power / left)


def detection_error(present: ArrayLike, absent: ArrayLike) -> float:
    """Equal error rate of telling whether the target was there.

    Parameters
    ----------
    present, absent
        Cosine of the output's embedding to the enrolment's, for mixtures with and without the
        target; what could not be embedded counts as the least likeness there is.
    """
    scores = np.nan_to_num(np.concatenate([np.ravel(present), np.ravel(absent)]), nan=-1.0)
    return equal_error_rate(scores, np.arange(len(scores)) < np.size(present))


def _attempt(
    measure: Callable[[Samples, Samples], float], estimate: Samples, target: Samples
) -> float:
    """Measure, or give NaN where the measure, or the package behind it, fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return measure(estimate, target)
    # Whatever these packages raise means that there is no value; failures are counted.
    except Exception:
        return ABSENT


def _embed(encoder: SpeakerEncoder, voice: Samples) -> NDArray[np.float32] | None:
    if not np.any(voice):
        return None
    try:
        return encoder.embed(voice, SAMPLE_RATE)
    except DiarspkError:
        return None


def _cosine(first: NDArray[np.float32] | None, second: NDArray[np.float32] | None) -> float:
    return ABSENT if first is None or second is None else float(first @ second)


def _highest(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return max(known) if known else ABSENT


def _mean(values: ArrayLike) -> float:
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else ABSENT


def _share(
    values: ArrayLike, condition: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
) -> float:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    return float(condition(known).mean()) if len(known) else ABSENT
