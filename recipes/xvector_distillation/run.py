"""Distil a trained network into small fully connected students.

    python -m recipes.xvector_distillation.run RUN --teacher RUNS/x-vector
    python -m recipes.xvector_distillation.run RUN --teacher 3dspeaker-campplus \
        --packed PACKED --test-speakers DATA/speech/dev.tsv

The teacher is a run of recipes.zoo, an encoder by name or path (``diarspk`` is the embedded one),
or an architecture that is trained first, such as ``xvector``.

Stages: teacher, aggregation, targets, students, scoring. ``--from`` and ``--to`` choose some; what
was interrupted goes on where it was. ``python -m recipes.xvector_distillation.table RUN`` prints
the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from diarspk.errors import ArgumentError
from eval.command_line import Positional, command, one_of, option
from recipes.xvector_distillation.options import BudgetOptions, DataOptions, make_settings
from recipes.xvector_distillation.settings import SETTINGS, write_settings
from recipes.xvector_distillation.stages import STAGES, run_stages

__all__ = ["main"]


@dataclass(frozen=True)
class Options:
    data: DataOptions
    budget: BudgetOptions
    run: Positional[Path]
    """Folder of the run."""
    teacher: str | None = None
    """Run of recipes.zoo, encoder, or architecture to be trained; needed for a new run."""
    first: Annotated[str, one_of(STAGES), option(name="from")] = "teacher"
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
        assert options.teacher is not None  # by the options' own check
        settings = make_settings(options.run, options.teacher, options.data, options.budget)
        write_settings(settings, options.run)
    run_stages(options.run, options.first, options.last, accelerator=options.accelerator)


if __name__ == "__main__":
    raise SystemExit(main())
