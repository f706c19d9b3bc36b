"""Parts of a diarizer by name: presets, models of the catalogue, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diarspk.arguments import check_path
from diarspk.catalogue.presets import find_preset
from diarspk.catalogue.reading import find_entry
from diarspk.checkpoints.assets import EMBEDDED
from diarspk.devices import choose_device
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.loading import load_encoder
from diarspk.errors import ArgumentError
from diarspk.segmentation.loading import has_segmentation_head, load_embedded, load_segmenter
from diarspk.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    import torch

__all__ = ["DiarizerParts", "load_parts"]


@dataclass(frozen=True)
class DiarizerParts:
    """Encoder, segmenter where there is another than the embedded one, and device."""

    encoder: SpeakerEncoder
    segmenter: Segmenter | None
    device: torch.device


def load_parts(
    name: str | Path,
    segmentation: str | Path | None,
    *,
    engine: str,
    device: str | torch.device,
    download: bool,
) -> DiarizerParts:
    """Load what :meth:`diarspk.Diarizer.load` takes by name, which has the errors too."""
    name = check_path(name, "name")
    onnx = isinstance(engine, str) and engine == "onnx"
    if onnx and isinstance(device, str) and device == "auto":
        device = "cpu"
    chosen = choose_device(device)
    if onnx and chosen.type != "cpu":
        raise ArgumentError(f"`device` must be cpu with the engine onnx, got {str(device)!r}")
    if (preset := find_preset(name)) is not None:
        if not download:
            preset.check_downloaded()
        segmentation = segmentation or preset.segmentation
    elif (entry := find_entry(name)) is not None and entry.task == "diarization":
        # Its embeddings, which join the windows, come from the embedded encoder.
        name, segmentation = EMBEDDED, segmentation or entry.name
    encoder: SpeakerEncoder
    segmenter: Segmenter | None = None
    if has_segmentation_head(None if name == EMBEDDED else name):
        encoder, segmenter = load_embedded(None if name == EMBEDDED else name)
    else:
        encoder = load_encoder(name, download=download)
    if segmentation is not None:
        segmenter = load_segmenter(segmentation, download=download)
    if not isinstance(engine, str) or engine != "torch":
        from diarspk.encoders.onnx import with_engine

        encoder = with_engine(encoder, engine)
    return DiarizerParts(encoder, segmenter, chosen)
