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

import argparse
import subprocess
import sys
from itertools import product
from pathlib import Path

import torch

from recipes.extraction.data import BatchConfig, read_voices
from recipes.extraction.export import export
from recipes.extraction.train import TrainConfig
from tse.cue_sources import CUES
from tse.mixing import MixtureConfig
from tse.models.fusion import FUSIONS


def cells() -> list[tuple[str, str, str]]:
    """Architecture, cue and fusion; a bare enrolment has a network and a fusion of its own."""
    cues = [cue for cue in CUES if cue != "enrolment"]
    found = [("band-split", cue, fusion) for cue, fusion in product(cues, FUSIONS)]
    return [*found, ("cross-attention", "enrolment", "cross-attention")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packed", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--separator", type=Path)
    parser.add_argument("--clean", action="store_true", help="two voices, without noise and rooms")
    parser.add_argument("--seconds", type=float, default=MixtureConfig.seconds)
    parser.add_argument("--batch-size", type=int, default=BatchConfig.size)
    parser.add_argument("--learning-rate", type=float, default=TrainConfig.learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cues", nargs="+", choices=CUES, default=list(CUES))
    parser.add_argument("--fusions", nargs="+", choices=FUSIONS, default=list(FUSIONS))
    arguments, others = parser.parse_known_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    speakers = tuple(sorted(set(read_voices(arguments.packed / "train").speaker)))
    for architecture, cue, fusion in cells():
        name = f"{cue.replace('+', '-with-')}_{fusion}"
        card = arguments.output / f"{name}.json"
        if card.is_file() or cue not in arguments.cues or fusion not in arguments.fusions:
            continue
        run = arguments.output / "runs" / name
        options = {
            "--packed": arguments.packed,
            "--output": run,
            "--steps": arguments.steps,
            "--seed": arguments.seed,
            "--architecture": architecture,
            "--cue": cue,
            "--fusion": fusion,
            "--validate-every": arguments.steps,
            "--seconds": arguments.seconds,
            "--batch-size": arguments.batch_size,
            "--learning-rate": arguments.learning_rate,
        }
        if arguments.separator is not None:
            options["--separator"] = arguments.separator
        words = [str(word) for pair in options.items() for word in pair]
        words += ["--clean"] if arguments.clean else []
        words += others
        # A process of its own: whatever one training leaves behind, the next does not see.
        subprocess.run([sys.executable, "-m", "recipes.extraction.train", *words], check=True)
        export(run / "final.ckpt", card, speakers=speakers if cue == "one-hot" else ())
        print(f"{name}: {torch.load(run / 'final.ckpt', weights_only=True)['global_step']} steps")


if __name__ == "__main__":
    main()
