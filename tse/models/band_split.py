"""Band-split extractor: bands as tokens, alternating paths over time and across bands.

Two kinds of blocks:

- ``"recurrent"``: an LSTM over time within each band, then one across the bands of each frame
  (Luo & Yu 2023, "Music source separation with band-split RNN"; Yu & Luo 2023 for speech);
- ``"spliced"``: dilated convolutions over time within each band, written as matrix products, and a
  bottleneck of one vector for each frame, in which the cue is fused, an LSTM runs over time, and
  all bands meet (the narrow-band and cross-band blocks of SpatialNet, Quan & Li 2024, are the
  model). A recurrent layer over one vector a frame costs a twentieth of one over twenty bands.
  With ``attention_heads`` these vectors also attend to each other (Wang et al. 2023, TF-GridNet)
  and to the enrolment's frames (Zeng & Li 2024, 2409.02615).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.models.conditioning import Conditioning, ConditioningConfig
from tse.models.fusion import make_fusion
from tse.models.layers import (
    BANDS_16K,
    BandEncoder,
    FrameAttention,
    MaskDecoder,
    RecurrentPath,
    Spliced,
)
from tse.models.network import OF_THE_CUE, ExtractionNetwork, Memory
from tse.models.spectrum import Framing, SpectralMap, SpectralTransform, compress

__all__ = ["BandSplitConfig", "BandSplitNetwork", "make_blocks"]


@dataclass(frozen=True)
class BandSplitConfig:
    """Dimensions of a :class:`BandSplitNetwork`; saved with its weights.

    The defaults are those of the embedded extractor, chosen for training on two CPU cores: see
    ``recipes/extraction/README.md``.
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
    attention_heads: int = 0  # of the frames, to all of them and the enrolment's; 0 for none
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    causal: bool = False

    def __post_init__(self) -> None:
        if 2 * sum(self.bands) != self.window_samples:
            raise ArgumentError(
                f"`bands` must sum to {self.window_samples // 2} bins, got {sum(self.bands)}"
            )
        if self.attention_heads and (self.causal or self.block != "spliced"):
            raise ArgumentError(
                f"`attention_heads` must be 0 in causal networks and those of recurrent blocks, "
                f"got {self.attention_heads}"
            )


class Enrolment(NamedTuple):
    """Compressed magnitudes ``(batch, frames, bins)``, and a mask of the valid frames."""

    magnitude: Tensor
    valid: Tensor


class BandSplitNetwork(ExtractionNetwork):
    """Estimator of a complex mask on the spectrum of the mixture."""

    def __init__(self, config: BandSplitConfig | None = None) -> None:
        config = config or BandSplitConfig()
        framing = Framing(config.window_samples, config.hop_samples)
        super().__init__(framing, config.conditioning, causal=config.causal)
        self.config = config
        self.transform = SpectralTransform(framing)
        self.map = SpectralMap() if config.spectral_map else None
        self.encoder = BandEncoder(config.bands, 4 if config.spectral_map else 3, config.channels)
        self.enrolled = EnrolledFrames(config) if config.attention_heads else None
        self.blocks = make_blocks(config)
        self.decoder = MaskDecoder(config.bands, config.channels, config.mask_hidden)

    def process(self, frames: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """See :meth:`ExtractionNetwork.process`."""
        spectrum, tokens, conditioning = self.encode(frames, conditioning, memory)
        for block in self.blocks:
            tokens = block(tokens, conditioning, memory)
        return self.transform.inverse(spectrum * self.decoder(tokens))

    def encode(
        self, frames: Tensor, conditioning: Conditioning, memory: Memory | None
    ) -> tuple[Tensor, Tensor, Conditioning]:
        """Spectrum, band tokens, and conditioning of the blocks."""
        spectrum = self.transform(frames)
        magnitude, parts = compress(spectrum)
        features = torch.cat([parts, magnitude[..., None]], dim=-1)
        enrolment = self._enrolment_once(conditioning.cue, memory)
        if self.map is not None:
            expected = torch.zeros_like(magnitude)
            if enrolment is not None:
                expected = self.map(magnitude, enrolment.magnitude, enrolment.valid)
            features = torch.cat([features, expected[..., None]], dim=-1)
        if self.enrolled is not None and enrolment is not None:
            conditioning = conditioning.extend(self.enrolled(enrolment.magnitude), enrolment.valid)
        return spectrum, self.encoder(features), conditioning

    def _enrolment_once(self, cue: Cue, memory: Memory | None) -> Enrolment | None:
        """:meth:`enrolment`, which a stream computes once and keeps."""
        if memory is None:
            return self.enrolment(cue)
        if f"{OF_THE_CUE}magnitude" not in memory:
            found = self.enrolment(cue)
            if found is None:
                return None
            memory[f"{OF_THE_CUE}magnitude"], memory[f"{OF_THE_CUE}valid"] = found
        return Enrolment(memory[f"{OF_THE_CUE}magnitude"], memory[f"{OF_THE_CUE}valid"])

    def enrolment(self, cue: Cue) -> Enrolment | None:
        """Spectra of the enrolment, or None if the cue has none or the network needs none."""
        if cue.enrolment is None or (self.map is None and self.enrolled is None):
            return None
        frames, valid = self.enrolment_frames(cue)
        magnitude, _ = compress(self.transform(frames))
        return Enrolment(magnitude, valid)


def make_blocks(config: BandSplitConfig, *, fused: bool = True) -> nn.ModuleList:
    """Build the blocks of a configuration; unless ``fused``, none of them fuses the cue."""
    kind = SplicedBlock if config.block == "spliced" else RecurrentBlock
    places = range(config.blocks if config.fuse == "every" else 1) if fused else range(0)
    return nn.ModuleList(
        kind(config, index, fused=index in places) for index in range(config.blocks)
    )


class EnrolledFrames(nn.Module):
    """Encoder of enrolment frames for the attention of mixture frames.

    Shape
    -----
    magnitudes ``(batch, frames, bins)`` -> ``(batch, frames, width)``
    """

    def __init__(self, config: BandSplitConfig) -> None:
        super().__init__()
        width, bins = config.conditioning.width, sum(config.bands)
        self.norm = nn.LayerNorm(bins)
        self.convolve = Spliced("enrolled", bins, 2 * width, dilation=1, causal=False)
        self.project = nn.Linear(2 * width, width)

    def forward(self, magnitude: Tensor) -> Tensor:
        """Encode each frame with its neighbours."""
        hidden = nn.functional.silu(self.convolve(self.norm(magnitude), None))
        projected: Tensor = self.project(hidden)
        return projected


class SplicedBlock(nn.Module):
    """Residual paths: across bands and over time in a bottleneck, then over time within bands.

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
        self.attention = (
            FrameAttention(width, config.conditioning.width, config.attention_heads)
            if config.attention_heads
            else None
        )
        self.path = RecurrentPath(f"{index}.joint", width, width // 2, causal=config.causal)
        self.expand = nn.Linear(width, joined)
        self.band_norm = nn.LayerNorm(channels)
        self.convolve = Spliced(
            f"{index}.band", channels, config.hidden, dilation=dilation, causal=config.causal
        )
        self.project = nn.Linear(config.hidden, channels)

    def forward(self, x: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """Apply both paths."""
        x = x + self.spread(self.path(self.join(x, conditioning), memory))
        hidden = nn.functional.silu(self.convolve(self.band_norm(x), memory))
        return x + self.project(hidden)

    def join(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Vector of each frame, all bands and the cue joined: ``(batch, frames, width)``."""
        joint = self.reduce(self.joint_norm(x).flatten(2))
        if self.fusion is not None:
            joint = self.fusion(joint, conditioning)
        if self.attention is not None:
            joint = self.attention(joint, conditioning)
        return joint

    def spread(self, path: Tensor) -> Tensor:
        """Residual of each band from the vectors of the frames."""
        spread: Tensor = self.expand(nn.functional.silu(path))
        return spread.view(*path.shape[:2], -1, len(self.band_norm.weight))


class RecurrentBlock(nn.Module):
    """Residual paths: an LSTM over time within bands, then one across the bands of each frame.

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
        """Apply both paths."""
        if self.fusion is not None:
            x = self.fusion(x, conditioning)
        batch, frames, bands, channels = x.shape
        x = self.time(x.transpose(1, 2).reshape(batch * bands, frames, channels), memory)
        x = x.view(batch, bands, frames, channels).transpose(1, 2)
        return self.across(x.reshape(batch * frames, bands, channels)).view_as(x)
