"""Export of a speaker vector to a target system: its files, and their card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_path, check_type
from diarspk.checkpoints.digest import digest_file
from diarspk.cues.export import layouts
from diarspk.cues.export.drafts import drafts
from diarspk.cues.export.references import References
from diarspk.cues.export.targets import Target, check_space, find_target
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
    """Content of ``FILE.card.json`` beside an exported file.

    Attributes
    ----------
    target : str
        Name of the target system.
    speaker : str
        Name of the speaker.
    fingerprint : str
        Fingerprint of the embedding space.
    encoder : str
        Name of the encoder.
    dimension : int
        Dimension of the vector.
    files : dict of str to str
        SHA-256 of each written file, by name.
    references : dict of str to float
        Cosine of each reference to the mean of the others.
    outliers : tuple of str
        References unlike the others.
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
    """Export a speaker to a target system; the files appear whole or not at all.

    Parameters
    ----------
    target_name : str
        Name in :data:`TARGETS`.
    references : References
        Vectors of the speaker.
    path : path
        Output, with a suffix of the target. For CosyVoice a folder, or the file of the means; or
        its ``spk2info.pt``, whose other speakers stay.
    trained_on : str, optional
        Fingerprint of the encoder that the user's copy of the system was trained with.
    latents : ndarray, ``(1, T, 1024)``, optional
        Conditioning latents of XTTS, which it requires beside the vector.

    Returns
    -------
    ExportCard
        Content of the card.

    Raises
    ------
    ModelError
        If the vectors are not known to be of the space of the target.
    ArgumentError
        If the target or the suffix is unknown.
    """
    check_type(references, "references", References)
    target = find_target(target_name)
    file = _file(target, Path(check_path(path, "path")))
    check_space(target, references.space, trained_on)
    write = WRITERS.get(target_name)
    with drafts(file.parent, file) as folder:
        draft = folder / file.name
        if file.name == layouts.SPEAKER_INFO and file.is_file():
            shutil.copyfile(file, draft)  # the other speakers stay
        if write is not None:
            write(draft, references)
        elif latents is not None:
            layouts.write_xtts(draft, references, latents)
        else:
            raise ArgumentError(
                "XTTS needs, beside the vector, the latents of its own conditioning encoder: "
                "`latents` of shape (1, T, 1024), from its get_conditioning_latents"
            )
        card = _card(target, references, folder)
        text = json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{file.name}.card.json").write_text(text, encoding="utf-8")
    return card


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
