"""Train on VoxCeleb, or any corpus with lhotse manifests, with WeSpeaker's published settings.

    python -m recipes.voxceleb.run RUN --train train.jsonl.gz --noise musan.jsonl.gz \
        --rooms rirs.jsonl.gz --test test.jsonl.gz --trials veri_test2.txt --architecture resnet34

Manifests are of cuts (``CutSet``) with one supervision each. The list of trials may name the test
cuts as VoxCeleb publishes them, ``id10270/x6uYqmx31kE/00001.wav``, or by lhotse's ids. Stages and
resuming are those of ``recipes.zoo.run``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from diarspk.errors import ArgumentError
from eval.command_line import command
from recipes.zoo.manifests import read_cuts
from recipes.zoo.options import (
    FrontEndOptions,
    NetworkOptions,
    StageSettings,
    ValidationOptions,
)
from recipes.zoo.run import start
from recipes.zoo.settings import DataSettings, Phase, Settings

__all__ = ["LARGE_MARGIN", "TRAIN", "main"]

EPOCHS, LARGE_MARGIN_EPOCHS = 150, 5

TRAIN = Phase(
    steps=1,  # from the number of cuts, below
    frames_per_crop=200,
    crops=256,
    optimizer="sgd",
    learning_rate=0.1,
    final_learning_rate=5e-5,
    weight_decay=1e-4,
    margin=0.2,
    margin_from=20 / EPOCHS,
    margin_to=40 / EPOCHS,
    keep=10,
    altered_speed=2 / 3,
)
"""WeSpeaker: 150 epochs, six of them to warm up, the margin between epochs 20 and 40, the mean of
ten checkpoints. The size of the batch, the momentum and the weight decay are ours to choose."""

LARGE_MARGIN = replace(
    TRAIN,
    frames_per_crop=600,
    crops=64,
    learning_rate=1e-4,
    final_learning_rate=2.5e-5,
    margin=0.5,
    initial_margin=0.5,
    keep=1,
    altered_speed=0.0,
)
"""WeSpeaker: five epochs of six seconds."""


@dataclass(frozen=True)
class Options:
    stages: StageSettings
    network: NetworkOptions
    front_end: FrontEndOptions
    validation: ValidationOptions
    train: str = ""
    """Manifest of the training cuts; needed for a new run."""
    noise: str = ""
    """Manifest of noise."""
    rooms: str = ""
    """Manifest of impulse responses."""
    test: str = ""
    """Manifest of the test cuts; needed for a new run."""
    trials: str = ""
    """List of trials, as published or by ids; none: all pairs of the test cuts."""
    epochs: float = EPOCHS
    """Epochs of the first phase."""
    crops: int = TRAIN.crops
    """Crops in a batch, on each device."""
    large_margin_crops: int | None = None
    """Crops in a batch of the large-margin phase; none: a quarter."""

    def __post_init__(self) -> None:
        if self.stages.is_new and not self.describes_data:
            raise ArgumentError("a new run needs --train and --test")

    @property
    def describes_data(self) -> bool:
        """Whether the options say what is trained on."""
        return bool(self.train and self.test)


@command
def main(options: Options) -> None:
    start(options.stages, (lambda: _settings(options)) if options.describes_data else None)


def _settings(options: Options) -> Settings:
    cuts, processes = len(read_cuts(options.train)), options.stages.processes
    crops = options.crops
    epoch = cuts / (crops * processes)
    steps = max(round(options.epochs * epoch), 1)
    train = replace(
        TRAIN,
        steps=steps,
        crops=crops,
        warmup_steps=max(round(6 / EPOCHS * steps), 1),
        keep_every=max(round(epoch), 1),
    )
    large_crops = options.large_margin_crops or max(crops // 4, 1)
    large_epoch = cuts / (large_crops * processes)
    large = replace(
        LARGE_MARGIN,
        steps=max(round(LARGE_MARGIN_EPOCHS * options.epochs / EPOCHS * large_epoch), 1),
        crops=large_crops,
        warmup_steps=1,
        keep_every=max(round(large_epoch), 1),
    )
    data = DataSettings(
        "lhotse",
        options.train,
        noise=options.noise,
        rooms=options.rooms,
        test=options.test,
        trials=options.trials,
    )
    settings = Settings(options.network.architecture, data, train, large, scale=32.0)
    for part in (options.network, options.front_end, options.validation):
        settings = part.apply(settings)
    return settings


if __name__ == "__main__":
    raise SystemExit(main())
