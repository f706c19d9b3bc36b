"""Streaming diarization: who speaks when, while they speak."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import check_count, check_number, check_path
from diarspk.diarization.constraints import Constraints
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.result import Diarization
from diarspk.errors import ArgumentError, ModelError
from diarspk.streaming.latency import LatencyPlan
from diarspk.streaming.linking import LiveLinkingSettings
from diarspk.streaming.sample_input import SampleInput
from diarspk.streaming.session import LiveSession
from diarspk.streaming.session_context import SessionContext
from diarspk.streaming.session_record import SessionRecord
from diarspk.streaming.session_result import make_result, merged_turns
from diarspk.streaming.speaker_memory import SpeakerMemory
from diarspk.streaming.speaker_model import SpeakerModel
from diarspk.streaming.state import read_state, write_state
from diarspk.streaming.update import Update
from diarspk.streaming.window_view import streaming_segmenter

if TYPE_CHECKING:
    from torch import Tensor

    from diarspk.verification.gallery import Gallery

__all__ = ["StreamingDiarizer"]


class StreamingDiarizer(SessionContext):
    """Diarizer of a live session.

    Samples are pushed as they come, in pieces of any length; how they are cut changes no byte of
    what comes out. Every frame is final `latency_s` seconds after it was received at the latest. A
    label, once final, keeps its meaning for the whole session; where two labels turn out to be one
    person, an event says so.

    Memory does not grow with the session but for the turns, some 60 KB an hour: kept are the frames
    of the last ten seconds, the loudness of the last minute, and a summary of at most 256 segments
    of how the speakers sound. No audio is kept.

    Sessions that share a `diarizer` do not influence one another. One session is not to be pushed
    to by several threads at once.

    Parameters
    ----------
    latency_s
        Seconds from a sound to the final decision who made it, from 0.32 to 8, computing time
        aside. Shorter is less accurate.
    max_speakers
        Maximum number of speakers.
    known_speakers
        Enrolled speakers: a name and an embedding ``(dim,)`` of the encoder for each. They carry
        their names from their first turn on.
    gallery
        Enrolled people who are asked for whenever a speaker is new.
    channel
        Zero-based channel of what is pushed. Default: the mean of all channels.
    diarizer
        Networks and settings, which many sessions may share. Default: ``Diarizer()``.
    name
        Name of the recording in the result.

    Raises
    ------
    ArgumentError
        If an argument can mean nothing, or the diarizer's encoder or segmentation cannot stream.
    ModelError
        If the gallery is of another embedding space, or not calibrated.

    Examples
    --------
    >>> import numpy as np
    >>> stream = StreamingDiarizer(latency_s=1.0)
    >>> update = stream.push(np.zeros(16000, np.float32), sample_rate=16000)
    >>> update.time, update.final
    (0.52, ())
    """

    def __init__(
        self,
        latency_s: float = 1.0,
        max_speakers: int | None = None,
        known_speakers: Mapping[str, ArrayLike] | None = None,
        gallery: Gallery | None = None,
        *,
        channel: int | None = None,
        diarizer: Diarizer | None = None,
        name: str = "stream",
    ) -> None:
        """Begin a session."""
        if diarizer is not None and not isinstance(diarizer, Diarizer):
            raise ArgumentError(f"`diarizer` must be a Diarizer, got {type(diarizer).__name__}")
        if max_speakers is not None:
            max_speakers = check_count(max_speakers, "max_speakers")
        self.diarizer = Diarizer() if diarizer is None else diarizer
        self._segmenter = streaming_segmenter(self.diarizer)
        self.latency_s, self.name = float(latency_s), name
        self.max_speakers, self.gallery = max_speakers, gallery
        self._plan = LatencyPlan.of(latency_s, self.diarizer.models.trunk.frame_hop)
        known = Constraints({} if known_speakers is None else known_speakers)
        self._enrolled = known.enrolled(self.diarizer.encoder.dimension)
        self._names = list(known.known_speakers)
        if gallery is not None:  # tells at once, and not in the middle of a session, what it lacks
            _ask(gallery, self.diarizer, np.ones(self.diarizer.encoder.dimension))
        self._input = SampleInput(channel)
        clusterer = self.diarizer.postprocessing.defaults.clusterer
        self._model = SpeakerModel.of(clusterer, self.diarizer.encoder.dimension)
        self.reset()

    def reset(self) -> None:
        """Begin another session with the same settings; nobody but known speakers is remembered."""
        self._input.clear()
        memory = SpeakerMemory(self._model, self.max_speakers)
        self._session = LiveSession(
            self.diarizer, self._segmenter, self._plan, memory, LiveLinkingSettings()
        )
        numbers = memory.enroll(self._enrolled)
        names = dict(zip(numbers.tolist(), self._names, strict=True))
        self._record = SessionRecord(names, self._session.hop, self._identify)
        self._result: Diarization | None = None

    def __repr__(self) -> str:
        return (
            f"StreamingDiarizer(latency_s={self.latency_s:g}, {self._record.clock.time:.1f} s, "
            f"{self._record.labels.count} speakers)"
        )

    def push(
        self,
        samples: NDArray[Any] | Tensor | None,
        sample_rate: int | None = None,
        *,
        gap_s: float | None = None,
    ) -> Update:
        """Take in the next samples.

        Parameters
        ----------
        samples
            ``(time,)`` or ``(channels, time)``: floats, or integers at full scale. None for a gap.
        sample_rate
            In Hz; the same for all pushes up to a gap.
        gap_s
            With None for samples: seconds that were not received, such as of a lost connection. All
            that was received before becomes final, the clock goes on, and speakers are known
            afterwards. 0 allows for another sample rate.

        Raises
        ------
        ArgumentError
            If the samples do not fit those before, or the session is finished.
        AudioError
            If a sample is not finite; nothing of the push is taken in then.
        """
        if self._result is not None:
            raise ArgumentError("`push` must come before `finish`; reset() begins another session")
        if samples is None:
            gap = check_number(0.0 if gap_s is None else gap_s, "gap_s", minimum=0.0)
            return self._gap(gap)
        if gap_s is not None:
            raise ArgumentError("`gap_s` must come with None for samples; push the gap by itself")
        due = self._input.push(samples, sample_rate)
        return self._record.take(self._session.push(due))

    def snapshot(self) -> Update:
        """Return all turns so far, whole and with merges applied; it grows with the session."""
        clock = self._record.clock
        turns = merged_turns(self._record.turns, self._record.labels)
        return Update(clock.time, clock.final_time, tuple(turns), self._record.tentative)

    def finish(self) -> Diarization:
        """End the session: everything that was received is final.

        Returns
        -------
        Diarization
            As of a recording: all turns, merges applied. No audio is kept, so there is no first
            pass to cluster again from.

        Warns
        -----
        SpeechWarning
            If no speech was found.
        """
        if self._result is None:
            self._end_stretch()
            numbers, _, vectors = self._session.memory.groups()
            centroids = dict(zip(numbers.tolist(), vectors.astype(np.float32), strict=True))
            fingerprint = self.diarizer.encoder.fingerprint
            self._result = make_result(self._record, self.name, centroids, fingerprint)
        return self._result

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the session, so that another process may go on with it to the same bytes.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        write_state(check_path(path, "path"), self._state())

    @classmethod
    def load_state(
        cls,
        path: str | os.PathLike[str],
        *,
        gallery: Gallery | None = None,
        diarizer: Diarizer | None = None,
    ) -> StreamingDiarizer:
        """Go on with a session that :meth:`save` has written.

        Parameters
        ----------
        path
            File.
        gallery, diarizer
            As for the session that was saved; they are not part of the file.

        Raises
        ------
        FormatError
            If the file is missing, damaged, or another.
        ModelError
            If it is of another encoder than the diarizer's.
        """
        state = read_state(check_path(path, "path"))
        settings = state["settings"]
        stream = cls(
            settings["latency_s"],
            settings["max_speakers"],
            dict(zip(settings["names"], settings["enrolled"], strict=True)),
            gallery,
            channel=settings["channel"],
            name=settings["name"],
            diarizer=diarizer,
        )
        fingerprint = stream.diarizer.encoder.fingerprint
        if settings["fingerprint"] != fingerprint:
            raise ModelError(
                f"{os.fspath(path)}: is of the encoder {settings['fingerprint']}, the diarizer's "
                f"is {fingerprint}; pass a diarizer of the same model"
            )
        stream._restore(state)
        return stream

    def _gap(self, gap_s: float) -> Update:
        update = self._end_stretch()
        self._record.advance(gap_s)
        clock = self._record.clock
        return Update(clock.time, clock.final_time, update.final, (), update.events)

    def _end_stretch(self) -> Update:
        """Make everything that was received final, and set the clock to its end."""
        rest, seconds = self._input.finish(), self._input.seconds
        steps = [*self._session.push(rest), *self._session.end()]
        update = self._record.take(steps, limit_s=seconds)
        self._record.advance(seconds)
        self._input.clear()
        return update

    def _identify(self, speaker: int) -> str | None:
        """Name of a speaker whom the gallery knows."""
        if self.gallery is None:
            return None
        numbers, _, vectors = self._session.memory.groups()
        return _ask(self.gallery, self.diarizer, vectors[int(np.searchsorted(numbers, speaker))])

    def _state(self) -> dict[str, Any]:
        return {
            "settings": {
                "latency_s": self.latency_s,
                "max_speakers": self.max_speakers,
                "channel": self._input.channel,
                "name": self.name,
                "names": self._names,
                "enrolled": self._enrolled,
                "fingerprint": self.diarizer.encoder.fingerprint,
            },
            "input": self._input.state(),
            "session": self._session.state(),
            "record": self._record.state(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._input.restore(state["input"])
        self._session.restore(state["session"])
        self._record.restore(state["record"])


def _ask(gallery: Gallery, diarizer: Diarizer, vector: NDArray[np.floating]) -> str | None:
    """Ask a gallery for the name of a voice, which is None if it does not know it."""
    return gallery.identify(vector, fingerprint=diarizer.encoder.fingerprint).speaker
