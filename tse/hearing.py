"""How a network hears a mixture: often enough to be sure, and verified by embeddings.

A network that is not causal may hear a mixture several times, each time in frames that begin a
little later. Where a cue has an embedding and an enrolment, it may also hear it in two readings of
the cue, with both and with the enrolment alone. The two err in different mixtures, and a speaker
encoder can tell: a voice is verified where its embedding is near the enrolment's, and that of what
it leaves of the mixture is far from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from tse.cues import Cue
from tse.models.network import LEAD_SAMPLES, ExtractionNetwork

__all__ = ["Hearing"]

SHORTEST_SAMPLES = SAMPLE_RATE
"""Below a second, embeddings tell little, and the whole cue is taken at its word."""

SHARPNESS = 20.0
"""Of the weights of two readings: one whose likeness is higher by 0.1 weighs seven times more."""

MARGIN = 0.05
"""Of likeness, by which a remainder must be better than what was found."""


@dataclass(frozen=True, eq=False)
class Hearing:
    """Extracts from one block at a time.

    Attributes
    ----------
    network : ExtractionNetwork
        Not causal, in evaluation mode.
    passes : int
        How often a mixture is heard in each reading of the cue; the outputs are averaged.
    verifier : SpeakerEncoder, optional
        Of the cue's embedding. Without it there is one reading, the whole cue.
    """

    network: ExtractionNetwork
    passes: int = 1
    verifier: SpeakerEncoder | None = None

    @torch.inference_mode()
    def __call__(self, mixture: Tensor, cue: Cue) -> Tensor:
        """Extract from ``(1, time)``: the mean of two readings, weighted by their likeness.

        Where the remainder of the less likely one is likelier than both, the voice that was found
        is another's: the remainder is heard instead.
        """
        verifier, vector = self.verifier, cue.vector
        if verifier is None or vector is None or not _can_be_verified(mixture, cue):
            return self._hear(mixture, cue)
        readings = cue, replace(cue, vector=None)
        voices = self._hear(mixture, *readings)
        likeness = _likeness(verifier, voices, mixture, vector)
        least = likeness.argmin()
        if -likeness[least] > likeness.max() + MARGIN:
            return self._hear(mixture - voices[least], *readings).mean(0, keepdim=True)
        return torch.softmax(SHARPNESS * likeness, 0)[None] @ voices

    def _hear(self, mixture: Tensor, *readings: Cue) -> Tensor:
        """Extract from ``(1, time)`` with each reading: ``(readings, time)``.

        All hearings together divide a hop between them.
        """
        hop, count = self.network.framing.hop_samples, len(readings) * self.passes
        voices = []
        for index, reading in enumerate(readings):
            conditioning = self.network.condition(reading)
            leads = [
                LEAD_SAMPLES + number * hop // count
                for number in range(index, count, len(readings))
            ]
            heard = [
                self.network.extract(mixture, conditioning, lead_samples=lead) for lead in leads
            ]
            voices.append(torch.stack(heard).mean(0))
        return torch.cat(voices)


def _can_be_verified(mixture: Tensor, cue: Cue) -> bool:
    long_enough = mixture.shape[1] >= SHORTEST_SAMPLES
    return cue.enrolment is not None and long_enough and bool(mixture.any())


def _likeness(verifier: SpeakerEncoder, voices: Tensor, mixture: Tensor, vector: Tensor) -> Tensor:
    """Cosine of each voice ``(n, time)`` to the enrolment, less that of its remainder: ``(n,)``."""
    waveforms = torch.cat([voices, mixture - voices]).numpy()
    found = torch.from_numpy(verifier.embed_batch(list(waveforms), SAMPLE_RATE))
    own, remainder = (found @ vector[0]).chunk(2)
    return own - remainder
