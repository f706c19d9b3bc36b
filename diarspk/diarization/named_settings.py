"""Settings of the diarizer by name: clusterers, adaptations, files, thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from diarspk.arguments import check_number
from diarspk.checkpoints.assets import find_asset
from diarspk.clustering.adaptation import AGGREGATION_ONLY, AUTO_ENCODER_ONLY, KWON2021, UNADAPTED
from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.eigengap import EigengapClusterer
from diarspk.clustering.plda import Plda, read_plda
from diarspk.clustering.plda_clusterer import PldaClusterer
from diarspk.clustering.spectral import MultiStageClusterer, SpectralClusterer
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.config_file import read_config
from diarspk.diarization.defaults import (
    LOCAL_CLUSTERER,
    default_config,
    is_known,
    subsegment_vbx,
    with_threshold,
)
from diarspk.diarization.reconstruction import Boundaries
from diarspk.diarization.space_settings import load_space_settings
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError, ModelError

__all__ = [
    "ADAPTATIONS",
    "CLUSTERER_NAMES",
    "choose_settings",
    "with_adaptation",
    "with_boundaries",
    "with_clusterer",
]

LOCAL: dict[str, Callable[[], Clusterer]] = {
    "agglomerative": lambda: LOCAL_CLUSTERER,
    "eigengap": EigengapClusterer,
    "multi-stage": MultiStageClusterer,
    "spectral": SpectralClusterer,
}
"""Clusterers of local speakers."""

SUBSEGMENTS: dict[str, tuple[str, Callable[[Plda], Clusterer]]] = {
    "plda": ("sessions", PldaClusterer),
    "vbx": ("plda", subsegment_vbx),
}
"""Clusterers of subsegments, with the folder of the PLDA that they read."""

CLUSTERER_NAMES = tuple(sorted((*LOCAL, *SUBSEGMENTS)))
"""Names of clusterers."""

ADAPTATIONS = {
    "attention": AGGREGATION_ONLY,
    "autoencoder": AUTO_ENCODER_ONLY,
    "kwon2021": KWON2021,
    "none": UNADAPTED,
}
"""Adaptations of the embeddings to the recording, by name."""


def with_clusterer(config: DiarizerConfig, name: str, fingerprint: str) -> DiarizerConfig:
    """Return settings with a clusterer, and with the units that it is made for.

    Parameters
    ----------
    config : DiarizerConfig
    name : str
        One of `CLUSTERER_NAMES`.
    fingerprint : str
        The encoder's, for clusterers that read a PLDA.

    Raises
    ------
    ArgumentError
        If there is no such clusterer.
    ModelError
        If it reads a PLDA and the encoder has none.
    """
    if name in LOCAL:
        return replace(config, clusterer=LOCAL[name](), units="local")
    if name not in SUBSEGMENTS:
        raise ArgumentError(
            f"`clusterer` must be one of {', '.join(CLUSTERER_NAMES)}, got {name!r}"
        )
    folder, make = SUBSEGMENTS[name]
    card = find_asset(folder, fingerprint)
    if card is None:
        raise ModelError(
            f"encoder {fingerprint} has no PLDA, which the clusterer {name} reads; choose "
            f"{', '.join(LOCAL)}"
        )
    return replace(config, clusterer=make(read_plda(card)), units="subsegments")


def with_adaptation(config: DiarizerConfig, name: str) -> DiarizerConfig:
    """Return settings with an adaptation.

    Raises
    ------
    ArgumentError
        If there is no such adaptation.
    """
    if name not in ADAPTATIONS:
        raise ArgumentError(f"`adaptation` must be one of {', '.join(ADAPTATIONS)}, got {name!r}")
    return replace(config, linking=replace(config.linking, adaptation=ADAPTATIONS[name]))


def with_boundaries(config: DiarizerConfig, name: Boundaries) -> DiarizerConfig:
    """Return settings with other boundaries of turns.

    Raises
    ------
    ArgumentError
        If there are none of that name, or the settings have a `reconstruction` of their own.
    """
    if config.reconstruction is not None:
        raise ArgumentError(
            f"`boundaries` must be left out with settings that have `reconstruction`, got {name!r}"
            "; take that out of the settings, or leave `boundaries` out"
        )
    return replace(config, boundaries=name)


def choose_settings(
    config: DiarizerConfig | str | Path | None,
    encoder: SpeakerEncoder,
    *,
    clusterer: str | None,
    adaptation: str | None,
    threshold: float | None,
    boundaries: Boundaries | None = None,
) -> DiarizerConfig | None:
    """Choose the settings of a diarizer by what :meth:`diarspk.Diarizer.load` takes.

    Returns
    -------
    DiarizerConfig or None
        None where nothing is given: then the encoder has its own.

    Raises
    ------
    ArgumentError
        If a name is unknown, a threshold goes to a clusterer that has none, or boundaries to
        settings that say how turns are made.
    FormatError
        If a file of settings cannot be read.
    ModelError
        If a clusterer reads a PLDA and the encoder has none.
    """
    if isinstance(config, str | Path):
        config = read_config(config)
    if all(one is None for one in (config, clusterer, adaptation, threshold, boundaries)):
        return None
    space = load_space_settings(encoder.fingerprint)
    usual = default_config(known=is_known(encoder), settings=space)
    chosen = usual if config is None else config
    if clusterer is not None:
        chosen = with_clusterer(chosen, clusterer, encoder.fingerprint)
    if adaptation is not None:
        chosen = with_adaptation(chosen, adaptation)
    if boundaries is not None:
        chosen = with_boundaries(chosen, boundaries)
    if threshold is None:
        return chosen
    threshold = check_number(threshold, "threshold", minimum=0.0)
    if clusterer is None and config is None:
        chosen = replace(chosen, clusterer=LOCAL_CLUSTERER)
    return replace(chosen, clusterer=with_threshold(chosen.clusterer or LOCAL_CLUSTERER, threshold))
