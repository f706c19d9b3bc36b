"""Runs of single commands, kept so that a later call goes on where one was interrupted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diarspk.errors import DiarspkError
from eval.all.page import PLACES, Page, Step
from eval.report.run_record import describe_run, write_json

__all__ = ["StepFailed", "StepRun", "Workplace"]

JSON = re.compile(r"\{json:([a-z-]+)\}")


class StepFailed(DiarspkError):
    """A command of a page ended with an error; its own words are on stderr."""


@dataclass(frozen=True)
class StepRun:
    """What a command printed, of which models, and on which machine.

    Attributes
    ----------
    command : str
        As a reader would type it.
    models : dict
        Fingerprints of the models that its figures belong to.
    output : str
        What it printed: Markdown.
    date, machine : str
        Day, and processor with the number of cores.
    """

    command: str
    models: dict[str, str]
    output: str
    date: str
    machine: str


@dataclass(frozen=True)
class Workplace:
    """Folders of a call: data, what is kept, and where the pages lie.

    Parameters
    ----------
    data, work, output
        Folder of the development data; of what is kept; of the pages.
    models
        Fingerprints of the models that ship, by kind.
    """

    data: Path
    work: Path
    output: Path
    models: Mapping[str, str] = field(default_factory=dict)

    def run(self, page: Page, number: int, *, again: bool = False) -> StepRun:
        """Run a step of a page, or read what an earlier call has kept of the same step.

        Parameters
        ----------
        page, number
            The page, and which of its steps, from 0.
        again
            Run it whatever is kept.

        Raises
        ------
        StepFailed
            If the command ends with an error.
        """
        step = page.steps[number]
        shown = " ".join(_fill(step.command, Path("DATA"), Path("WORK"), Path(page.name), Path()))
        models: dict[str, str] = {kind: self.models[kind] for kind in page.models}
        kept = self.work / "steps" / f"{page.name}-{number + 1}.json"
        found = None if again else _read(kept)
        if found is not None and (found.command, found.models) == (shown, models):
            return found
        run = subprocess.run(
            [sys.executable, "-m", *self._words(page, step)],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        if run.returncode:
            raise StepFailed(f"python -m {shown}: exit status {run.returncode}")
        record = describe_run()
        machine = f"{record['machine']['processor']}, {record['machine']['cores']} cores"
        done = StepRun(shown, models, run.stdout.strip(), record["date"][:10], machine)
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(vars(done), kept)
        return done

    def _words(self, page: Page, step: Step) -> list[str]:
        """Words of the command with the folders of this call, which exist afterwards."""
        pictures, figures = self.output / page.name, self.work / "figures" / page.name
        words = _fill(step.command, self.data, self.work, pictures, figures)
        if "{page}" in step.command:
            pictures.mkdir(parents=True, exist_ok=True)
        if step.name:
            figures.mkdir(parents=True, exist_ok=True)
            words += ["--json", str(figures / f"{step.name}.json")]
        return words


def _fill(command: str, data: Path, work: Path, pictures: Path, figures: Path) -> list[str]:
    """Words of a command, each with the folders in it; a folder's name may have spaces."""
    for name, place in PLACES.items():
        command = command.replace(f"{{{name}}}", place)
    folders = {"{data}": data, "{work}": work, "{page}": pictures}
    words = []
    for word in command.split():
        word = JSON.sub(lambda match: str(figures / f"{match[1]}.json"), word)
        for name, folder in folders.items():
            word = word.replace(name, str(folder))
        words.append(word)
    return words


def _read(path: Path) -> StepRun | None:
    try:
        return StepRun(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # missing, cut off, or of an earlier form
        return None
