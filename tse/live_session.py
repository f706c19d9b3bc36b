"""What ``diarspk extract --live`` does: one voice out of a session, while it goes on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.cli.live_sources import FileSource, LiveSource
from diarspk.cli.process import print_bytes
from diarspk.cli.recordings import Reader, stem
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import say
from diarspk.errors import SpeechWarning
from tse.live_output import detection_output
from tse.sound_file import keep_recording, sound_file

if TYPE_CHECKING:
    from tse.live_detection import LiveDetection
    from tse.streaming_extractor import StreamingExtractor

__all__ = ["STDOUT", "LiveExtraction"]

Samples = NDArray[np.float32]

STDOUT = Path("-")
"""Output that is no file: samples of 16 bits, little-endian, without a header."""


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
    latency_s, mask_db : float, optional
        See :class:`tse.StreamingExtractor`.
    json_lines : bool
        Tell when the voice talks in JSON lines on a terminal, too.
    """

    enrolments: tuple[Path, ...]
    output: Path
    extractor: str | None = None
    device: str = "cpu"
    latency_s: float | None = None
    mask_db: float | None = None
    json_lines: bool = False

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
            If an enrolment is unfit, nothing came, the voice was never there, or what was extracted
            is hardly like it.

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
        speaker = stem(self.enrolments[0])
        shown = detection_output(
            speaker, json_lines=self.json_lines, samples_on_stdout=self.output == STDOUT
        )
        fault: BaseException | None = None
        with _voice_output(self.output, source.sample_rate) as write, shown as show:
            try:
                for piece in source.pieces():
                    write(session.push(piece, source.sample_rate))
                    show(_told(session))
            except KeyboardInterrupt:
                say("stopped")
            # Raised again when the file is complete: what was received is not lost.
            except BaseException as error:
                if session.time == 0:  # nothing was received: an output that is there stays
                    raise
                fault = error
            write(session.finish())
            if not isinstance(fault, OSError):  # such as of a stdout that nobody reads any more
                show(_told(session))
        if fault is not None:
            raise fault
        if session.time == 0:
            message = f"{source.name}: no samples came, so that nothing was extracted"
            warnings.warn(message, SpeechWarning, stacklevel=2)
            return
        _conclude(session, speaker, source.name)

    def _begin(self, channel: int | None) -> StreamingExtractor:
        with quick_imports():
            from diarspk.diarization.diarizer import Diarizer
            from tse.loading import CAUSAL, load_extractor
            from tse.streaming_extractor import StreamingExtractor

        extractor = load_extractor(self.extractor or CAUSAL, device=self.device)
        return StreamingExtractor(
            [Reader().open(file) for file in self.enrolments],
            extractor=extractor,
            latency_s=self.latency_s,
            channel=channel,
            mask_db=self.mask_db,
            diarizer=Diarizer(device=self.device),
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


def _told(session: StreamingExtractor) -> LiveDetection:
    """Take the detection of a session, which has a diarizer here."""
    assert session.detection is not None
    return session.detection


def _conclude(session: StreamingExtractor, speaker: str, name: str) -> None:
    """Tell whether the voice was there, by the mixture and by what was extracted."""
    detection, presence = _told(session), session.presence()
    doubt = None if presence is None else presence.doubt
    sure = f"probability {detection.presence:.2f}"
    if detection.is_present:
        say(f"{speaker}: talks in {name} for some {detection.seconds:.1f} s ({sure})")
    else:
        is_like = presence is not None and doubt is None
        like = "; yet what was extracted is like it" if is_like else ""
        doubt = f"the enrolled voice was never there ({sure}){like}"
    if doubt:
        warnings.warn(f"{name}: {doubt}", SpeechWarning, stacklevel=3)
