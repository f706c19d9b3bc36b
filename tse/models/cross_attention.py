"""The embedding-free extractor: mixture and enrolment through one encoder, then attention.

The idea of USEF-TSE (Zeng & Li 2024, arXiv 2409.02615, section 3): no speaker encoder; the frames
of the mixture ask those of the enrolment, and what they get goes on beside them. There the two are
encoded by convolutions and go into TF-GridNet; here by bands, into the blocks of
:mod:`tse.models.band_split`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.conditioning import Conditioning, ConditioningConfig
from tse.cues import Cue
from tse.framing import Framing
from tse.fusion import attend
from tse.models.band_split import BandSplitConfig, make_blocks
from tse.models.bands import BandEncoder, MaskDecoder
from tse.models.network import ExtractionNetwork, Memory
from tse.spectrum import SpectralTransform, compress

__all__ = ["CrossAttentionConfig", "CrossAttentionNetwork"]


@dataclass(frozen=True)
class CrossAttentionConfig:
    """Dimensions of a :class:`CrossAttentionNetwork`.

    ``backbone`` gives framing, bands and blocks; its fusion, spectral map and attention play no
    part.
    """

    backbone: BandSplitConfig = field(default_factory=lambda: BandSplitConfig(spectral_map=False))
    attention: int = 128
    heads: int = 4

    @property
    def causal(self) -> bool:
        """Whether the backbone is."""
        return self.backbone.causal


class CrossAttentionNetwork(ExtractionNetwork):
    """Frames of the mixture beside what the enrolment answers them, to a mask."""

    def __init__(self, config: CrossAttentionConfig | None = None) -> None:
        config = config or CrossAttentionConfig()
        back = config.backbone
        framing = Framing(back.window_samples, back.hop_samples)
        super().__init__(framing, ConditioningConfig(0, 0, config.attention), causal=back.causal)
        self.config, self.heads = config, config.heads
        self.transform = SpectralTransform(framing)
        self.encoder = BandEncoder(back.bands, 3, back.channels)
        self.query = nn.Linear(len(back.bands) * back.channels, config.attention)
        self.key_value = nn.Linear(len(back.bands) * back.channels, 2 * config.attention)
        self.answer = nn.Linear(config.attention, len(back.bands) * back.channels)
        self.join = nn.Linear(2 * back.channels, back.channels)
        self.blocks = make_blocks(replace(back, attention_heads=0), fused=False)
        self.decoder = MaskDecoder(back.bands, back.channels, back.mask_hidden)

    def condition(self, cue: Cue) -> Conditioning:
        """Encode the enrolment into what the attention reads."""
        if cue.enrolment is None:
            raise ArgumentError(
                "`cue` must have an enrolment for an embedding-free extractor, got none"
            )
        frames, mask = self.enrolment_frames(cue)
        tokens = self.encode(self.transform(frames))
        sequence = self.key_value(tokens.flatten(2))
        return Conditioning(sequence.mean(1), sequence, mask, cue)

    def encode(self, spectrum: Tensor) -> Tensor:
        """Band tokens of a mixture or an enrolment."""
        magnitude, parts = compress(spectrum)
        return self.encoder(torch.cat([parts, magnitude[..., None]], dim=-1))

    def process(self, frames: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """See :meth:`ExtractionNetwork.process`."""
        spectrum = self.transform(frames)
        tokens = self.encode(spectrum)
        query = self.query(tokens.flatten(2))
        answered = self.answer(attend(query, conditioning.sequence, conditioning.mask, self.heads))
        tokens = self.join(torch.cat([tokens, answered.view_as(tokens)], dim=-1))
        for block in self.blocks:
            tokens = block(tokens, conditioning, memory)
        return self.transform.inverse(spectrum * self.decoder(tokens))
