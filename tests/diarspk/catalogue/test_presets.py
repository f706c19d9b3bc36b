"""Presets: what they need, and one line where it is missing."""

import pytest
from typer.testing import CliRunner

from diarspk import Diarizer, load_encoder
from diarspk.catalogue.presets import PRESETS, Preset, find_preset, with_parts
from diarspk.catalogue.reading import find_entry
from diarspk.cli import app
from diarspk.encoders import FusedEncoder
from diarspk.errors import ModelError


def test_parts_are_models_that_can_be_loaded():
    for preset in PRESETS.values():
        for part in preset.parts:
            assert find_entry(part).missing is None
    assert find_preset("embedded") is None and find_preset(3) is None


def test_a_preset_stands_for_its_parts():
    parts = PRESETS["accurate"].parts
    assert with_parts(["accurate", "wavlm-base-sv", parts[0]]) == [*parts, "wavlm-base-sv"]


def test_a_missing_part_is_one_line_that_brings_it(store):
    line = "accurate: needs .* which must be downloaded once: diarspk models download accurate"
    with pytest.raises(ModelError, match=line):
        Diarizer.load("accurate")
    result = CliRunner().invoke(app, ["diarize", "--preset", "accurate", __file__])
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--preset", "best"], "must be one of embedded, accurate, got"),
        (["--preset", "accurate", "--encoder", "x"], "give either --preset or --encoder"),
    ],
)
def test_what_a_preset_cannot_be(words, fault):
    result = CliRunner().invoke(app, ["diarize", __file__, *words])
    assert result.exit_code == 2
    assert fault in " ".join(result.stderr.replace("│", " ").split())


def test_a_fused_preset_is_an_encoder_by_name(offer, monkeypatch):
    offer()
    monkeypatch.setitem(PRESETS, "both", Preset("both", "tiny", 0.5))
    with pytest.raises(ModelError, match="both: needs tiny, which must be downloaded once"):
        load_encoder("both")
    encoder = load_encoder("both", download=True)
    assert isinstance(encoder, FusedEncoder) and (encoder.name, encoder.share) == ("both", 0.5)
    diarizer = Diarizer.load("both")
    assert diarizer.encoder.fingerprint == encoder.fingerprint
    assert diarizer.models.trunk is diarizer.encoder.trunk
