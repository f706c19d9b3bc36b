"""Options of a distillation, and the settings that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from diarspk.encoders.architectures.registry import ARCHITECTURES
from diarspk.errors import ArgumentError
from eval.command_line import one_of
from recipes.embedded.data.pool import FRAMES_PER_SECOND
from recipes.embedded.data.speakers import read_speakers
from recipes.xvector_distillation.embedding_types import default_kinds, parse_kind
from recipes.xvector_distillation.layer_activations import TEACHERS, Levels, levels_of
from recipes.xvector_distillation.settings import Settings
from recipes.xvector_distillation.teacher_source import open_teacher
from recipes.zoo.settings import Phase, Precision

__all__ = ["BudgetOptions", "DataOptions", "make_settings"]

MIN_SECONDS, MAX_SECONDS = 0.5, 10.0
"""Of a crop: a student reads windows of 0.15 s, a recording is a few seconds long."""


@dataclass(frozen=True)
class DataOptions:
    """What teachers that are no run of recipes.zoo, and their students, see."""

    packed: Path | None = None
    """Folder that recipes.embedded.data.prepare has packed."""
    speakers: Path | None = None
    """Table of the speakers of its utterances; none: PACKED/train/speakers.tsv."""
    test_speakers: Path | None = None
    """Table of the speakers of its test utterances: DATA/speech/dev.tsv."""

    def apply(self, settings: Settings) -> Settings:
        """Put them into the settings.

        Raises
        ------
        ArgumentError
            If some are given and others not, or a table is missing.
        """
        if self.packed is None and self.speakers is None and self.test_speakers is None:
            return settings
        if self.packed is None or self.test_speakers is None:
            raise ArgumentError("--packed and --test-speakers go together")
        speakers = self.speakers or self.packed / "train" / "speakers.tsv"
        for name, table in (("speakers", speakers), ("test-speakers", self.test_speakers)):
            if not table.is_file():
                raise ArgumentError(
                    f"{table}: no such table; name one with --{name}, such as "
                    "recipes.embedded.data.labels writes"
                )
            read_speakers(table)
        return replace(
            settings,
            packed=str(self.packed),
            speakers=str(speakers),
            test_speakers=str(self.test_speakers),
        )


@dataclass(frozen=True)
class BudgetOptions:
    """How long and on how much students learn."""

    kinds: tuple[str, ...] | None = None
    """What students learn; none: everything."""
    variants: tuple[str, ...] | None = None
    """Variants of packed recordings: recorded, room."""
    recordings: int | None = None
    """Number of recordings of which a crop is taken; none: all."""
    steps: int | None = None
    """Steps of a student; an aggregation takes a third."""
    crops: int | None = None
    """Crops in a batch."""
    seconds: float | None = None
    """Length of a crop; none: 2 s."""
    width: int = Settings.width
    """Width of a student's hidden layers."""
    teacher_steps: int = Settings.teacher_steps
    """Steps of a teacher that is the name of an architecture."""
    precision: Annotated[Precision, one_of(("32-true", "bf16-mixed", "16-mixed"))] = "32-true"
    """Precision of matrix products."""
    seed: int = 0
    """Seed of the weights and the batches."""

    def __post_init__(self) -> None:
        for name in ("recordings", "steps", "crops", "width", "teacher_steps"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise ArgumentError(f"--{name.replace('_', '-')} must be 1 or more, got {given}")
        if self.seconds is not None and not MIN_SECONDS <= self.seconds <= MAX_SECONDS:
            raise ArgumentError(
                f"--seconds must be from {MIN_SECONDS} to {MAX_SECONDS}, got {self.seconds}"
            )

    def apply(self, settings: Settings) -> Settings:
        """Put them into the settings."""
        settings = replace(
            settings,
            recordings=self.recordings,
            width=self.width,
            teacher_steps=self.teacher_steps,
            precision=self.precision,
            seed=self.seed,
        )
        if self.variants:
            settings = replace(settings, variants=self.variants)
        aggregation, students = settings.aggregation, settings.students
        if self.steps is not None:
            aggregation = _of_length(aggregation, max(self.steps // 3, 1))
            students = _of_length(students, self.steps)
        if self.crops is not None:
            aggregation = replace(aggregation, crops=self.crops)
            students = replace(students, crops=self.crops)
        if self.seconds is not None:
            frames = round(self.seconds * FRAMES_PER_SECOND)
            aggregation = replace(aggregation, frames_per_crop=frames)
            students = replace(students, frames_per_crop=frames)
        return replace(settings, aggregation=aggregation, students=students)


def make_settings(run: Path, teacher: str, data: DataOptions, budget: BudgetOptions) -> Settings:
    """Make the settings of a new run.

    Parameters
    ----------
    run
        Its folder.
    teacher
        Run of recipes.zoo, encoder, or architecture to be trained.

    Raises
    ------
    ArgumentError
        If there is no such teacher, or it lacks data or the levels that a kind needs.
    ModelError
        If an encoder cannot be loaded.
    """
    settings = budget.apply(data.apply(Settings(teacher, ())))
    architecture = "x-vector" if teacher == "xvector" else teacher
    if architecture in TEACHERS and architecture in ARCHITECTURES and not Path(teacher).exists():
        if not settings.packed:
            raise ArgumentError(
                f"a teacher to be trained, {teacher}, needs --packed and --test-speakers"
            )
        settings = replace(settings, teacher=str(run / "teacher"), architecture=architecture)
        levels = levels_of(architecture)
    else:
        levels = open_teacher(settings).levels
    return replace(settings, kinds=_check_kinds(budget.kinds, levels))


def _check_kinds(names: tuple[str, ...] | None, levels: Levels) -> tuple[str, ...]:
    chosen = names or default_kinds(levels)
    for name in chosen:
        parse_kind(name, levels)
    return chosen


def _of_length(phase: Phase, steps: int) -> Phase:
    return replace(
        phase,
        steps=steps,
        warmup_steps=max(steps // 20, 1),
        keep_every=max(steps // 20, 1),
    )
