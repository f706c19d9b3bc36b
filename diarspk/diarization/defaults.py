"""Defaults: the clusterer, TS-VAD head and calibration that come with an encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

from diarspk.checkpoints.assets import asset_folder, find_asset
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.count_model import UNWEIGHED, CountModel, read_count_model
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.clustering.plda import Plda, read_plda
from diarspk.clustering.plda_clusterer import PldaClusterer
from diarspk.clustering.variational import VBxSettings
from diarspk.clustering.vbx import VBxClusterer
from diarspk.diarization.confidence import UNCALIBRATED, Calibration
from diarspk.diarization.config import DiarizerConfig, LinkingConfig
from diarspk.diarization.space_settings import (
    SUBSEGMENT_VBX,
    SpaceSettings,
    load_space_settings,
)
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.loading import DEFAULT
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.errors import ArgumentError, ModelError
from diarspk.segmentation.loading import load_target_speaker_vad_head
from diarspk.segmentation.target_speaker_vad import TargetSpeakerVadHead

__all__ = [
    "LOCAL_CLUSTERER",
    "VBX_CENTRING",
    "VBX_START",
    "Defaults",
    "build_clusterer",
    "default_config",
    "is_known",
    "load_defaults",
    "load_plda",
    "subsegment_vbx",
    "with_threshold",
]

LOCAL_CLUSTERER = AgglomerativeClusterer(threshold=0.6)
"""Default clusterer of local speakers."""

VBX_START = AgglomerativeClusterer(threshold=SpaceSettings().start)
"""Clusterer that initialises VBx in the space of the embedded encoder."""

VBX_CENTRING = SpaceSettings().centring
"""Share of the mean embedding that is subtracted before, there."""


def is_known(encoder: SpeakerEncoder) -> bool:
    """Whether an embedding space was measured: it is embedded, or was adopted."""
    if isinstance(encoder, LocalEncoder):
        return True
    kinds = ("plda", "sessions")
    return all(find_asset(kind, encoder.fingerprint) is not None for kind in kinds)


def default_config(*, known: bool, settings: SpaceSettings | None = None) -> DiarizerConfig:
    """Choose settings: the usual ones where the embedding space is known, else UNKNOWN_SPACE.

    Parameters
    ----------
    known
        Whether the space has a PLDA, or is that of an embedded encoder.
    settings
        Of the space. Default: those of the embedded encoder.
    """
    if known:
        own = settings or SpaceSettings()
        linking = LinkingConfig(
            known_similarity=own.known_similarity, same_voice_margin=own.same_voice_margin
        )
        return DiarizerConfig(linking=linking)
    from diarspk.diarization.unknown_space import UNKNOWN_SPACE

    return UNKNOWN_SPACE


@dataclass(frozen=True, eq=False)
class Defaults:
    """Parts that belong to the space of one encoder, read once.

    Attributes
    ----------
    clusterer : Clusterer, optional
        For subsegments: VBx where there are few, and otherwise by the likelihood ratio of the
        session PLDA, which also says how sure the number is; None where the encoder lacks a PLDA.
    local_clusterer : Clusterer
        For local speakers.
    settings : SpaceSettings
        Of clustering in the encoder's space.
    vad_head : TargetSpeakerVadHead, optional
        TS-VAD head of the encoder.
    calibration : Calibration
        Calibration of the confidence of turns.
    """

    clusterer: Clusterer | None = None
    local_clusterer: Clusterer = LOCAL_CLUSTERER
    settings: SpaceSettings = field(default_factory=SpaceSettings)
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
    settings = load_space_settings(fingerprint)
    return Defaults(
        clusterer=_load_clusterer(fingerprint, settings),
        local_clusterer=replace(LOCAL_CLUSTERER, threshold=settings.threshold),
        settings=settings,
        vad_head=load_target_speaker_vad_head(trunk or fingerprint),
        calibration=_load_calibration(fingerprint),
    )


def _load_clusterer(fingerprint: str, settings: SpaceSettings) -> Clusterer | None:
    cards = [find_asset(kind, fingerprint) for kind in ("plda", "sessions")]
    plda, session_plda = (None if card is None else read_plda(card) for card in cards)
    if plda is None or session_plda is None:
        return None
    counts = find_asset("counts", fingerprint)
    model = UNWEIGHED if counts is None else read_count_model(counts)
    return build_clusterer(plda, session_plda, settings, model)


def build_clusterer(
    plda: Plda, session_plda: Plda, settings: SpaceSettings, counts: CountModel = UNWEIGHED
) -> CountingClusterer:
    """Build the clusterer of subsegments: VBx for few of them, the session PLDA's for others."""
    start = replace(VBX_START, threshold=settings.start)
    return CountingClusterer(
        subsegment_vbx(plda, settings.vbx, start, settings.centring),
        PldaClusterer(session_plda, settings.session),
        max_short=settings.max_vbx_subsegments,
        counts=counts,
    )


def _load_calibration(fingerprint: str) -> Calibration:
    """Read what ``python -m eval.diarization.confidence --fit --write`` has written."""
    path = find_asset("confidence", fingerprint)
    if path is None:
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
        card = find_asset("plda", read_checkpoint(encoder).fingerprint)
        if card is not None:
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
    names = [one.name for one in fields(settings)] if is_dataclass(settings) else []
    if "threshold" not in names:
        raise ArgumentError(
            f"`threshold` must be left out with a clusterer without one, got {threshold} for "
            f"{type(clusterer).__name__}."
        )
    return cast(Clusterer, replace(settings, threshold=threshold))
