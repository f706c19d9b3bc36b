"""Test-time ensembling of an extraction network: time-shifted passes and two cue variants.

A non-causal network may run over a mixture several times, with frames shifted by a part of a hop.
Where a cue has an embedding and an enrolment, it may also run with two variants of the cue: the
whole cue, and the enrolment alone. The two err in different mixtures, and a speaker encoder tells
which did: the output is verified if its embedding is near that of the enrolment, and the embedding
of the residual (mixture minus output) is far from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from tse.cues import Cue
from tse.models.network import LEAD_SAMPLES, ExtractionNetwork

__all__ = ["Ensemble"]

MIN_VERIFIED_SAMPLES = SAMPLE_RATE
"""Length of a mixture below which embeddings are unreliable and only the whole cue is used."""

SHARPNESS = 20.0
"""Inverse temperature of the weights: a score higher by 0.1 weighs seven times more."""

SWAP_MARGIN = 0.05
"""Cosine by which a residual must score above both outputs to be extracted from instead."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Test-time ensemble: shifted passes and two cue variants, weighted by speaker similarity.

    Attributes
    ----------
    network : ExtractionNetwork
        Non-causal, in evaluation mode.
    passes : int
        Number of time-shifted passes per cue variant; their outputs are averaged.
    verifier : SpeakerEncoder, optional
        Encoder of the cue's embedding, which weighs the cue variants. Default: one variant, the
        whole cue.
    """

    network: ExtractionNetwork
    passes: int = 1
    verifier: SpeakerEncoder | None = None

    @torch.inference_mode()
    def __call__(self, mixture: Tensor, cue: Cue) -> Tensor:
        """Extract from a mixture: the average over cue variants, weighted by their score.

        If the residual of the worse variant scores above both outputs, the network has extracted
        an interferer: the target is then extracted from that residual.

        Shape
        -----
        mixture ``(1, time)``, cue of one speaker -> ``(1, time)``
        """
        verifier, vector = self.verifier, cue.vector
        if verifier is None or vector is None or not _can_verify(mixture, cue):
            return self._extract(mixture, cue)
        variants = cue, replace(cue, vector=None)
        voices = self._extract(mixture, *variants)
        scores = _verify(verifier, voices, mixture, vector)
        worst = scores.argmin()
        # A score is antisymmetric in output and residual: -score is that of the residual.
        if -scores[worst] > scores.max() + SWAP_MARGIN:
            return self._extract(mixture - voices[worst], *variants).mean(0, keepdim=True)
        return torch.softmax(SHARPNESS * scores, 0)[None] @ voices

    def extract_each(
        self, mixture: Tensor, cues: Sequence[Cue], wanted: Sequence[bool]
    ) -> NDArray[np.float32]:
        """Extract the speakers who are wanted from ``(1, time)``; others are silent.

        Returns
        -------
        ndarray of float32, ``(speakers, time)``
        """
        voices = np.zeros((len(cues), mixture.shape[1]), np.float32)
        for row, (cue, own) in enumerate(zip(cues, wanted, strict=True)):
            if own:
                voices[row] = self(mixture, cue)[0].numpy(force=True)
        return voices

    def _extract(self, mixture: Tensor, *variants: Cue) -> Tensor:
        """Extract from ``(1, time)`` with each cue variant: ``(variants, time)``.

        The shifts of all passes together divide a hop evenly.
        """
        hop, count = self.network.framing.hop_samples, len(variants) * self.passes
        voices = []
        for index, variant in enumerate(variants):
            conditioning = self.network.condition(variant)
            leads = [
                LEAD_SAMPLES + number * hop // count
                for number in range(index, count, len(variants))
            ]
            outputs = [
                self.network.extract(mixture, conditioning, lead_samples=lead) for lead in leads
            ]
            voices.append(torch.stack(outputs).mean(0))
        return torch.cat(voices)


def _can_verify(mixture: Tensor, cue: Cue) -> bool:
    long_enough = mixture.shape[1] >= MIN_VERIFIED_SAMPLES
    return cue.enrolment is not None and long_enough and bool(mixture.any())


def _verify(verifier: SpeakerEncoder, voices: Tensor, mixture: Tensor, vector: Tensor) -> Tensor:
    """Cosine of each output ``(n, time)`` to the enrolment minus that of its residual, ``(n,)``."""
    waveforms = torch.cat([voices, mixture - voices]).numpy(force=True)
    embeddings = torch.from_numpy(verifier.embed_batch(list(waveforms), SAMPLE_RATE)).to(vector)
    similarity, residual_similarity = (embeddings @ vector[0]).chunk(2)
    return similarity - residual_similarity
