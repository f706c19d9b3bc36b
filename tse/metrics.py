"""Metrics of target speech extraction: signal quality, speaker confusion, absent targets.

Signal metrics come from torchmetrics and the packages behind it (``pip install
diarspk[extraction]``). A metric that cannot be computed for a mixture is NaN and counted as a
failure; means are over the others.
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
"""SI-SDRi above which a mixture counts as accepted."""

ABSENT = math.nan
"""Value of a metric that cannot be computed."""


def si_sdr(estimate: Samples, target: Samples) -> float:
    """Scale-invariant SDR in dB of zero-mean signals; NaN if the target is silent."""
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

    if not np.any(target):
        return ABSENT
    pair = torch.from_numpy(estimate).double(), torch.from_numpy(target).double()
    return float(scale_invariant_signal_distortion_ratio(*pair, zero_mean=True))


def sdr(estimate: Samples, target: Samples) -> float:
    """SDR of BSS Eval in dB, invariant to a filter of 512 taps on the target."""
    from torchmetrics.functional.audio import signal_distortion_ratio

    pair = torch.from_numpy(estimate).double(), torch.from_numpy(target).double()
    return float(signal_distortion_ratio(*pair))


def pesq(estimate: Samples, target: Samples) -> float:
    """Wide-band PESQ (ITU-T P.862.2), MOS-LQO; raises on silence."""
    from torchmetrics.functional.audio.pesq import perceptual_evaluation_speech_quality

    pair = torch.from_numpy(estimate), torch.from_numpy(target)
    return float(perceptual_evaluation_speech_quality(*pair, SAMPLE_RATE, "wb"))


def stoi(estimate: Samples, target: Samples) -> float:
    """Short-time objective intelligibility in [0, 1]."""
    from torchmetrics.functional.audio.stoi import short_time_objective_intelligibility

    pair = torch.from_numpy(estimate), torch.from_numpy(target)
    return float(short_time_objective_intelligibility(*pair, SAMPLE_RATE))


def dnsmos(estimate: Samples, target: Samples) -> float:
    """DNSMOS P.835, overall quality, without a reference; its models are downloaded once."""
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
"""Optional metrics of an estimate against its target, beside SI-SDR."""


@dataclass(frozen=True)
class ExtractionScore:
    """Metrics of one mixture in which the target talks.

    Attributes
    ----------
    input_db : float
        SI-SDR of the mixture.
    output_db : float
        SI-SDR of the estimate.
    interferer_db : float
        Highest SI-SDR of the estimate to an interferer; NaN without interferers.
    target_similarity : float
        Cosine of the estimate's embedding to that of the target.
    interferer_similarity : float
        Highest cosine of the estimate's embedding to that of an interferer.
    measures : mapping of str to float
        Optional metrics, by name.
    """

    input_db: float
    output_db: float
    interferer_db: float = ABSENT
    target_similarity: float = ABSENT
    interferer_similarity: float = ABSENT
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def improvement_db(self) -> float:
        """SI-SDR improvement in dB."""
        return self.output_db - self.input_db


@dataclass(frozen=True)
class ExtractionSummary:
    """Metrics pooled over mixtures.

    Attributes
    ----------
    mixtures : int
        Number of mixtures.
    input_db : float
        Mean SI-SDR of the mixtures.
    improvement_db : float
        Mean SI-SDR improvement.
    accepted : float
        Acceptance rate: fraction with SI-SDRi above 1 dB.
    negative : float
        Fraction with SI-SDRi below zero.
    nearer_interferer : float
        Speaker confusion: fraction whose embedding is nearer to an interferer than to the target.
    louder_interferer : float
        Fraction with a higher SI-SDR to an interferer than to the target.
    measures : mapping of str to float
        Means of the optional metrics.
    failures : mapping of str to int
        Number of mixtures without a value, for each metric that has any.
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
        Other voices as in the mixture.
    encoder
        Speaker encoder for the similarities; preferably another one than that of the cue.
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
    """Pool scores of mixtures; fractions are of the mixtures with a value."""
    improvements = [one.improvement_db for one in scores]
    confusion = [one.interferer_similarity - one.target_similarity for one in scores]
    louder = [one.interferer_db - one.output_db for one in scores]
    names = sorted({name for one in scores for name in one.measures})
    columns = {name: [one.measures.get(name, ABSENT) for one in scores] for name in names}
    counted: dict[str, list[float]] = {"SI-SDR": improvements, "similarity": confusion, **columns}
    return ExtractionSummary(
        mixtures=len(scores),
        input_db=_mean([one.input_db for one in scores]),
        improvement_db=_mean(improvements),
        accepted=_fraction(improvements, lambda gain: gain > ACCEPTED_DB),
        negative=_fraction(improvements, lambda gain: gain < 0),
        nearer_interferer=_fraction(confusion, lambda excess: excess > 0),
        louder_interferer=_fraction(louder, lambda excess: excess > 0),
        measures={name: _mean(values) for name, values in columns.items()},
        failures={
            name: missing
            for name, values in counted.items()
            if (missing := int((~np.isfinite(values)).sum()))
        },
    )


def attenuation_db(estimate: Samples, mixture: Samples) -> float:
    """Attenuation of a mixture by extraction, in dB; the metric where the target is absent.

    Infinite for a silent output, NaN for a silent mixture.
    """
    power, residue = float(np.mean(np.square(mixture))), float(np.mean(np.square(estimate)))
    if power == 0:
        return ABSENT
    return math.inf if residue == 0 else 10 * math.log10(power / residue)


def detection_error(present: ArrayLike, absent: ArrayLike) -> float:
    """Equal error rate of detecting whether the target talks.

    Parameters
    ----------
    present, absent
        Cosines of the output's embedding to that of the enrolment, for mixtures with and without
        the target. NaN (an output without an embedding) counts as a cosine of -1.
    """
    scores = np.nan_to_num(np.concatenate([np.ravel(present), np.ravel(absent)]), nan=-1.0)
    return equal_error_rate(scores, np.arange(len(scores)) < np.size(present))


def _attempt(
    measure: Callable[[Samples, Samples], float], estimate: Samples, target: Samples
) -> float:
    """Compute a metric; NaN if it, or the package behind it, fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return measure(estimate, target)
    # These packages raise errors of many kinds; each means that there is no value.
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


def _fraction(
    values: ArrayLike, condition: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
) -> float:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    return float(condition(known).mean()) if len(known) else ABSENT
