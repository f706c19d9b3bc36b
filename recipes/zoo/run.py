"""Train any architecture with any loss on the packed features, and report what it can do.

    python -m recipes.embedded.data.prepare --data ../shared --output PACKED
    python -m recipes.zoo.run RUN --packed PACKED --tables ../shared/speech \
        --architecture resnet34 --loss aam --steps 3000

Stages: train, large-margin, average, embeddings, scoring, normalization, calibration, report.
``--from`` and ``--to`` choose some; a training stage that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

from diarspk.encoders import ARCHITECTURES
from diarspk.encoders.architectures.pooling import POOLINGS
from diarspk.errors import DiarspkError
from recipes.zoo.settings import Budget, DataSettings, Loss, Settings, write_settings
from recipes.zoo.stages import SETTINGS, STAGES, run_stages

__all__ = ["add_stage_options", "main", "start"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.zoo.run", description=__doc__)
    add = parser.add_argument
    add("run", type=Path, help="folder of the run")
    add("--packed", type=Path, help="from recipes.embedded.data.prepare; needed for a new run")
    add("--tables", type=Path, help="folder with train.tsv and dev.tsv; needed for a new run")
    add("--architecture", choices=list(ARCHITECTURES), default="resnet34")
    add("--loss", choices=get_args(Loss), default="aam")
    add("--pooling", choices=list(POOLINGS))
    add("--dimension", type=int)
    add("--steps", type=int, help="of the first phase; the large-margin phase takes a tenth")
    add("--crops", type=int, help="of a batch")
    add("--cohort-utterances", type=int, default=5, help="of a training speaker, for AS-norm")
    add("--workers", type=int, default=1, help="processes that draw batches")
    add("--seed", type=int, default=0)
    add_stage_options(parser)
    options = parser.parse_args()
    settings = None
    if not (options.run / SETTINGS).is_file():
        if options.packed is None or options.tables is None:
            parser.error("a new run needs --packed and --tables")
        settings = _settings(options)
    start(options, settings)


def add_stage_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every recipe of stages has."""
    add = parser.add_argument
    add("--from", dest="first", choices=list(STAGES), default="train", metavar="STAGE")
    add("--to", dest="last", choices=list(STAGES), default="report", metavar="STAGE")
    add("--accelerator", default="auto", help="cpu, gpu or auto")
    add("--devices", type=int, default=1, help="data parallel on so many")


def start(options: argparse.Namespace, settings: Settings | None) -> None:
    """Store the settings of a new run, then run its stages; an error is one line."""
    if settings is not None:
        options.run.mkdir(parents=True, exist_ok=True)
        write_settings(settings, options.run / SETTINGS)
    try:
        run_stages(
            options.run,
            options.first,
            options.last,
            accelerator=options.accelerator,
            devices=options.devices,
        )
    except DiarspkError as error:
        sys.exit(f"error: {error}")


def _settings(options: argparse.Namespace) -> Settings:
    budget = Budget()
    train, large = budget.train, budget.large_margin
    if options.steps is not None:
        tenth = max(options.steps // 10, 1)
        train = replace(
            train,
            steps=options.steps,
            keep_every=max(options.steps // 30, 1),
            warmup_steps=max(options.steps // 15, 1),
        )
        large = replace(large, steps=tenth, keep_every=max(tenth // 3, 1))
    if options.crops is not None:
        train = replace(train, crops=options.crops)
        large = replace(large, crops=max(options.crops // 2, 1))
    data = DataSettings(
        "packed",
        str(options.packed),
        speakers=str(options.tables / "train.tsv"),
        test_speakers=str(options.tables / "dev.tsv"),
    )
    return Settings(
        options.architecture,
        data,
        train,
        large,
        loss=options.loss,
        pooling=options.pooling,
        dimension=options.dimension,
        seed=options.seed,
        cohort_utterances=options.cohort_utterances,
        workers=options.workers,
    )


if __name__ == "__main__":
    main()
