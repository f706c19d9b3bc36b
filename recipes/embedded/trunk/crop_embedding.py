"""Embeddings of crops of packed features, as the encoder makes them of audio."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.encoders.local.network import SpeakerNetwork
from diarspk.features.log_mel import gated_level

__all__ = ["embed_features"]


@torch.inference_mode()
def embed_features(network: SpeakerNetwork, crops: NDArray[np.floating]) -> Tensor:
    """Level crops ``(batch, frames, mels)`` and embed them: unit vectors ``(batch, dim)``."""
    features = torch.from_numpy(crops.astype(np.float32))
    levelled = features - gated_level(features)[:, None, None]
    embeddings: Tensor = nn.functional.normalize(network(levelled), dim=-1)
    return embeddings
