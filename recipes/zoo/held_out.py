"""Training speakers that are held out, for validation and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from diarspk.encoders.architectures.base import Architecture
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import mean_normalize
from diarspk.verification.metrics import equal_error_rate
from recipes.zoo.settings import Validation

__all__ = [
    "SECONDS",
    "HeldOut",
    "choose_speakers",
    "embed_crops",
    "middle",
    "pair_error_rate",
    "validation_error",
]

SECONDS = 4.0
"""Length of the crops that training is validated on, from the middle of an utterance."""

CROPS = 16
"""In a batch of them."""


def choose_speakers(utterances: Mapping[str, int], validation: Validation) -> frozenset[str]:
    """Choose the speakers that are held out, evenly among those with two utterances or more.

    Raises
    ------
    ArgumentError
        If there are not as many, or one alone is wanted, with whom nobody is compared.
    """
    if not validation.speakers:
        return frozenset()
    several = sorted(name for name, count in utterances.items() if count > 1)
    if not 2 <= validation.speakers <= len(several):
        raise ArgumentError(
            f"`held_out` must be 0, or 2 to {len(several)}, the training speakers with two "
            f"utterances or more, got {validation.speakers}"
        )
    places = np.linspace(0, len(several) - 1, validation.speakers).round().astype(int)
    return frozenset(several[place] for place in places)


@dataclass(frozen=True, eq=False)
class HeldOut(Dataset[Tensor]):
    """Crops of held-out speakers, in batches of one length.

    Attributes
    ----------
    speakers : tuple of str
        Of every crop.
    crops : Tensor
        Features ``(crops, frames, mels)``, or waveforms ``(crops, time)``.
    """

    speakers: tuple[str, ...]
    crops: Tensor

    def __len__(self) -> int:
        return -(-len(self.crops) // CROPS)

    def __getitem__(self, number: int) -> Tensor:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self.crops[CROPS * number : CROPS * (number + 1)]


def middle(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Cut a crop from the middle of ``(time, ...)``, which is repeated where it is too short."""
    if len(samples) < length:
        return np.resize(samples, (length, *samples.shape[1:]))
    start = (len(samples) - length) // 2
    return samples[start : start + length]


@torch.no_grad()
def embed_crops(network: Architecture, crops: Tensor) -> Tensor:
    """Embed a batch of crops: unit vectors ``(crops, dim)``."""
    inputs = mean_normalize(crops) if crops.dim() == 3 else crops
    return nn.functional.normalize(network(inputs).float(), dim=-1)


def pair_error_rate(vectors: Tensor, speakers: Sequence[str]) -> float:
    """Equal error rate of all pairs of unit vectors ``(crops, dim)``, in [0, 1]."""
    first, second = np.triu_indices(len(speakers), k=1)
    names = np.array(speakers)
    scores = (vectors @ vectors.T).cpu().numpy()[first, second]
    return float(equal_error_rate(scores, names[first] == names[second]))


def validation_error(network: Architecture, held_out: HeldOut) -> float:
    """Equal error rate of a network on held-out speakers; the network is left in evaluation."""
    network.eval()
    vectors = torch.cat([embed_crops(network, held_out[n]) for n in range(len(held_out))])
    return pair_error_rate(vectors, held_out.speakers)
