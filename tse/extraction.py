"""Extract one speaker from a recording: the function that most callers want."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, Audio, open_audio
from tse.cues import Cue
from tse.extractor import Extractor
from tse.loading import load_extractor

__all__ = ["extract"]


def extract(
    mixture: Audio,
    *,
    enrolment: Audio | Sequence[Audio] | Cue,
    sample_rate: int | None = None,
    enrolment_sample_rate: int | None = None,
    channel: int | None = None,
    extractor: Extractor | None = None,
) -> NDArray[np.float32]:
    """Extract the voice of an enrolled speaker from a mixture.

    Parameters
    ----------
    mixture, sample_rate, channel
        See :func:`diarspk.audio.load_audio`: with arrays, the sample rate is required.
    enrolment
        A recording of the speaker alone, or several in a list or tuple; or a cue of the extractor.
    enrolment_sample_rate
        Of an enrolment that is an array; that of the mixture where it is left out.
    extractor
        The embedded default where it is left out; load it once for many recordings.

    Returns
    -------
    ndarray of float32, ``(time,)``
        At the rate of the mixture, and as long as it is. A silent mixture gives silence.

    Raises
    ------
    AudioError
        If audio cannot be read, or the enrolment is silent or shorter than 0.2 s.
    ArgumentError
        If a sample rate is missing or wrong.
    ModelError
        If no extractor ships with this version.
    """
    stream = open_audio(mixture, sample_rate, channel=channel)
    extractor = extractor or load_extractor()
    if isinstance(enrolment, Cue):
        cue = enrolment
    else:
        in_memory = not _is_file(enrolment)
        rate = enrolment_sample_rate or (sample_rate if in_memory else None)
        cue = extractor.cue(enrolment, rate)
    found = [block[0] for block in extractor.extract_blocks(stream.blocks(), [cue])]
    return _at_rate(np.concatenate(found), stream.source.sample_rate, mixture)


def _is_file(enrolment: object) -> bool:
    first = enrolment[0] if isinstance(enrolment, list | tuple) and enrolment else enrolment
    return not hasattr(first, "shape")


def _at_rate(voice: NDArray[np.float32], rate: int, mixture: Audio) -> NDArray[np.float32]:
    """Bring a voice to the mixture's rate and, where that is known, to its exact length."""
    if rate == SAMPLE_RATE:
        return voice
    resampled = soxr.resample(voice, SAMPLE_RATE, rate).astype(np.float32)
    shape = getattr(mixture, "shape", None)
    if shape is None:
        return resampled
    resampled = resampled[: shape[-1]]
    return np.pad(resampled, (0, shape[-1] - len(resampled)))
