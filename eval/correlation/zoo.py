"""Networks of ``recipes.zoo`` at small budgets, trained where a study needs them.

The recipes stand above this package and are not imported: each training is a command of its own.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from diarspk.errors import ModelError

__all__ = ["train_network"]

ROOT = Path(__file__).parents[2]
SPEAKERS = 300
"""Training speakers whose recordings are unpacked; nearest to what the cost table trains on."""
CROPS = 16
NEEDED = ("lightning", "lhotse")


def train_network(source: str, speech: Path, folder: Path) -> Path:
    """Train ``ARCHITECTURE/STEPS`` on speech of 300 training speakers; the path of the model.

    A training that was interrupted goes on, and what has been trained is kept.

    Raises
    ------
    ModelError
        If the packages for training are missing, or a command fails.
    """
    architecture, _, steps = source.partition("/")
    speech, folder = speech.absolute(), folder.absolute()  # the commands run in the checkout
    run = folder / f"{architecture}-{steps}"
    model = run / "model.json"
    if model.is_file():
        return model
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ModelError(f"training needs {' and '.join(missing)}: pip install -e '.[train]'")
    cuts = folder / "cuts"
    if not (cuts / "test.jsonl.gz").is_file():  # written last
        options = ["--data", str(speech), "--output", str(cuts), "--speakers", str(SPEAKERS)]
        _run("recipes.zoo.cuts", *options, log=folder / "cuts.log")
    _run(
        *("recipes.zoo.run", str(run), "--manifests", str(cuts), "--architecture", architecture),
        *("--steps", steps, "--crops", str(CROPS), "--workers", "0", "--cohort-utterances", "1"),
        *("--accelerator", "cpu", "--to", "average"),
        log=folder / f"{run.name}.log",
    )
    return model


def _run(*words: str, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT
        )
    if done.returncode:
        raise ModelError(f"{words[0]} failed; what it said is in {log}")
