"""Hypotheses of systems, stored by recording, so that an interrupted benchmark goes on.

Only hypotheses and times are stored; they are scored anew each time. A change in the package, the
system's name, the seed, or the audio makes a recording due again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from pyannote.core import Annotation

from diarspk.atomic import atomic_path
from diarspk.checkpoints.digest import digest_file
from diarspk.formats import read_rttm, write_rttm

__all__ = ["Hypothesis", "HypothesisStore"]

SOURCES = (
    "diarspk",
    "eval/systems",
)


@dataclass(frozen=True)
class Hypothesis:
    """Hypothesis of a system, the wall-clock seconds it took, and what else JSON can hold of it."""

    annotation: Annotation
    processing: float
    details: Mapping[str, Any] = field(default_factory=dict)


class HypothesisStore:
    """Hypotheses in a folder, which is made where it is missing and safe to delete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, system: str, collection: str, audio: Path, seed: int) -> Hypothesis | None:
        """Read a stored hypothesis; None if there is none or it is out of date."""
        path = self._path(system, collection, audio, seed)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["key"] != _key(system, audio, seed):
                return None
            found = read_rttm(StringIO(stored["rttm"]))
            annotation = next(iter(found.values()), Annotation(uri=audio.stem))
            return Hypothesis(annotation, float(stored["processing"]), stored.get("details", {}))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(
        self, system: str, collection: str, audio: Path, seed: int, hypothesis: Hypothesis
    ) -> None:
        """Keep a hypothesis; the file appears whole or not at all."""
        stream = StringIO()
        write_rttm(hypothesis.annotation, stream)
        document = {
            "key": _key(system, audio, seed),
            "processing": hypothesis.processing,
            "details": dict(hypothesis.details),
            "rttm": stream.getvalue(),
        }
        path = self._path(system, collection, audio, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part:
            part.write_text(json.dumps(document), encoding="utf-8")

    def _path(self, system: str, collection: str, audio: Path, seed: int) -> Path:
        # A path in the name would make folders of its own; the digest keeps names apart.
        short = hashlib.sha256(f"{system}\n{audio.resolve()}".encode()).hexdigest()[:8]
        name = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in system)
        return self.folder / name[:60] / collection / f"{audio.stem}.{seed}.{short}.json"


def _key(system: str, audio: Path, seed: int) -> str:
    parts = [system, str(seed), _digest_file(audio), _digest_sources()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _digest_file(path: Path) -> str:
    return digest_file(path)


@cache
def _digest_sources() -> str:
    """Code and weights of the package, and of the systems to compare with."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in SOURCES:
        found = [root / name] if (root / name).is_file() else sorted((root / name).rglob("*"))
        for path in found:
            if path.suffix in (".py", ".txt", ".json", ".safetensors"):
                digest.update(f"{path.relative_to(root)} {_digest_file(path)}\n".encode())
    return digest.hexdigest()
