"""Train one extractor for every cue and fusion, all alike but for these.

    python -m recipes.extraction.study --packed PACKED --output STUDY --steps 600 \
        [--separator RUN/final.ckpt]
    python -m eval.extraction.study --data DATA --extractors STUDY/*.json --plot STUDY/study.png

Most of a training goes into learning to separate, whatever the cue. With ``--separator`` all begin
with the weights of one trained extractor, except those that read and fuse the cue.

A cell that is already there is left out, so the command can be stopped and repeated. Options that
are not of the study, like ``--blocks``, go to each training.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import torch

from eval.command_line import command, one_of
from recipes.extraction.data import BatchConfig, read_voices
from recipes.extraction.export import export
from recipes.extraction.training import TrainConfig
from tse.cue_sources import CUES
from tse.mixing import MixtureConfig
from tse.models.fusion import FUSIONS


def cells() -> list[tuple[str, str, str]]:
    """Architecture, cue and fusion; a bare enrolment has a network and a fusion of its own."""
    cues = [cue for cue in CUES if cue != "enrolment"]
    found = [("band-split", cue, fusion) for cue, fusion in product(cues, FUSIONS)]
    return [*found, ("cross-attention", "enrolment", "cross-attention")]


@dataclass(frozen=True)
class Settings:
    packed: Path
    """Folder that recipes.extraction.prepare has packed."""
    output: Path
    """Folder of the extractors."""
    steps: int = 600
    """Number of steps of each training."""
    separator: Path | None = None
    """Checkpoint whose weights all begin with, but for those that read and fuse the cue."""
    clean: bool = False
    """Two voices, without noise and rooms."""
    seconds: float = MixtureConfig.seconds
    """Length of a mixture."""
    batch_size: int = BatchConfig.size
    """Mixtures in a batch."""
    learning_rate: float = TrainConfig.learning_rate
    """Learning rate after the warm-up."""
    seed: int = 0
    """Seed of the weights and the batches."""
    cues: tuple[Annotated[str, one_of(CUES)], ...] = tuple(CUES)
    """Cues to train."""
    fusions: tuple[Annotated[str, one_of(FUSIONS)], ...] = tuple(FUSIONS)
    """Fusions to train."""


@command
def main(settings: Settings, others: Sequence[str]) -> None:
    settings.output.mkdir(parents=True, exist_ok=True)
    speakers = tuple(sorted(set(read_voices(settings.packed / "train").speaker)))
    for architecture, cue, fusion in cells():
        name = f"{cue.replace('+', '-with-')}_{fusion}"
        card = settings.output / f"{name}.json"
        if card.is_file() or cue not in settings.cues or fusion not in settings.fusions:
            continue
        run = settings.output / "runs" / name
        options = {
            "--packed": settings.packed,
            "--output": run,
            "--steps": settings.steps,
            "--seed": settings.seed,
            "--architecture": architecture,
            "--cue": cue,
            "--fusion": fusion,
            "--validate-every": settings.steps,
            "--seconds": settings.seconds,
            "--batch-size": settings.batch_size,
            "--learning-rate": settings.learning_rate,
        }
        if settings.separator is not None:
            options["--separator"] = settings.separator
        words = [str(word) for pair in options.items() for word in pair]
        words += ["--clean"] if settings.clean else []
        words += others
        # A process of its own: whatever one training leaves behind, the next does not see.
        subprocess.run([sys.executable, "-m", "recipes.extraction.train", *words], check=True)
        export(run / "final.ckpt", card, speakers=speakers if cue == "one-hot" else ())
        print(f"{name}: {torch.load(run / 'final.ckpt', weights_only=True)['global_step']} steps")


if __name__ == "__main__":
    raise SystemExit(main())
