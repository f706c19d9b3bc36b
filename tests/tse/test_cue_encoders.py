"""Names of encoders in the cards of extractors: where they lead, and how they are written."""

from __future__ import annotations

import pytest

from diarspk.encoders.pretrained.transformers import TransformersEncoder
from diarspk.errors import ArgumentError
from tests.diarspk.encoders.pretrained.test_transformers import SMALL
from tests.diarspk.encoders.upstreams.small import (
    skip_without_s3prl,
    write_local,
    write_transformers,
)
from tests.tiny_model import write_tiny_model
from tse.cue_encoders import load_cue_encoder, name_from

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FOUND_BY_NAME = (
    *("local-tdnn", "3dspeaker-campplus", "accurate", "s3prl:fbank", "s3prl:fbank#0"),
    f"hf:somebody/front@{COMMIT}#3",
)


@pytest.mark.parametrize("kind", ["", "hf:", "wavlm_local=", "s3prl:wavlm_local="])
def test_a_path_is_written_from_the_folder_of_the_card(kind, tmp_path, monkeypatch):
    (tmp_path / "encoders").mkdir()
    path = tmp_path / "encoders" / "mine.pt"
    path.touch()
    monkeypatch.chdir(tmp_path)
    for place in (path, "encoders/mine.pt"):
        assert name_from(f"{kind}{place}", tmp_path / "run") == f"{kind}../encoders/mine.pt"
    assert name_from(f"{kind}{path}", path.parent) == f"{kind}mine.pt"
    if kind:
        assert name_from(f"{kind}{path}#-1", path.parent) == f"{kind}mine.pt#-1"


@pytest.mark.parametrize("name", FOUND_BY_NAME)
def test_what_is_found_by_its_name_keeps_it(name, tmp_path, monkeypatch):
    (tmp_path / name.replace("/", "-")).mkdir()  # a folder of that name is no reason
    monkeypatch.chdir(tmp_path)
    assert name_from(name, tmp_path) == name


def test_a_file_is_looked_for_beside_the_card_first(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in ("run", "here")]
    cards = []
    for seed, folder in enumerate(folders):
        folder.mkdir()
        cards.append(load_cue_encoder(write_tiny_model(folder, seed=seed)).fingerprint)
    monkeypatch.chdir(folders[1])
    assert load_cue_encoder("tiny.json").fingerprint == cards[1]
    assert load_cue_encoder("tiny.json", folders[0]).fingerprint == cards[0]
    assert load_cue_encoder("gone/tiny.json", folders[0]).fingerprint == cards[0]


@pytest.mark.filterwarnings("ignore")
def test_one_layer_and_networks_of_transformers_are_told_apart(tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    skip_without_s3prl()
    name = write_local(tmp_path / "front.pt", "wavlm_local")
    whole, last = load_cue_encoder(name), load_cue_encoder(f"s3prl:{name}#-1")
    assert (whole.layers, last.layers) == (3, 1) and whole.fingerprint != last.fingerprint
    with pytest.raises(ArgumentError, match="must be one of the 3 layers"):
        load_cue_encoder(f"{name}#7")
    assert load_cue_encoder(write_transformers(tmp_path / "front")).layers == 3
    torch.manual_seed(0)
    network = transformers.WavLMForXVector(transformers.WavLMConfig(**SMALL))
    network.save_pretrained(tmp_path / "speakers")
    found = load_cue_encoder(f"hf:{tmp_path / 'speakers'}")
    assert isinstance(found, TransformersEncoder) and found.dimension == 6
