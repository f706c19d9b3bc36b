"""Vectors of a cue whose speaker encoders learn: all of an encoder, or weights of a front end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.s3prl.encoder import UpstreamArchitecture
from diarspk.encoders.upstreams.encoder import FrontEndEncoder, sum_layers
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import LogMel, gated_level
from tse.card_encoders import trainable_network

__all__ = ["VECTOR_CUES", "CueVectors", "make_cue_vectors"]

VECTOR_CUES = ("utterance", "utterance+map")
"""Cues that have nothing else of their encoders than a vector."""


class _Packed:
    """Packed vectors ``(batch, dim)`` of a frozen encoder, as they are."""

    def __init__(self, encoder: SpeakerEncoder) -> None:
        self.network: nn.Module = nn.Identity()
        self.values = encoder.dimension

    def vectors(self, packed: Tensor) -> Tensor:
        return packed


class _Weights(nn.Module):
    """Weights of layers under the name that they have in a front end's own state."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers)) if layers > 1 else None


class _WeighedLayers:
    """Packed statistics of the layers of a frozen front end, with weights that are learned."""

    def __init__(self, encoder: FrontEndEncoder) -> None:
        self.layers, self.dimension = encoder.layers, encoder.dimension
        self.values = self.layers * self.dimension
        self.network = _Weights(self.layers)

    def vectors(self, packed: Tensor) -> Tensor:
        statistics = packed.reshape(-1, self.layers, self.dimension)
        return sum_layers(statistics, self.network.weights)


class _Tuned(ABC):
    """Encoder that is trained: enrolments ``(1, time)`` to unit vectors ``(batch, dim)``."""

    network: nn.Module

    @abstractmethod
    def vectors(self, enrolments: Sequence[Tensor]) -> Tensor: ...


class _TunedLocal(_Tuned):
    def __init__(self, encoder: LocalEncoder) -> None:
        self.network, self.log_mel = encoder.network.requires_grad_(True), LogMel()

    def vectors(self, enrolments: Sequence[Tensor]) -> Tensor:
        rows = []
        for waveform in enrolments:
            features = self.log_mel.to(waveform.device)(waveform)
            rows.append(self.network(features - gated_level(features)[:, None, None]))
        return nn.functional.normalize(torch.cat(rows), dim=-1)


class _TunedWindowed(_Tuned):
    def __init__(self, encoder: WindowedEncoder) -> None:
        self.network, self.front_end = encoder.network.requires_grad_(True), encoder.front_end
        if isinstance(encoder.network, UpstreamArchitecture):
            encoder.network.upstream.set_tuned(True)
        self.shortest = encoder.front_end.samples_for(encoder.network.minimum)

    def vectors(self, enrolments: Sequence[Tensor]) -> Tensor:
        self.front_end.to(enrolments[0].device)
        inputs = [self.front_end(_repeat(row, self.shortest)[0]) for row in enrolments]
        lengths = torch.tensor([len(one) for one in inputs], device=enrolments[0].device)
        batch = nn.utils.rnn.pad_sequence(inputs, batch_first=True)
        vectors = self.network(batch, length_mask(lengths, batch.shape[1]))
        return nn.functional.normalize(vectors, dim=-1)


class _TunedFrontEnd(_Tuned):
    def __init__(self, encoder: FrontEndEncoder) -> None:
        self.encoder, self.network = encoder, encoder.upstream
        encoder.upstream.set_tuned(True)

    def vectors(self, enrolments: Sequence[Tensor]) -> Tensor:
        rows = [self.encoder.measure_layers(waveform) for waveform in enrolments]
        return self.encoder.weigh(torch.cat(rows))


class CueVectors(nn.Module):
    """Vectors of a batch by encoders that learn, side by side as they are used.

    Attributes
    ----------
    network
        What learns, with the names that its weights have in the card of an extractor.
    tuned : bool
        Whether that is the encoders themselves, which then read the enrolments.
    """

    def __init__(self, parts: Sequence[_Packed | _WeighedLayers] | Sequence[_Tuned]) -> None:
        super().__init__()
        networks = [part.network for part in parts]
        self.network = networks[0] if len(networks) == 1 else nn.ModuleList(networks)
        self.parts: list[Any] = list(parts)
        self.tuned = isinstance(parts[0], _Tuned)

    def train(self, mode: bool = True) -> CueVectors:
        """Keep the statistics of batch norms, and no dropout: enrolments pass one by one."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, batch: dict[str, Tensor]) -> Tensor | None:
        """Compute unit vectors ``(batch, dim)``; None where a batch lacks what they are made of."""
        if self.tuned and "enrolment" in batch:
            rows = zip(batch["enrolment"], batch["enrolment_samples"].tolist(), strict=True)
            enrolments = [row[None, :samples] for row, samples in rows]
            vectors = [part.vectors(enrolments) for part in self.parts]
        elif not self.tuned and "vector" in batch:
            packed = torch.split(batch["vector"], [part.values for part in self.parts], dim=1)
            vectors = [part.vectors(own) for part, own in zip(self.parts, packed, strict=True)]
        else:
            return None
        return nn.functional.normalize(torch.cat(vectors, dim=-1), dim=-1)


def make_cue_vectors(
    cue: str, encoders: Sequence[SpeakerEncoder], *, tuned: bool
) -> CueVectors | None:
    """Let the encoders of a cue learn with the extractor; None where nothing of them does.

    Parameters
    ----------
    cue
        Its name; of frames only those of frozen encoders are taken, with equal weights of layers.
    encoders
        They are changed in place.
    tuned
        Train the encoders themselves.

    Raises
    ------
    ArgumentError
        If the cue or an encoder cannot be tuned.
    """
    if tuned and cue not in VECTOR_CUES:
        raise ArgumentError(
            f"--joint-encoder goes with the cues {' and '.join(VECTOR_CUES)}, got {cue}; leave it "
            "out, or choose another --cue"
        )
    if cue not in VECTOR_CUES:
        return None
    if tuned:
        return CueVectors([_tune(one) for one in encoders])
    parts = [
        _WeighedLayers(one) if isinstance(one, FrontEndEncoder) else _Packed(one)
        for one in encoders
    ]
    # The packed vectors of one encoder are unit vectors already.
    return None if len(parts) == 1 and isinstance(parts[0], _Packed) else CueVectors(parts)


def _tune(encoder: SpeakerEncoder) -> _Tuned:
    trainable_network(encoder)
    if isinstance(encoder, FrontEndEncoder):
        return _TunedFrontEnd(encoder)
    if isinstance(encoder, LocalEncoder):
        return _TunedLocal(encoder)
    assert isinstance(encoder, WindowedEncoder)
    if encoder.sample_rate != SAMPLE_RATE:
        raise ArgumentError(
            f"{encoder.name}: reads {encoder.sample_rate} Hz; only encoders of {SAMPLE_RATE} Hz "
            "can be trained along with an extractor"
        )
    return _TunedWindowed(encoder)


def _repeat(waveform: Tensor, shortest: int) -> Tensor:
    """Repeat ``(1, time)`` to a length."""
    times = -(-shortest // waveform.shape[1])
    return waveform if times <= 1 else waveform.repeat(1, times)[:, :shortest]
