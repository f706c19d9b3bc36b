"""``Diarizer.load``: a diarizer from names, whose parts are read once."""

from pathlib import Path

import numpy as np
import pytest

import diarspk
from diarspk import Diarizer
from diarspk.checkpoints.assets import asset_folder
from diarspk.clustering import AgglomerativeClusterer
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.errors import ArgumentError, ModelError
from diarspk.segmentation import EmbeddedSegmenter
from tests.diarspk.diarization.test_threads import buzz
from tests.tiny_model import tone, write_tiny_model


@pytest.mark.parametrize("make", [Diarizer, Diarizer.load])
def test_the_embedded_model_is_read_once(make, monkeypatch):
    weights = asset_folder() / "local-tdnn.safetensors"
    reads, read_bytes = [], Path.read_bytes

    def count(path):
        reads.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", count)
    make()
    assert reads.count(weights) == 1
    assert len(reads) == len(set(reads))  # and so is every other file


def test_loading_by_name_equals_constructing():
    audio = buzz(1, 6.0)
    loaded, made = Diarizer.load("embedded", precision="single"), Diarizer(precision="single")
    expected = made(audio, 16000).annotation
    assert expected
    assert loaded(audio, 16000).annotation == expected
    assert loaded.config == made.config
    assert isinstance(loaded.postprocessing.subsegment_clusterer, CountingClusterer)


def test_a_path_comes_with_its_own_segmentation_head(tmp_path):
    card = write_tiny_model(tmp_path)
    diarizer = Diarizer.load(card)
    fingerprint = diarspk.load_encoder(card).fingerprint
    assert diarizer.encoder.fingerprint == fingerprint
    assert isinstance(diarizer.segmentation, EmbeddedSegmenter)
    assert diarizer.segmentation.trunk == fingerprint
    assert diarizer.postprocessing.subsegment_clusterer is None  # it has no PLDA
    result = diarizer(np.concatenate([tone("ann"), tone("eve")]), 16000, num_speakers=2)
    assert len(result.speakers) == 2


def test_a_threshold_means_agglomerative_clustering():
    diarizer = Diarizer.load(threshold=0.3)
    assert diarizer.postprocessing.local_clusterer == AgglomerativeClusterer(0.3)
    assert diarizer.postprocessing.subsegment_clusterer is None


def test_a_device_that_is_not_there_is_told():
    with pytest.raises(ArgumentError, match="must be one of auto, cpu, cuda, mps, or cuda:N"):
        Diarizer.load(device="gpu")


def test_a_model_that_is_not_there_is_told():
    with pytest.raises(ModelError, match="nonsense"):
        Diarizer.load("nonsense")


@pytest.mark.filterwarnings("ignore:audio. no speech was found")
def test_values_print_as_a_person_reads_them():
    diarizer = Diarizer(precision="single")
    assert repr(diarizer) == (
        f"Diarizer({diarizer.encoder!r}, "
        "segmentation=EmbeddedSegmenter(window_s=10.0, step_s=2.5), clusterer=CountingClusterer)"
    )
    silence = diarizer(np.zeros(32000, np.float32), 16000)
    assert repr(silence) == "Diarization('audio', 2.0 s, 0 speakers, 0 turns)"
    unknown = Diarizer.load(threshold=0.4)
    assert "clusterer=AgglomerativeClusterer" in repr(unknown)
