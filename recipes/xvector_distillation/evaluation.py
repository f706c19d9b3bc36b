"""Teacher and students on unseen speakers: all pairs of whole utterances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.encoders.architectures.base import Architecture
from diarspk.verification.metrics import equal_error_rate, min_dcf
from recipes.embedded.data.pool import Pool
from recipes.xvector_distillation.back_end import fit_back_end
from recipes.xvector_distillation.crops import Crops, whole_recording
from recipes.xvector_distillation.resampling import ErrorResamples, Rates, interval

__all__ = ["Evaluation", "Tested", "embed_crops", "embed_recordings", "labelled_crops"]

BATCH = 64
BACK_END_DIMENSION = 200
PRIORS = (0.01, 0.05)
RESAMPLES = 100

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tested:
    """One system on the trials.

    Attributes
    ----------
    cosines : ndarray, ``(trials,)``
    rates : ndarray, ``(1 + resamples,)``
        Equal error rates of the log-likelihood ratios, of the trials and of resamples of speakers.
    figures : dict
        ``cosine_equal_error_rate``; and of the log-likelihood ratios, ``plda``: number of
        ``trials`` and ``targets``, ``equal_error_rate`` with its interval, ``min_dcf`` by prior.
    """

    cosines: NDArray[np.float32]
    rates: Rates
    figures: dict[str, Any]


class Evaluation:
    """All pairs of the test utterances, and the speakers that the back end is fitted to.

    Parameters
    ----------
    speakers : ndarray of str, ``(utterances,)``
        Of the test utterances.
    training : ndarray of str, ``(crops,)``
        Of the training crops that the back end is fitted to.
    """

    def __init__(self, speakers: NDArray[np.str_], training: NDArray[np.str_]) -> None:
        self.training = training
        self.pairs = np.triu_indices(len(speakers), 1)
        self.groups = speakers[self.pairs[0]]
        self.labels = self.groups == speakers[self.pairs[1]]
        self.resamples = ErrorResamples(self.labels, self.groups, resamples=RESAMPLES)

    def run(self, training: Vectors, test: Vectors) -> Tested:
        """Score the embeddings of one system, ``(crops, dim)`` and ``(utterances, dim)``."""
        unit = normalize_rows(test)
        cosines = (unit @ unit.T)[self.pairs]
        ratios = fit_back_end(training, self.training, BACK_END_DIMENSION).score(test)[self.pairs]
        rates = self.resamples.rates(ratios)
        figures = {
            "cosine_equal_error_rate": equal_error_rate(cosines, self.labels),
            "plda": {
                "trials": len(self.labels),
                "targets": int(self.labels.sum()),
                "equal_error_rate": asdict(interval(rates)),
                "min_dcf": {
                    str(prior): min_dcf(ratios, self.labels, target_prior=prior) for prior in PRIORS
                },
            },
        }
        return Tested(cosines, rates, figures)


def labelled_crops(pool: Pool, crops: Crops, speakers: Mapping[str, str]) -> NDArray[np.int64]:
    """Crops of speakers with two utterances or more: copies of one say too little of a voice."""
    spoken: dict[str, set[str]] = defaultdict(set)
    for row in crops.rows.tolist():
        spoken[speakers[pool.utterance[row]]].add(pool.utterance[row])
    several = [len(spoken[speakers[pool.utterance[row]]]) > 1 for row in crops.rows.tolist()]
    return np.flatnonzero(several)


@torch.inference_mode()
def embed_crops(
    network: Architecture, pool: Pool, crops: Crops, chosen: NDArray[np.int64]
) -> Vectors:
    """Embed crops: ``(chosen, dim)``, not normalised."""
    batches = [chosen[first : first + BATCH] for first in range(0, len(chosen), BATCH)]
    batched = (torch.from_numpy(crops.features(pool, batch)) for batch in batches)
    return np.concatenate([network(features).numpy() for features in batched])


@torch.inference_mode()
def embed_recordings(network: Architecture, pool: Pool, rows: list[int]) -> Vectors:
    """Embed whole recordings, one after the other: ``(rows, dim)``, not normalised."""
    recordings = (whole_recording(pool, row, network.minimum) for row in rows)
    return np.concatenate([network(torch.from_numpy(one[None])).numpy() for one in recordings])
