"""Segmenters by name or path."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from diarspk.checkpoints.checkpoint import Checkpoint, drop_prefix, read_card, read_checkpoint
from diarspk.encoders.loading import find_card, is_stored_encoder
from diarspk.encoders.pretrained.locations import find_repository, is_hub_name, is_pretrained
from diarspk.errors import ModelError
from diarspk.segmentation.activity import ActivityHead, ActivityHeadConfig
from diarspk.segmentation.pyannet import PyanNetSegmenter
from diarspk.segmentation.segmenter import ActivitySegmenter, Segmenter
from diarspk.segmentation.silero import SileroSegmenter
from diarspk.segmentation.target_speaker_vad import TargetActivityHead

__all__ = ["has_activity_head", "load_segmenter", "shipped_target_head"]


@lru_cache(maxsize=4)
def shipped_target_head(fingerprint: str) -> TargetActivityHead | None:
    """Target activity head that ships for an encoder; None where there is none.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    from diarspk.segmentation.target_speaker_vad import TARGET_HEADS

    return TARGET_HEADS.load_asset(fingerprint)


SILERO = "silero"


PYANNOTE_FILE = "pytorch_model.bin"


FOREIGN_SUFFIXES = {".bin", ".ckpt", ".pt"}


def load_segmenter(name: str | Path | None = None, *, download: bool = False) -> Segmenter:
    """Load what finds the local speakers of a window.

    Parameters
    ----------
    name
        A name or card as for :func:`load_encoder`, for the activity head that was trained with
        that encoder; "silero"; or a segmentation checkpoint of pyannote.audio
        (``pytorch_model.bin``), the folder that holds it, or ``hf:OWNER/NAME@COMMIT`` for such a
        folder on the Hugging Face hub.
    download
        As for :func:`load_encoder`.

    Raises
    ------
    ModelError
        If there is no such model, its files are damaged, or a package that it needs is missing.
    """
    if name == SILERO:
        return SileroSegmenter()
    if is_hub_name(name):
        name = find_repository(str(name), download=download)
    if name is not None and Path(name).is_dir():
        name = Path(name) / PYANNOTE_FILE
    if name is not None and Path(name).suffix in FOREIGN_SUFFIXES:
        from diarspk.segmentation.pyannet_checkpoint import load_pyannet

        return PyanNetSegmenter(load_pyannet(name))
    return load_activity(name)


def has_activity_head(name: str | Path | None) -> bool:
    """Whether a model brings an activity head of its own: those like the embedded one do."""
    if is_hub_name(name) or (name is not None and is_pretrained(Path(name))):
        return False
    try:
        card = read_card(find_card(name))
    except ModelError:
        return True  # loading it will tell what is wrong
    return not is_stored_encoder(card)


def load_activity(name: str | Path | None = None) -> ActivitySegmenter:
    """Load the activity head that was trained with an encoder; see :func:`load_encoder`."""
    return build_activity(read_checkpoint(find_card(name)))


def build_activity(checkpoint: Checkpoint) -> ActivitySegmenter:
    """Build the segmenter of a checkpoint that is read already."""
    head = ActivityHead(ActivityHeadConfig(**checkpoint.section("activity")))
    head.load_state_dict(drop_prefix(checkpoint.tensors, "activity."))
    return ActivitySegmenter(head.requires_grad_(False), trunk=checkpoint.fingerprint)
