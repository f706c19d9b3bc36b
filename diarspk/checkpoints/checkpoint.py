"""Checkpoints: weights as safetensors, and a JSON card with configuration and SHA-256.

A checkpoint NAME is two files: ``NAME.safetensors``, and ``NAME.json`` with the configuration of
the network, the source of the weights, and the digest that :func:`read_checkpoint` verifies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from diarspk.checkpoints.digest import digest_arrays
from diarspk.errors import ModelError
from diarspk.forking import survive_forks

__all__ = [
    "Checkpoint",
    "drop_prefix",
    "fitting_card",
    "read_card",
    "read_checkpoint",
    "write_checkpoint",
]

MAX_SIZE = 4096
"""Largest number in the dimensions of a network where no tensor has so long a side."""

COUNTS = ("front_pairs", "coarse_pairs", "layers", "blocks", "repeats", "speakers", "simultaneous")
"""Dimensions that count parts of a network, which has no more of them than tensors."""

CARD_REMEDY = "give the card of a model, or reinstall the package if it is one of its own"


@dataclass(frozen=True, repr=False)
class Checkpoint:
    """Tensors of a network and their card.

    Attributes
    ----------
    tensors : dict of str to Tensor
        By state-dict key; floating-point tensors are float32.
    card : dict
        Content of the JSON file.
    path : Path, optional
        That file, which errors name.
    """

    tensors: dict[str, Tensor]
    card: dict[str, object]
    path: Path | None = None

    def __repr__(self) -> str:
        name = self.card.get("name", "")
        return f"Checkpoint({name!r}, {len(self.tensors)} tensors, {self.fingerprint!r})"

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of a SHA-256: of the weights that make embeddings.

        The card names it where the file has other parts, too, as a segmentation head; otherwise it
        is that of the file.
        """
        return str(self.card.get("fingerprint", self.card["sha256"]))[:16]

    @property
    def label(self) -> str:
        """What errors call it: its card, or the model's name."""
        return str(self.card.get("name", "a checkpoint") if self.path is None else self.path)

    def section(self, name: str) -> dict[str, Any]:
        """Section of the card with the dimensions of a network.

        Raises
        ------
        ModelError
            If there is none of this name, or the weights cannot have such dimensions.
        """
        section = self.card.get(name)
        if not isinstance(section, dict):
            raise ModelError(
                f"{self.label}: the card has no section {name!r}, so it is of something else; give "
                "the card of a model of this kind"
            )
        self.check_sizes(section)
        return section

    def check_sizes(self, settings: object, name: str = "") -> None:
        """Refuse dimensions that the weights cannot have, before anything is made of them.

        A damaged card would otherwise ask for a network of terabytes, or of a million layers.

        Raises
        ------
        ModelError
            If a number, or the length of a list, is too large.
        """
        if isinstance(settings, Mapping):
            for key, value in settings.items():
                self.check_sizes(value, str(key))
        elif isinstance(settings, list):
            self._check_size(len(settings), name, len(self.tensors))
            for value in settings:
                self.check_sizes(value, name)
        elif isinstance(settings, int | float):
            sides = (side for tensor in self.tensors.values() for side in tensor.shape)
            limit = len(self.tensors) if name in COUNTS else max(MAX_SIZE, *sides, 0)
            self._check_size(settings, name, limit)

    def _check_size(self, value: float, name: str, limit: int) -> None:
        if not abs(value) <= limit:
            raise ModelError(
                f"{self.label}: the card does not fit the tensors ({name}: {value}, "
                f"where they allow at most {limit}); restore both files"
            )


@contextmanager
def fitting_card(name: object) -> Iterator[None]:
    """Refuse a card that does not describe the tensors beside it; ``name`` is that of the card.

    Whatever a constructor makes of values of a wrong type or size, the fault is the file's.

    Raises
    ------
    ModelError
        In place of any other error.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(
            f"{name}: the card does not fit the tensors ({fault}); restore both files"
        ) from error


def read_card(card_path: Path) -> dict[str, Any]:
    """Read a JSON card alone: enough for a model's settings and its fingerprint.

    Raises
    ------
    ModelError
        If the file is missing, or no JSON object.
    """
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{card_path}: no such file; reinstall the package") from error
    except ValueError as error:
        raise ModelError(f"{card_path}: not JSON ({error}); {CARD_REMEDY}") from error
    if not isinstance(card, dict):
        raise ModelError(f"{card_path}: not a JSON object; {CARD_REMEDY}")
    return card


def read_checkpoint(card_path: Path) -> Checkpoint:
    """Read ``NAME.json`` and the ``NAME.safetensors`` beside it.

    Raises
    ------
    ModelError
        If a file is missing or damaged.
    """
    survive_forks()
    weights_path = card_path.with_suffix(".safetensors")
    card = read_card(card_path)
    try:
        data = weights_path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{weights_path}: no such file; reinstall the package") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.get("sha256"):
        raise ModelError(
            f"{weights_path}: sha256 is {digest}, the card says {card.get('sha256')}; "
            "the file is damaged: reinstall the package"
        )
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_tensors(data).items()
    }
    return Checkpoint(tensors, card, card_path)


def write_checkpoint(
    card_path: Path,
    tensors: Mapping[str, Tensor],
    card: Mapping[str, object],
    *,
    half: bool = True,
    identity: str | None = None,
) -> None:
    """Write a checkpoint, replacing one that exists.

    Parameters
    ----------
    card_path
        ``NAME.json``.
    tensors
        By state-dict key.
    card
        Content of the JSON file; the digest is added.
    half
        Write floating-point tensors as float16.
    identity
        First part of the names of the tensors whose digest is the fingerprint, so that it stays
        when another part changes; none: the fingerprint is of the file.
    """
    written = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in tensors.items()
    }
    data = save_tensors(_apart(written))
    complete = {**card, "sha256": hashlib.sha256(data).hexdigest()}
    if identity is not None:
        own = {name: each.numpy() for name, each in written.items() if name.startswith(identity)}
        complete["fingerprint"] = digest_arrays(own)[:16]
    text = json.dumps(complete, indent=2, ensure_ascii=False) + "\n"
    from diarspk.atomic import atomic_path

    weights_path = card_path.with_suffix(".safetensors")
    # Both are written before either replaces what was there, so that they belong together.
    with atomic_path(weights_path) as weights, atomic_path(card_path) as described:
        weights.write_bytes(data)
        described.write_text(text, encoding="utf-8", newline="\n")


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors that share memory with an earlier one, which safetensors refuses to write."""
    seen: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return apart


def drop_prefix(state: Mapping[str, Any], prefix: str) -> dict[str, Tensor]:
    """Select the tensors whose keys begin with ``prefix``, and drop it from their keys."""
    tensors = ((name, value) for name, value in state.items() if isinstance(value, Tensor))
    return {name[len(prefix) :]: value for name, value in tensors if name.startswith(prefix)}
