"""Final weights of a phase: the mean of its last checkpoints, or a better one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from diarspk.atomic import atomic_path
from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.encoders.architectures.base import Architecture
from eval.report.run_record import write_json
from recipes.training.averaging import average_weights
from recipes.zoo.held_out import HeldOut, validation_error

__all__ = [
    "BEST",
    "FINAL",
    "LAST",
    "VALIDATION",
    "average_checkpoints",
    "keep_better",
    "read_weights",
]

FINAL = "final.ckpt"
LAST = "last.ckpt"
BEST = "best.ckpt"
VALIDATION = "validation.json"


def average_checkpoints(paths: list[Path], target: Path) -> None:
    """Average the weights of checkpoints; what counts steps comes from the last."""
    average: dict[str, Tensor] = {}
    for number, path in enumerate(paths, start=1):
        state = torch.load(path, "cpu", weights_only=True)["state_dict"]
        average = average_weights(state, average, 1 - 1 / number)
    with atomic_path(target) as part:
        torch.save({"state_dict": average}, part)


def keep_better(network: Architecture, held_out: HeldOut, folder: Path) -> None:
    """Replace the mean of the last checkpoints by the best one, if the mean is worse."""
    network = network.cpu()
    errors = {}
    for name in (FINAL, BEST):
        if (folder / name).is_file():
            network.load_state_dict(read_weights(folder / name))
            errors[name] = validation_error(network, held_out)
    kept = min(errors, key=lambda name: (errors[name], name != FINAL))
    if kept != FINAL:
        state = torch.load(folder / kept, "cpu", weights_only=True)["state_dict"]
        with atomic_path(folder / FINAL) as part:
            torch.save({"state_dict": state}, part)
    found = {
        "mean_of_last": errors[FINAL],
        "best": errors.get(BEST),
        "kept": "mean of the last" if kept == FINAL else "best",
        "speakers": len(set(held_out.speakers)),
        "crops": len(held_out.crops),
    }
    write_json(found, folder / VALIDATION)
    print(
        f"held-out speakers: EER {100 * errors[FINAL]:.2f} % of the mean of the last checkpoints, "
        f"{100 * errors.get(BEST, errors[FINAL]):.2f} % of the best; kept: {found['kept']}",
        flush=True,
    )


def read_weights(checkpoint: Path, prefix: str = "network.") -> dict[str, Tensor]:
    """Weights of one part of what was trained, by their names in that part."""
    state = torch.load(checkpoint, "cpu", weights_only=True)["state_dict"]
    return drop_prefix(state, prefix)
