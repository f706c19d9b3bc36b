"""What ``diarspk extract --live`` does: one voice out of a session, while it goes on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.cli.live_sources import FileSource, LiveSource
from diarspk.cli.process import print_bytes
from diarspk.cli.recordings import Reader
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import say
from diarspk.errors import SpeechWarning
from tse.sound_file import keep_recording, sound_file

if TYPE_CHECKING:
    from tse.streaming_extractor import StreamingExtractor

__all__ = ["STDOUT", "LiveExtraction"]

Samples = NDArray[np.float32]

STDOUT = Path("-")
"""Output that is no file: samples of 16 bits, little-endian, without a header."""

PART_S = 4.0
"""Seconds of the voice that are compared with the enrolment at a time."""


@dataclass(frozen=True)
class LiveExtraction:
    """Extraction of one voice while a session goes on.

    Attributes
    ----------
    enrolments : tuple of Path
        Recordings of the speaker.
    output : Path
        ``.wav``, ``.flac`` or ``.ogg``, which appears when the session ends, or :data:`STDOUT`; it
        has the rate of the session.
    extractor : str, optional
        Name or card of a causal extractor. Default: the embedded one.
    device : str
        Device that it runs on.
    latency_s : float, optional
        See :class:`tse.StreamingExtractor`.
    """

    enrolments: tuple[Path, ...]
    output: Path
    extractor: str | None = None
    device: str = "cpu"
    latency_s: float | None = None

    def run(self, source: LiveSource, *, channel: int | None = None) -> None:
        """Write the voice as the session goes on.

        Whatever ends it (its end, Ctrl-C, a signal or a fault), what was received until then is
        extracted and written. Where a fault comes before any sample, nothing is.

        Parameters
        ----------
        source
            Samples as they come.
        channel
            Channel of these. Default: the mean of all.

        Warns
        -----
        SpeechWarning
            If an enrolment is unfit, nothing came, or the voice that was extracted is hardly like
            the enrolment.

        Raises
        ------
        ArgumentError
            If the extractor is not causal, or the output is the recording or an enrolment.
        AudioError
            If the samples are faulty, or nothing can be written.
        """
        if self.output != STDOUT:
            stream = source.stream if isinstance(source, FileSource) else None
            keep_recording(stream, [self.output], self.enrolments)
        session = self._begin(channel)
        check = _PresenceCheck(session, source.sample_rate)
        fault: BaseException | None = None
        with _voice_output(self.output, source.sample_rate) as write:
            try:
                for piece in source.pieces():
                    voice = session.push(piece, source.sample_rate)
                    write(voice)
                    check.push(voice)
            except KeyboardInterrupt:
                say("stopped")
            # Raised again when the file is complete: what was received is not lost.
            except BaseException as error:
                if session.time == 0:  # nothing was received: an output that is there stays
                    raise
                fault = error
            rest = session.finish()
            write(rest)
            check.push(rest)
        if fault is not None:
            raise fault
        if session.time == 0:
            message = f"{source.name}: no samples came, so that nothing was extracted"
            warnings.warn(message, SpeechWarning, stacklevel=2)
            return
        check.finish(source.name)

    def _begin(self, channel: int | None) -> StreamingExtractor:
        with quick_imports():
            from tse.loading import CAUSAL, load_extractor
            from tse.streaming_extractor import StreamingExtractor

        extractor = load_extractor(self.extractor or CAUSAL, device=self.device)
        return StreamingExtractor(
            [Reader().open(file) for file in self.enrolments],
            extractor=extractor,
            latency_s=self.latency_s,
            channel=channel,
        )


@contextmanager
def _voice_output(output: Path, sample_rate: int) -> Iterator[Callable[[Samples], None]]:
    """Yield a function that writes the next samples ``(time,)``."""
    if output == STDOUT:
        yield _print_samples
        return
    with sound_file(output, sample_rate) as sound:
        yield lambda voice: sound.write(voice.clip(-1, 1))


def _print_samples(voice: Samples) -> None:
    print_bytes(np.round(voice.clip(-1, 1) * 32767).astype("<i2").tobytes())


class _PresenceCheck:
    """Compares a voice at any rate with its enrolment, one part after another."""

    def __init__(self, session: StreamingExtractor, sample_rate: int) -> None:
        from tse.presence import PresenceMeter

        self.meter = PresenceMeter.for_cue(session.extractor.encoder, session.cue)
        self.sample_rate = sample_rate
        self.waiting: Samples = np.zeros(0, np.float32)

    def push(self, voice: Samples) -> None:
        if self.meter is not None:
            self.waiting = np.concatenate([self.waiting, voice])
            if len(self.waiting) >= PART_S * self.sample_rate:
                self._measure()

    def finish(self, name: str) -> None:
        """Warn if the voice was probably not there."""
        from tse.presence import warn_of_absence

        if self.meter is not None and len(self.waiting):
            self._measure()
        warn_of_absence(self.meter, name)

    def _measure(self) -> None:
        assert self.meter is not None
        part = soxr.resample(self.waiting, self.sample_rate, SAMPLE_RATE).astype(np.float32)
        self.meter.push(part)
        self.waiting = self.waiting[:0]
