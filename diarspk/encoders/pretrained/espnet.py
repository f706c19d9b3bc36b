"""ESPnet-SPK's checkpoints: a ``.pth`` file, and the ``config.yaml`` beside it.

Tensors are named ``frontend.*``, ``encoder.*``, ``pooling.*``, ``projector.*``, ``loss.*``. The
weights do not determine the features, so the configuration is required. ECAPA-TDNN on log-mel
features or on S3PRL's WavLM, and RawNet3 are supported, with channel-attentive pooling and the
projector "rawnet3".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.pickled import load_strictly
from diarspk.encoders.architectures.ecapa import ESPNET_ECAPA, EcapaTdnn
from diarspk.encoders.architectures.rawnet3 import RawNet3, RawNet3Config
from diarspk.encoders.front_end import FrontEnd, WaveformFrontEnd
from diarspk.encoders.s3prl.encoder import UpstreamArchitecture, UpstreamFrontEnd
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ModelError

__all__ = ["EspnetFrontEnd", "is_espnet", "load_espnet"]

Renames = Sequence[tuple[str, str]]
"""Pattern of a state-dict key in ESPnet, and its replacement here; applied in this order."""

HEAD: Renames = (
    (r"^pooling\.attention\.0\.", "pool.linear1."),
    (r"^pooling\.attention\.2\.", "pool.norm."),
    (r"^pooling\.attention\.3\.", "pool.linear2."),
    (r"^projector\.bn\.", "bn."),
    (r"^projector\.fc\.", "linear."),
)
ECAPA: Renames = (
    (r"^encoder\.conv\.", "layer1.conv."),
    (r"^encoder\.bn\.", "layer1.bn."),
    (r"^encoder\.layer4\.", "conv."),
    (r"^encoder\.layer1\.", "layer2.se_res2block."),
    (r"^encoder\.layer2\.", "layer3.se_res2block."),
    (r"^encoder\.layer3\.", "layer4.se_res2block."),
    (r"\.se_res2block\.(conv|bn)1\.", r".se_res2block.0.\1."),
    (r"\.se_res2block\.(convs|bns)\.", r".se_res2block.1.\1."),
    (r"\.se_res2block\.(conv|bn)3\.", r".se_res2block.2.\1."),
    (r"\.se_res2block\.se\.se\.1\.", ".se_res2block.3.linear1."),
    (r"\.se_res2block\.se\.se\.3\.", ".se_res2block.3.norm."),
    (r"\.se_res2block\.se\.se\.4\.", ".se_res2block.3.linear2."),
)
RAWNET3: Renames = (
    (r"^frontend\.norm\.weight$", "front.scale"),
    (r"^frontend\.norm\.bias$", "front.offset"),
    (r"^frontend\.conv\.filterbank\.(low_hz_|band_hz_)$", r"front.bank.\1"),
    (r"^encoder\.", ""),
)
CONSTANTS = re.compile(r"^loss\.|flipped_filter$|\.(window_|n_)$|^frontend\.transform\.")
"""Keys that are dropped: the classifier, and buffers that are recomputed."""

MEL_DEFAULTS: Mapping[str, object] = {
    "preemp": True,
    "n_fft": 512,
    "log": False,
    "win_length": 400,
    "hop_length": 160,
    "f_min": 20,
    "f_max": 7600,
    "n_mels": 80,
    "window_fn": "hamming",
    "mel_scale": "htk",
    "normalize": None,
}
"""Defaults of ESPnet's ``melspec_torch``."""


class EspnetFrontEnd(FrontEnd):
    """Log-mel features of ESPnet's ``melspec_torch`` with mean normalisation.

    Differences to Kaldi: pre-emphasis of the whole waveform; centred frames with reflection
    padding; triangles in hertz on HTK's mel scale; ``log(energy + 1e-6)``.
    """

    sample_rate = SAMPLE_RATE
    emphasis = 0.97

    def __init__(
        self,
        mels: int = 80,
        *,
        fft: int = 512,
        length: int = 400,
        hop: int = 160,
        low: float = 20.0,
        high: float = 7600.0,
    ) -> None:
        self.fft, self.length, self.hop_samples = fft, length, hop
        self.window = torch.hamming_window(length)
        self.filters = _filters(mels, fft // 2 + 1, low, high, self.sample_rate)
        self.edges = (low, high)

    def __call__(self, waveform: Tensor) -> Tensor:
        """Compute ``(frames, mels)``."""
        before = torch.cat([waveform[1:2], waveform[:-1]])  # x[-1] is taken as x[1]
        spectrum = torch.stft(
            waveform - self.emphasis * before,
            self.fft,
            self.hop_samples,
            win_length=self.length,
            window=self.window,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()  # (bins, frames)
        energies = (power.T @ self.filters + 1e-6).log()
        return energies - energies.mean(dim=0)

    def samples_for(self, inputs: int) -> int:
        """Frame shifts up to the last frame, and enough samples for reflection padding."""
        return max(self.fft // 2 + 1, (inputs - 1) * self.hop_samples)

    def describe(self) -> str:
        """Describe the settings of the features."""
        return (
            f"ESPnet melspec_torch {tuple(self.filters.shape)} {self.fft} {self.length} "
            f"{self.hop_samples} {self.edges}"
        )


def is_espnet(state: Mapping[str, Any]) -> bool:
    """Whether tensors are named as in ESPnet-SPK."""
    return "projector.fc.weight" in state and any(name.startswith("encoder.") for name in state)


def load_espnet(path: Path, state: Mapping[str, Tensor]) -> WindowedEncoder:
    """Build an encoder from the tensors of an ESPnet-SPK checkpoint; the classifier is dropped.

    Raises
    ------
    ModelError
        If ``config.yaml`` is missing beside the file, or asks for what is not supported.
    """
    config = _read_config(path.with_name("config.yaml"))
    parts = tuple(config.get(name) for name in ("frontend", "encoder", "pooling", "projector"))
    encoder_state = {name: value for name, value in state.items() if not CONSTANTS.search(name)}
    if parts == ("melspec_torch", "ecapa_tdnn", "chn_attn_stat", "rawnet3"):
        front_end: FrontEnd = _mel_front_end(path, config.get("frontend_conf") or {})
        network: EcapaTdnn | RawNet3 = _build_ecapa(encoder_state)
        renamed = _rename(encoder_state, (*ECAPA, *HEAD))
    elif parts == ("s3prl", "ecapa_tdnn", "chn_attn_stat", "rawnet3"):
        return _load_on_upstream(path, config, encoder_state)
    elif parts == ("asteroid_frontend", "rawnet3", "chn_attn_stat", "rawnet3"):
        front_end = WaveformFrontEnd()
        network = _build_rawnet3(encoder_state, config.get("frontend_conf") or {})
        renamed = _rename(encoder_state, (*RAWNET3, *HEAD))
    else:
        raise ModelError(
            f"{path}: {', '.join(map(str, parts))} (front-end, encoder, pooling, projector) cannot "
            "be loaded; ecapa_tdnn on melspec_torch or s3prl, and rawnet3 can"
        )
    load_strictly(network, renamed, path)
    return WindowedEncoder(network.requires_grad_(False), front_end)


def _load_on_upstream(
    path: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]
) -> WindowedEncoder:
    from diarspk.encoders.pretrained.espnet_upstream import build_espnet_upstream

    upstream = build_espnet_upstream(path, config, state)
    own = {name: tensor for name, tensor in state.items() if not name.startswith("frontend.")}
    network = _build_ecapa(own)
    load_strictly(network, _rename(own, (*ECAPA, *HEAD)), path)
    stacked = UpstreamArchitecture(upstream, network).requires_grad_(False)
    return WindowedEncoder(stacked, UpstreamFrontEnd(upstream))


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelError(
            f"{path}: no such file; ESPnet's configuration must lie beside the weights, which do "
            "not tell the features"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not YAML ({error}); restore the original file") from error
    return content if isinstance(content, dict) else {}


def _mel_front_end(path: Path, settings: Mapping[str, Any]) -> EspnetFrontEnd:
    values: dict[str, Any] = {**MEL_DEFAULTS, **settings}
    wanted = {
        "preemp": True,
        "log": True,
        "normalize": "mn",
        "window_fn": "hamming",
        "mel_scale": "htk",
    }
    for name, value in wanted.items():
        if values[name] != value:
            raise ModelError(
                f"{path}: frontend_conf has {name}: {values[name]}, only {value} can be used"
            )
    return EspnetFrontEnd(
        values["n_mels"],
        fft=values["n_fft"],
        length=values["win_length"],
        hop=values["hop_length"],
        low=float(values["f_min"]),
        high=float(values["f_max"]),
    )


def _build_ecapa(state: Mapping[str, Tensor]) -> EcapaTdnn:
    channels, mels, _ = state["encoder.conv.weight"].shape
    config = replace(
        ESPNET_ECAPA,
        mels=mels,
        channels=channels,
        scale=channels // state["encoder.layer1.convs.0.weight"].shape[0],
        aggregated=state["encoder.layer4.weight"].shape[0],
        bottleneck=state["encoder.layer1.se.se.1.weight"].shape[0],
        dimension=state["projector.fc.weight"].shape[0],
    )
    return EcapaTdnn(config)


def _build_rawnet3(state: Mapping[str, Tensor], settings: Mapping[str, Any]) -> RawNet3:
    channels, filters, _ = state["encoder.layer1.residual.0.weight"].shape
    config = RawNet3Config(
        dimension=state["projector.fc.weight"].shape[0],
        filters=filters,
        kernel=int(settings.get("sinc_kernel_size", 251)),
        filter_stride=int(settings.get("sinc_stride", 16)),
        channels=channels,
        scale=channels // state["encoder.layer1.convs.0.weight"].shape[0],
        aggregated=state["encoder.layer4.weight"].shape[0],
    )
    return RawNet3(config)


def _rename(state: Mapping[str, Tensor], renames: Renames) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in state.items():
        for pattern, replacement in renames:
            name = re.sub(pattern, replacement, name)
        # The squeeze-excitation is a convolution of kernel 1 there, an affine layer here.
        affine = re.search(r"\.3\.linear[12]\.weight$", name)
        renamed[name] = tensor.squeeze(-1) if affine else tensor
    return renamed


def _filters(mels: int, bins: int, low: float, high: float, sample_rate: int) -> Tensor:
    """Triangles ``(bins, mels)``, linear in hertz between centres equally spaced in mel."""
    edges = torch.tensor([low, high], dtype=torch.float64)
    lowest, highest = (2595 * (1 + edges / 700).log10()).tolist()
    points = torch.linspace(lowest, highest, mels + 2, dtype=torch.float64)
    hertz = 700 * (10 ** (points / 2595) - 1)
    frequency = torch.linspace(0, sample_rate // 2, bins, dtype=torch.float64)[:, None]
    rising = (frequency - hertz[:-2]) / hertz.diff()[:-1]
    falling = (hertz[2:] - frequency) / hertz.diff()[1:]
    return torch.minimum(rising, falling).clamp_min(0.0).float()
