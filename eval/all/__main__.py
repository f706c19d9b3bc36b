"""Measure every page of ``eval/results`` again, with the models that ship.

    python -m eval.all --data ../shared --work WORK [--pages diarization counting]

Each command of a page runs by itself, and what it prints is kept in WORK: a call that was
interrupted goes on with the next command, and one with other models begins anew. A command that
fails is named, its page stays as it was, and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from diarspk import load_encoder
from diarspk.cli.terminal import say
from eval.all.page import Page
from eval.all.page_text import find_outdated, format_page
from eval.all.pages import PAGES
from eval.all.step_runs import StepFailed, Workplace
from eval.command_line import command, one_of
from eval.report.markdown import markdown_table
from eval.report.run_record import write_text
from tse import load_extractor

RESULTS = Path(__file__).parents[1] / "results"
BY_NAME = {page.name: page for page in PAGES}


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder of the development data: speech/, conversations/, noise/."""
    work: Path
    """Folder of what is kept: first passes, vectors, figures, what commands have printed."""
    pages: Sequence[Annotated[str, one_of(BY_NAME)]] = ()
    """Pages to measure; none: all."""
    output: Path = RESULTS
    """Folder of the pages."""
    again: bool = False
    """Run what is kept, too."""
    list: bool = False
    """Only list the pages: how long each takes, and whether it is of these models."""


def default_models() -> dict[str, str]:
    """Fingerprints of the models that ship, by kind."""
    return {"encoder": load_encoder().fingerprint, "extractor": load_extractor().fingerprint}


@command
def main(settings: Settings) -> int:
    """Run the command line; 1 if a command of a page fails."""
    models = default_models()
    pages = [BY_NAME[name] for name in settings.pages] or list(PAGES)
    if settings.list:
        print(list_pages(pages, settings.output, models))
        return 0
    place = Workplace(
        settings.data.resolve(), settings.work.resolve(), settings.output.resolve(), models
    )
    failed = measure_pages(pages, place, again=settings.again)
    for name in failed:
        say(f"{name}: not measured, its page is as it was")
    return 1 if failed else 0


def measure_pages(pages: Sequence[Page], place: Workplace, *, again: bool = False) -> list[str]:
    """Measure pages and write them; returns the names of those of which a command has failed."""
    failed = []
    left = sum(page.minutes for page in pages)
    for number, page in enumerate(pages, 1):
        say(f"{page.name} ({number} of {len(pages)}, about {left:.0f} minutes left)")
        start = time.perf_counter()
        try:
            runs = [place.run(page, step, again=again) for step in range(len(page.steps))]
        except StepFailed as error:
            say(str(error))
            failed.append(page.name)
        else:
            write_text(format_page(page, runs, place.output), place.output / f"{page.name}.md")
            minutes = (time.perf_counter() - start) / 60
            say(f"{page.name}: {minutes:.0f} minutes")
        left -= page.minutes
    return failed


def list_pages(pages: Sequence[Page], output: Path, models: dict[str, str]) -> str:
    """Markdown: pages, rough minutes of each, and whether it shows the models that ship."""
    outdated = {path.stem for path, _, _ in find_outdated(output, models)}
    rows = []
    for page in pages:
        there = (output / f"{page.name}.md").is_file()
        state = "of another model" if page.name in outdated else "current" if there else "missing"
        rows.append([page.name, page.title, f"{page.minutes:g}", state])
    return markdown_table(["page", "what", "minutes", "state"], rows)


if __name__ == "__main__":
    raise SystemExit(main())
