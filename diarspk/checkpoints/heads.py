"""Checkpoints of heads: networks trained on the frames of one encoder, and used with it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import fitting_card, read_checkpoint, write_checkpoint
from diarspk.errors import ModelError

__all__ = ["HeadFormat"]

Head = TypeVar("Head", bound=nn.Module)


@dataclass(frozen=True)
class HeadFormat(Generic[Head]):
    """Checkpoint format of one kind of head: float16 safetensors, and a JSON card.

    Attributes
    ----------
    section : str
        Section of the card with the head's dimensions, and folder of such heads in the assets.
    kind : str
        Name of the kind in messages.
    build : callable
        Builds a head from its dimensions, passed as keywords.
    recipe : str
        Module that trains such a head.
    """

    section: str
    kind: str
    build: Callable[..., Head]
    recipe: str

    def write(
        self, card_path: Path, head: Head, *, encoder: str, card: Mapping[str, object]
    ) -> None:
        """Write a head.

        Parameters
        ----------
        card_path
            ``NAME.json``.
        head
            Its attribute ``config`` is a dataclass with its dimensions.
        encoder
            Fingerprint of the encoder on whose frames it was trained.
        card
            Further entries of the card.
        """
        settings: Any = head.config
        complete = {**card, self.section: asdict(settings), "encoder": encoder}
        write_checkpoint(card_path, head.state_dict(), complete)

    def read(self, card_path: Path, encoder: str) -> Head:
        """Read a head that :meth:`write` has written, for the encoder of that fingerprint.

        Raises
        ------
        ModelError
            If a file is missing or damaged, is of another kind, or belongs to another encoder.
        """
        checkpoint = read_checkpoint(card_path)
        settings, trained = checkpoint.card.get(self.section), checkpoint.card.get("encoder")
        if not isinstance(settings, dict):
            raise ModelError(f"{card_path}: has no section '{self.section}'; it is no {self.kind}")
        if trained != encoder:
            raise ModelError(
                f"{card_path}: belongs to the encoder {trained}, not to {encoder}; train one with "
                f"python -m {self.recipe}"
            )
        checkpoint.check_sizes(settings)
        with fitting_card(card_path):
            head = self.build(**settings).eval()
            head.load_state_dict(checkpoint.tensors)
        return head.requires_grad_(False)

    def load_asset(self, encoder: str) -> Head | None:
        """Load the head that the package has for the encoder of that fingerprint.

        Its folder in the assets is named after :attr:`section`. None where there is none.

        Raises
        ------
        ModelError
            If the file is damaged.
        """
        card = asset_folder() / self.section / f"{encoder}.json"
        return self.read(card, encoder) if card.is_file() else None
