"""Default clusterers and calibrations, those that ship for an encoder among them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.clustering import AgglomerativeClusterer, VBxClusterer, VBxSettings
from diarspk.clustering.plda import Plda, read_plda
from diarspk.diarization.confidence import UNCALIBRATED, Calibration
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import ModelError

__all__ = [
    "LOCAL_CLUSTERER",
    "SUBSEGMENT_VBX",
    "VBX_CENTRING",
    "VBX_START",
    "load_plda",
    "shipped_confidence",
    "shipped_plda",
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
    """VBx for subsegments, which also starts from the labels that local speakers suggest."""
    return VBxClusterer(plda, settings, start, use_initial_labels=True, centring=centring)


@lru_cache(maxsize=4)
def shipped_confidence(fingerprint: str) -> Calibration:
    """Calibration of the confidence of turns that ships for an encoder, or none at all.

    ``python -m eval.diarization.confidence --fit --write`` has written it.
    """
    path = asset_folder() / "confidence" / f"{fingerprint}.json"
    if not path.is_file():
        return UNCALIBRATED
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(stored["activity"], stored["margin"], stored["bias"])


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


def load_plda(name: str | Path | None = None) -> Plda:
    """Load the PLDA of an encoder, for :class:`diarspk.clustering.VBxClusterer`.

    Parameters
    ----------
    name
        That of the encoder, or the path of the PLDA's JSON card; the embedded default where it is
        left out.

    Raises
    ------
    ModelError
        If there is none, or its files are damaged.
    """
    from diarspk.diarization.defaults import shipped_plda

    name = DEFAULT if name is None else name
    encoder = asset_folder() / f"{name}.json"
    if encoder.is_file():
        shipped = shipped_plda(read_checkpoint(encoder).fingerprint)
        if shipped is not None:
            return shipped
    elif Path(name).is_file():
        return read_plda(Path(name))
    raise ModelError(f"{name}: has no PLDA; python -m recipes.plda.train makes one")
