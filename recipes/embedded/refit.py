"""Fit everything that belongs to the embedded model's weights, after those have changed.

    python -m recipes.embedded.refit --data ../shared --packed PACKED --work WORK \
        --previous BEFORE/local-tdnn.json

The encoder and its heads lie in ``diarspk/assets`` already (``trunk.export``, ``export_head``). The
steps run in the order in which one needs another, each as a command of its own. What carries the
encoder's fingerprint already is left alone, so an interrupted call goes on with the step that was
interrupted; ``--only`` names steps to run, and ``--again`` fits them anew.

The preset "accurate" contains the encoder, so its space is fitted, too; that needs its download.

The extractors of the package read the embeddings of the encoder before, ``--previous``: they are
taught to read those of today by a linear map (:mod:`recipes.extraction.translate`).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from diarspk import load_encoder
from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError, DiarspkError, ModelError
from eval.command_line import command, one_of
from eval.report.markdown import markdown_table

__all__ = ["STEPS", "Place", "RefitStep", "main"]


@dataclass(frozen=True)
class Place:
    """Folders of a call, and the encoder that everything is fitted to.

    Attributes
    ----------
    data, packed, work
        Development data; packed training features; what is kept between calls.
    fingerprint
        Of the encoder.
    previous
        Card of the encoder before.
    """

    data: Path
    packed: Path
    work: Path
    fingerprint: str
    previous: Path | None = None

    def fill(self, text: str) -> str:
        """Put folders, files and the fingerprint in the places that a text has for them."""
        return text.format(
            data=self.data,
            packed=self.packed,
            work=self.work / self.fingerprint,
            assets=asset_folder(),
            tse=asset_folder("tse"),
            print=self.fingerprint,
            previous=self.previous,
            previous_print=self.previous_print,
            accurate_print=self.accurate_print,
        )

    @cached_property
    def previous_print(self) -> str | None:
        """Fingerprint of the encoder before."""
        return None if self.previous is None else load_encoder(self.previous).fingerprint

    @cached_property
    def accurate_print(self) -> str | None:
        """Fingerprint of the preset "accurate"; None where its download is missing."""
        try:
            return load_encoder("accurate").fingerprint
        except ModelError:
            return None


@dataclass(frozen=True)
class RefitStep:
    """Commands, and the files by which one knows that they need not run again.

    Attributes
    ----------
    name
        Name of the step.
    commands
        Words after ``python -m``, with places as in :meth:`Place.fill`.
    files
        What the commands write.
    minutes
        Rough time on two idle cores.
    """

    name: str
    commands: tuple[str, ...]
    files: tuple[str, ...]
    minutes: int

    def done(self, place: Place) -> bool:
        """Whether everything that the step writes belongs to the encoder already."""
        return all(_is_there(file, place) for file in self.files)

    def run(self, place: Place) -> None:
        """Run the commands.

        Raises
        ------
        ArgumentError
            If the encoder before is needed, and was not given.
        DiarspkError
            If a command ends with an error, or has not written its files.
        """
        if place.previous is None and any("{previous}" in text for text in self.commands):
            raise ArgumentError(
                "`previous` must be the card of the encoder before for the step "
                f"{self.name}, got none"
            )
        for text in self.commands:
            words = [place.fill(word) for word in text.split()]
            status = subprocess.run([sys.executable, "-m", *words], check=False).returncode
            if status:
                raise DiarspkError(f"{self.name}: {words[0]} ended with exit status {status}")
        if not self.done(place):
            files = ", ".join(place.fill(file) for file in self.files)
            raise DiarspkError(f"{self.name}: ran, but has not written {files}")


TRANSLATE = (
    "recipes.extraction.translate --extractor {tse}/NAME.json "
    "--vectors-before {work}/voices/train/vectors-{previous_print}.npy "
    "--vectors {work}/voices/train/vectors.npy --output {tse}/NAME.json"
)

STEPS = (
    RefitStep(
        "plda",
        (
            "recipes.plda.train --data {data}/speech --packed {packed}/train "
            "--speakers {packed}/train/speakers.tsv --equal-spectra "
            "--seconds 1.5 --crops 6 --output {assets}/plda/{print}.json",
        ),
        ("{assets}/plda/{print}.json",),
        minutes=4,
    ),
    RefitStep(
        "sessions",
        ("recipes.plda.session --data {data} --output {assets}/sessions/{print}.json",),
        ("{assets}/sessions/{print}.json",),
        minutes=3,
    ),
    RefitStep(
        "cohort",
        (
            "recipes.cohort.embed --data {data}/speech --speakers 400 "
            "--output {assets}/cohorts/{print}.json",
        ),
        ("{assets}/cohorts/{print}.json",),
        minutes=2,
    ),
    RefitStep(
        "counts",
        (
            "recipes.plda.counts --data {data} --keep {work}/counts "
            "--output {assets}/counts/{print}.json",
        ),
        ("{assets}/counts/{print}.json",),
        minutes=10,
    ),
    RefitStep(
        "calibration",
        ("eval.verification.calibration --data {data}/speech --write",),
        (
            "{assets}/calibration/{print}.json",
            "{assets}/calibration/{print}.cosine.json",
            "{assets}/calibration/{print}.cohort.json",
            "{assets}/calibration/{print}.plda.json",
        ),
        minutes=3,
    ),
    RefitStep(
        "linking",
        ("eval.linking --data {data} --write",),
        ("{assets}/linking/{print}.json",),
        minutes=8,
    ),
    RefitStep(
        "confidence",
        (
            "eval.diarization.confidence --data {data}/conversations/ami "
            "{data}/conversations/simulated --fit --write",
        ),
        ("{assets}/confidence/{print}.json",),
        minutes=3,
    ),
    RefitStep(
        "accurate",
        (
            "recipes.adopt accurate --data {data} --groups 30 --output {assets} "
            "--cache {work}/accurate",
        ),
        tuple(
            f"{{assets}}/{kind}/{{accurate_print}}.json"
            for kind in ("plda", "sessions", "clustering", "calibration", "confidence")
        ),
        minutes=10,
    ),
    RefitStep(
        "extractor",
        (
            "recipes.extraction.prepare --data {data} --output {work}/voices --splits train",
            "recipes.extraction.vectors --packed {work}/voices --splits train --encoder {previous}",
            TRANSLATE.replace("NAME", "band-split"),
        ),
        ("{tse}/band-split.json",),
        minutes=20,
    ),
    RefitStep(
        "live-extractor",
        (TRANSLATE.replace("NAME", "band-split-causal"),),
        ("{tse}/band-split-causal.json",),
        minutes=1,
    ),
    RefitStep(
        "detection",
        ("eval.extraction.detection --data {data} --write",),
        ("{tse}/detection/{print}.json",),
        minutes=7,
    ),
    RefitStep(
        "track-confidence",
        ("eval.extraction.meetings --simulate {data} --only-confidence --write",),
        ("{tse}/confidence/{print}.json",),
        minutes=15,
    ),
)
"""All steps, in the order in which one needs another."""

BY_NAME = {step.name: step for step in STEPS}


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder of the development data: speech/, conversations/, noise/."""
    packed: Path
    """Folder of packed features, see recipes.embedded.data.prepare."""
    work: Path
    """Folder of what is kept between calls, by fingerprint."""
    previous: Path | None = None
    """Card of the encoder that the extractors read so far."""
    only: Sequence[Annotated[str, one_of(BY_NAME)]] = ()
    """Steps to run; none: all."""
    again: bool = False
    """Fit anew what is there."""
    list: bool = False
    """Only list the steps: how long each takes, and whether it is done."""


@command
def main(settings: Settings) -> None:
    place = Place(
        settings.data.resolve(),
        settings.packed.resolve(),
        settings.work.resolve(),
        load_encoder().fingerprint,
        None if settings.previous is None else settings.previous.resolve(),
    )
    steps = [step for step in STEPS if not settings.only or step.name in settings.only]
    if settings.list:
        rows = [
            [step.name, str(step.minutes), "yes" if step.done(place) else "no"] for step in steps
        ]
        print(markdown_table(["step", "minutes", f"of {place.fingerprint}"], rows))
        return
    run_steps(steps, place, again=settings.again)


def run_steps(steps: Sequence[RefitStep], place: Place, *, again: bool = False) -> list[str]:
    """Run the steps that are not done, and return the names of those that have run."""
    run = []
    left = sum(step.minutes for step in steps)
    for number, step in enumerate(steps, 1):
        title = f"{step.name} ({number} of {len(steps)}, about {left:.0f} minutes left)"
        left -= step.minutes
        if step.done(place) and not again:
            say(f"{title}: is of {place.fingerprint} already")
            continue
        say(title)
        start = time.perf_counter()
        step.run(place)
        say(f"{step.name}: {(time.perf_counter() - start) / 60:.1f} minutes")
        run.append(step.name)
    return run


def _is_there(name: str, place: Place) -> bool:
    """Whether a file exists and is of the encoder, by its name or by its card."""
    file = Path(place.fill(name))
    if not file.is_file():
        return False
    if "print}" in name:
        return True
    card: dict[str, Any] = read_checkpoint(file).card
    return bool(card.get("encoder", {}).get("fingerprint") == place.fingerprint)


if __name__ == "__main__":
    raise SystemExit(main())
