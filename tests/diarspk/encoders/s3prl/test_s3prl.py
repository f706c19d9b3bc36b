"""S3PRL's upstreams, for real: features, and small random WavLM and HuBERT checkpoints."""

from __future__ import annotations

import socket
import sys

import numpy as np
import pytest
import torch

from diarspk.encoders import build_architecture
from diarspk.encoders.architectures.masking import length_mask
from diarspk.errors import ArgumentError, ModelError
from eval.speed import front_ends as table
from eval.speed.random_front_ends import write_hubert, write_wavlm
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.upstreams.small import skip_without_s3prl

skip_without_s3prl()

from diarspk.encoders.s3prl import (  # noqa: E402
    UpstreamConfig,
    available_upstreams,
    build_upstream_encoder,
    load_upstream,
)

pytestmark = pytest.mark.filterwarnings("ignore")

RATE = 16000
SMALL = {
    "encoder_layers": 2,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "conv_feature_layers": "[(8,10,5)] + [(8,3,2)] * 4 + [(8,2,2)] * 2",
    "conv_pos": 16,
    "conv_pos_groups": 4,
}


@pytest.fixture(scope="module", params=["wavlm_local", "hubert_local"])
def checkpoint(request, tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("upstream") / f"{request.param}.pt"
    write = write_wavlm if request.param == "wavlm_local" else write_hubert
    write(path, **SMALL)
    return request.param, str(path)


def batch(*lengths):
    waves = [torch.from_numpy(noise(2.0, seed)[:length]) for seed, length in enumerate(lengths)]
    padded = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True)
    return padded, length_mask(torch.tensor(lengths), max(lengths))


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_torchaudio_is_left_as_it_was():
    import torchaudio

    from diarspk.encoders.s3prl.compatibility import import_s3prl

    names = set(vars(torchaudio))
    assert hasattr(import_s3prl(), "S3PRLUpstream")
    assert set(vars(torchaudio)) == names
    assert "torchaudio.sox_effects" not in sys.modules or "sox_effects" in names


@pytest.mark.parametrize(("name", "channels"), [("fbank", 240), ("mfcc", 39)])
def test_features_without_weights(name, channels, no_network):
    upstream = load_upstream(UpstreamConfig(name))
    assert (upstream.channels, upstream.stride, upstream.layers) == (channels, 160, 1)
    assert upstream.weights is None
    features, mask = upstream(*batch(16000, 24000))
    assert features.shape == (2, 150, channels)
    assert mask.sum(1).tolist() == [100, 150]
    assert not list(upstream.parameters())


def test_all_layers_are_summed_with_trained_weights(checkpoint, no_network):
    name, path = checkpoint
    upstream = load_upstream(UpstreamConfig(name, path))
    assert (upstream.channels, upstream.stride, upstream.layers) == (16, 320, 3)
    waveform, _ = batch(16000)
    layers = [
        load_upstream(UpstreamConfig(name, path, layer=layer))(waveform)[0] for layer in range(3)
    ]
    torch.testing.assert_close(upstream(waveform)[0], sum(layers) / 3, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        upstream.weights.copy_(torch.tensor([0.0, 1.0, 2.0]))
    shares = torch.tensor([0.0, 1.0, 2.0]).softmax(0)
    expected = sum(share * layer for share, layer in zip(shares, layers, strict=True))
    torch.testing.assert_close(upstream(waveform)[0], expected, atol=1e-5, rtol=1e-5)


def test_the_last_layer_can_be_counted_from_the_end(checkpoint):
    name, path = checkpoint
    waveform, _ = batch(8000)
    last, third = (
        load_upstream(UpstreamConfig(name, path, layer=layer))(waveform)[0] for layer in (-1, 2)
    )
    torch.testing.assert_close(last, third)
    with pytest.raises(ArgumentError, match="one of the 3 layers"):
        load_upstream(UpstreamConfig(name, path, layer=3))


def test_a_frozen_upstream_stays_as_it_is(checkpoint):
    name, path = checkpoint
    encoder = build_upstream_encoder(UpstreamConfig(name, path), "ecapa-c512", dimension=8)
    network = encoder.network.requires_grad_(True)
    network.upstream.network.requires_grad_(False)
    network.train()
    assert network.training and network.upstream.training
    assert not any(module.training for module in network.upstream.network.modules())
    waveform, _ = batch(16000, 16000)
    first, _ = network.upstream(waveform)
    torch.testing.assert_close(network.upstream(waveform)[0], first)
    network(waveform).sum().backward()
    assert all(parameter.grad is None for parameter in network.upstream.network.parameters())
    assert network.upstream.weights.grad.abs().sum() > 0


def test_a_tuned_upstream_is_trained(checkpoint):
    name, path = checkpoint
    upstream = load_upstream(UpstreamConfig(name, path, tuned=True)).train()
    assert all(module.training for module in upstream.network.modules())
    waveform, _ = batch(16000)
    upstream(waveform)[0].square().sum().backward()
    gradients = [parameter.grad for parameter in upstream.network.parameters()]
    assert sum(gradient is not None and bool(gradient.any()) for gradient in gradients) > 10


def test_padding_changes_nothing(checkpoint):
    name, path = checkpoint
    for config in (UpstreamConfig(name, path), UpstreamConfig("fbank")):
        upstream = load_upstream(config)
        waveform, mask = batch(9000, 16000, 12345)
        features, frames = upstream(waveform, mask)
        for row in range(3):
            alone, _ = upstream(waveform[row : row + 1, : int(mask[row].sum())])
            assert int(frames[row].sum()) == alone.shape[1]
            torch.testing.assert_close(features[row, : alone.shape[1]], alone[0])


@pytest.mark.parametrize("architecture", ["x-vector", "resnet18", "campplus"])
def test_an_encoder_reads_the_upstream(architecture):
    encoder = build_upstream_encoder(UpstreamConfig("fbank"), architecture, dimension=8)
    audio = [noise(0.5), noise(1.5, 1), noise(0.5)[:300]]
    together = encoder.embed_batch(audio, RATE)
    assert together.shape == (3, 8)
    alone = np.stack([encoder.embed(item, RATE) for item in audio])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    frames = encoder.encode_frames(noise(2.0), RATE)
    assert frames.hop == pytest.approx(encoder.network.stride / RATE)


def test_fingerprints_tell_upstreams_apart():
    prints = {
        build_upstream_encoder(config, "x-vector", dimension=8).fingerprint
        for config in (
            UpstreamConfig("fbank"),
            UpstreamConfig("fbank_no_cmvn"),
            UpstreamConfig("fbank", normalize=True),
        )
    }
    assert len(prints) == 3


def test_what_needs_a_download_says_so_before_it_reaches_out(no_network):
    for name in ("wavlm_large", "hubert", "wav2vec2_url", "hf_hubert", "passt_base"):
        if name in available_upstreams():
            with pytest.raises(ModelError, match=f"{name}: its checkpoint has to be downloaded"):
                load_upstream(UpstreamConfig(name))


def test_names_and_paths_are_checked(tmp_path):
    assert len(available_upstreams()) > 150
    with pytest.raises(ArgumentError, match="`name` must be an upstream of s3prl, such as wavlm"):
        load_upstream(UpstreamConfig("wavlm_gigantic"))
    with pytest.raises(ArgumentError, match="`path` must be left out for fbank"):
        load_upstream(UpstreamConfig("fbank", "a.pt"))
    with pytest.raises(ArgumentError, match="`path` must be the checkpoint of wavlm_local"):
        load_upstream(UpstreamConfig("wavlm_local"))
    with pytest.raises(ModelError, match=r"absent\.pt: no such file"):
        load_upstream(UpstreamConfig("wavlm_local", str(tmp_path / "absent.pt")))
    torch.save({"weights": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match=r"other\.pt: s3prl cannot load it as wavlm_local"):
        load_upstream(UpstreamConfig("wavlm_local", str(tmp_path / "other.pt")))


@pytest.mark.parametrize("code", ["__import__('os').getcwd()", "[(8,10,5)] if print() else 0"])
def test_settings_that_would_run_as_code_are_refused(tmp_path, code):
    path = tmp_path / "wavlm.pt"
    write_wavlm(path, **SMALL)
    content = torch.load(path, weights_only=True)
    content["cfg"]["conv_feature_layers"] = code
    torch.save(content, path)
    with pytest.raises(ModelError, match="s3prl would run as code"):
        load_upstream(UpstreamConfig("wavlm_local", str(path)))


@pytest.mark.parametrize(
    ("architecture", "mels", "fault"),
    [
        ("rawnet3", 40, "reads the waveform"),
        ("campplus", 39, "must divide as the layers of campplus do, got 39; 80 are the published"),
        ("redimnet-b0", 80, "must divide as the layers of redimnet-b0 do"),
    ],
)
def test_channels_that_do_not_fit_are_an_error(architecture, mels, fault):
    with pytest.raises(ArgumentError, match=fault):
        build_architecture(architecture, mels=mels)


@pytest.mark.parametrize("name", ["x-vector", "resnet18", "ska-tdnn", "ecapa-c512"])
def test_odd_channels_fit_most_networks(name):
    with torch.device("meta"):
        build_architecture(name, mels=39)


@pytest.mark.long
def test_the_table(capsys, tmp_path):
    arguments = ["--front-ends", "mfcc", "--encoders", "x-vector", "campplus", "--seconds", "1"]
    table.main([*arguments, "--json", str(tmp_path / "table.json")])
    printed = capsys.readouterr().out
    assert "| mfcc      | x-vector |" in printed
    assert "not compatible: mfcc under campplus" in printed
    assert (tmp_path / "table.json").is_file()


def test_a_pair_is_counted(tmp_path):
    cost = table.measure("fbank", "x-vector", 1.0, tmp_path)
    assert cost.upstream_parameters == 0
    convolutions = 96 * 240 * 512 * 5 + (92 + 86) * 512 * 512 * 3 + 86 * 512 * (512 + 1500)
    assert cost.operations == pytest.approx(convolutions + 3000 * 512, rel=0.02)  # and the filters
    assert cost.frames == (86, 1500)  # a hundred frames, less the fourteen without context
    assert cost.embedding == (512,)
    assert cost.real_time_factor > 0
