import pytest

import diarspk
from diarspk.encoders.loading import DEFAULT, load_encoder
from diarspk.errors import ModelError
from diarspk.models import available_models


def test_the_default_ships_with_the_package():
    (card,) = [card for card in available_models() if card.name == DEFAULT]
    encoder = diarspk.load_encoder()
    assert card.kind == "embedded"
    assert card.fingerprint == encoder.fingerprint
    assert card.dimension == encoder.dimension
    assert card.frame_hop == encoder.frame_hop <= 0.08
    assert card.parameters > sum(p.numel() for p in encoder.network.parameters())


def test_architectures_are_listed_after_the_embedded():
    cards = available_models()
    kinds = [card.kind for card in cards]
    assert kinds == sorted(kinds, reverse=True)
    (card,) = [card for card in cards if card.name == "resnet34"]
    assert (card.kind, card.parameters, card.dimension) == ("architecture", 6_634_336, 256)
    assert card.frame_hop == pytest.approx(0.08)
    assert len({card.name for card in cards}) == len(cards)


def test_an_architecture_has_no_weights_to_load():
    with pytest.raises(ModelError, match=r"got the architecture resnet34; give the path"):
        load_encoder("resnet34")


def test_assets_are_small():
    assert sum(card.size_bytes for card in available_models()) <= 40e6


def test_a_model_loads_by_path_too():
    from importlib.resources import as_file, files

    with as_file(files("diarspk") / "assets" / f"{DEFAULT}.json") as card:
        for path in (card, card.with_suffix(".safetensors")):
            assert load_encoder(path).fingerprint == load_encoder().fingerprint


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ModelError, match=rf"known model \({DEFAULT}\).*got nonesuch"):
        load_encoder("nonesuch")
