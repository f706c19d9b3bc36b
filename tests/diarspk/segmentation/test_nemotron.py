"""Nemotron 3 Diarization with random weights that the tests write: shapes, frames, windows."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from diarspk import Diarizer
from diarspk.audio import open_audio
from diarspk.encoders.loading import load_encoder
from diarspk.errors import ModelError
from diarspk.segmentation.loading import load_segmenter
from diarspk.segmentation.windows import WindowGrid
from tests.diarspk.encoders.local.test_encoder import noise

transformers = pytest.importorskip("transformers", minversion="5.18")
RATE = 16000


def build(**sizes):
    """The class's own configuration, which is that of the card, with other sizes of the encoder."""
    torch.manual_seed(0)
    head = {"audio_hidden_size": sizes["hidden_size"]} if sizes else {}
    config = transformers.Nemotron3DiarizationConfig(audio_config=sizes, head_config=head)
    return transformers.Nemotron3DiarizationForAudioFrameClassification(config)


SMALL = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("nemotron")
    build(**SMALL).save_pretrained(place)
    return place


def test_sizes_are_those_of_the_card(folder):
    segmenter = load_segmenter(folder)
    assert segmenter.speakers == 8
    assert (segmenter.window_s, segmenter.step_s) == (pytest.approx(27.2), pytest.approx(13.6))
    assert segmenter.network.config.audio_config.num_mel_bins == 128


def test_frames_are_those_of_the_network_itself(folder):
    segmenter, audio = load_segmenter(folder), noise(40.0)
    windows = WindowGrid.over(1000, window_s=27.2, step_s=13.6, hop=0.04, start=0.0125)
    segment = segmenter.segment(open_audio(audio, RATE), windows, load_encoder())
    found = segment(torch.zeros(len(windows.starts), windows.length, 1), windows.starts)
    assert found.shape == (2, 680, 8)
    assert ((found > 0) & (found < 1)).all()
    extract = transformers.NemotronAsrStreamingFeatureExtractor(128)
    for window, start in zip(found, windows.starts, strict=True):
        own = audio[round(start * 0.04 * RATE) :][: round(27.2 * RATE)]
        inputs = extract(own, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            logits = segmenter.network(**inputs).logits[0]
        assert len(logits) // 100 == 27  # one frame every 10 ms
        frames = np.round((0.0125 + 0.04 * np.arange(680)) * 100).astype(int)
        expected = logits.sigmoid().numpy()[frames.clip(0, len(logits) - 1)]
        np.testing.assert_allclose(window, expected, atol=1e-5)


class Turns(torch.nn.Module):
    """Stands for a trained network: of eight speakers, in each window another two talk in turn."""

    def __init__(self, config):
        super().__init__()
        self.config, self.calls = config, 0

    def forward(self, input_features, attention_mask):
        frames = input_features.shape[1]
        logits = torch.full((1, frames, 8), -9.0)
        high = input_features[0, :, 100:].mean(1) > input_features[0].mean(1)
        logits[0, high, self.calls % 8] = 9.0
        logits[0, ~high, (self.calls + 3) % 8] = 9.0
        self.calls += 1
        return type("Output", (), {"logits": logits})()


def test_windows_are_joined_by_embeddings():
    """Outputs come in another order in each window; the voices are the same two throughout."""
    from diarspk.segmentation.nemotron import NemotronSegmenter

    generator = np.random.default_rng(0)
    low = np.convolve(generator.normal(0, 0.1, 4 * RATE), np.ones(30) / 6, "same")
    high = np.diff(generator.normal(0, 0.05, 4 * RATE + 1))
    audio = np.tile(np.concatenate([low, high]), 12).astype(np.float32)  # 96 s
    segmenter = NemotronSegmenter(Turns(build(**SMALL).config))
    result = Diarizer(segmentation=segmenter)(audio, RATE, num_speakers=2)
    assert segmenter.network.calls >= 6
    assert len(result.speakers) == 2
    for label in result.annotation.labels():
        halves = {turn.middle % 8 < 4 for turn in result.annotation.label_timeline(label)}
        assert len(halves) == 1


def test_the_diarizer_takes_the_folder(folder):
    result = Diarizer.load("embedded", segmentation=folder)(noise(30.0), RATE)
    assert result.first_pass.local.activity.shape[2] == 8


def test_files_of_another_kind_are_refused(folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(ModelError, match="transformers cannot load it"):
        load_segmenter(tmp_path)
    weights = (folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[:-1000])
    with pytest.raises(ModelError, match="transformers cannot load it"):
        load_segmenter(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "wavlm"}))
    with pytest.raises(ModelError, match=r"pytorch_model\.bin|transformers cannot load it"):
        load_segmenter(tmp_path)


@pytest.mark.slow
def test_at_the_size_of_the_card():
    from diarspk.segmentation.nemotron import NemotronSegmenter

    network = build()
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(100e6, rel=0.05)
    local = Diarizer(segmentation=NemotronSegmenter(network)).first_pass(noise(30.0), RATE).local
    assert local.activity.shape == (2, 680, 8)
