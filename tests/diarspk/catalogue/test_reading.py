"""The catalogue itself: every fact in place, nothing that cannot be."""

import re

import pytest

from diarspk.catalogue.entry import HubSource, ModelScopeSource
from diarspk.catalogue.reading import find_entry, read_catalogue
from diarspk.encoders.architectures.registry import ARCHITECTURES
from diarspk.encoders.loading import load_encoder
from diarspk.errors import ModelError
from diarspk.segmentation.loading import load_segmenter

ENTRIES = list(read_catalogue().values())


def test_has_at_least_twenty_checkpoints_of_all_tasks():
    assert len(ENTRIES) >= 20
    assert {entry.task for entry in ENTRIES} == {"embedding", "segmentation", "diarization"}
    assert not {entry.name for entry in ENTRIES} & set(ARCHITECTURES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_facts_are_well_formed(entry):
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]+", entry.name)
    assert entry.licence and entry.files
    for file in entry.files:
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.size_bytes is None or file.size_bytes > 1000
    if isinstance(entry.source, HubSource):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.source.repository)
        assert re.fullmatch("[0-9a-f]{40}", entry.source.revision or "0" * 40)
    if isinstance(entry.source, ModelScopeSource):
        assert entry.missing
    if entry.published is not None:
        assert re.search(r"\d", entry.published.figure) and entry.published.source


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("wespeaker-resnet34-lm", "resnet34"),
        ("wespeaker-resnet293-lm", "resnet293"),
        ("wespeaker-campplus", "campplus"),
        ("wespeaker-ecapa512-lm", "ecapa-c512"),
        ("espnet-rawnet3", "rawnet3"),
        ("espnet-ecapa", "ecapa-espnet-c1024"),
        ("speechbrain-ecapa", "ecapa-speechbrain"),
    ],
)
def test_sizes_are_those_of_the_networks(name, architecture):
    import torch

    from diarspk.encoders.architectures.registry import count_parameters

    with torch.device("meta"):
        network = ARCHITECTURES[architecture].network(ARCHITECTURES[architecture].config)
    entry = find_entry(name)
    assert entry.parameters == count_parameters(network)
    assert entry.dimension == network.dimension


def test_an_encoder_is_found_by_its_repository_as_well():
    entry = find_entry("speechbrain/spkrec-xvect-voxceleb")
    assert entry is find_entry("speechbrain-xvector")
    assert find_entry("speechbrain/nothing") is None


def test_what_this_version_cannot_load_says_so():
    with pytest.raises(ModelError, match="cannot load it: it lacks the network TitaNet"):
        load_encoder("nvidia-titanet-large")
    with pytest.raises(ModelError, match="is a model for segmentation, not a speaker encoder"):
        load_encoder("pyannote-segmentation-3.0")
    with pytest.raises(ModelError, match="is a model for embedding, not a segmentation"):
        load_segmenter("3dspeaker-campplus")


def test_a_name_is_not_downloaded_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("DIARSPK_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="diarspk models download 3dspeaker-campplus"):
        load_encoder("3dspeaker-campplus")
