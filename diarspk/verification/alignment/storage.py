"""Alignments on disk: ``NAME.json`` with both fingerprints and ``NAME.safetensors`` beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from diarspk.checkpoints.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.alignment.alignment import Alignment
from diarspk.verification.alignment.linear import LinearAlignment
from diarspk.verification.alignment.logits import LogitAlignment
from diarspk.verification.alignment.networks import MlpConfig
from diarspk.verification.alignment.neural import JointAlignment, MlpAlignment
from diarspk.verification.alignment.training import TrainingConfig

__all__ = ["read_alignment", "write_alignment"]

KIND = "alignment"

CLASSES: dict[str, Callable[..., Alignment]] = {
    kind.method: kind for kind in (MlpAlignment, JointAlignment, LogitAlignment, LinearAlignment)
}


def write_alignment(alignment: Alignment, path: Path) -> None:
    """Write a fitted alignment; ``path`` is that of the JSON card."""
    tensors = {name: torch.from_numpy(array) for name, array in alignment.arrays().items()}
    card = {
        "kind": KIND,
        "method": alignment.method,
        "settings": alignment.settings(),
        "enrolment": asdict(alignment.enrolment),
        "runtime": asdict(alignment.runtime),
        "output": asdict(alignment.output),
    }
    write_checkpoint(path.with_suffix(".json"), tensors, card, half=False)


def read_alignment(path: Path) -> Alignment:
    """Read what :func:`write_alignment` wrote; the suffix may be either of the two.

    Raises
    ------
    ModelError
        If a file is missing or damaged, or holds something else.
    """
    card_path = path.with_suffix(".json")
    checkpoint = read_checkpoint(card_path)
    try:
        return _rebuild(checkpoint)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{card_path}: not an alignment ({error}); fit it again") from error


def _rebuild(checkpoint: Checkpoint) -> Alignment:
    card: Mapping[str, Any] = checkpoint.card
    if card.get("kind") != KIND:
        raise ValueError(f"its kind is {card.get('kind')!r}")
    settings = dict(card["settings"])
    if "network" in settings:
        network = dict(settings["network"])
        network["hidden"] = tuple(network["hidden"])
        settings["network"] = MlpConfig(**network)
        settings["training"] = TrainingConfig(**settings["training"])
    spaces = Space(**card["enrolment"]), Space(**card["runtime"])
    alignment = CLASSES[card["method"]](*spaces, **settings)
    alignment.restore({name: tensor.numpy() for name, tensor in checkpoint.tensors.items()})
    return alignment
