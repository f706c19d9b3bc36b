"""What a review asks of models, answered by the first pass over its recording."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.editing.edited_diarization import EditedDiarization
from diarspk.editing.turn import EditableTurn
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from diarspk.audio import AudioStream
    from diarspk.diarization.diarizer import Diarizer
    from diarspk.diarization.local_speakers import LocalSpeakers
    from diarspk.diarization.recording_pass import Progress
    from diarspk.diarization.result import Diarization

__all__ = ["RecordingAnalysis", "embed_turn"]

MAX_DISTANCE_S = 0.75
"""Distance up to which a subsegment stands for a turn that has no centre of one inside."""


class RecordingAnalysis:
    """Analysis of one recording, which is diarized when the first question is asked.

    Parameters
    ----------
    stream : AudioStream
    load : callable
        Loads the diarizer.
    result : Diarization, optional
        What there is already, with its first pass.
    """

    def __init__(
        self,
        stream: AudioStream,
        load: Callable[[], Diarizer],
        result: Diarization | None = None,
    ) -> None:
        self.stream = stream
        self._load = load
        self._result = result
        self._lock = threading.Lock()

    def result(self, progress: Progress | None = None) -> Diarization:
        """Diarize the recording, unless that is done.

        Raises
        ------
        AudioError
            If the recording cannot be read.
        """
        with self._lock:
            if self._result is None:
                self._result = self._load()(self.stream, progress=progress)
            return self._result

    def similar(
        self, turns: Sequence[EditableTurn], number: int, *, progress: Progress | None = None
    ) -> list[tuple[int, float]]:
        """See :meth:`diarspk.review.analysis.Analysis.similar`.

        Raises
        ------
        ArgumentError
            If there is no such turn, or it is too short to tell.
        AudioError
            If the recording cannot be read.
        """
        chosen = next((turn for turn in turns if turn.number == number), None)
        if chosen is None:
            raise ArgumentError(f"`number` must be that of a turn, got {number}")
        local = self._local(progress)
        wanted = embed_turn(local, chosen.start, chosen.end)
        if wanted is None:
            raise ArgumentError(
                f"`number` must be that of a turn with speech enough to compare, got {number}, of "
                f"{chosen.duration:.1f} s"
            )
        found = []
        for turn in turns:
            vector = embed_turn(local, turn.start, turn.end)
            if turn.number != number and vector is not None:
                found.append((turn.number, float(vector @ wanted)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def recluster(
        self, edited: EditedDiarization, num_speakers: int, *, progress: Progress | None = None
    ) -> Diarization:
        """See :meth:`diarspk.review.analysis.Analysis.recluster`.

        Raises
        ------
        ArgumentError
            If the reviewed turns are of more speakers.
        AudioError
            If the recording cannot be read.
        """
        return self.result(progress).recluster(num_speakers=num_speakers, reviewed=edited)

    def _local(self, progress: Progress | None) -> LocalSpeakers:
        first = self.result(progress).first_pass
        assert first is not None
        return first.local


def embed_turn(local: LocalSpeakers, start: float, end: float) -> NDArray[np.float32] | None:
    """Embed a turn of any boundaries from the subsegments of the first pass.

    Those whose centre lies in the turn count, by the seconds in which one person talks; or else the
    nearest one.

    Returns
    -------
    NDArray of float32, shape (dim,)
        Of unit norm; None where no subsegment is near.
    """
    subsegments = local.subsegments
    if subsegments is None or not len(subsegments.centre):
        return None
    times = local.start + local.hop * subsegments.centre
    inside = (times >= start) & (times <= end)
    if not inside.any():
        distance = np.abs(times - (start + end) / 2)
        nearest = int(distance.argmin())
        if distance[nearest] > MAX_DISTANCE_S:
            return None
        inside[nearest] = True
    weights = subsegments.seconds[inside]
    if not weights.any():  # nothing but overlap
        weights = np.ones_like(weights)
    return unit_vector(weights @ subsegments.embeddings[inside]).astype(np.float32)
