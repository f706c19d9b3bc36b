"""Distil a teacher that recipes.zoo has trained into small fully connected students.

    python -m recipes.xvector_distillation.run RUN --teacher RUNS/x-vector

Stages: aggregation, targets, students, scoring. ``--from`` and ``--to`` choose some; what was
interrupted goes on where it was. ``python -m recipes.xvector_distillation.table RUN`` prints the
results.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from diarspk.errors import ArgumentError
from eval.command_line import Positional, command, one_of, option
from recipes.xvector_distillation.embedding_types import default_kinds, parse_kind
from recipes.xvector_distillation.layer_activations import levels_of
from recipes.xvector_distillation.settings import SETTINGS, Settings, write_settings
from recipes.xvector_distillation.stages import STAGES, run_stages
from recipes.xvector_distillation.teacher import read_training
from recipes.zoo.settings import Phase

__all__ = ["main"]


@dataclass(frozen=True)
class Options:
    run: Positional[Path]
    """Folder of the run."""
    teacher: Path | None = None
    """Run of recipes.zoo; needed for a new run."""
    kinds: tuple[str, ...] | None = None
    """What students learn; none: everything."""
    variants: tuple[str, ...] | None = None
    """Variants of packed recordings: recorded, room."""
    steps: int | None = None
    """Steps of a student; an aggregation takes a third."""
    crops: int | None = None
    """Crops in a batch."""
    seed: int = 0
    """Seed of the weights and the batches."""
    first: Annotated[str, one_of(STAGES), option(name="from")] = "aggregation"
    """First stage."""
    last: Annotated[str, one_of(STAGES), option(name="to")] = "scoring"
    """Last stage."""
    accelerator: str = "auto"
    """Where it is trained: cpu, gpu or auto."""

    def __post_init__(self) -> None:
        if self.teacher is None and not (self.run / SETTINGS).is_file():
            raise ArgumentError("a new run needs --teacher")


@command
def main(options: Options) -> None:
    if not (options.run / SETTINGS).is_file():
        write_settings(_settings(options), options.run)
    run_stages(options.run, options.first, options.last, accelerator=options.accelerator)


def _settings(options: Options) -> Settings:
    assert options.teacher is not None  # by the options' own check
    levels = levels_of(read_training(options.teacher).architecture)
    kinds = options.kinds or default_kinds(levels)
    for name in kinds:
        parse_kind(name, levels)
    settings = Settings(str(options.teacher), kinds, seed=options.seed)
    if options.variants:
        settings = replace(settings, variants=options.variants)
    aggregation, students = settings.aggregation, settings.students
    if options.steps is not None:
        aggregation = _of_length(aggregation, max(options.steps // 3, 1))
        students = _of_length(students, options.steps)
    if options.crops is not None:
        aggregation = replace(aggregation, crops=options.crops)
        students = replace(students, crops=options.crops)
    return replace(settings, aggregation=aggregation, students=students)


def _of_length(phase: Phase, steps: int) -> Phase:
    return replace(
        phase,
        steps=steps,
        warmup_steps=max(steps // 20, 1),
        keep_every=max(steps // 20, 1),
    )


if __name__ == "__main__":
    raise SystemExit(main())
