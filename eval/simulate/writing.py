"""Folders of simulated conversations, in which every file is whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from pyannote.core import Annotation

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError, AudioError, FormatError
from diarspk.formats import save_annotation
from eval.diarization.conversations import AUDIO_SUFFIXES, REFERENCES
from eval.report.run_record import describe_run, write_json
from eval.simulate.conversation import Simulated
from eval.simulate.settings import SimulationConfig

__all__ = [
    "DESCRIPTION",
    "SimulatedSet",
    "check_folder",
    "is_written",
    "open_folder",
    "write_conversation",
    "write_recording",
]

DESCRIPTION = "simulation.json"
PACKAGES = ("pyannote.core", "pyroomacoustics", "scipy", "soundfile")


@dataclass(frozen=True)
class SimulatedSet:
    """All that decides what the conversations of a folder are, but for their number."""

    split: str
    templates: tuple[str, ...]
    seed: int
    settings: SimulationConfig
    references: tuple[str, ...] = ()

    def name(self, number: int) -> str:
        """Name of a conversation; it doesn't depend on how many there are."""
        return f"{self.split}-{number:03d}"


def check_folder(folder: Path, made: SimulatedSet) -> None:
    """Check that conversations of a set may be written to a folder.

    Raises
    ------
    ArgumentError
        If it holds conversations of another set, or others than simulated ones.
    """
    if (folder / DESCRIPTION).is_file():
        # Sets that were written before there was a setting have what is its default today.
        found, document = {"references": [], **_read(folder)}, _document(made)
        found["settings"] = {**_document(SimulationConfig()), **found.get("settings", {})}
        if {name: found.get(name) for name in document} != document:
            raise ArgumentError(
                f"`output` must be a new folder, or one of the same seed and settings, got {folder}"
            )
    elif folder.is_dir() and any(path.suffix in AUDIO_SUFFIXES for path in folder.iterdir()):
        raise ArgumentError(
            f"`output` must be a new folder, got {folder}, which holds other recordings"
        )


def open_folder(folder: Path, made: SimulatedSet, conversations: int) -> None:
    """Make a folder that has been checked, or go on in it, and write ``simulation.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    run = describe_run()
    run["versions"] |= {name: found for name in PACKAGES if (found := _version(name))}
    conversations = max(conversations, _read(folder).get("conversations", 0))
    document = {**run, **_document(made), "conversations": conversations}
    write_json(document, folder / DESCRIPTION)


def is_written(folder: Path, name: str) -> bool:
    """Whether a conversation is there; its audio is written last."""
    return (folder / f"{name}.flac").is_file()


def write_conversation(made: Simulated, folder: Path, name: str) -> None:
    """Write ``NAME.rttm``, ``NAME.uem`` and, when they are there, ``NAME.flac`` (16 bits).

    Further references lie in ``references/SET/NAME.rttm``.

    Raises
    ------
    FormatError, AudioError
        If a file cannot be written.
    """
    for kind, further in made.further.items():
        path = folder / REFERENCES / kind / f"{name}.rttm"
        path.parent.mkdir(parents=True, exist_ok=True)
        further.uri = name
        save_annotation(further, path)
    samples = (made.mixture * 32767).round().astype("int16")
    write_recording(samples, made.reference, folder, name)


def write_recording(
    samples: NDArray[np.int16], reference: Annotation, folder: Path, name: str
) -> None:
    """Write a recording at 16 kHz with its reference and a UEM of all of it; the audio comes last.

    Raises
    ------
    FormatError, AudioError
        If a file cannot be written.
    """
    reference = reference.copy()
    reference.uri = name
    save_annotation(reference, folder / f"{name}.rttm")
    seconds = len(samples) / SAMPLE_RATE
    region = f"{name} 1 0.000 {seconds:.3f}\n"
    uem = folder / f"{name}.uem"
    try:
        with atomic_path(uem) as part:
            part.write_text(region, encoding="utf-8")
    except OSError as error:
        raise FormatError(f"cannot be written ({error.strerror}); check it", str(uem)) from None
    audio = folder / f"{name}.flac"
    try:
        with atomic_path(audio) as part:
            soundfile.write(part, samples, SAMPLE_RATE, "PCM_16", format="FLAC")
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{audio}: cannot be written ({error}); check it") from None


def _document(made: SimulatedSet | SimulationConfig) -> dict[str, Any]:
    """Return the set or its settings as JSON gives it back: with lists."""
    return dict(json.loads(json.dumps(asdict(made))))


def _read(folder: Path) -> dict[str, Any]:
    """``simulation.json``; nothing if it is missing or damaged."""
    try:
        document = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
