"""Clusterers and session adaptations by name, for the benchmarks of clustering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from diarspk.clustering import (
    AMI_MIX_HEADSET,
    COMMUNITY_1,
    ICASSP2018,
    AgglomerativeClusterer,
    EigengapClusterer,
    MultiStageClusterer,
    PartitionClusterer,
    SpectralClusterer,
    VBxClusterer,
)
from diarspk.clustering.adaptation import (
    AGGREGATION_ONLY,
    AUTO_ENCODER_ONLY,
    KWON2021,
    UNADAPTED,
    Adaptation,
)
from diarspk.clustering.plda import Plda, read_plda
from diarspk.diarization.defaults import subsegment_vbx
from diarspk.embeddings.reduction import Prefix, PrincipalComponents
from diarspk.errors import ArgumentError, ModelError

__all__ = ["ADAPTATIONS", "CLUSTERERS", "Make", "find_plda", "make_clusterer"]

Make = Callable[[float, Plda | None], PartitionClusterer]
"""Threshold of the agglomerative part, and a PLDA where there is one -> clusterer."""

ADAPTATIONS: dict[str, Adaptation] = {
    "none": UNADAPTED,
    "auto-encoder": AUTO_ENCODER_ONLY,
    "aggregation": AGGREGATION_ONLY,
    "both": KWON2021,
    "trained 20-d": Adaptation(reduction=Prefix(20)),
    "PCA 20-d": Adaptation(reduction=PrincipalComponents(20)),
}


def make_clusterer(name: str, threshold: float, plda: Plda | None = None) -> PartitionClusterer:
    """Clusterer of a name.

    Raises
    ------
    ArgumentError
        If there is none of that name, or it needs a PLDA that is missing.
    """
    if name not in CLUSTERERS:
        raise ArgumentError(f"`clusterers` must be among {', '.join(CLUSTERERS)}, got {name}")
    return CLUSTERERS[name](threshold, plda)


def find_plda(card: Path | None) -> Plda | None:
    """Read the PLDA of a card, or the default one; None where that is missing.

    Raises
    ------
    ModelError
        If the card is given, and cannot be read.
    """
    from diarspk.diarization.defaults import load_plda

    if card is not None:
        return read_plda(card)
    try:
        return load_plda()
    except ModelError:
        return None


def _average(threshold: float) -> AgglomerativeClusterer:
    return AgglomerativeClusterer(threshold)


def _needed(plda: Plda | None) -> Plda:
    if plda is None:
        raise ArgumentError(
            "`plda` must be given with VBx: python -m recipes.plda.train makes one, --plda names it"
        )
    return plda


CLUSTERERS: dict[str, Make] = {
    "average": lambda threshold, _: _average(threshold),
    "centroid": lambda threshold, _: AgglomerativeClusterer(threshold, "centroid"),
    "turn-to-diarize": lambda threshold, _: SpectralClusterer(fallback=_average(threshold)),
    "icassp2018": lambda threshold, _: SpectralClusterer(ICASSP2018, _average(threshold)),
    "nme-sc": lambda threshold, _: EigengapClusterer(fallback=_average(threshold)),
    "multi-stage": lambda threshold, _: MultiStageClusterer(
        SpectralClusterer(fallback=_average(threshold)), _average(threshold)
    ),
    "vbx-gmm": lambda threshold, plda: VBxClusterer(
        _needed(plda), COMMUNITY_1, AgglomerativeClusterer(threshold, "centroid")
    ),
    "vbx-hmm": lambda threshold, plda: VBxClusterer(
        _needed(plda), AMI_MIX_HEADSET, AgglomerativeClusterer(threshold, "centroid")
    ),
    "vbx-default": lambda threshold, plda: subsegment_vbx(_needed(plda), start=_average(threshold)),
}
