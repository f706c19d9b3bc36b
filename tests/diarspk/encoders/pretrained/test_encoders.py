"""Pretrained checkpoints against the original implementations, where those are installed."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

import diarspk
from diarspk.encoders.architectures.campplus import CamPlusPlus
from diarspk.encoders.architectures.ecapa import WESPEAKER_ECAPA, EcapaTdnn
from diarspk.encoders.architectures.redimnet import REDIMNET, ReDimNet
from diarspk.encoders.architectures.resnet import RESNET34, RESNET50, ResNet
from diarspk.encoders.architectures.xvector import XVector
from diarspk.encoders.front_end import MelFrontEnd
from diarspk.encoders.pretrained.speechbrain import SpeechBrainFrontEnd, rename_speechbrain
from diarspk.errors import ModelError
from diarspk.features.log_mel import FeatureConfig
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.local.test_network import trained_looking

SMALL_ECAPA = replace(WESPEAKER_ECAPA, channels=16, aggregated=12, dimension=6)
WESPEAKER = {
    "resnet34": lambda: ResNet(replace(RESNET34, channels=2, dimension=6)),
    "resnet50": lambda: ResNet(replace(RESNET50, channels=2, dimension=6, two_layers=True)),
    "ecapa": lambda: EcapaTdnn(SMALL_ECAPA),
    "ecapa local": lambda: EcapaTdnn(replace(SMALL_ECAPA, pooling="channel-attentive-local")),
    "x-vector": XVector,
    "redimnet": lambda: ReDimNet(replace(REDIMNET["b0"], dimension=6)),
}
CONFIG = """
model: {model}
model_args: {{embed_dim: 6, feat_dim: 80, pooling_func: {pooling}}}
dataset_args:
  cmvn: true
  cmvn_args: {{norm_mean: true, norm_var: false}}
  fbank_args: {{dither: 1.0, frame_length: 25, frame_shift: 10, num_mel_bins: 80}}
  resample_rate: {rate}
"""


def random_network(build):
    torch.manual_seed(0)
    return trained_looking(build())


def unit(vector):
    return vector / np.linalg.norm(vector)


def test_a_resnet34_has_the_published_layout():
    state = ResNet(RESNET34).state_dict()
    assert len(state) == 218
    assert sum(tensor.numel() for tensor in state.values()) == 6_642_884
    assert state["layer3.0.shortcut.0.weight"].shape == (128, 64, 1, 1)
    assert state["seg_1.weight"].shape == (256, 5120)
    assert "layer1.0.shortcut.0.weight" not in state


def test_an_ecapa_has_the_published_names():
    names = set(EcapaTdnn(SMALL_ECAPA).state_dict())
    published = [
        *("layer1.conv.weight", "layer1.bn.bias", "layer2.se_res2block.0.conv.weight"),
        *("layer4.se_res2block.2.bn.weight", "layer3.se_res2block.1.convs.6.bias"),
        *("layer3.se_res2block.1.bns.6.running_mean", "layer2.se_res2block.3.linear2.weight"),
        *("conv.weight", "pool.linear1.weight", "pool.linear2.bias", "bn.weight", "linear.bias"),
    ]
    assert names.issuperset(published)
    assert not any("norm" in name for name in names)


@pytest.mark.parametrize("name", WESPEAKER)
def test_wespeaker_checkpoints_load(name, tmp_path):
    network = random_network(WESPEAKER[name])
    state = {**network.state_dict(), "projection.weight": torch.ones(3, network.dimension)}
    torch.save(state, tmp_path / "avg_model.pt")
    encoder = diarspk.load_encoder(tmp_path)  # the folder; the file is found
    assert encoder.network.config == network.config
    mels = network.config.mels
    features = MelFrontEnd(FeatureConfig(mels=mels))(torch.from_numpy(noise(1.0)))
    with torch.inference_mode():
        expected = unit(network(features[None])[0].numpy())
    np.testing.assert_allclose(encoder.embed(noise(1.0), 16000), expected, atol=1e-5)


def write_resnet(folder, *, pooling="TSTP", rate=16000, config=CONFIG):
    network = random_network(WESPEAKER["resnet34"])
    torch.save(network.state_dict(), folder / "avg_model.pt")
    text = config.format(model="ResNet34", pooling=pooling, rate=rate)
    (folder / "config.yaml").write_text(text)
    return folder / "avg_model.pt"


def test_a_wespeaker_configuration_that_fits_changes_nothing(tmp_path):
    encoder = diarspk.load_encoder(write_resnet(tmp_path))
    (tmp_path / "config.yaml").unlink()
    assert diarspk.load_encoder(tmp_path).fingerprint == encoder.fingerprint


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"pooling": "MQMHASTP"}, "pooling_func MQMHASTP"),
        ({"rate": 8000}, "resample_rate 8000"),
        ({"config": CONFIG.replace("norm_var: false", "norm_var: true")}, "norm_var"),
        ({"config": "[unclosed"}, "not YAML"),
    ],
)
def test_a_wespeaker_configuration_that_does_not_fit_is_an_error(tmp_path, changes, fault):
    path = write_resnet(tmp_path, **changes)
    with pytest.raises(ModelError, match=rf"config\.yaml: {fault}"):
        diarspk.load_encoder(path)


@pytest.mark.filterwarnings("ignore")
def test_pyannote_gives_the_same_embeddings(tmp_path):
    embedding = pytest.importorskip("pyannote.audio.models.embedding")
    task = pytest.importorskip("pyannote.audio.core.task")
    torch.manual_seed(0)
    model = trained_looking(embedding.WeSpeakerResNet34())
    model.specifications = task.Specifications(
        problem=task.Problem.REPRESENTATION, resolution=task.Resolution.CHUNK, duration=5.0
    )
    checkpoint = {"state_dict": model.state_dict()}
    model.on_save_checkpoint(checkpoint)
    checkpoint["pytorch-lightning_version"] = "2.6.6"
    torch.save(checkpoint, tmp_path / "pytorch_model.bin")
    encoder = diarspk.load_encoder(tmp_path / "pytorch_model.bin")
    audio = noise(2.0)
    with torch.inference_mode():
        expected = model(torch.from_numpy(audio)[None, None])[0].numpy()
        raw = encoder.network(encoder.front_end(torch.from_numpy(audio))[None])[0].numpy()
    np.testing.assert_allclose(raw, expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(encoder.embed(audio, 16000), unit(expected), atol=1e-5)


@pytest.fixture
def speechbrain():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("speechbrain")
        from speechbrain.lobes.features import Fbank
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
    channels = [16, 16, 16, 16, 48]
    torch.manual_seed(0)
    network = ECAPA_TDNN(80, lin_neurons=6, channels=channels, se_channels=4)
    return Fbank(n_mels=80), trained_looking(network)


@torch.inference_mode()
def test_speechbrain_gives_the_same_embeddings(speechbrain, tmp_path):
    fbank, network = speechbrain
    torch.save(network.state_dict(), tmp_path / "embedding_model.ckpt")
    encoder = diarspk.load_encoder(tmp_path)
    waveform = torch.from_numpy(noise(2.0))
    features = fbank(waveform[None])
    features = features - features.mean(dim=1, keepdim=True)
    torch.testing.assert_close(encoder.front_end(waveform), features[0], atol=2e-4, rtol=0)
    torch.testing.assert_close(
        encoder.network(features), network(features)[:, 0], atol=1e-5, rtol=1e-5
    )
    expected = unit(network(features)[0, 0].numpy())
    np.testing.assert_allclose(encoder.embed(waveform, 16000), expected, atol=1e-5)


def test_speechbrain_names_are_all_known():
    state = {
        "blocks.0.conv.conv.bias": torch.ones(1),
        "blocks.3.res2net_block.blocks.6.norm.norm.running_var": torch.ones(1),
        "blocks.1.se_block.conv2.conv.weight": torch.ones(4, 2, 1),
        "blocks.2.tdnn2.norm.norm.weight": torch.ones(1),
        "asp.tdnn.norm.norm.bias": torch.ones(1),
        "fc.conv.weight": torch.ones(6, 8, 1),
    }
    renamed = rename_speechbrain(state)
    assert list(renamed) == [
        "layer1.conv.bias",
        "layer4.se_res2block.1.bns.6.running_var",
        "layer2.se_res2block.3.linear2.weight",
        "layer3.se_res2block.2.bn.weight",
        "pool.norm.bias",
        "linear.weight",
    ]
    assert renamed["linear.weight"].shape == (6, 8)


def test_speechbrain_features_span_80_decibels():
    audio = torch.from_numpy(noise(1.0))
    audio[8000:] = 0
    features = SpeechBrainFrontEnd()(audio)
    assert features.shape == (101, 80)
    spread = features.max(dim=0).values - features.min(dim=0).values
    assert spread.max() == pytest.approx(80, abs=1e-3)


def test_an_unknown_network_is_refused(tmp_path):
    torch.save({"encoder.weight": torch.ones(2)}, tmp_path / "model.pt")
    with pytest.raises(ModelError, match=r"model\.pt: its tensors are of no architecture known"):
        diarspk.load_encoder(tmp_path / "model.pt")


def test_a_segmentation_model_is_refused(tmp_path):
    checkpoint = {"pyannote.audio": {}, "state_dict": {"lstm.weight": torch.ones(2)}}
    torch.save(checkpoint, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="not of a WeSpeakerResNet"):
        diarspk.load_encoder(tmp_path)


def test_a_damaged_layer_is_refused(tmp_path):
    state = random_network(WESPEAKER["resnet34"]).state_dict()
    del state["layer2.1.bn1.bias"]
    torch.save(state, tmp_path / "avg_model.pt")
    with pytest.raises(ModelError, match=r"do not fit ResNet .*layer2\.1\.bn1\.bias"):
        diarspk.load_encoder(tmp_path)


def test_an_empty_folder_says_what_it_misses(tmp_path):
    with pytest.raises(ModelError, match=r"none of avg_model\.pt, .* is in this folder"):
        diarspk.load_encoder(tmp_path)


def test_campplus_has_the_features_of_its_project(tmp_path):
    network = random_network(CamPlusPlus)
    for name, window in (("campplus.pt", "povey"), ("avg_model.pt", "hamming")):
        torch.save(network.state_dict(), tmp_path / name)
        assert diarspk.load_encoder(tmp_path / name).front_end.config.window == window
