"""Train any architecture with any loss on the packed features, and report what it can do.

    python -m recipes.embedded.data.prepare --data ../shared --output PACKED
    python -m recipes.zoo.run RUN --packed PACKED --tables ../shared/speech \
        --architecture resnet34 --loss aam --steps 3000

Stages: train, large-margin, average, embeddings, scoring, normalization, calibration, report.
``--from`` and ``--to`` choose some; a training stage that was interrupted goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from diarspk.cli.terminal import say
from diarspk.encoders import ARCHITECTURES
from diarspk.encoders.architectures.pooling import POOLINGS
from diarspk.errors import ArgumentError
from eval.command_line import Positional, command, one_of, option
from recipes.zoo.checks import check_data
from recipes.zoo.settings import (
    Budget,
    DataSettings,
    Loss,
    Settings,
    read_settings,
    write_settings,
)
from recipes.zoo.stages import PHASES, SETTINGS, STAGES, run_stages

__all__ = ["StageSettings", "main", "start"]


@dataclass(frozen=True)
class StageSettings:
    """Stages of a run."""

    run: Positional[Path]
    """Folder of the run."""
    first: Annotated[str, one_of(STAGES), option(name="from")] = "train"
    """First stage."""
    last: Annotated[str, one_of(STAGES), option(name="to")] = "report"
    """Last stage."""
    accelerator: Annotated[str, one_of(("auto", "cpu", "gpu"))] = "auto"
    """Where networks are trained."""
    devices: int = 1
    """Number of devices, data parallel."""

    @property
    def is_new(self) -> bool:
        """Whether the folder holds no settings yet."""
        return not (self.run / SETTINGS).is_file()


@dataclass(frozen=True)
class Options:
    stages: StageSettings
    packed: Path | None = None
    """Folder that recipes.embedded.data.prepare has packed; needed for a new run."""
    tables: Path | None = None
    """Folder with train.tsv and dev.tsv; needed for a new run."""
    architecture: Annotated[str, one_of(ARCHITECTURES)] = "resnet34"
    """Architecture of the encoder."""
    loss: Loss = "aam"
    """Loss of the classification."""
    pooling: Annotated[str | None, one_of(POOLINGS)] = None
    """Pooling; none: the architecture's own."""
    dimension: int | None = None
    """Dimension of the embeddings; none: the architecture's own."""
    steps: int | None = None
    """Steps of the first phase; the large-margin phase takes a tenth."""
    crops: int | None = None
    """Crops in a batch."""
    cohort_utterances: int = 5
    """Utterances of a training speaker, for AS-norm."""
    workers: int = 1
    """Processes that draw batches."""
    seed: int = 0
    """Seed of the weights and the batches."""

    def __post_init__(self) -> None:
        if self.stages.is_new and (self.packed is None or self.tables is None):
            raise ArgumentError("a new run needs --packed and --tables")


@command
def main(options: Options) -> None:
    described = options.packed is not None and options.tables is not None
    start(options.stages, (lambda: _settings(options)) if described else None)


def start(stages: StageSettings, make: Callable[[], Settings] | None) -> None:
    """Check the lists of a run, store the settings of a new one, then run its stages.

    Parameters
    ----------
    stages
    make
        Makes the settings that the options describe; None where they describe no data.

    Raises
    ------
    ArgumentError
        If a list is at fault, or the folder holds a run with other settings.
    """
    path = stages.run / SETTINGS
    settings = read_settings(path) if make is None else make()
    if not stages.is_new and (other := _differences(read_settings(path), settings)):
        raise ArgumentError(
            f"{stages.run}: holds a run with other settings ({other}); leave the options out to go "
            "on with it, or name another folder"
        )
    if stages.first in PHASES:
        found = check_data(settings)
        print(f"lists: {found.describe()}", flush=True)
        if found.shared_speakers:
            say(
                f"warning: {found.shared_speakers} speakers of the test are in the training data "
                "too: error rates will be too low"
            )
    if stages.is_new:
        stages.run.mkdir(parents=True, exist_ok=True)
        write_settings(settings, path)
    run_stages(
        stages.run,
        stages.first,
        stages.last,
        accelerator=stages.accelerator,
        devices=stages.devices,
    )


def _differences(stored: Settings, given: Settings) -> str:
    """Names of the settings that differ, but for the processes that draw batches."""
    ours, theirs = asdict(replace(stored, workers=0)), asdict(replace(given, workers=0))
    return ", ".join(name for name in ours if ours[name] != theirs[name])


def _settings(options: Options) -> Settings:
    assert options.tables is not None  # by the options' own check
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
    raise SystemExit(main())
