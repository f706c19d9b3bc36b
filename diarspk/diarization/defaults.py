"""Defaults: the clusterer, TS-VAD head and calibration that come with an encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.by_length import ByLengthClusterer
from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.plda import Plda, read_plda
from diarspk.clustering.plda_clusterer import PldaClusterer
from diarspk.clustering.variational import VBxSettings
from diarspk.clustering.vbx import VBxClusterer
from diarspk.diarization.confidence import UNCALIBRATED, Calibration
from diarspk.diarization.config import DiarizerConfig
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import ArgumentError, ModelError
from diarspk.segmentation.loading import load_target_speaker_vad_head
from diarspk.segmentation.target_speaker_vad import TargetSpeakerVadHead

__all__ = [
    "LOCAL_CLUSTERER",
    "MAX_VBX_SUBSEGMENTS",
    "SUBSEGMENT_VBX",
    "VBX_CENTRING",
    "VBX_START",
    "Defaults",
    "default_config",
    "load_defaults",
    "load_plda",
    "subsegment_vbx",
    "with_threshold",
]

LOCAL_CLUSTERER = AgglomerativeClusterer(threshold=0.6)
"""Default clusterer of local speakers."""

SUBSEGMENT_VBX = VBxSettings(0.4, 11.0, 0.9, iterations=12, growth=1 / 3)
"""Settings of VBx on subsegments of 1.5 s, 0.48 s apart, with the embedded PLDA."""

VBX_START = AgglomerativeClusterer(threshold=0.8)
"""Clusterer that initialises VBx there."""

VBX_CENTRING = 0.5
"""Share of the mean embedding that is subtracted before."""

MAX_VBX_SUBSEGMENTS = 80
"""Maximum number of subsegments that VBx clusters: those of 40 s of speech."""


def default_config(*, known: bool) -> DiarizerConfig:
    """Choose settings: the usual ones where the embedding space is known, else UNKNOWN_SPACE."""
    if known:
        return DiarizerConfig()
    from diarspk.diarization.unknown_space import UNKNOWN_SPACE

    return UNKNOWN_SPACE


@dataclass(frozen=True, eq=False)
class Defaults:
    """Parts that belong to the space of one encoder, read once.

    Attributes
    ----------
    clusterer : Clusterer, optional
        For subsegments: VBx where there are few, and otherwise by the likelihood ratio of the
        session PLDA; None where the encoder lacks a PLDA.
    vad_head : TargetSpeakerVadHead, optional
        TS-VAD head of the encoder.
    calibration : Calibration
        Calibration of the confidence of turns.
    """

    clusterer: Clusterer | None = None
    vad_head: TargetSpeakerVadHead | None = None
    calibration: Calibration = UNCALIBRATED


def load_defaults(fingerprint: str, trunk: str | None = None) -> Defaults:
    """Load the parts of an encoder from the assets; an unknown fingerprint has none.

    Parameters
    ----------
    fingerprint
        Of the encoder.
    trunk
        Of the trunk, to which the TS-VAD head belongs. Default: the encoder is the trunk.

    Raises
    ------
    ModelError
        If a file is damaged.
    """
    return Defaults(
        clusterer=_load_clusterer(fingerprint),
        vad_head=load_target_speaker_vad_head(trunk or fingerprint),
        calibration=_load_calibration(fingerprint),
    )


def _load_clusterer(fingerprint: str) -> Clusterer | None:
    cards = [asset_folder() / kind / f"{fingerprint}.json" for kind in ("plda", "sessions")]
    if not all(card.is_file() for card in cards):
        return None
    plda, session_plda = map(read_plda, cards)
    return ByLengthClusterer(
        subsegment_vbx(plda), PldaClusterer(session_plda), max_short=MAX_VBX_SUBSEGMENTS
    )


def _load_calibration(fingerprint: str) -> Calibration:
    """Read what ``python -m eval.diarization.confidence --fit --write`` has written."""
    path = asset_folder() / "confidence" / f"{fingerprint}.json"
    if not path.is_file():
        return UNCALIBRATED
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(stored["activity"], stored["margin"], stored["bias"])


def load_plda(name: str | Path | None = None) -> Plda:
    """Load the PLDA of an encoder, for :class:`diarspk.clustering.VBxClusterer`.

    Parameters
    ----------
    name
        Name of the encoder, or path of the PLDA's JSON card. Default: the embedded encoder.

    Raises
    ------
    ModelError
        If there is none, or its files are damaged.
    """
    name = DEFAULT if name is None else name
    encoder = asset_folder() / f"{name}.json"
    if encoder.is_file():
        card = asset_folder() / "plda" / f"{read_checkpoint(encoder).fingerprint}.json"
        if card.is_file():
            return read_plda(card)
    elif Path(name).is_file():
        return read_plda(Path(name))
    raise ModelError(f"{name}: has no PLDA; python -m recipes.plda.train makes one")


def subsegment_vbx(
    plda: Plda,
    settings: VBxSettings = SUBSEGMENT_VBX,
    start: AgglomerativeClusterer = VBX_START,
    centring: float = VBX_CENTRING,
) -> VBxClusterer:
    """VBx for subsegments, which also starts from the labels that local speakers suggest."""
    return VBxClusterer(plda, settings, start, use_initial_labels=True, centring=centring)


def with_threshold(clusterer: Clusterer, threshold: float) -> Clusterer:
    """Return the same clusterer with another threshold.

    Raises
    ------
    ArgumentError
        If it has none.
    """
    settings: Any = clusterer
    names = [field.name for field in fields(settings)] if is_dataclass(settings) else []
    if "threshold" not in names:
        raise ArgumentError(
            f"`threshold` must be left out with a clusterer without one, got {threshold} for "
            f"{type(clusterer).__name__}."
        )
    return cast(Clusterer, replace(settings, threshold=threshold))
