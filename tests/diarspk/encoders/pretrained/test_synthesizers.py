"""Encoders that synthesizers bring, on random weights of the published layouts.

What they compute is compared with the same written down once more with PyTorch's and torchaudio's
own parts, as the projects have it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

import diarspk
from diarspk.cues.export import export_cue, read_references
from diarspk.encoders.architectures.campplus import CamPlusPlus, CamPlusPlusConfig
from diarspk.errors import ModelError
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.local.test_network import trained_looking

Shapes = dict[str, tuple[int, ...]]


def random_state(shapes: Shapes) -> dict[str, Tensor]:
    """Weights as a training leaves them: variances are positive, and outputs are about 1."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes.items():
        drawn = torch.randn(shape, generator=generator)
        if name.endswith("running_var"):
            state[name] = drawn.abs() + 0.5
        elif len(shape) > 1:
            state[name] = drawn * (2 / np.prod(shape[1:])) ** 0.5
        else:
            state[name] = 0.1 * drawn + (1.0 if name.endswith("weight") else 0.0)
    return state


def norms(name: str, channels: int) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts}


def unit(vector: Tensor) -> NDArray[np.float32]:
    return functional.normalize(vector, dim=-1).numpy()


# SpeechBrain's x-vector, which SpeechT5 reads.

XVECTOR_LAYERS = ((24, 512, 5, 1), (512, 512, 3, 2), (512, 512, 3, 3), (512, 512, 1, 1))
XVECTOR_LAYERS = (*XVECTOR_LAYERS, (512, 1500, 1, 1))


def xvector_state() -> dict[str, Tensor]:
    shapes: Shapes = {}
    for index, (before, after, kernel, _) in enumerate(XVECTOR_LAYERS):
        shapes[f"blocks.{3 * index}.conv.weight"] = (after, before, kernel)
        shapes[f"blocks.{3 * index}.conv.bias"] = (after,)
        shapes |= norms(f"blocks.{3 * index + 2}.norm", after)
    return random_state({**shapes, "blocks.16.w.weight": (512, 3000), "blocks.16.w.bias": (512,)})


def xvector(state: dict[str, Tensor], features: Tensor) -> Tensor:
    x = features.T[None]
    for index, (_, _, kernel, dilation) in enumerate(XVECTOR_LAYERS):
        reach = (kernel - 1) * dilation // 2
        conv, norm = f"blocks.{3 * index}.conv", f"blocks.{3 * index + 2}.norm"
        x = functional.pad(x, (reach, reach), mode="reflect")
        x = functional.conv1d(x, state[f"{conv}.weight"], state[f"{conv}.bias"], dilation=dilation)
        x = functional.batch_norm(
            functional.leaky_relu(x),
            *(state[f"{norm}.{part}"] for part in ("running_mean", "running_var")),
            state[f"{norm}.weight"],
            state[f"{norm}.bias"],
        )
    pooled = torch.cat([x.mean(-1), x.std(-1)], dim=1)
    return functional.linear(pooled, state["blocks.16.w.weight"], state["blocks.16.w.bias"])[0]


def test_speechbrains_xvector(tmp_path: Path) -> None:
    state = xvector_state()
    torch.save(state, tmp_path / "embedding_model.ckpt")
    encoder: Any = diarspk.load_encoder(tmp_path)
    audio = noise(2.0)
    features = encoder.front_end(torch.from_numpy(audio))
    assert features.shape == (201, 24)
    np.testing.assert_allclose(
        encoder.embed(audio, 16000), unit(xvector(state, features)), atol=1e-5
    )
    count = sum(value.numel() for name, value in state.items() if "running" not in name)
    assert count == 4_211_604 == sum(one.numel() for one in encoder.network.parameters())


def test_speechbrain_itself_gives_the_same(tmp_path: Path) -> None:
    pytest.importorskip("speechbrain")
    from speechbrain.lobes.features import Fbank
    from speechbrain.lobes.models.Xvector import Xvector

    torch.manual_seed(0)
    network = trained_looking(Xvector(in_channels=24, lin_neurons=512))
    torch.save(network.state_dict(), tmp_path / "embedding_model.ckpt")
    encoder = diarspk.load_encoder(tmp_path)
    audio = noise(2.0)
    with torch.inference_mode():
        features = Fbank(n_mels=24)(torch.from_numpy(audio)[None])
        expected = network(features - features.mean(dim=1, keepdim=True))[0, 0]
    np.testing.assert_allclose(encoder.embed(audio, 16000), unit(expected), atol=1e-3)


# Coqui's H/ASP, which YourTTS and XTTS read.

STAGES = ((32, 3), (64, 4), (128, 6), (256, 3))


def coqui_state() -> dict[str, Tensor]:
    shapes: Shapes = {"conv1.weight": (32, 1, 3, 3), "conv1.bias": (32,), **norms("bn1", 32)}
    before = 32
    for number, (channels, blocks) in enumerate(STAGES, start=1):
        for index in range(blocks):
            name = f"layer{number}.{index}"
            shapes[f"{name}.conv1.weight"] = (channels, before, 3, 3)
            shapes[f"{name}.conv2.weight"] = (channels, channels, 3, 3)
            shapes |= norms(f"{name}.bn1", channels) | norms(f"{name}.bn2", channels)
            for part, (out, given) in (
                (0, (channels // 8, channels)),
                (2, (channels, channels // 8)),
            ):
                shapes[f"{name}.se.fc.{part}.weight"] = (out, given)
                shapes[f"{name}.se.fc.{part}.bias"] = (out,)
            if before != channels:
                shapes[f"{name}.downsample.0.weight"] = (channels, before, 1, 1)
                shapes |= norms(f"{name}.downsample.1", channels)
            before = channels
    shapes |= {"attention.0.weight": (128, 2048, 1), "attention.0.bias": (128,)}
    shapes |= norms("attention.2", 128)
    shapes |= {"attention.3.weight": (2048, 128, 1), "attention.3.bias": (2048,)}
    return random_state({**shapes, "fc.weight": (512, 4096), "fc.bias": (512,)})


def coqui(state: dict[str, Tensor], waveforms: Tensor) -> Tensor:
    """``(batch, time)`` to unit vectors; torchaudio makes the features."""
    torchaudio = pytest.importorskip("torchaudio")

    def norm(name: str, x: Tensor) -> Tensor:
        parts = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(x, *(state[f"{name}.{part}"] for part in parts))

    padded = functional.pad(waveforms[:, None], (1, 0), "reflect")
    sharp = functional.conv1d(padded, torch.tensor([[[-0.97, 1.0]]]))[:, 0]
    mel = torchaudio.transforms.MelSpectrogram(
        16000, 512, 400, 160, window_fn=torch.hamming_window, n_mels=64
    )
    x = nn.InstanceNorm1d(64)((mel(sharp) + 1e-6).log())[:, None]
    x = norm(
        "bn1", functional.conv2d(x, state["conv1.weight"], state["conv1.bias"], padding=1).relu()
    )
    for number, (_, blocks) in enumerate(STAGES, start=1):
        for index in range(blocks):
            name, stride = f"layer{number}.{index}", 2 if number > 1 and index == 0 else 1
            y = functional.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1)
            y = functional.conv2d(
                norm(f"{name}.bn1", y.relu()), state[f"{name}.conv2.weight"], padding=1
            )
            y = norm(f"{name}.bn2", y)
            scale = y.mean((2, 3))
            for part in (0, 2):
                weight, bias = (state[f"{name}.se.fc.{part}.{one}"] for one in ("weight", "bias"))
                scale = functional.linear(scale, weight, bias)
                scale = scale.relu() if part == 0 else scale.sigmoid()
            if f"{name}.downsample.0.weight" in state:
                weight = state[f"{name}.downsample.0.weight"]
                x = norm(f"{name}.downsample.1", functional.conv2d(x, weight, stride=stride))
            x = (y * scale[:, :, None, None] + x).relu()
    x = x.reshape(len(x), -1, x.shape[-1])
    hidden = functional.conv1d(x, state["attention.0.weight"], state["attention.0.bias"]).relu()
    weights = functional.conv1d(
        norm("attention.2", hidden), state["attention.3.weight"], state["attention.3.bias"]
    ).softmax(2)
    mean = (x * weights).sum(2)
    deviation = ((x**2 * weights).sum(2) - mean**2).clamp(min=1e-5).sqrt()
    pooled = torch.cat([mean, deviation], 1)
    return functional.normalize(functional.linear(pooled, state["fc.weight"], state["fc.bias"]))


@pytest.mark.parametrize("seconds", [1.0, 2.6])
def test_yourtts_reads_the_mean_of_ten_windows(tmp_path: Path, seconds: float) -> None:
    state = coqui_state()
    torch.save({"model": state, "step": 1}, tmp_path / "model_se.pth")
    encoder = diarspk.load_encoder(tmp_path / "model_se.pth")
    audio = noise(seconds)
    length = min(250 * 160, len(audio))
    starts = np.linspace(0, len(audio) - length, 10).astype(int)
    windows = torch.from_numpy(np.stack([audio[start : start + length] for start in starts]))
    expected = unit(coqui(state, windows).mean(0))
    np.testing.assert_allclose(encoder.embed(audio, 16000), expected, atol=1e-5)
    assert encoder.origin == "coqui-se"


def test_xtts_reads_the_whole_clip(tmp_path: Path) -> None:
    state = coqui_state()
    inside = {f"hifigan_decoder.speaker_encoder.{name}": one for name, one in state.items()}
    others = {
        "gpt.gpt.ln_f.weight": torch.ones(4),
        "hifigan_decoder.speaker_encoder.torch_spec.0.filter": torch.ones(1, 1, 2),
    }
    torch.save({"model": {**others, **inside}, "config": {}}, tmp_path / "model.pth")
    encoder = diarspk.load_encoder(tmp_path / "model.pth")
    audio = noise(3.0)
    expected = unit(coqui(state, torch.from_numpy(audio)[None])[0])
    np.testing.assert_allclose(encoder.embed(audio, 16000), expected, atol=1e-5)
    assert encoder.origin == "xtts"


# CosyVoice's CAM++, an ONNX file.


@pytest.fixture(scope="module")
def campplus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    """An exported CAM++ with random weights: 80 mels to 192 dimensions."""
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    config = CamPlusPlusConfig(
        dimension=192, front_channels=4, first_channels=8, growth=4, bottleneck=8, layers=(1, 1, 1)
    )
    network = trained_looking(CamPlusPlus(config))
    file = tmp_path_factory.mktemp("cosyvoice") / "campplus.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about its future
        torch.onnx.export(
            network,
            (torch.randn(1, 200, 80),),
            str(file),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "batch", 1: "frames"}, "output": {0: "batch"}},
            dynamo=False,
        )
    return file, network


def test_cosyvoices_campplus(campplus: tuple[Path, nn.Module]) -> None:
    kaldi = pytest.importorskip("torchaudio.compliance.kaldi")
    file, network = campplus
    encoder = diarspk.load_encoder(file)
    audio = noise(3.0)
    # As its frontend does it: samples within 1, no dither, the mean taken off.
    features = kaldi.fbank(
        torch.from_numpy(audio)[None], num_mel_bins=80, dither=0, sample_frequency=16000
    )
    with torch.inference_mode():
        expected = network((features - features.mean(0, keepdim=True))[None])[0]
    np.testing.assert_allclose(encoder.embed(audio, 16000), unit(expected), atol=1e-4)
    assert (encoder.origin, encoder.dimension) == ("cosyvoice-campplus", 192)


def test_a_synthesizer_accepts_the_encoder_that_it_brings(
    campplus: tuple[Path, nn.Module], tmp_path: Path, write_tone: Callable[[], Path]
) -> None:
    encoder = diarspk.load_encoder(campplus[0])
    references = read_references("ann", [write_tone()], encoder, encoder.origin)
    export_cue("cosyvoice", references, tmp_path / "spk2info.pt")
    stored = torch.load(tmp_path / "spk2info.pt", weights_only=True)
    assert stored["ann"]["embedding"].shape == (1, 192)
    with pytest.raises(ModelError, match="XTTS takes vectors of dimension 512"):
        export_cue(
            "xtts", references, tmp_path / "a.pth", latents=np.ones((1, 2, 1024), np.float32)
        )


@pytest.fixture
def write_tone(tmp_path: Path) -> Callable[[], Path]:
    from tests.tiny_model import write_voices

    return lambda: write_voices(tmp_path, takes=1)["ann"][0]
