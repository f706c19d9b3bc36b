import pytest

import diarspk
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


def test_architectures_are_listed_after_the_embedded():
    cards = available_models()
    kinds = [card.kind for card in cards]
    assert kinds == sorted(kinds, reverse=True)
    (card,) = [card for card in cards if card.name == "resnet34"]
    assert (card.kind, card.parameters, card.dimension) == ("architecture", 6_634_336, 256)
    assert card.frame_hop == pytest.approx(0.08)
    assert len({card.name for card in cards}) == len(cards)
