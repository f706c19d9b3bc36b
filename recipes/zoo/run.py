"""Train any architecture with any loss and front end, and report what it can do.

    python -m recipes.embedded.data.prepare --data ../shared --output PACKED
    python -m recipes.zoo.run RUN --packed PACKED --tables ../shared/speech \
        --architecture resnet34 --loss aam --steps 3000

    python -m recipes.zoo.cuts --data ../shared/speech --output CUTS
    python -m recipes.zoo.run RUN --manifests CUTS --architecture ecapa-espnet-c1024 \
        --front-end wavlm_local=wavlm_large.pt --steps 3000 --tune-steps 1000

Stages: train, tune, large-margin, average, embeddings, scoring, normalization, calibration,
quality, report. ``--from`` and ``--to`` choose some; a training stage that was interrupted goes on
where it was. ``--limit 10`` is a dry run, which ends in a report within minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError
from eval.command_line import command
from recipes.zoo.checks import check_crops, check_data
from recipes.zoo.dry_run import limit_settings
from recipes.zoo.network import build_network
from recipes.zoo.options import (
    FrontEndOptions,
    NetworkOptions,
    StageSettings,
    ValidationOptions,
)
from recipes.zoo.settings import Budget, DataSettings, Settings, read_settings, write_settings
from recipes.zoo.stages import PHASES, SETTINGS, run_stages

__all__ = ["main", "start"]


@dataclass(frozen=True)
class Options:
    stages: StageSettings
    network: NetworkOptions
    front_end: FrontEndOptions
    validation: ValidationOptions
    packed: Path | None = None
    """Folder that recipes.embedded.data.prepare has packed; a new run needs it, or manifests."""
    tables: Path | None = None
    """Folder with train.tsv and dev.tsv, beside --packed."""
    manifests: Path | None = None
    """Folder that recipes.zoo.cuts has written, for networks that read the waveform."""
    steps: int | None = None
    """Steps of the first phase; the large-margin phase takes a tenth."""
    crops: int | None = None
    """Crops in a batch."""
    cohort_utterances: int = 5
    """Utterances of a training speaker, for AS-norm."""

    def __post_init__(self) -> None:
        if self.stages.is_new and not self.describes_data:
            raise ArgumentError("a new run needs --packed and --tables, or --manifests")
        if self.packed is not None and self.manifests is not None:
            raise ArgumentError("--packed and --manifests exclude each other")

    @property
    def describes_data(self) -> bool:
        """Whether the options say what is trained on."""
        return self.manifests is not None or not (self.packed is None or self.tables is None)


@command
def main(options: Options) -> None:
    start(options.stages, (lambda: _settings(options)) if options.describes_data else None)


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
    if make is not None or stages.first in PHASES:
        settings = _check(settings, stages, limited=make is not None)
    if make is not None:
        if not stages.is_new and (other := _differences(read_settings(path), settings)):
            raise ArgumentError(
                f"{stages.run}: holds a run with other settings ({other}); leave the options out "
                "to go on with it, or name another folder"
            )
        stages.run.mkdir(parents=True, exist_ok=True)
        write_settings(settings, path)
    run_stages(
        stages.run,
        stages.first,
        stages.last,
        accelerator=stages.accelerator,
        devices=stages.devices,
        nodes=stages.nodes,
    )


def _check(settings: Settings, stages: StageSettings, *, limited: bool) -> Settings:
    """Check the parts and lists of a run, and limit its settings where a dry run is wanted."""
    found = check_data(settings, tested=stages.is_tested)
    build_network(settings)  # raises where the parts do not fit each other
    if limited and stages.limit is not None:
        settings = limit_settings(
            settings, stages.limit, speakers=found.speakers, accelerator=stages.accelerator
        )
    check_crops(settings, found)
    print(f"lists: {found.describe()}", flush=True)
    if found.shared_speakers:
        say(
            f"warning: {found.shared_speakers} speakers of the test are in the training data too: "
            "error rates will be too low"
        )
    if settings.limit is not None:
        say(
            f"dry run: {settings.limit} steps of each phase, {settings.train.crops} crops in a "
            "batch, a small test; the figures mean nothing"
        )
    return settings


def _differences(stored: Settings, given: Settings) -> str:
    """Names of the settings that differ, but for the processes that draw batches."""
    ours, theirs = asdict(replace(stored, workers=0)), asdict(replace(given, workers=0))
    return ", ".join(name for name in ours if ours[name] != theirs[name])


def _settings(options: Options) -> Settings:
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
    settings = Settings(
        options.network.architecture,
        _data(options),
        train,
        large,
        cohort_utterances=options.cohort_utterances,
    )
    for part in (options.network, options.front_end, options.validation):
        settings = part.apply(settings)
    return settings


def _data(options: Options) -> DataSettings:
    if options.manifests is not None:
        paths = (str(options.manifests / f"{part}.jsonl.gz") for part in ("train", "test"))
        train, test = paths
        noise = options.manifests / "noise.jsonl.gz"
        return DataSettings("lhotse", train, noise=str(noise) if noise.is_file() else "", test=test)
    assert options.tables is not None  # by the options' own check
    return DataSettings(
        "packed",
        str(options.packed),
        speakers=str(options.tables / "train.tsv"),
        test_speakers=str(options.tables / "dev.tsv"),
    )


if __name__ == "__main__":
    raise SystemExit(main())
