"""ESPnet-SPK's layout, with an ECAPA-TDNN written a second time, as the published code has it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import diarspk
from diarspk.encoders.architectures.rawnet3 import RawNet3, RawNet3Config
from diarspk.encoders.pretrained.espnet import EspnetFrontEnd
from diarspk.errors import ModelError
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.local.test_network import trained_looking

RATE = 16000
CONFIG = """
frontend: {frontend}
frontend_conf: {frontend_conf}
encoder: {encoder}
encoder_conf: {{model_scale: 8, ndim: 16, output_size: 12}}
pooling: chn_attn_stat
projector: rawnet3
projector_conf: {{output_size: 5}}
"""
MEL = "{log: true, normalize: mn, n_mels: 80}"


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.AdaptiveAvgPool1d(1), nn.Conv1d(16, 4, 1), nn.ReLU(), nn.BatchNorm1d(4)]
        self.se = nn.Sequential(*layers, nn.Conv1d(4, 16, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.se(x)


class Block(nn.Module):
    def __init__(self, dilation):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(16, 16, 1), nn.BatchNorm1d(16)
        convs = [nn.Conv1d(2, 2, 3, dilation=dilation, padding=dilation) for _ in range(7)]
        self.convs = nn.ModuleList(convs)
        self.bns = nn.ModuleList(nn.BatchNorm1d(2) for _ in range(7))
        self.conv3, self.bn3 = nn.Conv1d(16, 16, 1), nn.BatchNorm1d(16)
        self.se = Squeeze()

    def forward(self, x):
        parts = self.bn1(self.conv1(x).relu()).split(2, dim=1)
        outputs, y = [], 0
        for part, conv, norm in zip(parts, self.convs, self.bns, strict=False):
            y = norm(conv(part + y).relu())
            outputs.append(y)
        y = self.bn3(self.conv3(torch.cat([*outputs, parts[7]], dim=1)).relu())
        return self.se(y) + x


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv1d(80, 16, 5, padding=2), nn.BatchNorm1d(16)
        self.layer1, self.layer2, self.layer3 = (Block(dilation) for dilation in (2, 3, 4))
        self.layer4 = nn.Conv1d(48, 12, 1)

    def forward(self, features):
        x = self.bn(self.conv(features.transpose(1, 2)).relu())
        first = self.layer1(x)
        second = self.layer2(x + first)
        third = self.layer3(x + first + second)
        return self.layer4(torch.cat([first, second, third], dim=1)).relu()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv1d(36, 128, 1), nn.ReLU(), nn.BatchNorm1d(128), nn.Conv1d(128, 12, 1)]
        self.attention = nn.Sequential(*layers)

    def forward(self, x):
        deviation = x.var(2, keepdim=True).clamp(1e-4, 1e4).sqrt()
        context = torch.cat([x.mean(2, keepdim=True), deviation], dim=1).expand(-1, -1, x.shape[2])
        weights = self.attention(torch.cat([x, context], dim=1)).softmax(2)
        mean = (x * weights).sum(2)
        square = (x.square() * weights).sum(2) - mean.square()
        return torch.cat([mean, square.clamp(1e-4, 1e4).sqrt()], dim=1)


class Projector(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn, self.fc = nn.BatchNorm1d(24), nn.Linear(24, 5)

    def forward(self, x):
        return self.fc(self.bn(x))


class Ecapa(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.pooling, self.projector = Encoder(), Attention(), Projector()

    def forward(self, features):
        return self.projector(self.pooling(self.encoder(features)))


def write(folder, state, *, frontend="melspec_torch", conf=MEL, encoder="ecapa_tdnn"):
    extra = {"loss.weight": torch.ones(7, 5), "frontend.flipped_filter": torch.ones(1, 1, 2)}
    torch.save({**state, **extra}, folder / "valid.eer.ave_3best.pth")
    text = CONFIG.format(frontend=frontend, frontend_conf=conf, encoder=encoder)
    (folder / "config.yaml").write_text(text)
    return folder


def test_ecapa_gives_the_same_embeddings(tmp_path):
    torch.manual_seed(0)
    original = trained_looking(Ecapa())
    encoder = diarspk.load_encoder(write(tmp_path, original.state_dict()))
    features = torch.randn(2, 150, 80)
    with torch.inference_mode():
        torch.testing.assert_close(
            encoder.network(features), original(features), atol=1e-5, rtol=1e-5
        )
    audio = noise(1.5)
    with torch.inference_mode():
        expected = original(encoder.front_end(torch.from_numpy(audio))[None])[0].numpy()
    found = encoder.embed(audio, RATE)
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_features_are_those_of_torchaudio():
    transforms = pytest.importorskip("torchaudio.transforms")
    transform = transforms.MelSpectrogram(
        n_fft=512, win_length=400, hop_length=160, f_min=20, f_max=7600, n_mels=80,
        window_fn=torch.hamming_window, mel_scale="htk",
    )  # fmt: skip
    waveform = torch.from_numpy(noise(1.5))
    padded = nn.functional.pad(waveform[None, None], (1, 0), "reflect")
    emphasised = nn.functional.conv1d(padded, torch.tensor([[[-0.97, 1.0]]]))[0]
    expected = (transform(emphasised) + 1e-6).log()
    expected = (expected - expected.mean(dim=-1, keepdim=True))[0].T
    torch.testing.assert_close(EspnetFrontEnd()(waveform), expected, atol=1e-3, rtol=0)


def espnet_names(state):
    """Names of a RawNet3 in ESPnet."""
    front = {
        "front.scale": "frontend.norm.weight",
        "front.offset": "frontend.norm.bias",
        "front.bank.low_hz_": "frontend.conv.filterbank.low_hz_",
        "front.bank.band_hz_": "frontend.conv.filterbank.band_hz_",
    }
    heads = {
        "pool.linear1.": "pooling.attention.0.",
        "pool.norm.": "pooling.attention.2.",
        "pool.linear2.": "pooling.attention.3.",
        "bn.": "projector.bn.",
        "linear.": "projector.fc.",
    }
    names = {}
    for name in state:
        prefix = next((prefix for prefix in heads if name.startswith(prefix)), None)
        other = front.get(name, f"encoder.{name}")
        names[name] = heads[prefix] + name[len(prefix) :] if prefix else other
    return {names[name]: tensor for name, tensor in state.items()}


def test_rawnet3_loads(tmp_path):
    torch.manual_seed(0)
    config = RawNet3Config(5, filters=8, kernel=31, channels=16, aggregated=12)
    network = trained_looking(RawNet3(config))
    state = espnet_names(network.state_dict())
    state["frontend.conv.filterbank.window_"] = torch.ones(15)
    conf = "{sinc_kernel_size: 31, sinc_stride: 16}"
    folder = write(tmp_path, state, frontend="asteroid_frontend", conf=conf, encoder="rawnet3")
    encoder = diarspk.load_encoder(folder)
    assert encoder.network.config == config
    audio = torch.from_numpy(noise(1.0))
    with torch.inference_mode():
        expected = nn.functional.normalize(network(audio[None]), dim=-1)[0].numpy()
    np.testing.assert_allclose(encoder.embed(audio, RATE), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"conf": "{log: false, normalize: mn}"}, "frontend_conf has log: False"),
        ({"frontend": "fused"}, "fused, ecapa_tdnn, chn_attn_stat, rawnet3 .* cannot be loaded"),
        ({"frontend": "s3prl"}, "its upstream of s3prl is None; only WavLM can be loaded"),
        ({"encoder": "[unclosed"}, "not YAML"),
    ],
)
def test_what_is_not_supported_is_an_error(tmp_path, changes, fault):
    write(tmp_path, Ecapa().state_dict(), **changes)
    with pytest.raises(ModelError, match=fault):
        diarspk.load_encoder(tmp_path)


def test_a_missing_configuration_is_an_error(tmp_path):
    write(tmp_path, Ecapa().state_dict())
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(ModelError, match=r"config\.yaml: no such file; ESPnet's configuration"):
        diarspk.load_encoder(tmp_path)
