"""Streaming extraction: one voice out of a live session, sample by sample."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.arguments import check_number, check_path, check_type
from diarspk.audio import SAMPLE_RATE, Audio
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.errors import ArgumentError, ModelError
from diarspk.streaming.block_resampler import BlockResampler
from diarspk.streaming.sample_input import SampleInput
from diarspk.streaming.state import read_state, write_state
from tse.cues import Cue
from tse.enrolment_check import enroll_recordings
from tse.extractor import Extractor
from tse.loading import CAUSAL, load_extractor
from tse.streaming import ExtractionStream

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Self

__all__ = ["StreamingExtractor"]

Samples = NDArray[np.float32]

RESAMPLED_S = 0.01
"""Seconds of the blocks that are resampled, where samples are not at 16 kHz."""

MAX_LATENCY_S = 1.0
"""Latency of the network beyond which nothing is gained."""

WRITER = "StreamingExtractor.save"


class StreamingExtractor:
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

    Raises
    ------
    ArgumentError
        If an argument can mean nothing, or the extractor is not causal.
    AudioError
        If an enrolment cannot be read, is silent or shorter than 0.2 s.
    ModelError
        If the cue is of another encoder, or this package has no causal extractor.

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
    ) -> None:
        """Begin a session."""
        check_type(extractor, "extractor", Extractor | None)
        self.extractor = load_extractor(CAUSAL) if extractor is None else extractor
        if not self.extractor.causal:
            raise ArgumentError(
                f"`extractor` must be causal to follow a stream, got {self.extractor!r}; take "
                f"{CAUSAL}, or one that recipes/extraction has trained with a causal architecture"
            )
        self.sample_rate = sample_rate
        self._output: BlockResampler | None = None  # of the rate of the first push
        self._input = SampleInput(channel, block_s=RESAMPLED_S)
        self._frames = _frames_of(self.extractor, latency_s)
        self.cue = enroll_recordings(self.extractor, cue, array_rate=sample_rate)
        self.reset()

    def reset(self) -> None:
        """Begin another session with the same voice and settings."""
        self._begin()
        self._received = self._given = 0  # samples of this stretch, at the rate of the input
        self._seconds = 0.0  # before this stretch
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the session's arrays."""
        self.reset()

    def __repr__(self) -> str:
        return f"StreamingExtractor(latency_s={self.latency_s:g}, {self.time:.1f} s)"

    @property
    def latency_s(self) -> float:
        """Seconds from a sample to its output, at most, computing time aside.

        Where samples are not at 16 kHz, the resampling there and back is part of it.
        """
        rate = self._input.rate or self.sample_rate or SAMPLE_RATE
        resampling = BlockResampler(rate, SAMPLE_RATE, RESAMPLED_S).latency_s
        resampling += BlockResampler(SAMPLE_RATE, rate, RESAMPLED_S).latency_s
        return self._stream.latency_samples / SAMPLE_RATE + resampling

    @property
    def time(self) -> float:
        """Seconds pushed so far, gaps included."""
        return self._seconds + self._input.seconds

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
        due = self._input.push(samples, rate)
        self._received = self._input.samples
        if self._output is None:
            self._output = BlockResampler(SAMPLE_RATE, self._input.rate, RESAMPLED_S)
        return self._give(self._output.push(self._extract(due)))

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
        state = {
            "settings": {
                "fingerprint": self.extractor.fingerprint,
                "sample_rate": self.sample_rate,
                "channel": self._input.channel,
                "frames": self._frames,
            },
            "cue": {
                level.name: None if value is None else value.numpy(force=True)
                for level in fields(Cue)
                for value in [getattr(self.cue, level.name)]
            },
            "input": self._input.state(),
            "output": None if self._output is None else self._output.state(),
            "stream": self._stream.state(),
            "clock": [self._received, self._given, self._seconds, self._finished],
        }
        write_state(check_path(path, "path"), state, WRITER)

    @classmethod
    def load_state(
        cls, path: str | os.PathLike[str], *, extractor: Extractor | None = None
    ) -> StreamingExtractor:
        """Go on with a session that :meth:`save` has written.

        Parameters
        ----------
        path
            File.
        extractor
            That of the session, whose weights are not part of the file. Default: the embedded one.

        Raises
        ------
        FormatError
            If the file is missing, damaged, or another.
        ModelError
            If it is of another extractor.
        """
        state = read_state(check_path(path, "path"), WRITER)
        settings = state["settings"]
        chosen = load_extractor(CAUSAL) if extractor is None else extractor
        check_type(chosen, "extractor", Extractor)
        if settings["fingerprint"] != chosen.fingerprint:
            raise ModelError(
                f"{os.fspath(path)}: is of the extractor {settings['fingerprint']}, this one is "
                f"{chosen.fingerprint}; pass that extractor"
            )
        levels = {
            name: None if value is None else torch.from_numpy(value)
            for name, value in state["cue"].items()
        }
        stream = cls(
            Cue(**levels),
            settings["sample_rate"],
            extractor=chosen,
            channel=settings["channel"],
        )
        stream._frames = settings["frames"]
        stream._restore(state)
        return stream

    def _restore(self, state: dict[str, Any]) -> None:
        self._begin()
        self._input.restore(state["input"])
        if state["output"] is not None:
            self._output = BlockResampler(SAMPLE_RATE, self._input.rate, RESAMPLED_S)
            self._output.restore(state["output"])
        self._stream.restore(state["stream"])
        self._received, self._given, self._seconds, self._finished = state["clock"]

    def _begin(self) -> None:
        """Begin a stretch of samples without gaps."""
        self._input.clear()
        self._output = None
        self._stream = ExtractionStream(
            self.extractor.network, self.cue, frames_per_step=self._frames
        )

    def _gap(self, gap_s: float) -> Samples:
        rate = self._input.rate or self.sample_rate
        if rate is None and gap_s > 0:
            raise ArgumentError("`gap_s` must be 0 before any sample: no rate is known")
        rest = self._end_stretch()
        self._begin()
        self._received = self._given = 0
        self._seconds += gap_s
        return np.concatenate([rest, np.zeros(round(gap_s * (rate or 0)), np.float32)])

    def _end_stretch(self) -> Samples:
        """Give out all that was received, and set the clock to its end."""
        rest = [np.zeros(0, np.float32)]
        if self._output is not None:
            voice = [self._extract(self._input.finish()), self._stream.flush().numpy(force=True)]
            rest += [self._output.push(np.concatenate(voice)), self._output.finish()]
        found = self._give(np.concatenate(rest))
        # Rounding on the way to 16 kHz and back can add or lose a sample.
        found = np.pad(found, (0, self._received - self._given))
        self._seconds += self._input.seconds
        self._input.clear()
        return found

    def _extract(self, samples: Samples) -> Samples:
        voice: Samples = self._stream.push(torch.from_numpy(samples)).numpy(force=True)
        return voice

    def _give(self, voice: Samples) -> Samples:
        """Count what is given out, never more than was received."""
        voice = voice[: self._received - self._given]
        self._given += len(voice)
        return voice


def _frames_of(extractor: Extractor, latency_s: float | None) -> int:
    """Frames that the network takes at a time for a latency."""
    framing = extractor.network.framing
    if latency_s is None:
        return 1
    shortest = framing.window_samples / SAMPLE_RATE
    check_number(latency_s, "latency_s", minimum=shortest, maximum=MAX_LATENCY_S)
    return 1 + int((latency_s - shortest) * SAMPLE_RATE / framing.hop_samples + 1e-6)
