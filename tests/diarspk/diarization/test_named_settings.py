"""Settings by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from diarspk.checkpoints.assets import adopted_folder, asset_folder
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.config_file import parse_config
from diarspk.diarization.named_settings import with_clusterer
from diarspk.errors import ModelError

ADOPTED = "0123456789abcdef"


@pytest.fixture
def adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Fingerprint of an encoder whose PLDA was fitted on this machine."""
    monkeypatch.setenv("DIARSPK_MODELS", str(tmp_path))
    for kind in ("plda", "sessions"):
        folder = adopted_folder() / kind
        folder.mkdir(parents=True)
        card = sorted((asset_folder() / kind).glob("*.json"))[0]
        for file in card.parent.glob(f"{card.stem}.*"):
            shutil.copy(file, folder / f"{ADOPTED}{file.suffix}")
    return ADOPTED


@pytest.mark.parametrize(("name", "kind"), [("vbx", "VBxClusterer"), ("plda", "PldaClusterer")])
def test_an_adopted_encoder_has_the_clusterers_that_read_its_plda(
    adopted: str, name: str, kind: str
) -> None:
    config = with_clusterer(DiarizerConfig(), name, adopted)
    assert (type(config.clusterer).__name__, config.units) == (kind, "subsegments")
    described = parse_config({"clusterer": {"type": kind, "plda": adopted}})
    assert type(described.clusterer) is type(config.clusterer)


def test_an_encoder_without_a_plda_is_refused() -> None:
    with pytest.raises(ModelError, match="has no PLDA, which the clusterer vbx reads"):
        with_clusterer(DiarizerConfig(), "vbx", ADOPTED)
