"""The result of a diarization, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

    from diarspk.diarizer import DiarizerConfig
    from diarspk.knowledge import SpanPair
    from diarspk.session import Session

__all__ = ["Assignment", "Diarization"]


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
        :class:`diarspk.confidence.Calibration`.
    duration : float
        Seconds of the recording.
    count_scores : dict of int to float
        How much speaks for each number of speakers, together 1; see
        :class:`diarspk.clustering.Clustering`.
    ghosts : tuple of str
        Speakers with too little speech to be trusted; see :class:`diarspk.ghosts.GhostPolicy`.
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
        from diarspk.editing import recluster
        from diarspk.knowledge import Knowledge
        from diarspk.linking import SpeakerBounds

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
        from diarspk.editing import rename

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
        from diarspk.editing import merge

        return merge(self, speakers, name)

    def split(self, speaker: str, count: int = 2) -> Diarization:
        """Make several speakers of one, by clustering its speech alone.

        The one who talks most keeps the name.

        Raises
        ------
        ArgumentError
            If there is no such speaker, it has not so many parts, or no pass to start from.
        """
        from diarspk.editing import split

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
