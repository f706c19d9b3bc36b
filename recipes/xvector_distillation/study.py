"""Several teachers at one budget, and the page of what their students are worth.

    python -m recipes.xvector_distillation.study RUNS --packed PACKED \
        --test-speakers DATA/speech/dev.tsv --teachers xvector diarspk 3dspeaker-campplus \
        --page PAGE.md

Every teacher has a folder of its own in ``RUNS``. The same command again goes on after an
interruption; with ``--page`` alone it writes the page of what there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError, DiarspkError
from eval.command_line import Positional, command
from recipes.xvector_distillation.options import BudgetOptions, DataOptions, make_settings
from recipes.xvector_distillation.page import write_page
from recipes.xvector_distillation.settings import SETTINGS, write_settings
from recipes.xvector_distillation.stages import REPORT, run_stages

__all__ = ["main"]


@dataclass(frozen=True)
class Options:
    data: DataOptions
    budget: BudgetOptions
    runs: Positional[Path]
    """Folder of the runs."""
    teachers: Sequence[str] = ()
    """Runs of recipes.zoo, encoders, or architectures to be trained."""
    page: Path | None = None
    """Page of results to write, in Markdown."""
    accelerator: str = "auto"
    """Where it is trained: cpu, gpu or auto."""


@command
def main(options: Options) -> None:
    runs = {teacher: options.runs / Path(teacher).stem for teacher in options.teachers}
    if len(set(runs.values())) < len(runs):
        raise ArgumentError(f"`teachers` must differ in their names, got {', '.join(runs)}")
    for teacher, run in runs.items():
        if not (run / SETTINGS).is_file():
            write_settings(make_settings(run, teacher, options.data, options.budget), run)
    for teacher, run in runs.items():
        if not (run / REPORT).is_file():
            print(f"teacher: {teacher}", flush=True)
            run_stages(run, "teacher", "scoring", accelerator=options.accelerator)
    found = sorted(options.runs.glob(f"*/{REPORT}"))
    if not found:
        raise DiarspkError(f"{options.runs}: no finished run; name --teachers")
    if options.page is not None:
        write_page([path.parent for path in found], options.page)
        say(f"{options.page}: {len(found)} teachers")


if __name__ == "__main__":
    raise SystemExit(main())
