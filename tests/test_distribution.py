"""Packages that are built: what is in them, and what they ask for."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.paths import ROOT

OPTIONAL = ("pyannote.audio", "torchaudio", "torchcodec", "s3prl", "onnxruntime", "transformers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    return message_from_bytes(wheel.read(name))


def test_the_wheel_has_every_file_of_both_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for package in ("diarspk", "tse")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == files
    assert sum(Path(name).suffix == ".safetensors" for name in packed) >= 5


def test_the_default_install_asks_for_no_package_that_only_an_extra_needs(
    metadata: Message,
) -> None:
    needed = [
        requirement
        for requirement in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in requirement
    ]
    assert any(requirement.startswith("torch>=") for requirement in needed)
    assert not [one for one in needed if one.startswith(OPTIONAL)]
    assert metadata["Requires-Python"] == ">=3.10"
