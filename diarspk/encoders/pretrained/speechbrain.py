"""SpeechBrain's ECAPA-TDNN and x-vector: ``embedding_model.ckpt``, and their features."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.pickled import load_strictly
from diarspk.encoders.architectures.ecapa import SPEECHBRAIN_ECAPA, EcapaTdnn
from diarspk.encoders.architectures.xvector import SPEECHBRAIN_XVECTOR, XVector
from diarspk.encoders.front_end import FrontEnd
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ModelError

__all__ = [
    "SpeechBrainFrontEnd",
    "build_speechbrain_ecapa",
    "is_speechbrain_xvector",
    "load_speechbrain",
    "load_speechbrain_xvector",
    "rename_speechbrain",
]

RENAMES = (
    (r"^blocks\.0\.", "layer1."),
    (r"^blocks\.([123])\.", lambda match: f"layer{int(match[1]) + 1}.se_res2block."),
    (r"\.tdnn1\.", ".0."),
    (r"\.res2net_block\.blocks\.(\d)\.conv\.conv\.", r".1.convs.\1."),
    (r"\.res2net_block\.blocks\.(\d)\.norm\.norm\.", r".1.bns.\1."),
    (r"\.tdnn2\.", ".2."),
    (r"\.se_block\.conv([12])\.conv\.", r".3.linear\1."),
    (r"^mfa\.conv\.conv\.", "conv."),
    (r"^mfa\.norm\.norm\.", "conv_bn."),
    (r"^asp\.tdnn\.conv\.conv\.", "pool.linear1."),
    (r"^asp\.tdnn\.norm\.norm\.", "pool.norm."),
    (r"^asp\.conv\.conv\.", "pool.linear2."),
    (r"^asp_bn\.norm\.", "bn."),
    (r"^fc\.conv\.", "linear."),
    (r"\.conv\.conv\.", ".conv."),
    (r"\.norm\.norm\.", ".bn."),
)
"""Pattern of a state-dict key in SpeechBrain, and its replacement here; applied in this order."""


XVECTOR_AFFINE = 16
"""Index of the affine layer among the blocks: after five layers of three, and the pooling."""


class SpeechBrainFrontEnd(FrontEnd):
    """Mel energies in decibels, at most 80 below the maximum, with mean normalisation.

    Differences to Kaldi: centred frames with zero padding; periodic Hamming window; each filter is
    a symmetric triangle whose half-width is the distance to the centre below.
    """

    sample_rate = SAMPLE_RATE
    hop_samples = 160
    size = 400

    def __init__(self, mels: int = 80) -> None:
        self.window = torch.hamming_window(self.size)
        self.filters = _filters(mels, self.size // 2 + 1, self.sample_rate)

    def __call__(self, waveform: Tensor) -> Tensor:
        """Compute ``(frames, mels)``."""
        spectrum = torch.stft(
            waveform,
            self.size,
            self.hop_samples,
            window=self.window,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()  # (bins, frames)
        decibels = 10 * (power.T @ self.filters).clamp_min(1e-10).log10()
        decibels = decibels.clamp_min(float(decibels.max()) - 80)
        return decibels - decibels.mean(dim=0)

    def samples_for(self, inputs: int) -> int:
        """Frame shifts up to the last frame."""
        return max(1, (inputs - 1) * self.hop_samples)

    def describe(self) -> str:
        """Describe the settings of the features."""
        return f"SpeechBrain Fbank {tuple(self.filters.shape)}"


def load_speechbrain(path: Path, state: Mapping[str, Tensor]) -> WindowedEncoder:
    """Build an encoder from the tensors of an ``embedding_model.ckpt``.

    Raises
    ------
    ModelError
        If they are of another architecture.
    """
    renamed = rename_speechbrain(state)
    network = build_speechbrain_ecapa(renamed)
    load_strictly(network, renamed, path)
    front_end = SpeechBrainFrontEnd(network.config.mels)
    return WindowedEncoder(network.requires_grad_(False), front_end)


def build_speechbrain_ecapa(renamed: Mapping[str, Tensor]) -> EcapaTdnn:
    """Build the ECAPA-TDNN that renamed tensors fit, with random weights."""
    channels, mels, _ = renamed["layer1.conv.weight"].shape
    config = replace(
        SPEECHBRAIN_ECAPA,
        mels=mels,
        channels=channels,
        aggregated=renamed["conv.weight"].shape[0],
        bottleneck=renamed["layer2.se_res2block.3.linear1.weight"].shape[0],
        dimension=renamed["linear.weight"].shape[0],
    )
    return EcapaTdnn(config)


def is_speechbrain_xvector(state: Mapping[str, Tensor]) -> bool:
    """Whether tensors have the names of SpeechBrain's x-vector."""
    return "blocks.0.conv.weight" in state and f"blocks.{XVECTOR_AFFINE}.w.weight" in state


def load_speechbrain_xvector(path: Path, state: Mapping[str, Tensor]) -> WindowedEncoder:
    """Build an encoder from the tensors of an x-vector's ``embedding_model.ckpt``.

    Raises
    ------
    ModelError
        If they are of another architecture.
    """
    renamed = {}
    for name, tensor in state.items():
        block, _, rest = name.removeprefix("blocks.").partition(".")
        layer = f"frame_{int(block) // 3 + 1}" if block.isdigit() else block
        prefix = "seg_1." if block == str(XVECTOR_AFFINE) else f"{layer}."
        for theirs, ours in (("conv.", "conv_1d."), ("norm.", "bn."), ("w.", "")):
            rest = ours + rest.removeprefix(theirs) if rest.startswith(theirs) else rest
        renamed[prefix + rest] = tensor
    first, last = renamed["frame_1.conv_1d.weight"], renamed["seg_1.weight"]
    if first.ndim != 3 or last.ndim != 2:
        raise ModelError(f"{path}: its tensors are of no x-vector known here")
    config = replace(SPEECHBRAIN_XVECTOR, mels=first.shape[1], dimension=last.shape[0])
    network = XVector(config)
    load_strictly(network, renamed, path)
    return WindowedEncoder(network.requires_grad_(False), SpeechBrainFrontEnd(config.mels))


def rename_speechbrain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename tensors, and drop the last axis of convolutions that are affine layers here."""
    renamed = {}
    for name, tensor in state.items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        affine = name == "linear.weight" or re.search(r"\.3\.linear[12]\.weight$", name)
        renamed[name] = tensor.squeeze(-1) if affine else tensor
    return renamed


def _filters(mels: int, bins: int, sample_rate: int) -> Tensor:
    """Triangles ``(bins, mels)`` from 0 Hz to the Nyquist frequency."""
    highest = 2595 * math.log10(1 + sample_rate / 2 / 700)
    hertz = 700 * (10 ** (torch.linspace(0, highest, mels + 2) / 2595) - 1)
    width, centre = hertz.diff()[:-1], hertz[1:-1]
    slope = (torch.linspace(0, sample_rate // 2, bins)[:, None] - centre) / width
    return torch.minimum(slope + 1, 1 - slope).clamp_min(0.0)
