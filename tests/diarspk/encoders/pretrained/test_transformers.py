"""WavLM with an x-vector head, against transformers itself; and names of the hub."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest
import torch

import diarspk
from diarspk.catalogue.repositories import find_repository
from diarspk.errors import ModelError
from diarspk.segmentation.loading import has_segmentation_head
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.local.test_network import trained_looking
from tests.diarspk.encoders.pretrained.test_encoders import WESPEAKER

pytestmark = pytest.mark.filterwarnings("ignore")

RATE = 16000
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = f"hf:somebody/speakers@{COMMIT}"
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "tdnn_dim": [8, 8, 8, 8, 12],
    "xvector_output_dim": 6,
    "num_labels": 3,
    "num_buckets": 32,
    "max_bucket_distance": 80,
}


@pytest.fixture(scope="module", params=[True, False])
def folder(request, tmp_path_factory):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    settings = {**SMALL, "use_weighted_layer_sum": request.param}
    network = transformers.WavLMForXVector(transformers.WavLMConfig(**settings))
    path = tmp_path_factory.mktemp("wavlm")
    network.save_pretrained(path)
    preprocessing = {"do_normalize": request.param, "sampling_rate": RATE}
    (path / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return path


def test_embeddings_are_those_of_transformers(folder):
    import transformers

    original = transformers.WavLMForXVector.from_pretrained(folder).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    encoder = diarspk.load_encoder(folder)
    assert (encoder.dimension, encoder.sample_rate) == (6, RATE)
    for seconds in (0.5, 1.5):
        audio = noise(seconds)
        inputs = extractor(audio, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            expected = original(input_values=inputs["input_values"]).embeddings[0].numpy()
        expected /= np.linalg.norm(expected)
        np.testing.assert_allclose(encoder.embed(audio, RATE), expected, atol=1e-5)


def test_batches_and_short_clips(folder):
    encoder = diarspk.load_encoder(folder)
    audio = [noise(1.0), noise(0.5, 1)[:100], noise(1.5, 2)]
    together = encoder.embed_batch(audio, RATE)
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together, [encoder.embed(item, RATE) for item in audio], atol=1e-6)


def test_the_fingerprint_tells_the_preprocessing(folder, tmp_path):
    import shutil

    other = shutil.copytree(folder, tmp_path / "copy")
    assert diarspk.load_encoder(other).fingerprint == diarspk.load_encoder(folder).fingerprint
    settings = json.loads((other / "preprocessor_config.json").read_text())
    settings["do_normalize"] = not settings["do_normalize"]
    (other / "preprocessor_config.json").write_text(json.dumps(settings))
    assert diarspk.load_encoder(other).fingerprint != diarspk.load_encoder(folder).fingerprint


def test_a_damaged_folder_is_an_error(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text('{"architectures": ["WavLMForXVector"]}')
    with pytest.raises(ModelError, match="transformers cannot load it"):
        diarspk.load_encoder(tmp_path)


@pytest.mark.parametrize(
    "name", ["hf:somebody/speakers", "hf:somebody/speakers@main", "hf:speakers@" + COMMIT]
)
def test_a_name_without_a_commit_is_an_error(name):
    with pytest.raises(ModelError, match="must be named hf:OWNER/NAME@COMMIT"):
        diarspk.load_encoder(name)


def test_the_hub_is_not_asked_without_leave(monkeypatch, tmp_path):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))

    def refuse(*arguments, **options):
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ModelError, match=r"not in the local cache; load it once with .*download"):
        diarspk.load_encoder(NAME)


def test_a_cached_commit_is_found(monkeypatch, tmp_path):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--somebody--speakers" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(trained_looking(WESPEAKER["ecapa"]()).state_dict(), folder / "avg_model.pt")
    assert find_repository(NAME) == folder
    assert diarspk.load_encoder(NAME).fingerprint == diarspk.load_encoder(folder).fingerprint
    assert not has_segmentation_head(NAME)
