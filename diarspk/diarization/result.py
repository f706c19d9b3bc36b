"""The result of a diarization, and what can be done with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.diarization.confidence import Calibration, speaker_margins
from diarspk.diarization.constraints import NOTHING_KNOWN, Knowledge
from diarspk.diarization.defaults import LOCAL_CLUSTERER, shipped_confidence
from diarspk.diarization.first_pass import LocalSpeakers
from diarspk.diarization.linking import rejoin
from diarspk.diarization.reconstruction import (
    Activity,
    Turn,
    binarize,
    exclusive_activity,
    find_turns,
    keep_everyone,
    speaker_activity,
)
from diarspk.diarization.session_linking import (
    Labels,
    Names,
    _check_space,
    _known_names,
    link_session,
)
from diarspk.diarization.spurious_speakers import find_ghosts
from diarspk.diarization.target_speaker_vad import TargetActivity
from diarspk.errors import ArgumentError
from diarspk.segmentation.loading import shipped_target_head

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

    from diarspk.diarization.config import DiarizerConfig
    from diarspk.diarization.constraints import SpanPair
    from diarspk.diarization.session import Session

__all__ = [
    "Assignment",
    "Diarization",
    "assemble",
    "finish",
    "merge",
    "recluster",
    "rename",
    "split",
]


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which speaker every local speaker of a session is.

    Attributes
    ----------
    labels : NDArray of int64, shape (windows, speakers)
        -1 for those who do not talk.
    names : dict of int to str
        Of the labels that have a turn.
    """

    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    names: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Diarization:
    """Who spoke when.

    Operations return new results and leave this one as it is.

    Attributes
    ----------
    annotation : pyannote.core.Annotation
        Turns by speaker, overlapping where several people talk at once.
    exclusive : pyannote.core.Annotation
        The same with at most one speaker at a time, as transcripts want it.
    speakers : dict of str to ndarray
        A unit vector ``(dim,)`` for each speaker, in the space of the encoder.
    fingerprint : str
        The encoder's: vectors of another fingerprint do not compare.
    confidence : dict of (Segment, track) to float
        How sure each turn of ``annotation`` is, in [0, 1]; see
        :class:`diarspk.diarization.confidence.Calibration`.
    duration : float
        Seconds of the recording.
    count_scores : dict of int to float
        How much speaks for each number of speakers, together 1; see
        :class:`diarspk.clustering.Clustering`.
    ghosts : tuple of str
        Speakers with too little speech to be trusted; see
        :class:`diarspk.diarization.spurious_speakers.GhostPolicy`.
    session, assignment, config
        What the operations need: the pass over the recording, who is who in it, and the settings.
        Results that were not made from audio have none.
    """

    annotation: Annotation
    exclusive: Annotation
    speakers: dict[str, NDArray[np.float32]]
    fingerprint: str
    confidence: dict[tuple[Segment, str | int], float]
    duration: float
    count_scores: dict[int, float] = field(default_factory=dict)
    ghosts: tuple[str, ...] = ()
    assignment: Assignment = field(default_factory=Assignment)
    session: Session | None = None
    config: DiarizerConfig | None = None

    @property
    def uri(self) -> str:
        """Name of the recording."""
        return str(self.annotation.uri)

    def recluster(
        self,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        threshold: float | None = None,
        known_speakers: Mapping[str, ArrayLike] | None = None,
        same_speaker: Sequence[SpanPair] = (),
        different_speakers: Sequence[SpanPair] = (),
        config: DiarizerConfig | None = None,
    ) -> Diarization:
        """Cluster and stitch again from the same pass over the recording.

        Parameters
        ----------
        num_speakers, min_speakers, max_speakers, known_speakers, same_speaker, different_speakers
            See :meth:`diarspk.Diarizer.__call__`. More speakers than the pass has told apart
            cannot be had.
        threshold
            Of the clusterer, if it has one.
        config
            Settings; those of this result where it is left out.

        Raises
        ------
        ArgumentError
            If there is no pass to start from, or the arguments contradict each other.
        """
        from diarspk.diarization.constraints import Knowledge
        from diarspk.diarization.result import recluster

        bounds = SpeakerBounds(num_speakers, min_speakers, max_speakers)
        knowledge = Knowledge(known_speakers or {}, same_speaker, different_speakers)
        return recluster(self, bounds, knowledge, threshold=threshold, config=config)

    def rename(self, names: Mapping[str, str]) -> Diarization:
        """Rename speakers: new names by old ones; those who are not mentioned keep theirs.

        Raises
        ------
        ArgumentError
            If there is no such speaker, or two would have one name (merge them instead).
        """
        from diarspk.diarization.result import rename

        return rename(self, names)

    def merge(self, speakers: Sequence[str], name: str | None = None) -> Diarization:
        """Make one speaker of several.

        Parameters
        ----------
        speakers
            Two or more.
        name
            Of the one; that of the first where it is left out.

        Raises
        ------
        ArgumentError
            If there is no such speaker, or no pass to start from.
        """
        from diarspk.diarization.result import merge

        return merge(self, speakers, name)

    def split(self, speaker: str, count: int = 2) -> Diarization:
        """Make several speakers of one, by clustering its speech alone.

        The one who talks most keeps the name.

        Raises
        ------
        ArgumentError
            If there is no such speaker, it has not so many parts, or no pass to start from.
        """
        from diarspk.diarization.result import split

        return split(self, speaker, count)

    def write(self, path: str | Path) -> None:
        """Write the turns; the suffix names the format (.rttm, .json, .csv, .srt, .vtt, ...).

        Raises
        ------
        ArgumentError
            If the suffix is not one of a known format.
        """
        from diarspk.formats import save_annotation

        save_annotation(self.annotation, path, confidence=self.confidence)


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


def recluster(
    result: Diarization,
    bounds: SpeakerBounds,
    knowledge: Knowledge,
    *,
    threshold: float | None = None,
    config: DiarizerConfig | None = None,
) -> Diarization:
    """See :meth:`diarspk.Diarization.recluster`."""
    session, settings = _material(result)
    settings = config or settings
    if threshold is not None:
        clusterer = with_threshold(settings.clusterer or LOCAL_CLUSTERER, threshold)
        settings = replace(settings, clusterer=clusterer)
    return finish(session, settings, bounds, knowledge)


def with_threshold(clusterer: Clusterer, threshold: float) -> Clusterer:
    """Give the same clusterer another threshold.

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


def rename(result: Diarization, names: Mapping[str, str]) -> Diarization:
    """See :meth:`diarspk.Diarization.rename`."""
    _check_speakers(result, list(names))
    final = {speaker: names.get(speaker, speaker) for speaker in result.speakers}
    repeated = [name for name, times in Counter(final.values()).items() if times > 1]
    if repeated:
        raise ArgumentError(
            f"`names` must not give two speakers one name, got {repeated[0]!r} twice; "
            "merge them instead."
        )
    labels = {label: final[name] for label, name in result.assignment.names.items()}
    return replace(
        result,
        annotation=result.annotation.rename_labels(final),
        exclusive=result.exclusive.rename_labels(final),
        speakers={final[name]: vector for name, vector in result.speakers.items()},
        ghosts=tuple(final[name] for name in result.ghosts),
        assignment=Assignment(result.assignment.labels, labels),
    )


def merge(result: Diarization, speakers: Sequence[str], name: str | None = None) -> Diarization:
    """See :meth:`diarspk.Diarization.merge`."""
    session, config = _material(result)
    _check_speakers(result, speakers)
    if len(set(speakers)) < 2:
        raise ArgumentError(f"`speakers` must be two or more, got {list(speakers)}.")
    name = speakers[0] if name is None else name
    if name in result.speakers and name not in speakers:
        raise ArgumentError(f"`name` must not be that of another speaker, got {name!r}.")
    labels_of = {spoken: label for label, spoken in result.assignment.names.items()}
    merged = [labels_of[speaker] for speaker in speakers]
    labels = result.assignment.labels
    labels = np.where(np.isin(labels, merged), merged[0], labels)
    names = {
        label: spoken for label, spoken in result.assignment.names.items() if label not in merged
    }
    return assemble(session, config, labels, {**names, merged[0]: name}, {len(names) + 1: 1.0})


def split(result: Diarization, speaker: str, count: int = 2) -> Diarization:
    """See :meth:`diarspk.Diarization.split`."""
    session, config = _material(result)
    _check_speakers(result, [speaker])
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise ArgumentError(f"`count` must be a whole number from 2, got {count!r}.")
    local, labels = session.local, result.assignment.labels.copy()
    label = next(key for key, name in result.assignment.names.items() if name == speaker)
    own = labels == label
    reliable = own & (local.seconds >= config.reliable_s)
    rows = reliable if reliable.sum() >= count else own
    if rows.sum() < count:
        raise ArgumentError(
            f"`count` must be at most {int(own.sum())}, the windows in which {speaker!r} talks, "
            f"got {count}."
        )
    clusterer = config.clusterer or LOCAL_CLUSTERER
    inputs = ClusteringInput(
        local.embeddings[rows], bounds=SpeakerBounds(exact=count), durations=local.seconds[rows]
    )
    parts = clusterer.cluster(inputs).labels
    seconds = np.bincount(parts, local.seconds[rows], minlength=count)
    # The longest part keeps the label, the others get labels that nobody has.
    fresh = int(labels.max()) + 1 + np.arange(count)
    fresh[seconds.argmax()] = label
    labels[own] = -1
    labels[rows] = fresh[parts]
    others = np.where(own, labels, -1)
    rest = own & ~rows
    if rest.any():
        others[rest] = fresh.max() + 1
        labels[own] = rejoin(local, others, np.array([fresh.max() + 1]))[own]
    names = dict(result.assignment.names)
    return assemble(session, config, labels, names, {len(names) + count - 1: 1.0})


def _material(result: Diarization) -> tuple[Session, DiarizerConfig]:
    if result.session is None or result.config is None:
        raise ArgumentError(
            "the result must come from a Diarizer, which keeps its pass over the recording, "
            "got one without."
        )
    return result.session, result.config


def _check_speakers(result: Diarization, speakers: Sequence[str]) -> None:
    for speaker in speakers:
        if speaker not in result.speakers:
            raise ArgumentError(
                f"`speakers` must be among {', '.join(result.speakers)}, got {speaker!r}."
            )
