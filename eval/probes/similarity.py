"""Cosines between the voices of outputs and of real recordings, by a judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import unit_vector
from eval.probes.judges import Judge
from eval.probes.synthesis import Voice

__all__ = ["agreement", "cosines", "judge_all", "profiles_of", "real_similarities"]

Vectors = NDArray[np.float32]


def judge_all(features: Sequence[NDArray[np.float32]], judge: Judge) -> Vectors:
    """Give unit vectors ``(n, dim)`` that the judge computes."""
    return np.stack([unit(judge(one)) for one in features])


def profiles_of(voices: Sequence[Voice], judge: Judge) -> dict[str, Vectors]:
    """Give each speaker's unit mean ``(dim,)`` that the judge computes of real recordings."""
    vectors = judge_all([voice.log_mel for voice in voices], judge)
    names = np.array([voice.speaker for voice in voices])
    return {name: unit(vectors[names == name].mean(axis=0)) for name in np.unique(names).tolist()}


def real_similarities(voices: Sequence[Voice], judge: Judge) -> tuple[float, float]:
    """Mean cosine of two real recordings of one speaker, and of two speakers; NaN without any."""
    vectors = judge_all([voice.log_mel for voice in voices], judge)
    names = np.array([voice.speaker for voice in voices])
    first, second = np.triu_indices(len(voices), k=1)
    found, same = cosines(vectors[first], vectors[second]), names[first] == names[second]
    means = [float(found[kind].mean()) if kind.any() else float("nan") for kind in (same, ~same)]
    return means[0], means[1]


def agreement(outputs: Vectors) -> float:
    """Mean cosine between two of the outputs; 1 for a single one."""
    if len(outputs) < 2:
        return 1.0
    first, second = np.triu_indices(len(outputs), k=1)
    return float(cosines(outputs[first], outputs[second]).mean())


def cosines(first: Vectors, second: Vectors) -> NDArray[np.float32]:
    """Compute cosines of unit vectors, row by row."""
    return np.asarray(np.einsum("nd,nd->n", first, second))


def unit(vector: NDArray[np.float32]) -> Vectors:
    """Bring to norm 1; zeros stay."""
    return np.asarray(unit_vector(vector), np.float32)
