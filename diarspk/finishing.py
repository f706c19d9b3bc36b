"""From a session to a result: link, stitch, name. Takes some seconds an hour, and no audio."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from diarspk.clustering import Clusterer
from diarspk.confidence import Calibration, speaker_margins
from diarspk.diarization import Assignment, Diarization
from diarspk.errors import ModelError
from diarspk.ghosts import find_ghosts
from diarspk.knowledge import NOTHING_KNOWN, Knowledge
from diarspk.linking import (
    UNBOUNDED,
    Linking,
    SpeakerBounds,
    link,
    link_by_subsegments,
    rejoin,
)
from diarspk.segmentation.local_speakers import LocalSpeakers
from diarspk.session import Session
from diarspk.shipped import (
    LOCAL_CLUSTERER,
    shipped_confidence,
    shipped_target_head,
    shipped_vbx,
)
from diarspk.stitching import (
    Activity,
    Turn,
    binarize,
    exclusive_activity,
    find_turns,
    keep_everyone,
    speaker_activity,
)
from diarspk.targets import TargetActivity

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.diarizer import DiarizerConfig

__all__ = ["assemble", "finish", "link_session"]

Labels = NDArray[np.int64]
Names = dict[int, str]


def finish(
    session: Session,
    config: DiarizerConfig,
    bounds: SpeakerBounds = UNBOUNDED,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> Diarization:
    """Cluster and stitch what one pass over a recording has found.

    Raises
    ------
    ArgumentError
        If the bounds contradict each other, or the knowledge does not fit the recording.
    ModelError
        If the clusterer has a PLDA of another encoder.
    """
    _check_space(session, config)
    linking = link_session(session, config, bounds, knowledge)
    names = _known_names(session.local, linking.labels, knowledge, config)
    known, scores = names.values(), linking.count_scores
    result = assemble(session, config, linking.labels, names, scores, known)
    if not config.ghosts.absorb or not result.ghosts:
        return result
    spare = max(len(result.speakers) - bounds.needed, 0)
    labels_of = {name: label for label, name in result.assignment.names.items()}
    dropped = np.array([labels_of[name] for name in result.ghosts[:spare]], np.int64)
    labels = rejoin(session.local, linking.labels, dropped)
    return assemble(session, config, labels, names, scores, known)


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


def assemble(
    session: Session,
    config: DiarizerConfig,
    labels: Labels,
    names: Names,
    count_scores: Mapping[int, float],
    known: Collection[str] = (),
) -> Diarization:
    """Stitch labelled local speakers into a result.

    Parameters
    ----------
    labels : NDArray, shape (windows, speakers)
        -1 for nobody.
    names : dict of int to str
        Of some labels; the others become SPEAKER_00, SPEAKER_01, ... by first appearance.
    known : collection of str
        Names that are no ghosts, however short.
    """
    local, settings = session.local, config.stitching
    speakers = int(labels.max(initial=-1)) + 1
    centroids = [local.centroid(labels == speaker) for speaker in range(speakers)]
    activity = speaker_activity(local, labels, speakers)
    if speakers:
        activity = _correct(activity, session, config, np.stack(centroids))
    active = keep_everyone(binarize(activity, settings), activity)
    alone = exclusive_activity(active, activity)
    hop, duration = local.hop, session.duration
    turns = find_turns(active, activity, settings, hop=hop, duration=duration)
    single = find_turns(alone, activity, settings, hop=hop, duration=duration, bridge=False)
    named = _complete_names(turns, names)
    annotation = _annotation(turns, named, session.uri)
    calibration = config.calibration or shipped_confidence(session.fingerprint)
    confidence = _confidence(turns, local, labels, calibration)
    return Diarization(
        annotation=annotation,
        exclusive=_annotation(single, named, session.uri),
        speakers={name: centroids[speaker] for speaker, name in named.items()},
        fingerprint=session.fingerprint,
        confidence={
            (segment, track): float(confidence[int(track)])
            for segment, track in annotation.itertracks()
        },
        duration=duration,
        count_scores=dict(count_scores),
        ghosts=find_ghosts(annotation, config.ghosts, known),
        assignment=Assignment(labels, named),
        session=session,
        config=config,
    )


def _correct(
    activity: Activity, session: Session, config: DiarizerConfig, directions: NDArray[np.float32]
) -> Activity:
    """Activity ``(frames, speakers)`` by whose voice each frame has."""
    local = session.local
    if config.resegmentation is not None:
        activity = config.resegmentation(activity, local, directions)
    head = shipped_target_head(session.fingerprint) if config.target_activity else None
    if head is None or local.evidence is None:
        return activity
    return TargetActivity(head, precision=session.precision)(activity, local, directions)


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


def _complete_names(turns: list[Turn], names: Names) -> Names:
    """Names of all who have a turn, in order of first appearance."""
    taken = set(names.values())
    numbered = (f"SPEAKER_{number:02d}" for number in count())
    free = (name for name in numbered if name not in taken)
    order = dict.fromkeys(turn.speaker for turn in turns)
    return {speaker: names[speaker] if speaker in names else next(free) for speaker in order}


def _confidence(
    turns: list[Turn], local: LocalSpeakers, labels: Labels, calibration: Calibration
) -> NDArray[np.float64]:
    """Calibrated confidence of turns, ``(turns,)``."""
    activity = np.array([turn.confidence for turn in turns], np.float64)
    margin = np.zeros(len(turns))
    if calibration.margin and turns:
        frames = speaker_margins(local, labels, int(labels.max()) + 1)
        for number, turn in enumerate(turns):
            first = round(turn.start / local.hop)
            last = max(round(turn.end / local.hop), first + 1)
            margin[number] = frames[first:last, turn.speaker].mean()
    return calibration(activity, margin)


def _annotation(turns: list[Turn], names: Names, uri: str) -> Annotation:
    from pyannote.core import Annotation, Segment

    annotation = Annotation(uri=uri)
    for track, turn in enumerate(turns):
        if turn.speaker in names:
            annotation[Segment(turn.start, turn.end), track] = names[turn.speaker]
    return annotation
