"""Embedding-free extractor: cross-attention of mixture frames to enrolment frames.

After USEF-TSE (Zeng & Li 2024, arXiv 2409.02615, section 3): without a speaker encoder, one encoder
for mixture and enrolment; the attended enrolment is concatenated to the mixture. The paper encodes
by convolutions and separates by TF-GridNet; here the encoder splits bands, and the separator are
the blocks of :mod:`tse.models.band_split`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.models.band_split import BandSplitConfig, make_blocks
from tse.models.conditioning import Conditioning, ConditioningConfig
from tse.models.fusion import attend
from tse.models.layers import BandEncoder, MaskDecoder
from tse.models.network import ExtractionNetwork, Memory
from tse.models.spectrum import Framing, SpectralTransform, compress

__all__ = ["CrossAttentionConfig", "CrossAttentionNetwork"]


@dataclass(frozen=True)
class CrossAttentionConfig:
    """Dimensions of a :class:`CrossAttentionNetwork`; saved with its weights.

    ``backbone`` gives framing, bands and blocks; its fusion, spectral map and attention are not
    used.
    """

    backbone: BandSplitConfig = field(default_factory=lambda: BandSplitConfig(spectral_map=False))
    attention: int = 128
    heads: int = 4

    @property
    def causal(self) -> bool:
        """Whether the backbone is causal."""
        return self.backbone.causal


class CrossAttentionNetwork(ExtractionNetwork):
    """Mask estimator on mixture tokens concatenated with attended enrolment tokens."""

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
        """Encode the enrolment into keys and values of the attention.

        Raises
        ------
        ArgumentError
            If the cue has no enrolment.
        """
        if cue.enrolment is None:
            raise ArgumentError(
                "`cue` must have an enrolment for an embedding-free extractor, got none"
            )
        frames, mask = self.enrolment_frames(cue)
        tokens = self.encode(self.transform(frames))
        sequence = self.key_value(tokens.flatten(2))
        return Conditioning(sequence.mean(1), sequence, mask, cue)

    def encode(self, spectrum: Tensor) -> Tensor:
        """Encode the spectrum of a mixture or an enrolment into band tokens."""
        magnitude, parts = compress(spectrum)
        return self.encoder(torch.cat([parts, magnitude[..., None]], dim=-1))

    def process(self, frames: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """See :meth:`ExtractionNetwork.process`."""
        spectrum = self.transform(frames)
        tokens = self.encode(spectrum)
        query = self.query(tokens.flatten(2))
        values = attend(query, conditioning.sequence, conditioning.mask, self.heads)
        attended = self.answer(values).view_as(tokens)
        tokens = self.join(torch.cat([tokens, attended], dim=-1))
        for block in self.blocks:
            tokens = block(tokens, conditioning, memory)
        return self.transform.inverse(spectrum * self.decoder(tokens))
