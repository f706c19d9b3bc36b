"""Alignments by name, and alignments on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from diarspk.arguments import check_path, check_type
from diarspk.checkpoints.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, ModelError
from diarspk.verification.alignment.alignment import Alignment
from diarspk.verification.alignment.baselines import LinearAlignment, LogitAlignment
from diarspk.verification.alignment.neural import JointAlignment, MlpAlignment
from diarspk.verification.alignment.training import MlpConfig, TrainingConfig

__all__ = ["METHODS", "make_alignment", "read_alignment", "write_alignment"]

KIND = "alignment"

CLASSES: dict[str, Callable[..., Alignment]] = {
    kind.method: kind for kind in (MlpAlignment, JointAlignment, LogitAlignment, LinearAlignment)
}

CONTRASTIVE = TrainingConfig(loss="both")

METHODS: dict[str, Callable[[Space, Space], Alignment]] = {
    "m1": partial(MlpAlignment, toward="enrolment"),
    "m2": partial(MlpAlignment, toward="runtime"),
    "m1-contrastive": partial(MlpAlignment, toward="enrolment", training=CONTRASTIVE),
    "m2-contrastive": partial(MlpAlignment, toward="runtime", training=CONTRASTIVE),
    "m3": partial(JointAlignment, reference="runtime"),
    "m3-enrolment": partial(JointAlignment, reference="enrolment"),
    "logits": LogitAlignment,
    "logits-centred": partial(LogitAlignment, centred=True),
    "procrustes-m1": partial(LinearAlignment, toward="enrolment", kind="procrustes"),
    "procrustes-m2": partial(LinearAlignment, toward="runtime", kind="procrustes"),
    "least-squares-m1": partial(LinearAlignment, toward="enrolment", kind="least_squares"),
    "least-squares-m2": partial(LinearAlignment, toward="runtime", kind="least_squares"),
}
"""Alignments by name: ``...-m1`` maps the run-time space into the enrolment space, ``...-m2`` the
reverse; the new space of ``m3`` is regularized towards the run-time space, that of ``m3-enrolment``
towards the other."""


def make_alignment(method: str, enrolment: Space, runtime: Space) -> Alignment:
    """Create an alignment, to be fitted, by name.

    Raises
    ------
    ArgumentError
        If there is no such method.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise ArgumentError(f"`method` must be among {', '.join(METHODS)}, got {method!r}")
    check_type(enrolment, "enrolment", Space)
    check_type(runtime, "runtime", Space)
    return METHODS[method](enrolment, runtime)


def write_alignment(alignment: Alignment, path: str | Path) -> None:
    """Write a fitted alignment: a JSON card at ``path``, with safetensors beside it.

    Raises
    ------
    ArgumentError
        It has not been fitted, or the path has no name.
    """
    check_type(alignment, "alignment", Alignment)
    if not alignment.fitted:
        raise ArgumentError("`alignment` must be fitted before it is written; call `fit`")
    card_path = _card_path(path)
    tensors = {name: torch.from_numpy(array) for name, array in alignment.arrays().items()}
    card = {
        "kind": KIND,
        "method": alignment.method,
        "settings": alignment.settings(),
        "enrolment": asdict(alignment.enrolment),
        "runtime": asdict(alignment.runtime),
        "output": asdict(alignment.output),
    }
    write_checkpoint(card_path, tensors, card, half=False)


def read_alignment(path: str | Path) -> Alignment:
    """Read an alignment written by :func:`write_alignment`, by the path of either file.

    Raises
    ------
    ModelError
        A file is missing or damaged, or is no alignment.
    """
    card_path = _card_path(path)
    checkpoint = read_checkpoint(card_path)
    try:
        return _rebuild(checkpoint)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{card_path}: not an alignment ({error}); fit it again") from error


def _card_path(path: str | Path) -> Path:
    checked = Path(check_path(path, "path"))
    if not checked.name:
        raise ArgumentError(f"`path` must be a file, got {str(path)!r}")
    return checked.with_suffix(".json")


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
