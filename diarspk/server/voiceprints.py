"""Voiceprints: embeddings as text that clients keep and send back, and their match to speakers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from diarspk.verification.calibration import ScoreCalibration, default_calibration, probability
from diarspk.verification.trials import cosine_scores

__all__ = ["Match", "decode_voiceprint", "encode_voiceprint", "match_speakers", "similarity"]

MARK = b"diarspk1"
SEPARATOR = b"\n"


def encode_voiceprint(vector: NDArray[np.float32], fingerprint: str) -> str:
    """Write an embedding ``(dim,)`` and the fingerprint of its space as base64."""
    values = np.asarray(vector, "<f4").tobytes()
    return base64.b64encode(MARK + fingerprint.encode() + SEPARATOR + values).decode()


def decode_voiceprint(text: str, fingerprint: str, dimension: int) -> NDArray[np.float32]:
    """Read an embedding ``(dim,)`` of the space with this fingerprint.

    Raises
    ------
    ArgumentError
        If the text is no voiceprint of this space.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    head, separator, values = content.partition(SEPARATOR)
    if not (separator and head.startswith(MARK)):
        raise ArgumentError("`voiceprint` must be what a voiceprint job of diarspk gave")
    if head[len(MARK) :] != fingerprint.encode():
        raise ArgumentError(
            "`voiceprint` must be of the model that runs here, got one of another; make it anew"
        )
    vector = np.frombuffer(values, "<f4") if len(values) % 4 == 0 else np.zeros(0, np.float32)
    if vector.shape != (dimension,) or not np.isfinite(vector).all() or not vector.any():
        raise ArgumentError("`voiceprint` must hold a vector of this model; it is damaged")
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass(frozen=True)
class Match:
    """What was found of one speaker of a recording.

    Attributes
    ----------
    name : str or None
        Whose voiceprint it is; None for nobody's.
    confidence : dict of str to float
        Percent, for each voiceprint.
    """

    name: str | None
    confidence: dict[str, float]


def similarity(
    scores: NDArray[np.float64], calibration: ScoreCalibration | None
) -> NDArray[np.float64]:
    """Percentage that stands for cosines: the probability of the same speaker at even odds.

    An encoder without a calibration gives the cosine itself, and 0 for a negative one.
    """
    if calibration is None:
        return 100 * np.clip(scores, 0, 1)
    return 100 * probability(calibration.log_likelihood_ratios(scores), 0.5)


def match_speakers(
    speakers: Mapping[str, NDArray[np.float32]],
    voiceprints: Mapping[str, NDArray[np.float32]],
    fingerprint: str,
    *,
    exclusive: bool = True,
    threshold: float = 0.0,
) -> dict[str, Match]:
    """Match the speakers of a recording with voiceprints.

    Parameters
    ----------
    speakers, voiceprints
        Unit vectors of one space, by label and by name.
    exclusive
        Whether a name is given once: the assignment of the largest total is taken.
    threshold
        Minimum percentage of a match.
    """
    if not speakers or not voiceprints:
        return {label: Match(None, {}) for label in speakers}
    labels, names = list(speakers), list(voiceprints)
    left = np.repeat(np.stack([speakers[label] for label in labels]), len(names), axis=0)
    right = np.tile(np.stack([voiceprints[name] for name in names]), (len(labels), 1))
    cosines = cosine_scores(left, right).reshape(len(labels), len(names))
    table = similarity(cosines, default_calibration(fingerprint))  # (labels, names)
    if exclusive:
        from scipy.optimize import linear_sum_assignment

        chosen = dict(zip(*linear_sum_assignment(-table), strict=True))
    else:
        chosen = dict(enumerate(table.argmax(axis=1)))
    matches = {}
    for row, label in enumerate(labels):
        column = chosen.get(row)
        found = column is not None and table[row, column] >= threshold
        confidence = {name: round(float(x), 1) for name, x in zip(names, table[row], strict=True)}
        matches[label] = Match(names[column] if found and column is not None else None, confidence)
    return matches
