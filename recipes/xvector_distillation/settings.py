"""Settings of a distillation, as frozen values that are stored beside its results."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eval.report.run_record import damaged_settings, write_json
from recipes.zoo.settings import Phase, Precision

__all__ = ["SETTINGS", "Settings", "read_settings", "write_settings"]

SETTINGS = "settings.json"


@dataclass(frozen=True)
class Settings:
    """One teacher, and what is learned from it.

    Attributes
    ----------
    teacher : str
        Folder of a run of recipes.zoo, or an encoder as :func:`diarspk.load_encoder` takes it.
    architecture, teacher_steps : str, int
        Where the teacher is a run that this one begins with: what is trained, and how long.
    packed, speakers, test_speakers : str
        Folder of packed features and tables of speakers; empty where the teacher is a run, whose
        own they then are.
    kinds : tuple of str
        What students learn: see :func:`recipes.xvector_distillation.embedding_types.parse_kind`.
    aggregation, students : Phase
        How long the aggregated embeddings and each student are trained. Crops of the students are
        as long as ``students`` says.
    variants : tuple of str
        Kinds of packed recordings of which the teacher embeds one crop each.
    recordings : int, optional
        So many of these recordings; none: all.
    places : int
        Frames of a crop, evenly spread, that are targets of frame-level students.
    aggregated_dimension, components : int
        Length of an aggregated embedding, and entries of the dictionary.
    width, context : int
        Of a student.
    precision : {"32-true", "bf16-mixed", "16-mixed"}
        Of matrix products of the teacher, and of what is trained.
    """

    teacher: str
    kinds: tuple[str, ...]
    aggregation: Phase = field(
        default_factory=lambda: Phase(steps=600, warmup_steps=50, keep=3, keep_every=50)
    )
    students: Phase = field(
        default_factory=lambda: Phase(steps=2000, warmup_steps=100, keep=3, keep_every=100)
    )
    variants: tuple[str, ...] = ("recorded", "room")
    places: int = 5
    aggregated_dimension: int = 512
    components: int = 8
    width: int = 176
    context: int = 7
    seed: int = 0
    workers: int = 1
    architecture: str = ""
    teacher_steps: int = 3000
    packed: str = ""
    speakers: str = ""
    test_speakers: str = ""
    recordings: int | None = None
    precision: Precision = "32-true"


def write_settings(settings: Settings, run: Path) -> None:
    """Write into the folder of a run."""
    run.mkdir(parents=True, exist_ok=True)
    write_json(asdict(settings), run / SETTINGS)


def read_settings(run: Path) -> Settings:
    """Read from the folder of a run.

    Raises
    ------
    ArgumentError
        If the file is damaged, or of another recipe.
    """
    with damaged_settings(run / SETTINGS):
        content: dict[str, Any] = json.loads((run / SETTINGS).read_text(encoding="utf-8"))
        for name in ("aggregation", "students"):
            content[name] = Phase(**content[name])
        for name in ("kinds", "variants"):
            content[name] = tuple(content[name])
        return Settings(**content)
