"""The stages of a run, in order; each reads what the one before has left in the run's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from diarspk.encoders.stored import write_encoder
from diarspk.errors import ArgumentError, DiarspkError
from recipes.zoo import evaluation
from recipes.zoo.settings import Settings, read_settings
from recipes.zoo.training import FINAL, build_network, input_features, read_weights

__all__ = ["SETTINGS", "STAGES", "choose_stages", "run_stages"]

SETTINGS = "settings.json"
PHASES = ("train", "large-margin")


def choose_stages(stages: Iterable[str], first: str, last: str) -> list[str]:
    """Names of the stages from one to another.

    Raises
    ------
    ArgumentError
        If there is no such stage, or the last comes before the first.
    """
    names = list(stages)
    for name in (first, last):
        if name not in names:
            raise ArgumentError(f"`stage` must be one of {', '.join(names)}, got {name!r}")
    chosen = names[names.index(first) : names.index(last) + 1]
    if not chosen:
        raise ArgumentError(f"`to` must not come before from={first}, got {last}")
    return chosen


def run_stages(run: Path, first: str, last: str, *, accelerator: str, devices: int) -> None:
    """Run the stages from one to another; errors are those of :func:`choose_stages`."""
    chosen = choose_stages(STAGES, first, last)
    settings = read_settings(run / SETTINGS)
    for name in chosen:
        print(f"stage: {name}", flush=True)
        if name in PHASES:
            _train(run, name, accelerator, devices)
        else:
            STAGES[name](settings, run)


def _train(run: Path, phase: str, accelerator: str, devices: int) -> None:
    """Train in a process of its own: data parallel starts that command once per device."""
    options = ["--accelerator", accelerator, "--devices", str(devices)]
    command = [sys.executable, "-m", "recipes.zoo.train", str(run), phase, *options]
    if subprocess.run(command, env=dict(os.environ)).returncode:
        raise DiarspkError(f"{run}: {phase} failed; the messages are above")


def average(settings: Settings, run: Path) -> None:
    """Write the averaged weights of the last phase that was trained as a checkpoint of diarspk."""
    folders = [run / phase for phase in PHASES if (run / phase / FINAL).is_file()]
    if not folders:
        raise ArgumentError(f"`run` must have been trained, got {run} without {FINAL}")
    network = build_network(settings).eval()
    network.load_state_dict(read_weights(folders[-1] / FINAL))
    write_encoder(
        run / evaluation.MODEL,
        network,
        settings.architecture,
        pooling=settings.pooling,
        features=input_features(settings),
        about={"recipe": "recipes/zoo", "phase": folders[-1].name},
    )


def _nothing(settings: Settings, run: Path) -> None:
    """Training phases run as commands of their own."""


STAGES: Mapping[str, Callable[[Settings, Path], None]] = {
    "train": _nothing,
    "large-margin": _nothing,
    "average": average,
    "embeddings": evaluation.embed,
    "scoring": evaluation.score,
    "normalization": evaluation.normalize,
    "calibration": evaluation.calibrate,
    "report": evaluation.report,
}
"""Name to what is done."""
