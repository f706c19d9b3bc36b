"""Streaming extraction: one voice out of a live session, sample by sample."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_number, check_type
from diarspk.audio import SAMPLE_RATE, Audio
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.diarization.diarizer import Diarizer
from diarspk.errors import ArgumentError
from diarspk.streaming.session_context import SessionContext
from tse.cues import Cue
from tse.enrolled_voice import enroll_voice
from tse.extractor import Extractor
from tse.live_detection import LiveDetection, LiveDetector
from tse.loading import CAUSAL, load_extractor
from tse.presence import Presence
from tse.presence_meter import PresenceMeter
from tse.round_trip import RoundTrip
from tse.saved_extraction import SavedExtraction
from tse.voice_stream import VoiceStream

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["StreamingExtractor"]

Samples = NDArray[np.float32]

MAX_LATENCY_S = 1.0
"""Latency of the network beyond which nothing is gained."""


class StreamingExtractor(SessionContext):
    """Extractor of one voice from a live session.

    Samples are pushed as they come, in pieces of any length; as many come out as went in, at their
    rate and in order, :attr:`latency_s` later. How they are cut changes no bit of the output, and
    at 16 kHz it is that of the extractor for the whole recording, to rounding. Memory does not grow
    with the session.

    Sessions that share an `extractor` do not influence one another. One session is not to be pushed
    to by several threads at once.

    Parameters
    ----------
    cue
        Recording of the speaker alone, a list or tuple of several, a cue of
        :meth:`tse.Extractor.cue` or :func:`diarspk.cues.extract_cue`, or an embedding ``(dim,)`` of
        the extractor's encoder.
    sample_rate
        In Hz, of what is pushed, and of an enrolment that is an array. Default: as each push says.
    extractor
        Causal extractor, which many sessions may share. Default: the embedded one.
    latency_s
        Algorithmic latency of the network in seconds, up to 1: how many samples it takes at a
        time. Longer takes less computing time. Default: the shortest, 0.04 s for the embedded one.
    channel
        Zero-based channel of what is pushed. Default: the mean of all channels.
    mask_db
        Leave in what is not the voice, lower by so many decibels. Default: as little of it as the
        extractor can.
    diarizer
        Finds out when the voice talks, see :attr:`detection`, and how like it is what was
        extracted, see :meth:`presence`. Default: nobody does, which takes less computing time.

    Raises
    ------
    ArgumentError
        If an argument can mean nothing, or the extractor is not causal.
    AudioError
        If an enrolment cannot be read, is silent or shorter than 0.2 s.
    ModelError
        If the cue is of another encoder, this package has no causal extractor, or nothing was
        calibrated for the diarizer's encoder.

    Warns
    -----
    SpeechWarning
        If an enrolment is unfit; see :mod:`tse.enrolment_check`.

    Examples
    --------
    >>> stream = tse.StreamingExtractor("alice.wav", sample_rate=16000)  # doctest: +SKIP
    >>> voice = np.concatenate([stream.push(piece) for piece in pieces])  # doctest: +SKIP
    >>> voice = np.concatenate([voice, stream.finish()])  # doctest: +SKIP
    """

    def __init__(
        self,
        cue: Cue | SpeakerCue | Audio | Sequence[Audio],
        sample_rate: int | None = None,
        *,
        extractor: Extractor | None = None,
        latency_s: float | None = None,
        channel: int | None = None,
        mask_db: float | None = None,
        diarizer: Diarizer | None = None,
    ) -> None:
        """Begin a session."""
        check_type(extractor, "extractor", Extractor | None)
        check_type(diarizer, "diarizer", Diarizer | None)
        self.extractor = load_extractor(CAUSAL) if extractor is None else extractor
        if not self.extractor.causal:
            raise ArgumentError(
                f"`extractor` must be causal to follow a stream, got {self.extractor!r}; take "
                f"{CAUSAL}, or one that recipes/extraction has trained with a causal architecture"
            )
        if mask_db is not None:
            mask_db = check_number(mask_db, "mask_db", minimum=0.0)
        self.sample_rate, self.mask_db = sample_rate, mask_db
        self._trip = RoundTrip(channel)
        self._frames = _frames_of(self.extractor, latency_s)
        voice = enroll_voice(self.extractor, cue, array_rate=sample_rate, diarizer=diarizer)
        self.cue, self.diarizer = voice.cue, diarizer
        self._vector = None if diarizer is None else voice.vector(diarizer.encoder)
        self.reset()

    def reset(self) -> None:
        """Begin another session with the same voice and settings."""
        detector = meter = None
        if self.diarizer is not None and self._vector is not None:
            detector = LiveDetector(self.diarizer, self._vector)
            meter = PresenceMeter.for_cue(self.extractor.encoder, self.cue)
        self._voice = VoiceStream(
            self.extractor.network,
            self.cue,
            self._frames,
            mask_db=self.mask_db,
            detector=detector,
            meter=meter,
        )
        self._trip.clear()
        self._seconds = 0.0  # before this stretch
        self._finished = False
        self._detection = self._voice.tell()

    def __repr__(self) -> str:
        return f"StreamingExtractor(latency_s={self.latency_s:g}, {self.time:.1f} s)"

    @property
    def latency_s(self) -> float:
        """Seconds from a sample to its output, at most, computing time aside.

        Where samples are not at 16 kHz, the resampling there and back is part of it.
        """
        rate = self._trip.rate or self.sample_rate or SAMPLE_RATE
        return self._voice.latency_samples / SAMPLE_RATE + self._trip.latency_s(rate)

    @property
    def time(self) -> float:
        """Seconds pushed so far, gaps included."""
        return self._seconds + self._trip.seconds

    @property
    def detection(self) -> LiveDetection | None:
        """What the last push has told of when the voice talks; None without a diarizer.

        By the measure and the calibration of :func:`tse.detect`, of the mixture as it was
        received, a second behind. Memory and time of a push do not grow with the session.
        """
        return self._detection

    def presence(self) -> Presence | None:
        """Compare the voice so far with the enrolment; see :meth:`tse.Extractor.presence`.

        None without a diarizer, and where the cue holds no embedding of the extractor's encoder.
        """
        return None if self._voice.meter is None else self._voice.meter.so_far()

    def push(
        self,
        samples: NDArray[Any] | Tensor | None,
        sample_rate: int | None = None,
        *,
        gap_s: float | None = None,
    ) -> Samples:
        """Take in the next samples; return those of the voice that are due.

        Parameters
        ----------
        samples
            ``(time,)`` or ``(channels, time)``: floats, or integers at full scale. None for a gap.
        sample_rate
            In Hz; the same for all pushes up to a gap. Default: that of the session.
        gap_s
            With None for samples: seconds that were not received, such as of a lost connection.
            All that was received before is given out, and as long a silence; then the extractor
            begins anew. 0 allows for another sample rate.

        Returns
        -------
        ndarray of float32, ``(ready,)``
            Mono, at the rate of the samples; often empty.

        Raises
        ------
        ArgumentError
            If the samples do not fit those before, no rate is known, or the session is finished.
        AudioError
            If a sample is not finite; nothing of the push is taken in then.
        """
        if self._finished:
            raise ArgumentError("`push` must come before `finish`; reset() begins another session")
        if samples is None:
            return self._gap(check_number(0.0 if gap_s is None else gap_s, "gap_s", minimum=0.0))
        if gap_s is not None:
            raise ArgumentError("`gap_s` must come with None for samples; push the gap by itself")
        rate = self.sample_rate if sample_rate is None else sample_rate
        if rate is None:
            raise ArgumentError("`sample_rate` must be given, here or to StreamingExtractor")
        voice = self._trip.give(self._voice.push(self._trip.take(samples, rate)))
        self._detection = self._voice.tell()
        return voice

    def finish(self) -> Samples:
        """End the session; return the rest ``(time,)``, so that as much came out as went in."""
        if self._finished:
            return np.zeros(0, np.float32)
        rest = self._end_stretch()
        self._finished = True
        return rest

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the session, so that another process may go on with it to the same bytes.

        The cue is part of the file, and so may be a recording of the speaker.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        settings = {
            "sample_rate": self.sample_rate,
            "channel": self._trip.input.channel,
            "frames": self._frames,
            "mask_db": self.mask_db,
        }
        state = {
            "trip": self._trip.state(),
            "voice": self._voice.state(),
            "clock": [self._seconds, self._finished],
        }
        saved = SavedExtraction(
            self.extractor.fingerprint,
            self.cue,
            settings,
            state,
            None if self.diarizer is None else self.diarizer.encoder.fingerprint,
            self._vector,
        )
        saved.write(path)

    @classmethod
    def load_state(
        cls,
        path: str | os.PathLike[str],
        *,
        extractor: Extractor | None = None,
        diarizer: Diarizer | None = None,
    ) -> StreamingExtractor:
        """Go on with a session that :meth:`save` has written.

        Parameters
        ----------
        path
            File.
        extractor, diarizer
            Those of the session, whose weights are not part of the file. Default: the embedded
            ones; a session without a diarizer goes on without.

        Raises
        ------
        FormatError
            If the file is missing, damaged, or another.
        ModelError
            If it is of another extractor or diarizer.
        """
        check_type(extractor, "extractor", Extractor | None)
        check_type(diarizer, "diarizer", Diarizer | None)
        saved = SavedExtraction.read(path)
        chosen = load_extractor(CAUSAL) if extractor is None else extractor
        saved.check("extractor", chosen.fingerprint)
        settings = saved.settings
        stream = cls(
            saved.cue,
            settings["sample_rate"],
            extractor=chosen,
            channel=settings["channel"],
            mask_db=settings["mask_db"],
        )
        stream._frames, stream._vector = settings["frames"], saved.vector
        if saved.vector is not None:
            stream.diarizer = Diarizer() if diarizer is None else diarizer
            saved.check("diarizer", stream.diarizer.encoder.fingerprint)
        stream.reset()
        stream._restore(saved.state)
        return stream

    def _restore(self, state: dict[str, Any]) -> None:
        self._trip.restore(state["trip"])
        self._voice.restore(state["voice"])
        self._seconds, self._finished = state["clock"]
        self._detection = self._voice.tell()

    def _gap(self, gap_s: float) -> Samples:
        rate = self._trip.rate or self.sample_rate
        if rate is None and gap_s > 0:
            raise ArgumentError("`gap_s` must be 0 before any sample: no rate is known")
        rest = self._end_stretch()
        self._seconds += gap_s
        self._voice.begin(self._seconds)
        return np.concatenate([rest, np.zeros(round(gap_s * (rate or 0)), np.float32)])

    def _end_stretch(self) -> Samples:
        """Give out all that was received, and set the clock to its end."""
        voice = np.concatenate([self._voice.push(self._trip.take_rest()), self._voice.end()])
        found = self._trip.give_rest(voice)
        self._detection = self._voice.tell()
        self._seconds += self._trip.seconds
        self._trip.clear()
        return found


def _frames_of(extractor: Extractor, latency_s: float | None) -> int:
    """Frames that the network takes at a time for a latency."""
    framing = extractor.network.framing
    if latency_s is None:
        return 1
    shortest = framing.window_samples / SAMPLE_RATE
    check_number(latency_s, "latency_s", minimum=shortest, maximum=MAX_LATENCY_S)
    return 1 + int((latency_s - shortest) * SAMPLE_RATE / framing.hop_samples + 1e-6)
