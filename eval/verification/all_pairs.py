"""Verification of all pairs of crops by cosine: equal error rate and minDCF by length."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.verification.metrics import detection_curve
from eval.embeddings.speech import Utterance, consecutive_crops
from eval.report.markdown import markdown_table
from eval.systems.registry import Embed, load_embedder

__all__ = ["Verification", "format_verifications", "run_verification", "score_all_pairs", "verify"]

CROP_SECONDS = (1.0, 2.0, 4.0)


TARGET_PRIOR = 0.05


CONVENTION = (
    "All pairs of crops by cosine; target: same speaker. Crops are full, consecutive from the "
    "start, at most four an utterance; whole: one embedding an utterance. EER is linear at the "
    f"crossing; minDCF has target prior {TARGET_PRIOR} and both costs 1."
)


@dataclass(frozen=True)
class Verification:
    """One system on crops of one length.

    Attributes
    ----------
    system : str
    crop : str
        Length in seconds, or ``whole``.
    crops, targets, trials : int
    equal_error_rate : float
        In [0, 1].
    min_dcf : float
        Normalised: 1 is useless.
    processing : float
        Seconds to embed the crops.
    """

    system: str
    crop: str
    crops: int
    targets: int
    trials: int
    equal_error_rate: float
    min_dcf: float
    processing: float


def run_verification(
    utterances: Sequence[Utterance],
    systems: Sequence[str],
    crop_seconds: Sequence[float] = CROP_SECONDS,
    *,
    across_utterances: bool = False,
) -> Iterator[Verification]:
    """Every system on crops of every length, then on whole utterances.

    Parameters
    ----------
    across_utterances : bool
        Leave out pairs of crops of one utterance.

    Raises
    ------
    ArgumentError
        If a system is unknown, or the crops of one length lack a kind of trial.
    """
    sets = {f"{seconds:g} s": _crop(utterances, seconds) for seconds in crop_seconds}
    sets["whole"] = list(utterances)
    for system in systems:
        embed = load_embedder(system)
        for crop, crops in sets.items():
            yield verify(system, embed, crop, crops, across_utterances=across_utterances)


def verify(
    system: str,
    embed: Embed,
    crop: str,
    crops: Sequence[Utterance],
    *,
    across_utterances: bool = False,
) -> Verification:
    """Embed crops, which bear the names of their utterances, and score all pairs of them."""
    start = time.perf_counter()
    embeddings = embed([one.waveform for one in crops])
    processing = time.perf_counter() - start
    scores, labels = score_all_pairs(embeddings, [one.speaker for one in crops])
    if across_utterances:
        _, within = score_all_pairs(embeddings, [one.name for one in crops])
        scores, labels = scores[~within], labels[~within]
    curve = detection_curve(scores, labels)
    return Verification(
        system=system,
        crop=crop,
        crops=len(crops),
        targets=int(labels.sum()),
        trials=len(labels),
        equal_error_rate=curve.equal_error_rate,
        min_dcf=curve.min_dcf(target_prior=TARGET_PRIOR),
        processing=processing,
    )


def score_all_pairs(
    embeddings: NDArray[np.float32], speakers: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Cosine and whether the speakers agree, for each unordered pair of rows.

    Parameters
    ----------
    embeddings : ndarray, ``(n, dim)``
        Of any norm.
    speakers : sequence of str, ``n``

    Returns
    -------
    scores, labels : ndarray, ``(n * (n - 1) / 2,)``
    """
    unit = normalize_rows(embeddings)
    first, second = np.triu_indices(len(unit), k=1)
    _, speaker = np.unique(np.asarray(speakers), return_inverse=True)
    return (unit @ unit.T)[first, second], speaker[first] == speaker[second]


def format_verifications(results: Sequence[Verification]) -> str:
    """Two Markdown tables, equal error rates and costs: a row per system, a column per length."""
    systems = list(dict.fromkeys(result.system for result in results))
    crops = list(dict.fromkeys(result.crop for result in results))
    found = {(result.system, result.crop): result for result in results}
    rates = [
        [system, *(f"{100 * found[system, crop].equal_error_rate:.2f}" for crop in crops)]
        for system in systems
    ]
    costs = [
        [system, *(f"{found[system, crop].min_dcf:.3f}" for crop in crops)] for system in systems
    ]
    return "\n\n".join(
        [markdown_table(["EER %", *crops], rates), markdown_table(["minDCF", *crops], costs)]
    )


def _crop(utterances: Sequence[Utterance], seconds: float) -> list[Utterance]:
    return [
        replace(one, waveform=crop)
        for one in utterances
        for crop in consecutive_crops(one.waveform, round(seconds * SAMPLE_RATE))
    ]
