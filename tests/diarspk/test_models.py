import pytest

import diarspk
from diarspk.catalogue.reading import read_catalogue
from diarspk.encoders.loading import DEFAULT
from diarspk.models import available_models


def test_the_default_ships_with_the_package():
    (card,) = [card for card in available_models() if card.name == DEFAULT]
    encoder = diarspk.load_encoder()
    assert card.kind == "embedded"
    assert card.fingerprint == encoder.fingerprint
    assert card.dimension == encoder.dimension
    assert card.frame_hop == encoder.frame_hop <= 0.08
    assert card.parameters > sum(p.numel() for p in encoder.network.parameters())


def test_kinds_are_listed_one_after_the_other():
    cards = available_models()
    kinds = [card.kind for card in cards]
    assert list(dict.fromkeys(kinds)) == ["embedded", "public", "architecture"]
    assert kinds == sorted(kinds, key=["embedded", "public", "architecture"].index)
    (card,) = [card for card in cards if card.name == "resnet34"]
    assert (card.kind, card.parameters, card.dimension) == ("architecture", 6_634_336, 256)
    assert card.frame_hop == pytest.approx(0.08)
    assert len({card.name for card in cards}) == len(cards)


def test_public_checkpoints_have_the_facts_of_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.setenv("DIARSPK_MODELS", str(tmp_path))
    public = {card.name: card for card in available_models() if card.kind == "public"}
    assert list(public) == list(read_catalogue())
    card = public["3dspeaker-campplus"]
    assert (card.licence, card.commercial_use, card.needs_token) == ("Apache-2.0", True, False)
    assert (card.dimension, card.parameters, card.size_bytes) == (192, 6_848_544, 28_044_640)
    assert (card.revision, card.downloaded, card.missing) == ("0.2.2", False, "")
    assert set(card.sha256) == {"campplus_cn_en_common.pt"}
    assert not public["diarizen-large-s80-v2"].commercial_use
