"""Segmenters and their heads by name or path."""

from __future__ import annotations

import json
from pathlib import Path

from diarspk.arguments import check_path
from diarspk.checkpoints.checkpoint import (
    Checkpoint,
    drop_prefix,
    fitting_card,
    read_card,
    read_checkpoint,
)
from diarspk.encoders.loading import build_local_encoder, find_card, is_stored_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.errors import ModelError
from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig
from diarspk.segmentation.segmenter import EmbeddedSegmenter, Segmenter
from diarspk.segmentation.target_speaker_vad import TARGET_SPEAKER_VAD_HEADS, TargetSpeakerVadHead

__all__ = [
    "build_embedded_segmenter",
    "has_segmentation_head",
    "load_embedded",
    "load_embedded_segmenter",
    "load_segmenter",
    "load_target_speaker_vad_head",
]

SILERO = "silero"
PYANNOTE_FILE = "pytorch_model.bin"
PYANNOTE_SUFFIXES = {".bin", ".ckpt", ".pt"}


def load_segmenter(name: str | Path | None = None, *, download: bool = False) -> Segmenter:
    """Load a segmenter.

    Parameters
    ----------
    name
        A name or card as for :func:`load_encoder`, for the segmentation head that was trained with
        that encoder; "silero"; a segmentation of the catalogue (``diarspk models``); a segmentation
        checkpoint of pyannote.audio (``pytorch_model.bin``); or the folder of one, or of a Nemotron
        3 Diarization, or ``hf:OWNER/NAME@COMMIT`` for such a folder on the Hugging Face hub.
    download
        As for :func:`load_encoder`.

    Raises
    ------
    ModelError
        If there is no such model, its files are damaged, or a package that it needs is missing.
    ArgumentError
        If `name` can be neither a name nor a path.
    """
    if name is not None:
        name = check_path(name, "name")
    if name == SILERO:
        from diarspk.segmentation.silero import SileroSegmenter

        return SileroSegmenter()
    if name is not None:
        from diarspk.catalogue.reading import find_entry
        from diarspk.catalogue.repositories import find_repository, is_hub_name

        if (entry := find_entry(name)) is not None:
            from diarspk.segmentation.catalogued import load_catalogued_segmenter

            return load_catalogued_segmenter(entry, download=download)
        if is_hub_name(name):
            name = find_repository(str(name), download=download)
        if Path(name).is_dir():
            if _is_nemotron(Path(name)):
                from diarspk.segmentation.nemotron import load_nemotron

                return load_nemotron(Path(name))
            name = Path(name) / PYANNOTE_FILE
        if Path(name).suffix in PYANNOTE_SUFFIXES:
            from diarspk.segmentation.pyannet import PyanNetSegmenter
            from diarspk.segmentation.pyannet_checkpoint import load_pyannet

            return PyanNetSegmenter(load_pyannet(name))
    try:
        card = find_card(name)
    except ModelError as error:
        raise ModelError(
            f"`segmentation` must be {SILERO!r}, or the name or path of a model, got {name}"
        ) from error
    return build_embedded_segmenter(read_checkpoint(card))


def _is_nemotron(folder: Path) -> bool:
    """Whether a folder holds a Nemotron 3 Diarization, by its configuration."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "nemotron3_diarization"


def load_embedded(name: str | Path | None = None) -> tuple[LocalEncoder, EmbeddedSegmenter]:
    """Load an encoder and the segmentation head that was trained with it, reading the file once.

    Raises
    ------
    ModelError
        If there is no such model, or its files are damaged.
    """
    checkpoint = read_checkpoint(find_card(name))
    return build_local_encoder(checkpoint), build_embedded_segmenter(checkpoint)


def load_embedded_segmenter(name: str | Path | None = None) -> EmbeddedSegmenter:
    """Load the segmentation head that was trained with an encoder; see :func:`load_encoder`."""
    return build_embedded_segmenter(read_checkpoint(find_card(name)))


def build_embedded_segmenter(checkpoint: Checkpoint) -> EmbeddedSegmenter:
    """Build the segmenter of a checkpoint that is read already.

    Raises
    ------
    ModelError
        If the checkpoint has no segmentation head, or its card does not fit the tensors.
    """
    # "activity" is what the head is called in files.
    settings = checkpoint.section("activity")
    with fitting_card(checkpoint.label):
        head = SegmentationHead(SegmentationHeadConfig(**settings))
        head.load_state_dict(drop_prefix(checkpoint.tensors, "activity."))
    return EmbeddedSegmenter(head.requires_grad_(False), trunk=checkpoint.fingerprint)


def has_segmentation_head(name: str | Path | None) -> bool:
    """Whether a model comes with a segmentation head of its own, as the embedded one does."""
    if name is not None:
        from diarspk.catalogue.presets import find_preset
        from diarspk.catalogue.reading import find_entry
        from diarspk.catalogue.repositories import is_hub_name
        from diarspk.encoders.pretrained.locations import is_pretrained

        if find_preset(name) is not None or find_entry(name) is not None:
            return False
        if is_hub_name(name) or is_pretrained(Path(name)):
            return False
    try:
        card = read_card(find_card(name))
    except ModelError:
        return True  # loading it will tell what is wrong
    return not is_stored_encoder(card)


def load_target_speaker_vad_head(fingerprint: str) -> TargetSpeakerVadHead | None:
    """Load the TS-VAD head of an encoder from the assets; None where there is none.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    return TARGET_SPEAKER_VAD_HEADS.load_asset(fingerprint)
