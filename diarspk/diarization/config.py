"""Settings of the diarizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from diarspk.clustering import Clusterer, EigengapClusterer
from diarspk.diarization.confidence import Calibration
from diarspk.diarization.linking import LinkingConfig
from diarspk.diarization.reconstruction import StitchingConfig
from diarspk.diarization.resegmentation import Resegmentation
from diarspk.diarization.spurious_speakers import GhostPolicy

__all__ = ["UNKNOWN_SPACE", "DiarizerConfig"]


@dataclass(frozen=True)
class DiarizerConfig:
    """Settings of the pipeline, chosen once on the development conversations.

    Attributes
    ----------
    clusterer : Clusterer, optional
        Without it subsegments are clustered by VBx where a PLDA ships for the encoder, and
        otherwise local speakers by :data:`diarspk.diarization.defaults.LOCAL_CLUSTERER`.
    units : {"auto", "local", "subsegments"}
        What is clustered: local speakers, each window's own, or subsegments of a second and a
        half, after which local speakers join the nearest speaker. ``auto`` means local speakers
        where a clusterer is given. Local speakers are clustered also where the caller knows
        pairs of spans, and where `linking` has a cluster of non-speech.
    reliable_s : float
        Local speakers with less speech are not clustered, but join those who are.
    target_activity : bool
        Whether the target activity head that ships for the encoder, if there is one, corrects who
        talks when; see :mod:`diarspk.diarization.target_speaker_vad`.
    calibration : Calibration, optional
        Of the confidence of turns; the one that ships for the encoder where it is left out.
    """

    clusterer: Clusterer | None = None
    units: Literal["auto", "local", "subsegments"] = "auto"
    reliable_s: float = 3.0
    stitching: StitchingConfig = field(default_factory=StitchingConfig)
    linking: LinkingConfig = field(default_factory=LinkingConfig)
    resegmentation: Resegmentation | None = field(default_factory=Resegmentation)
    target_activity: bool = True
    ghosts: GhostPolicy = field(default_factory=GhostPolicy)
    calibration: Calibration | None = None


UNKNOWN_SPACE = DiarizerConfig(clusterer=EigengapClusterer())
"""Settings for encoders whose embedding space nobody has measured.

A threshold on a cosine belongs to one embedding space: 0.6 is that of the embedded encoder, and
the same number merges everybody in one foreign space and nobody in another. NME-SC compares ranks
within the recording only, so it needs none. It is weak where a single person speaks. Who has
conversations of known speakers does better with a threshold chosen on those:
``DiarizerConfig(clusterer=AgglomerativeClusterer(threshold=...))``.
"""
