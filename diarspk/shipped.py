"""Clusterers and calibrations that are used where the caller has named none."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from diarspk.clustering import AgglomerativeClusterer, VBxClusterer, VBxSettings
from diarspk.confidence import UNCALIBRATED, Calibration
from diarspk.packaged import asset_folder
from diarspk.plda import Plda, read_plda

if TYPE_CHECKING:
    from diarspk.encoders.frame_head import FrameHead
    from diarspk.head_cards import Head, HeadFormat
    from diarspk.segmentation.target_activity import TargetActivityHead

__all__ = [
    "LOCAL_CLUSTERER",
    "SUBSEGMENT_VBX",
    "VBX_CENTRING",
    "VBX_START",
    "shipped_confidence",
    "shipped_frame_head",
    "shipped_plda",
    "shipped_target_head",
    "shipped_vbx",
    "subsegment_vbx",
]

LOCAL_CLUSTERER = AgglomerativeClusterer(threshold=0.6)
"""For local speakers."""

SUBSEGMENT_VBX = VBxSettings(0.4, 11.0, 0.9, iterations=12, growth=1 / 3)
"""For subsegments of 1.5 s, 0.48 s apart, with the embedded encoder's PLDA."""

VBX_START = AgglomerativeClusterer(threshold=0.8)
"""What VBx starts from there."""

VBX_CENTRING = 0.5
"""Share of the mean embedding that is taken off before."""


def subsegment_vbx(
    plda: Plda,
    settings: VBxSettings = SUBSEGMENT_VBX,
    start: AgglomerativeClusterer = VBX_START,
    centring: float = VBX_CENTRING,
) -> VBxClusterer:
    """VBx for subsegments, which starts from what local speakers propose, too."""
    return VBxClusterer(plda, settings, start, proposals=True, centring=centring)


@lru_cache(maxsize=4)
def shipped_confidence(fingerprint: str) -> Calibration:
    """Calibration of the confidence of turns that ships for an encoder, or none at all.

    ``python -m eval.confidence --fit --write`` has written it.
    """
    path = asset_folder() / "confidence" / f"{fingerprint}.json"
    if not path.is_file():
        return UNCALIBRATED
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(stored["activity"], stored["margin"], stored["bias"])


def shipped_frame_head(fingerprint: str) -> FrameHead | None:
    """Frame head that ships for an encoder; None where there is none.

    It is a file of its own: the space of embeddings is the same with it and without.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    from diarspk.encoders.frame_head import FRAME_HEADS

    return _shipped_head(FRAME_HEADS, fingerprint)


@lru_cache(maxsize=4)
def shipped_target_head(fingerprint: str) -> TargetActivityHead | None:
    """Target activity head that ships for an encoder; None where there is none.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    from diarspk.segmentation.target_activity import TARGET_HEADS

    return _shipped_head(TARGET_HEADS, fingerprint)


def _shipped_head(heads: HeadFormat[Head], fingerprint: str) -> Head | None:
    """Head of one kind, which lies in a folder named after its section of the card."""
    card = asset_folder() / heads.section / f"{fingerprint}.json"
    return heads.read(card, fingerprint) if card.is_file() else None


@lru_cache(maxsize=4)
def shipped_plda(fingerprint: str) -> Plda | None:
    """PLDA that ships for an encoder; None where there is none.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    card = asset_folder() / "plda" / f"{fingerprint}.json"
    return read_plda(card) if card.is_file() else None


def shipped_vbx(fingerprint: str) -> VBxClusterer | None:
    """VBx with the PLDA that ships for an encoder; see :func:`shipped_plda`."""
    plda = shipped_plda(fingerprint)
    return None if plda is None else subsegment_vbx(plda)
