"""Export of one speaker for one system: checked, whole or not at all, with a card beside it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.checkpoints.digest import digest_file
from diarspk.cues.export import layouts
from diarspk.cues.export.references import References
from diarspk.cues.export.targets import TARGETS, Target, check_space
from diarspk.errors import ArgumentError

__all__ = ["ExportCard", "export_cue"]

WRITERS: dict[str, Callable[[Path, References], None]] = {
    "coqui": layouts.write_coqui,
    "cosyvoice": layouts.write_cosyvoice,
    "speecht5": layouts.write_speecht5,
    "nemo": layouts.write_nemo,
    "numpy": layouts.write_numpy,
}


@dataclass(frozen=True)
class ExportCard:
    """What ``FILE.card.json`` says of an exported file.

    Attributes
    ----------
    target, speaker : str
    fingerprint : str
        Of the space of the vectors.
    encoder : str
        What the encoder was called.
    dimension : int
    files : dict of str to str
        sha256 of each file that was written, by its name.
    references : dict of str to float
        Cosine of each reference with the mean of the others.
    outliers : tuple of str
        References that do not fit the others.
    """

    target: str
    speaker: str
    fingerprint: str
    encoder: str
    dimension: int
    files: dict[str, str]
    references: dict[str, float]
    outliers: tuple[str, ...]


def export_cue(
    target_name: str,
    references: References,
    path: str | Path,
    *,
    trained_on: str | None = None,
    latents: NDArray[np.float32] | None = None,
) -> ExportCard:
    """Write a speaker as a system reads it.

    Parameters
    ----------
    target_name : str
        Among :data:`TARGETS`.
    references : References
    path : path
        Suffix as the system reads it; for CosyVoice a folder, or the file of the means.
    trained_on : str, optional
        Fingerprint of the encoder that the system was trained with.
    latents : ndarray, ``(1, T, 1024)``, optional
        What XTTS's own conditioning encoder makes of the references; XTTS needs it.

    Raises
    ------
    ModelError
        If the vectors are not known to be of the space that the system reads.
    ArgumentError
        If there is no such target, or the suffix is another.
    """
    target = _find(target_name)
    file = _file(target, Path(path))
    check_space(target, references.space, trained_on)
    write = WRITERS.get(target_name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export-") as folder:
        draft = Path(folder) / file.name
        if write is not None:
            write(draft, references)
        elif latents is not None:
            layouts.write_xtts(draft, references, latents)
        else:
            raise ArgumentError(
                "XTTS needs, beside the vector, the latents of its own conditioning encoder: "
                "`latents` of shape (1, T, 1024), from its get_conditioning_latents"
            )
        card = _card(target, references, Path(folder))
        text = json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
        (Path(folder) / f"{file.name}.card.json").write_text(text, encoding="utf-8")
        for made in sorted(Path(folder).iterdir()):
            os.replace(made, file.parent / made.name)
    return card


def _find(name: str) -> Target:
    if name not in TARGETS:
        raise ArgumentError(f"`target_name` must be among {', '.join(TARGETS)}, got {name!r}")
    return TARGETS[name]


def _file(target: Target, path: Path) -> Path:
    if path.suffix in target.suffixes and path.suffix:
        return path
    if "" in target.suffixes and (path.is_dir() or not path.suffix):
        return path / "spk2embedding.pt"
    allowed = " or ".join(suffix or "a folder" for suffix in target.suffixes)
    raise ArgumentError(f"`path` must be {allowed} for {target.system}, got {path}")


def _card(target: Target, references: References, folder: Path) -> ExportCard:
    profile = references.profile
    similarities = zip(references.files, profile.similarities, strict=True)
    return ExportCard(
        target=target.name,
        speaker=references.speaker,
        fingerprint=references.space.fingerprint,
        encoder=references.space.name,
        dimension=references.space.dimension,
        files={made.name: digest_file(made) for made in sorted(folder.iterdir())},
        references={file: round(float(value), 4) for file, value in similarities},
        outliers=tuple(references.files[index] for index in profile.outliers),
    )
