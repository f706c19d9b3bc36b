"""Files of the heads that are trained over an encoder after it, and belong to it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint, write_checkpoint
from diarspk.errors import ModelError

__all__ = ["HeadFormat"]

Head = TypeVar("Head", bound=nn.Module)


@dataclass(frozen=True)
class HeadFormat(Generic[Head]):
    """How one kind of head is stored: ``NAME.safetensors`` in half precision, and its JSON card.

    Attributes
    ----------
    section : str
        Of the card, with the head's dimensions.
    kind : str
        What such a head is called in messages.
    build : callable
        Makes a head of its dimensions.
    recipe : str
        The module that trains one.
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
            With its dimensions as ``config``, a dataclass.
        encoder
            Fingerprint of the encoder over whose trunk it was trained.
        card
            What else is to be known of the head.
        """
        settings: Any = head.config
        complete = {**card, self.section: asdict(settings), "encoder": encoder}
        write_checkpoint(card_path, head.state_dict(), complete)

    def read(self, card_path: Path, encoder: str) -> Head:
        """Read what :meth:`write` has written, for the encoder of that fingerprint.

        Raises
        ------
        ModelError
            If a file is missing or damaged, holds something else, or belongs to another encoder.
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
        try:
            head = self.build(**settings).eval()
            head.load_state_dict(checkpoint.tensors)
        except (TypeError, RuntimeError) as error:
            fault = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{card_path}: the card does not fit the tensors ({fault}); restore both files"
            ) from error
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
