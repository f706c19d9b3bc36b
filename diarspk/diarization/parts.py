"""Parts of a diarizer: those that are given are checked, and the others loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from diarspk.devices import choose_device
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import Defaults, load_defaults
from diarspk.diarization.local_speakers import FirstPassModels
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.fused import FusedEncoder
from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision, choose_precision
from diarspk.errors import ArgumentError
from diarspk.segmentation.loading import load_embedded, load_embedded_segmenter
from diarspk.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    import torch

__all__ = ["check_parts", "complete_models"]


def check_parts(config: object, encoder: object, segmentation: object) -> None:
    """Refuse names, which :meth:`diarspk.Diarizer.load` finds, and objects of another kind.

    Raises
    ------
    ArgumentError
        With the argument and what it must be.
    """
    kinds = {
        "config": (config, isinstance(config, DiarizerConfig), "a DiarizerConfig"),
        "encoder": (encoder, isinstance(encoder, SpeakerEncoder), "a SpeakerEncoder"),
        "segmentation": (segmentation, hasattr(segmentation, "segment"), "a segmenter"),
    }
    for argument, (part, fits, kind) in kinds.items():
        if isinstance(part, str | Path):
            raise ArgumentError(
                f"`{argument}` must not be a name, got {str(part)!r}; "
                "Diarizer.load finds models by name"
            )
        if part is not None and not fits:
            raise ArgumentError(f"`{argument}` must be {kind}, got {type(part).__name__}")


def complete_models(
    encoder: SpeakerEncoder | None,
    segmenter: Segmenter | None,
    *,
    precision: Precision,
    device: str | torch.device,
) -> tuple[FirstPassModels, Defaults]:
    """Complete an encoder and a segmenter, or none, with the embedded ones, all on one device.

    Parameters
    ----------
    encoder, segmenter, precision, device
        As for :class:`diarspk.Diarizer`.

    Returns
    -------
    FirstPassModels
        Networks of the first pass.
    Defaults
        Parts of later steps that come with the encoder.

    Raises
    ------
    ArgumentError
        If there is no such device.
    ModelError
        If a file of the package is damaged.
    """
    own = encoder is None or isinstance(encoder, LocalEncoder)
    if isinstance(encoder, LocalEncoder | FusedEncoder):
        trunk = encoder if isinstance(encoder, LocalEncoder) else encoder.trunk
        segmenter = segmenter or load_embedded_segmenter()
    elif segmenter is None:
        trunk, segmenter = load_embedded()
    else:
        trunk = load_encoder()
    stays = encoder is not None and device == "auto"
    chosen = encoder.device if encoder is not None and stays else choose_device(device)
    embedding = encoder or trunk
    defaults = load_defaults(embedding.fingerprint, trunk.fingerprint)
    parts: list[Any] = [trunk, embedding, segmenter, defaults.vad_head]
    for part in parts:
        if hasattr(part, "to"):  # a segmenter may have no network of PyTorch
            part.to(chosen)
    models = FirstPassModels(
        trunk=trunk,
        segmenter=segmenter,
        encoder=None if own else encoder,
        vad_head=defaults.vad_head,
        precision=choose_precision(precision, chosen),
    )
    return models, defaults
