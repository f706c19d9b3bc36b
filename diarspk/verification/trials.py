"""Verification trial lists and their scores.

Two formats are read: VoxCeleb's ``1 enrolment.wav test.wav`` (the label first) and Kaldi's
``enrolment test target`` (or ``nontarget``, last).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError, FormatError
from diarspk.formats.lines import TextFile, parse_lines, split_fields

__all__ = ["ScoreFunction", "Trial", "cosine_scores", "read_trials", "score_trials"]

KALDI_LABELS = {"target": True, "nontarget": False}
VOXCELEB_LABELS = {"1": True, "0": False}

Vectors = NDArray[np.floating]

ScoreFunction = Callable[[Vectors, Vectors], NDArray[np.float64]]
"""``(trials, dim)`` of enrolments and ``(trials, dim)`` of tests -> ``(trials,)``, higher for the
same speaker. :func:`cosine_scores` is one; a PLDA model offers another."""


@dataclass(frozen=True)
class Trial:
    """Verification trial; ``target``: whether both recordings are of the same speaker."""

    enrolment: str
    test: str
    target: bool


def read_trials(file: TextFile) -> list[Trial]:
    """Read a trial list; each line may be in either format.

    Raises
    ------
    FormatError
        With file and line, for a line in neither format; or if there is no trial.
    """
    trials = list(parse_lines(file, _parse_trial))
    if not trials:
        raise FormatError("holds no trial; each line must be `1 ENROL TEST`", str(file))
    return trials


def cosine_scores(enrolments: Vectors, tests: Vectors) -> NDArray[np.float64]:
    """Cosine similarity of two ``(trials, dim)`` of any norm, row by row: ``(trials,)``."""
    first, second = unit_vectors(enrolments, "enrolments"), unit_vectors(tests, "tests")
    if first.shape != second.shape:
        raise ArgumentError(
            f"`tests` must be of the shape of `enrolments`, {first.shape}, got {second.shape}"
        )
    return np.asarray(np.sum(first * second, axis=1))


def score_trials(
    trials: Sequence[Trial],
    embeddings: Mapping[str, NDArray[np.float32]],
    score: ScoreFunction = cosine_scores,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score trials with the embeddings of their two recordings.

    Returns
    -------
    scores, labels : ndarray, ``(trials,)``

    Raises
    ------
    ArgumentError
        A recording has no embedding.
    """
    names = {name for trial in trials for name in (trial.enrolment, trial.test)}
    if missing := sorted(names - set(embeddings)):
        raise ArgumentError(
            f"`embeddings` must hold every name of the trials, {len(missing)} of {len(names)} "
            f"are missing, the first is {missing[0]!r}"
        )
    enrolments = np.stack([embeddings[trial.enrolment] for trial in trials])
    tests = np.stack([embeddings[trial.test] for trial in trials])
    return score(enrolments, tests), np.array([trial.target for trial in trials])


def _parse_trial(line: str) -> Trial:
    fields = split_fields(line, range(3, 4))
    if len(fields) == 3:
        first, second, last = fields
        if first in VOXCELEB_LABELS:
            return Trial(second, last, VOXCELEB_LABELS[first])
        if last in KALDI_LABELS:
            return Trial(first, second, KALDI_LABELS[last])
    raise ValueError(
        "a trial must be `1 ENROL TEST` (or 0) or `ENROL TEST target` (or nontarget), "
        f"got {line[:80]!r}"
    )
