"""The stages of a run, in order; each reads what the one before has left in the run's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from diarspk.cli.terminal import say
from diarspk.encoders.stored import write_encoder
from diarspk.errors import ArgumentError, DiarspkError
from recipes.zoo import evaluation
from recipes.zoo.final_weights import FINAL, read_weights
from recipes.zoo.network import build_network, input_features
from recipes.zoo.settings import Settings, read_settings

__all__ = ["PHASES", "SETTINGS", "STAGES", "choose_stages", "last_trained", "run_stages"]

SETTINGS = "settings.json"
PHASES = ("train", "tune", "large-margin")


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


def run_stages(
    run: Path, first: str, last: str, *, accelerator: str, devices: int, nodes: int = 1
) -> None:
    """Run the stages from one to another; errors are those of :func:`choose_stages`.

    Where several processes were started, on several machines or by a launcher, the first alone
    runs the stages after training.
    """
    chosen = choose_stages(STAGES, first, last)
    settings = read_settings(run / SETTINGS)
    for name in chosen:
        if name in PHASES and name not in settings.phases:
            continue
        if name not in PHASES and process_number():
            say(f"process {process_number()} has trained; the first process goes on alone")
            return
        print(f"stage: {name}", flush=True)
        if name in PHASES:
            _train(run, name, accelerator, devices, nodes)
        else:
            STAGES[name](settings, run)


def process_number() -> int:
    """Tell the number of this process among those that a launcher or a person has started."""
    numbers = (os.environ.get(name) for name in ("RANK", "SLURM_PROCID", "NODE_RANK"))
    return next((int(number) for number in numbers if number), 0)


def last_trained(run: Path, before: str | None = None) -> Path | None:
    """Find the final weights of the last phase that was trained, or of the last before another."""
    names = PHASES if before is None else PHASES[: PHASES.index(before)]
    found = [run / name / FINAL for name in names if (run / name / FINAL).is_file()]
    return found[-1] if found else None


def _train(run: Path, phase: str, accelerator: str, devices: int, nodes: int) -> None:
    """Train in a process of its own: data parallel starts that command once per device."""
    options = ["--accelerator", accelerator, "--devices", str(devices), "--nodes", str(nodes)]
    command = [sys.executable, "-m", "recipes.zoo.train", str(run), phase, *options]
    if subprocess.run(command, env=dict(os.environ)).returncode:
        raise DiarspkError(f"{run}: {phase} failed; the messages are above")


def average(settings: Settings, run: Path) -> None:
    """Write the final weights of the last phase that was trained as a checkpoint of diarspk."""
    weights = last_trained(run)
    if weights is None:
        raise ArgumentError(f"`run` must have been trained, got {run} without {FINAL}")
    network = build_network(settings).eval()
    network.load_state_dict(read_weights(weights))
    write_encoder(
        run / evaluation.MODEL,
        network,
        settings.architecture,
        pooling=settings.pooling,
        features=input_features(settings),
        about={"recipe": "recipes/zoo", "phase": weights.parent.name},
    )


def _nothing(settings: Settings, run: Path) -> None:
    """Training phases run as commands of their own."""


STAGES: Mapping[str, Callable[[Settings, Path], None]] = {
    "train": _nothing,
    "tune": _nothing,
    "large-margin": _nothing,
    "average": average,
    "embeddings": evaluation.embed,
    "scoring": evaluation.score,
    "normalization": evaluation.normalize,
    "calibration": evaluation.calibrate,
    "quality": evaluation.measure_quality,
    "report": evaluation.report,
}
"""Name to what is done."""
