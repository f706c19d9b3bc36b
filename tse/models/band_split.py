"""The band-split extractor: bands as tokens, paths over time and across bands in turns.

Two kinds of blocks:

- ``"recurrent"``: an LSTM over time within each band, then one across the bands of each frame
  (Luo & Yu 2023, "Music source separation with band-split RNN"; Yu & Luo 2023 for speech);
- ``"spliced"``: dilated convolutions over time within each band, written as matrix products, and a
  bottleneck of one vector for each frame, in which the cue is fused, an LSTM runs over time, and
  all bands meet (the narrow-band and cross-band blocks of SpatialNet, Quan & Li 2024, are the
  model). A recurrent layer over one vector a frame costs a twentieth of one over twenty bands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.conditioning import Conditioning, ConditioningConfig
from tse.framing import Framing
from tse.fusion import make_fusion
from tse.models.bands import BANDS_16K, BandEncoder, MaskDecoder
from tse.models.layers import RecurrentPath, Spliced
from tse.models.network import ExtractionNetwork, Memory
from tse.spectrum import SpectralMap, SpectralTransform, compress

__all__ = ["BandSplitConfig", "BandSplitNetwork", "make_blocks"]


@dataclass(frozen=True)
class BandSplitConfig:
    """Dimensions of a :class:`BandSplitNetwork`; they are saved with its weights.

    The defaults are those of the shipped extractor. They were chosen for training on two CPU cores:
    see ``recipes/extraction/README.md``.
    """

    window_samples: int = 640
    hop_samples: int = 320
    bands: tuple[int, ...] = BANDS_16K
    channels: int = 48
    hidden: int = 192  # of the paths within bands
    bottleneck: int = 96  # of the vector of a frame; "recurrent" blocks have none
    mask_hidden: int = 256
    blocks: int = 12
    block: Literal["spliced", "recurrent"] = "spliced"
    dilations: tuple[int, ...] = (1, 2, 4, 8)  # of the blocks, in turns
    fusion: str = "film"
    fuse: Literal["once", "every"] = "every"
    spectral_map: bool = True
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    causal: bool = False

    def __post_init__(self) -> None:
        if 2 * sum(self.bands) != self.window_samples:
            raise ArgumentError(
                f"`bands` must sum to {self.window_samples // 2} bins, got {sum(self.bands)}"
            )


class BandSplitNetwork(ExtractionNetwork):
    """Spectrum, cue and spectral map to a complex mask of the mixture's spectrum."""

    def __init__(self, config: BandSplitConfig | None = None) -> None:
        config = config or BandSplitConfig()
        framing = Framing(config.window_samples, config.hop_samples)
        super().__init__(framing, config.conditioning, causal=config.causal)
        self.config = config
        self.transform = SpectralTransform(framing)
        self.map = SpectralMap() if config.spectral_map else None
        self.encoder = BandEncoder(config.bands, 4 if config.spectral_map else 3, config.channels)
        self.blocks = make_blocks(config)
        self.decoder = MaskDecoder(config.bands, config.channels, config.mask_hidden)

    def process(self, frames: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """See :meth:`ExtractionNetwork.process`."""
        spectrum = self.transform(frames)
        magnitude, parts = compress(spectrum)
        features = torch.cat([parts, magnitude[..., None]], dim=-1)
        if self.map is not None:
            expected = self.expect(magnitude, conditioning)
            features = torch.cat([features, expected[..., None]], dim=-1)
        tokens = self.encoder(features)
        for block in self.blocks:
            tokens = block(tokens, conditioning, memory)
        return self.transform.inverse(spectrum * self.decoder(tokens))

    def expect(self, magnitude: Tensor, conditioning: Conditioning) -> Tensor:
        """Spectral map of the enrolment; nothing where the cue has no enrolment."""
        if conditioning.cue.enrolment is None or self.map is None:
            return torch.zeros_like(magnitude)
        frames, valid = self.enrolment_frames(conditioning.cue)
        enrolled, _ = compress(self.transform(frames))
        return self.map(magnitude, enrolled, valid)


def make_blocks(config: BandSplitConfig, *, fused: bool = True) -> nn.ModuleList:
    """Make the blocks of a configuration; unless ``fused``, none of them takes in the cue."""
    kind = SplicedBlock if config.block == "spliced" else RecurrentBlock
    places = range(config.blocks if config.fuse == "every" else 1) if fused else range(0)
    return nn.ModuleList(
        kind(config, index, fused=index in places) for index in range(config.blocks)
    )


class SplicedBlock(nn.Module):
    """Across bands and over time in a bottleneck, then over time within bands.

    Shape
    -----
    ``(batch, frames, bands, channels)`` -> the same
    """

    def __init__(self, config: BandSplitConfig, index: int, *, fused: bool) -> None:
        super().__init__()
        channels, width = config.channels, config.bottleneck
        joined = len(config.bands) * channels
        dilation = config.dilations[index % len(config.dilations)]
        self.joint_norm = nn.LayerNorm(channels)
        self.reduce = nn.Linear(joined, width)
        self.fusion = (
            make_fusion(config.fusion, width, config.conditioning.width) if fused else None
        )
        self.path = RecurrentPath(f"{index}.joint", width, width // 2, causal=config.causal)
        self.expand = nn.Linear(width, joined)
        self.band_norm = nn.LayerNorm(channels)
        self.convolve = Spliced(
            f"{index}.band", channels, config.hidden, dilation=dilation, causal=config.causal
        )
        self.project = nn.Linear(config.hidden, channels)

    def forward(self, x: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """Two residual paths."""
        joint = self.reduce(self.joint_norm(x).flatten(2))  # (batch, frames, width)
        if self.fusion is not None:
            joint = self.fusion(joint, conditioning)
        x = x + self.expand(nn.functional.silu(self.path(joint, memory))).view_as(x)
        hidden = nn.functional.silu(self.convolve(self.band_norm(x), memory))
        return x + self.project(hidden)


class RecurrentBlock(nn.Module):
    """Over time within bands, then across the bands of each frame, both by an LSTM.

    Shape
    -----
    ``(batch, frames, bands, channels)`` -> the same
    """

    def __init__(self, config: BandSplitConfig, index: int, *, fused: bool) -> None:
        super().__init__()
        channels, hidden = config.channels, config.hidden
        width = config.conditioning.width
        self.fusion = make_fusion(config.fusion, channels, width) if fused else None
        self.time = RecurrentPath(f"{index}.time", channels, hidden, causal=config.causal)
        self.across = RecurrentPath(f"{index}.bands", channels, hidden, causal=False)

    def forward(self, x: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """Two residual paths."""
        if self.fusion is not None:
            x = self.fusion(x, conditioning)
        batch, frames, bands, channels = x.shape
        x = self.time(x.transpose(1, 2).reshape(batch * bands, frames, channels), memory)
        x = x.view(batch, bands, frames, channels).transpose(1, 2)
        return self.across(x.reshape(batch * frames, bands, channels)).view_as(x)
