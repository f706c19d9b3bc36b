"""Extraction of an enrolled speaker from a recording into an array, and block by block."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from diarspk.arguments import check_count, check_type
from diarspk.audio import SAMPLE_RATE, Audio, open_audio
from tse.cues import Cue
from tse.enrolled_voice import enroll_recordings
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.presence_meter import PresenceMeter, warn_of_absence

__all__ = ["extract", "extract_mixed"]

Samples = NDArray[np.float32]


def extract(
    mixture: Audio,
    *,
    enrolment: Audio | Sequence[Audio] | Cue,
    sample_rate: int | None = None,
    enrolment_sample_rate: int | None = None,
    channel: int | None = None,
    extractor: Extractor | None = None,
) -> Samples:
    """Extract the voice of an enrolled speaker from a mixture.

    Parameters
    ----------
    mixture, sample_rate, channel
        See :func:`diarspk.audio.load_audio`: with arrays, the sample rate is required.
    enrolment
        Recording of the speaker alone, a list or tuple of several, which are weighed by their
        quality, or a cue of the extractor.
    enrolment_sample_rate
        Sample rate of an enrolment given as an array. Default: that of the mixture.
    extractor
        Default: the embedded extractor. Load it once for many recordings.

    Returns
    -------
    ndarray of float32, ``(time,)``
        At the sample rate of the mixture and of the same length. A silent mixture gives silence.

    Warns
    -----
    SpeechWarning
        If an enrolment is unfit (:mod:`tse.enrolment_check`), or the voice that was extracted is
        hardly like the enrolment (:mod:`tse.presence`).

    Raises
    ------
    AudioError
        If audio cannot be read, or the enrolment is silent or shorter than 0.2 s.
    ArgumentError
        If a sample rate is missing or wrong.
    ModelError
        If this installation has no embedded extractor.
    """
    check_type(extractor, "extractor", Extractor | None)
    if enrolment_sample_rate is not None:
        check_count(enrolment_sample_rate, "enrolment_sample_rate")
    stream = open_audio(mixture, sample_rate, channel=channel)
    extractor = extractor or load_extractor()
    cue = enroll_recordings(extractor, enrolment, enrolment_sample_rate, array_rate=sample_rate)
    voices, meter = [], PresenceMeter.for_cue(extractor.encoder, cue)
    for block, mixed in extract_mixed(extractor, stream.blocks(), [cue]):
        voices.append(block[0])
        if meter is not None:
            meter.push(block[0], mixed)
    warn_of_absence(meter, stream.name)
    return _resample(np.concatenate(voices), stream.source.sample_rate, mixture)


def _resample(voice: Samples, rate: int, mixture: Audio) -> Samples:
    """Resample to the rate of the mixture and, where that is known, to its exact length."""
    if rate == SAMPLE_RATE:
        return voice
    resampled = soxr.resample(voice, SAMPLE_RATE, rate).astype(np.float32)
    shape = getattr(mixture, "shape", None)
    if shape is None:
        return resampled
    # Rounding on the way to 16 kHz and back can add or lose a sample.
    resampled = resampled[: shape[-1]]
    return np.pad(resampled, (0, shape[-1] - len(resampled)))


def extract_mixed(
    extractor: Extractor,
    blocks: Iterable[Samples],
    cues: Sequence[Cue],
    talks: Callable[[int, int], Sequence[bool]] | None = None,
) -> Iterator[tuple[Samples, Samples]]:
    """Extract block by block: voices ``(speakers, time)``, and the mixture ``(time,)`` of each.

    Parameters
    ----------
    extractor
    blocks
        Consecutive ``(time,)`` at 16 kHz.
    cues
        One for each speaker.
    talks
        See :meth:`tse.Extractor.extract_blocks`.
    """
    read: deque[Samples] = deque()

    def following() -> Iterator[Samples]:
        for block in blocks:
            read.append(block)
            yield block

    for voices in extractor.extract_blocks(following(), cues, talks=talks):
        mixture = [np.zeros(0, np.float32)]
        missing = voices.shape[1]
        while missing > 0:
            part = read.popleft()
            mixture.append(part[:missing])
            if len(part) > missing:
                read.appendleft(part[missing:])
            missing -= len(mixture[-1])
        yield voices, np.concatenate(mixture)
