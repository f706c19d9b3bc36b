"""Distil a teacher that recipes.zoo has trained into small fully connected students.

    python -m recipes.xvector_distillation.run RUN --teacher RUNS/x-vector

Stages: aggregation, targets, students, scoring. ``--from`` and ``--to`` choose some; what was
interrupted goes on where it was. ``python -m recipes.xvector_distillation.table RUN`` prints the
results.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from diarspk.errors import DiarspkError
from recipes.xvector_distillation.embedding_types import default_kinds, parse_kind
from recipes.xvector_distillation.layer_activations import levels_of
from recipes.xvector_distillation.settings import SETTINGS, Settings, write_settings
from recipes.xvector_distillation.stages import STAGES, run_stages
from recipes.xvector_distillation.teacher import read_training
from recipes.zoo.settings import Phase

__all__ = ["main"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.xvector_distillation.run", description=__doc__
    )
    add = parser.add_argument
    add("run", type=Path, help="folder of the run")
    add("--teacher", type=Path, help="run of recipes.zoo; needed for a new run")
    add("--kinds", nargs="+", metavar="KIND", help="what students learn; everything without it")
    add("--variants", nargs="+", metavar="VARIANT", help="of packed recordings: recorded, room")
    add("--steps", type=int, help="of a student; an aggregation takes a third")
    add("--crops", type=int, help="of a batch")
    add("--seed", type=int, default=0)
    add("--from", dest="first", choices=list(STAGES), default="aggregation", metavar="STAGE")
    add("--to", dest="last", choices=list(STAGES), default="scoring", metavar="STAGE")
    add("--accelerator", default="auto", help="cpu, gpu or auto")
    options = parser.parse_args()
    new = not (options.run / SETTINGS).is_file()
    if new and options.teacher is None:
        parser.error("a new run needs --teacher")
    try:
        if new:
            write_settings(_settings(options), options.run)
        run_stages(options.run, options.first, options.last, accelerator=options.accelerator)
    except DiarspkError as error:
        sys.exit(f"error: {error}")


def _settings(options: argparse.Namespace) -> Settings:
    levels = levels_of(read_training(options.teacher).architecture)
    kinds = tuple(options.kinds or default_kinds(levels))
    for name in kinds:
        parse_kind(name, levels)
    settings = Settings(str(options.teacher), kinds, seed=options.seed)
    if options.variants:
        settings = replace(settings, variants=tuple(options.variants))
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
    main()
