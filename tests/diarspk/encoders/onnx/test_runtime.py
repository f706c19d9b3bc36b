"""Encoders outside PyTorch: the same embeddings from the same audio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from diarspk import Diarizer, load_encoder
from diarspk.encoders import LocalEncoder, SpeakerNetwork, WindowedEncoder
from diarspk.encoders.architectures.resnet import RESNET18, ResNet
from diarspk.encoders.front_end import MelFrontEnd, WaveformFrontEnd
from diarspk.encoders.onnx import export_encoder, with_engine
from diarspk.encoders.onnx.graphs import GraphLogMel
from diarspk.encoders.pretrained.speechbrain import SpeechBrainFrontEnd
from diarspk.errors import ArgumentError, ModelError
from diarspk.features.log_mel import FeatureConfig, LogMel
from tests.diarspk.encoders.architectures.test_registry import MELS, TINY
from tests.diarspk.encoders.local.test_encoder import SMALL, noise
from tests.diarspk.encoders.local.test_network import trained_looking

RATE = 16000
LENGTHS = (1, 399, 720, 5000, 16000, 33320)  # 720: half way between two frames

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def local_encoder():
    torch.manual_seed(0)
    return LocalEncoder(trained_looking(SpeakerNetwork(SMALL)), fingerprint="test")


def zoo_encoder(name):
    kind, config = TINY[name]
    torch.manual_seed(0)
    waveform = name == "rawnet3"
    front_end = WaveformFrontEnd() if waveform else MelFrontEnd(FeatureConfig(mels=MELS))
    return WindowedEncoder(trained_looking(kind(config)), front_end)


@pytest.mark.parametrize("config", [FeatureConfig(), FeatureConfig(window="povey", scale=1.0)])
@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_features_as_a_convolution(config, offset):
    waveform = torch.from_numpy(noise(2.0))[None] + offset
    torch.testing.assert_close(
        GraphLogMel(config)(waveform), LogMel(config)(waveform), atol=2e-3, rtol=0
    )


SLOW = ("campplus", "ecapa espnet", "mfa-conformer", "redimnet b0", "ska-tdnn")
ONE_OF_EACH = (
    *("local", "x-vector", "ecapa wespeaker", "resnet", "rawnet3"),
    *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW),
)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_file_agrees(name, tmp_path):
    encoder = local_encoder() if name == "local" else zoo_encoder(name)
    export_encoder(encoder, tmp_path / "encoder.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["encoder.onnx"]
    stored = load_encoder(tmp_path / "encoder.onnx")
    check_agreement(encoder, stored)
    assert with_engine(stored, "onnx") is stored


@pytest.mark.parametrize("name", ["local", "x-vector", "rawnet3"])
def test_an_engine_agrees(name):
    encoder = local_encoder() if name == "local" else zoo_encoder(name)
    check_agreement(encoder, with_engine(encoder, "onnx"))


def check_agreement(encoder, other):
    assert other.fingerprint == encoder.fingerprint
    assert (other.dimension, other.sample_rate) == (encoder.dimension, RATE)
    for length in LENGTHS:
        audio = noise(2.5)[:length]
        expected = encoder.embed(audio, RATE)
        np.testing.assert_allclose(other.embed(audio, RATE), expected, atol=1e-4)


def test_spans_batches_and_frames_agree():
    encoder = zoo_encoder("ecapa wespeaker")
    other = with_engine(encoder, "onnx")
    audio, spans = noise(3.0), [(0.0, 1.0), (0.5, 2.9)]
    np.testing.assert_allclose(
        other.embed(audio, RATE, spans), encoder.embed(audio, RATE, spans), atol=1e-4
    )
    batch = [noise(0.5), noise(1.5), noise(1.0)]
    np.testing.assert_allclose(
        other.embed_batch(batch, RATE), encoder.embed_batch(batch, RATE), atol=1e-4
    )
    found, expected = other.encode_frames(audio, RATE), encoder.encode_frames(audio, RATE)
    np.testing.assert_allclose(found.data, expected.data, atol=1e-4)
    assert (found.hop, found.start) == pytest.approx((expected.hop, expected.start), abs=1e-4)


@pytest.mark.parametrize("make", [local_encoder, lambda: zoo_encoder("resnet")])
def test_the_diarizer_gives_the_same(make):
    encoder, audio = make(), noise(12.0)
    own = isinstance(encoder, LocalEncoder)
    sessions = []
    for engine in ("torch", "onnx"):
        other = with_engine(encoder, engine)
        masked = np.random.default_rng(0).random((2, 50, 2)) > 0.5
        vectors = other.embed_masked(np.stack([audio[:32000], audio[32000:64000]]), masked)
        sessions.append((other.embed_frames(audio, RATE).data if own else vectors, vectors))
    for torch_made, onnx_made in zip(*sessions, strict=True):
        np.testing.assert_allclose(onnx_made, torch_made, atol=1e-4)


def test_the_default_encoder_diarizes_with_onnx():
    encoder, audio = load_encoder(), noise(12.0)
    expected = Diarizer(encoder=encoder, precision="single").first_pass(audio, RATE).local
    exported = with_engine(encoder, "onnx")
    found = Diarizer(encoder=exported, precision="single").first_pass(audio, RATE).local
    np.testing.assert_allclose(found.activity, expected.activity, atol=1e-4)
    np.testing.assert_allclose(found.embeddings, expected.embeddings, atol=1e-4)


def test_what_cannot_be_exported_is_an_error(tmp_path):
    encoder = WindowedEncoder(zoo_encoder("resnet").network, SpeechBrainFrontEnd(MELS))
    with pytest.raises(ArgumentError, match="must read log-mel features or the waveform"):
        export_encoder(encoder, tmp_path / "encoder.onnx")
    with pytest.raises(ArgumentError, match="`engine` must be one of torch, onnx"):
        with_engine(encoder, "tensorrt")
    assert not list(tmp_path.iterdir())
    assert with_engine(encoder, "torch") is encoder


def test_a_damaged_or_strange_graph_is_an_error(tmp_path):
    import onnx

    file = tmp_path / "encoder.onnx"
    with pytest.raises(ModelError, match="no such file"):
        load_encoder_file(file)
    file.write_bytes(b"no graph")
    with pytest.raises(ModelError, match=r"encoder\.onnx: onnxruntime cannot open it"):
        load_encoder(file)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["a"], ["b"])],
        "identity",
        [onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, [1])],
        [onnx.helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, [1])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 8
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="neither `diarspk export-encoder` nor WeSpeaker"):
        load_encoder(file)


def load_encoder_file(file):
    from diarspk.encoders.pretrained import load_pretrained_encoder

    return load_pretrained_encoder(file)


class Named(torch.nn.Module):
    """The exporter takes the name of an argument for that of an input."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, feats):
        return self.network(feats)


@pytest.mark.filterwarnings("ignore")
def test_wespeaker_graphs_load(tmp_path):
    torch.manual_seed(0)
    network = trained_looking(ResNet(replace(RESNET18, channels=2, dimension=6)))
    torch.save(network.state_dict(), tmp_path / "avg_model.pt")
    torch.onnx.export(
        Named(network),
        (torch.randn(1, 200, 80),),
        tmp_path / "voxceleb.onnx",
        dynamo=False,
        opset_version=14,
        input_names=["feats"],
        output_names=["embs"],
        dynamic_axes={"feats": {0: "B", 1: "T"}, "embs": {0: "B"}},
    )
    graph, checkpoint = (
        load_encoder(tmp_path / name) for name in ("voxceleb.onnx", "avg_model.pt")
    )
    assert graph.dimension == checkpoint.dimension
    assert graph.fingerprint != checkpoint.fingerprint
    for length in (3000, 16000, 40000):
        audio = noise(2.5)[:length]
        np.testing.assert_allclose(
            graph.embed(audio, RATE), checkpoint.embed(audio, RATE), atol=1e-4
        )


def test_a_graph_disregards_a_beep_as_the_encoder_does(tmp_path):
    encoder, wave = local_encoder(), 0.005 * noise(6.0)
    wave *= 1 + np.sin(20 * np.arange(len(wave)) / RATE).astype(np.float32)
    wave[16000:32000] += np.sin(0.4 * np.arange(16000)).astype(np.float32)
    export_encoder(encoder, tmp_path / "encoder.onnx")
    exported = load_encoder(tmp_path / "encoder.onnx")
    assert exported.embed(wave, RATE) @ encoder.embed(wave, RATE) > 0.9999
