"""Does verification quality predict extraction? Train one extractor for each encoder, and compare.

    python -m recipes.extraction.encoder_study --packed PACKED --data DATA --output STUDY \
        --separator RUN/final.ckpt --steps 1500 [--encoders encoders.json]

All begin with the weights of one trained extractor, except those that read and fuse the cue, and
have the same steps and batches. There is one for each encoder (by default those of
:data:`eval.extraction.study_encoders.STUDY_ENCODERS`; ``--encoders`` takes a list as
``eval.correlation`` does), and one for each other cue: one-hot codes of the training speakers,
log-mel features, the bare enrolment, and several levels of the embedded encoder. An encoder that is
not here is left out with a line. ``eval.extraction.encoder_study`` then measures them.

Stopped and called again, it goes on where it was: in a training from its last checkpoint. Options
that are not of the study, like ``--blocks``, go to each training.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError
from eval.command_line import command, one_of
from eval.correlation.loading import Places
from eval.correlation.specification import read_encoders
from eval.extraction.study_cells import StudyCell, write_cells
from eval.extraction.study_encoders import STUDY_ENCODERS, name_encoders, write_declarations
from recipes.extraction.data import BatchConfig, read_voices
from recipes.extraction.export import export
from recipes.extraction.training import TrainConfig
from recipes.extraction.vectors import embed_voices
from tse.loading import WITHOUT_ENCODER
from tse.mixing import MixtureConfig
from tse.optimised_cue import OptimisationConfig

OTHERS = ("one-hot", "log-mel", "enrolment", "utterance+map", "multi-level")
"""Cues beside the vector of one encoder; the last two are of the embedded encoder."""

FUSIONS = {"log-mel": "cross-attention", "multi-level": "cross-attention"}
"""Fusions of cues with a sequence; those with a vector alone have FiLM."""

TRAINED = ("steps", "separator", "clean", "seconds", "batch_size", "learning_rate")
"""Settings that all extractors of a study share."""


@dataclass(frozen=True)
class Settings:
    packed: Path
    """Folder that recipes.extraction.prepare has packed."""
    data: Path
    """Folder with speech/."""
    output: Path
    """Folder of the study."""
    encoders: Path | None = None
    """JSON list of encoders; none: those of the study."""
    others: Sequence[Annotated[str, one_of(OTHERS)]] = OTHERS
    """Other cues."""
    steps: int = 1500
    """Number of steps of each training."""
    separator: Path | None = None
    """Checkpoint or card whose weights all begin with, but for those that read and fuse the cue."""
    clean: bool = False
    """Two voices, without noise and rooms."""
    seconds: float = MixtureConfig.seconds
    """Length of a mixture."""
    batch_size: int = BatchConfig.size
    """Mixtures in a batch."""
    learning_rate: float = TrainConfig.learning_rate
    """Learning rate after the warm-up."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of the weights and the batches; a training for each."""
    embedders: int = 2
    """Processes that embed; 0: this one alone."""
    mixtures: int = 300
    """Mixtures of the comparison."""
    optimised: int = 30
    """Mixtures whose cue is optimised; 0: none."""
    iterations: int = OptimisationConfig.iterations
    """Steps of the optimisation."""
    resamples: int = 1000
    """Resamples of the bootstrap."""


def choose_cells(settings: Settings) -> list[StudyCell]:
    """Find the encoders that are here, and tell of the others.

    Raises
    ------
    ArgumentError
        If two would have one file.
    """
    specifications = STUDY_ENCODERS
    if settings.encoders is not None:
        specifications = read_encoders(settings.encoders)
    folder = settings.output.absolute()
    places = Places((settings.data / "speech").absolute(), folder / "encoders")
    file = folder / "encoders.json"
    write_declarations(file, specifications, places)
    names, reasons = name_encoders(specifications, places, file)
    for label, reason in reasons.items():
        say(f"{label}: left out: {reason}")
    cells = []
    for seed in settings.seeds:
        mark = f", seed {seed}" if seed != settings.seeds[0] else ""
        for one in specifications:
            if one.name in names:
                card = f"cells/{_slug(one.name + mark)}.json"
                read = (names[one.name],)
                cells.append(StudyCell(one.name + mark, "utterance", one.origin, card, read, seed))
        for cue in settings.others:
            card = f"cells/{_slug(cue + mark)}.json"
            cells.append(StudyCell(cue + mark, cue, cue, card, seed=seed))
    for card, times in Counter(one.card for one in cells).items():
        if times > 1:
            alike = ", ".join(one.label for one in cells if one.card == card)
            raise ArgumentError(f"names of encoders must differ in letters or digits, got {alike}")
    return cells


def train_cell(settings: Settings, cell: StudyCell, others: Sequence[str]) -> None:
    """Train and export an extractor, or go on with its training."""
    run = settings.output / "runs" / Path(cell.card).stem
    options: dict[str, object] = {
        "--packed": settings.packed,
        "--output": run,
        "--steps": settings.steps,
        "--seed": cell.seed,
        "--cue": cell.cue,
        "--validate-every": settings.steps + 1,  # never: the comparison has mixtures of its own
        "--seconds": settings.seconds,
        "--batch-size": settings.batch_size,
        "--learning-rate": settings.learning_rate,
    }
    if cell.cue == "enrolment":  # has a network and a fusion of its own
        options["--architecture"] = "cross-attention"
    else:
        options["--fusion"] = FUSIONS.get(cell.cue, "film")
    if settings.separator is not None:
        options["--separator"] = settings.separator
    if (run / "last.ckpt").is_file():
        options["--resume"] = run / "last.ckpt"
    words = [str(word) for pair in options.items() for word in pair]
    words += [*(["--encoder", *cell.encoders] if cell.encoders else []), *others]
    words += ["--clean"] if settings.clean else []
    # A process of its own: whatever one training leaves behind, the next does not see.
    subprocess.run([sys.executable, "-m", "recipes.extraction.train", *words], check=True)
    speakers = tuple(sorted(set(read_voices(settings.packed / "train").speaker)))
    closed = speakers if cell.cue == "one-hot" else ()
    export(run / "final.ckpt", settings.output / cell.card, speakers=closed)


def check_settings(settings: Settings, others: Sequence[str]) -> None:
    """Refuse to go on with a study that was begun otherwise: its extractors would not compare.

    Raises
    ------
    ArgumentError
        With the first setting that differs.
    """
    own = {name: getattr(settings, name) for name in TRAINED}
    now = {**{name: str(value) for name, value in own.items()}, "options": " ".join(others)}
    file = settings.output / "settings.json"
    if file.is_file():
        before = json.loads(file.read_text(encoding="utf-8"))
        for name, value in now.items():
            if before.get(name) != value:
                raise ArgumentError(
                    f"{settings.output}: was begun with {name} {before.get(name)!r}, got "
                    f"{value!r}; give the same, or another --output"
                )
    file.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")


def _slug(label: str) -> str:
    """Name of a file for a label."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


@command
def main(settings: Settings, others: Sequence[str]) -> None:
    for split in ("train", "dev"):
        read_voices(settings.packed / split)  # what is missing is told before hours of work
    settings.output.mkdir(parents=True, exist_ok=True)
    check_settings(settings, others)
    cells = choose_cells(settings)
    write_cells(settings.output, cells)
    for cell in cells:
        if (settings.output / cell.card).is_file():
            continue
        if cell.cue not in WITHOUT_ENCODER:
            for split in ("train", "dev"):
                embed_voices(settings.packed / split, cell.encoders, settings.embedders)
        train_cell(settings, cell, others)
        print(f"{cell.label}: {settings.steps} steps")
    measured: dict[str, object] = {
        "--study": settings.output,
        "--data": settings.data,
        "--mixtures": settings.mixtures,
        "--optimised": settings.optimised,
        "--iterations": settings.iterations,
        "--resamples": settings.resamples,
        "--json": settings.output / "study-results.json",
    }
    words = [str(word) for pair in measured.items() for word in pair]
    subprocess.run([sys.executable, "-m", "eval.extraction.encoder_study", *words], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
