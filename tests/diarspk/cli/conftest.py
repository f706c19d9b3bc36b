"""A tiny model, recordings and a gallery for the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diarspk import load_encoder
from diarspk.cli import app
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.gallery import open_gallery
from tests.tiny_model import write_tiny_model, write_voices

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def run() -> Run:
    """Call of the application with the words of a command line."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Card of a tiny encoder with a segmentation head."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Card of a tiny encoder of another embedding space."""
    return write_tiny_model(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(scope="session")
def calibration(tiny: Path) -> ScoreCalibration:
    """Calibration of the tiny encoder: about even odds at a cosine of 0.5."""
    return ScoreCalibration(20.0, -10.0, {}, load_encoder(tiny).fingerprint)


@pytest.fixture
def voices(tmp_path: Path) -> dict[str, list[Path]]:
    """Three recordings of each of three speakers."""
    return write_voices(tmp_path)


@pytest.fixture
def people(
    tmp_path: Path,
    voices: dict[str, list[Path]],
    tiny: Path,
    calibration: ScoreCalibration,
    run: Run,
) -> Path:
    """Folder of a calibrated gallery that knows ann and ben."""
    folder = tmp_path / "people"
    for name in ("ann", "ben"):
        done = run("gallery", "enroll", name, *voices[name][:2], "-g", folder, "--encoder", tiny)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout == "".join(f"{name}\t{file}\n" for file in voices[name][:2])
    with open_gallery(folder) as gallery:
        gallery.set_calibration(calibration)
    return folder
