"""Extractors of a study of cues, as the folder of the study lists them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from diarspk.atomic import atomic_path
from diarspk.errors import FormatError

__all__ = ["StudyCell", "read_cells", "write_cells"]

CELLS = "study.json"


@dataclass(frozen=True)
class StudyCell:
    """An extractor of a study.

    Attributes
    ----------
    label : str
        Of the encoder, or of another cue.
    cue : str
        Its name in :data:`tse.cue_sources.CUES`.
    origin : str
        Encoders of one origin are drawn together.
    card : str
        File of the extractor, from the folder of the study.
    encoders : tuple of str
        Names for :func:`eval.extraction.study_encoders.load_study_encoder`.
    seed : int
        Of the training.
    """

    label: str
    cue: str
    origin: str
    card: str
    encoders: tuple[str, ...] = ()
    seed: int = 0


def write_cells(folder: Path, cells: Sequence[StudyCell]) -> None:
    """Write which extractors a study has."""
    with atomic_path(folder / CELLS) as part:
        part.write_text(json.dumps([asdict(one) for one in cells], indent=1) + "\n", "utf-8")


def read_cells(folder: Path) -> list[StudyCell]:
    """Read the extractors of a study that are there.

    Raises
    ------
    FormatError
        If there is no study, or none of its extractors has been trained.
    """
    file = folder / CELLS
    if not file.is_file():
        raise FormatError(
            "no such file; python -m recipes.extraction.encoder_study makes a study", str(file)
        )
    cells = [
        StudyCell(**{**one, "encoders": tuple(one["encoders"])})
        for one in json.loads(file.read_text(encoding="utf-8"))
    ]
    trained = [one for one in cells if (folder / one.card).is_file()]
    if not trained:
        raise FormatError("names no extractor that has been trained yet", str(file))
    return trained
