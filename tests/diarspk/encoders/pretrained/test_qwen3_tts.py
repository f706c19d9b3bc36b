"""Qwen3-TTS's speaker encoder, on random weights of its layout, against transformers' network."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soxr
import torch
from safetensors.torch import save_file
from torch import nn

from diarspk.encoders.pretrained.qwen3_tts import load_qwen_speaker_encoder
from diarspk.errors import ModelError
from tests.diarspk.encoders.local.test_encoder import noise

LAYOUT = SimpleNamespace(
    mel_dim=128,
    enc_dim=64,
    enc_channels=[64, 64, 64, 64, 192],
    enc_kernel_sizes=[5, 3, 3, 3, 1],
    enc_dilations=[1, 2, 3, 4, 1],
    enc_attention_channels=128,
    enc_res2net_scale=8,
    enc_se_channels=16,
)
"""Qwen3-TTS's, with an eighth of most channels."""


def random_network() -> nn.Module:
    omni = pytest.importorskip("transformers.models.qwen2_5_omni.modeling_qwen2_5_omni")
    torch.manual_seed(0)
    return omni.ECAPA_TimeDelayNet(LAYOUT).eval()


def write_model(folder: Path, network: nn.Module) -> Path:
    """Write the speaker encoder among other weights, as the Base models have it."""
    state = {f"speaker_encoder.{name}": one for name, one in network.state_dict().items()}
    save_file({**state, "talker.norm.weight": torch.ones(2)}, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("rate", [24000, 16000])
def test_its_vectors_are_those_of_qwen(tmp_path: Path, rate: int) -> None:
    filters = pytest.importorskip("librosa.filters")
    network = random_network()
    encoder = load_qwen_speaker_encoder(write_model(tmp_path, network))
    audio = noise(1.5)
    found = encoder.embed(audio, rate)
    waveform = audio if rate == 24000 else soxr.resample(audio, rate, 24000, quality="HQ")
    mel = filters.mel(sr=24000, n_fft=1024, n_mels=128, fmin=0, fmax=12000)
    padded = nn.functional.pad(torch.from_numpy(waveform)[None, None], (384, 384), mode="reflect")
    spectrum = torch.stft(
        padded[0], 1024, 256, window=torch.hann_window(1024), center=False, return_complex=True
    )
    magnitude = (torch.view_as_real(spectrum).pow(2).sum(-1) + 1e-9).sqrt()
    features = torch.from_numpy(mel).matmul(magnitude).clamp(min=1e-5).log().transpose(1, 2)
    with torch.inference_mode():
        expected = network(features)[0].numpy()
    assert encoder.dimension == 64 == len(found)
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_the_files_of_an_index_are_read(tmp_path: Path) -> None:
    network = random_network()
    (write_model(tmp_path, network) / "model.safetensors").rename(tmp_path / "model-2.safetensors")
    names = [f"speaker_encoder.{name}" for name in network.state_dict()]
    places = {**dict.fromkeys(names, "model-2.safetensors"), "talker.norm.weight": "nowhere"}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    assert load_qwen_speaker_encoder(tmp_path).dimension == 64
    index.write_text("[]")
    with pytest.raises(ModelError, match="is no index of weights"):
        load_qwen_speaker_encoder(tmp_path)


def test_a_folder_without_a_speaker_encoder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        load_qwen_speaker_encoder(tmp_path)
    save_file({"talker.norm.weight": torch.ones(2)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="has no speaker encoder; give the folder of a Base model"):
        load_qwen_speaker_encoder(tmp_path)
    (tmp_path / "model.safetensors").write_text("no tensors")
    with pytest.raises(ModelError, match="cannot be read"):
        load_qwen_speaker_encoder(tmp_path)
