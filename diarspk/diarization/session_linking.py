"""Which speaker every local speaker of a session is, by whichever clusterer the settings mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.constraints import NOTHING_KNOWN, Knowledge
from diarspk.diarization.defaults import LOCAL_CLUSTERER, shipped_vbx
from diarspk.diarization.first_pass import LocalSpeakers
from diarspk.diarization.linking import Linking, link, link_by_subsegments
from diarspk.diarization.session import Session
from diarspk.errors import ModelError

__all__ = ["link_session"]


Labels = NDArray[np.int64]


Names = dict[int, str]


def link_session(
    session: Session,
    config: DiarizerConfig,
    bounds: SpeakerBounds = UNBOUNDED,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> Linking:
    """Say who every local speaker is, by whichever clusterer the settings mean."""
    clusterer = _subsegment_clusterer(session, config)
    fitting = config.linking.non_speech is None and not knowledge.has_pairs
    if clusterer is not None and fitting:
        found = link_by_subsegments(
            session.local, clusterer, bounds, config=config.linking, knowledge=knowledge
        )
        if found is not None:
            return found
    return link(
        session.local,
        config.clusterer or LOCAL_CLUSTERER,
        bounds,
        reliable_s=config.reliable_s,
        config=config.linking,
        knowledge=knowledge,
        non_speech=session.non_speech,
    )


def _subsegment_clusterer(session: Session, config: DiarizerConfig) -> Clusterer | None:
    if config.units == "local" or (config.units == "auto" and config.clusterer is not None):
        return None
    return config.clusterer or shipped_vbx(session.fingerprint)


def _check_space(session: Session, config: DiarizerConfig) -> None:
    plda = getattr(config.clusterer, "plda", None)
    fingerprint = "" if plda is None else str(plda.fingerprint)
    if fingerprint not in ("", session.fingerprint):
        raise ModelError(
            f"the clusterer's PLDA is of the encoder {fingerprint}, the embeddings are of "
            f"{session.fingerprint}; fit one to this encoder: python -m recipes.plda.train"
        )


def _known_names(
    local: LocalSpeakers, labels: Labels, knowledge: Knowledge, config: DiarizerConfig
) -> Names:
    """Names of the speakers who are most like the known ones, each name once."""
    spoken = labels >= 0
    if not knowledge.known_speakers or not spoken.any():
        return {}
    anchors = knowledge.directions(local.embeddings.shape[2])
    speakers = np.unique(labels[spoken])
    centres = np.stack([local.centroid(labels == speaker) for speaker in speakers])
    cosines = centres @ anchors.T
    people = list(knowledge.known_speakers)
    return {
        int(speakers[row]): people[column]
        for row, column in zip(*linear_sum_assignment(-cosines), strict=True)
        if cosines[row, column] >= config.linking.known_similarity
    }
