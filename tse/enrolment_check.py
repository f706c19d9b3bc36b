"""Whether enrolments are fit to tell a voice by: silence, length, noise, and a second voice."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.result import Diarization
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import AudioError, SpeechWarning
from tse.cues import Reference
from tse.enrolment_quality import rate_enrolments

__all__ = ["check_enrolments", "find_second_voice"]

Samples = NDArray[np.float32]

MIN_SECOND_S = 0.8
"""Seconds of other voices from which they are told: shorter ones may be a cough, or an error."""

MIN_VOICES_S = 1.5
"""Length below which a recording is too short to tell two voices apart."""


def check_enrolments(
    waveforms: Sequence[Samples],
    names: Sequence[str],
    encoder: SpeakerEncoder | None = None,
    diarizer: Diarizer | None = None,
) -> list[Reference]:
    """Check the enrolments of one speaker, and weigh them by their quality.

    Parameters
    ----------
    waveforms
        One or more, ``(time,)`` at 16 kHz each.
    names
        What messages call them.
    encoder
        Compares them with each other. Default: they are not compared.
    diarizer
        Finds second voices. Default: the embedded one.

    Returns
    -------
    list of Reference
        Those of some weight: what does not sound like the others is left out.

    Warns
    -----
    SpeechWarning
        Of each that has little speech, noise, a second voice, or does not sound like the others.

    Raises
    ------
    AudioError
        If one is silent or shorter than 0.2 s.
    """
    references = []
    for name, waveform in zip(names, waveforms, strict=True):
        try:
            references.append(Reference(waveform))
        except AudioError as error:
            raise AudioError(f"{name}: {error}") from error
    vectors = None
    if encoder is not None and len(waveforms) > 1:
        vectors = encoder.embed_batch(list(waveforms), SAMPLE_RATE)
    rated = rate_enrolments(waveforms, vectors)
    diarizer = diarizer or Diarizer()
    for name, waveform, quality in zip(names, waveforms, rated, strict=True):
        for doubt in [*quality.doubts, *_describe_voices(waveform, diarizer)]:
            warnings.warn(f"{name}: {doubt}", SpeechWarning, stacklevel=2)
    return [
        replace(reference, weight=quality.weight)
        for reference, quality in zip(references, rated, strict=True)
        if quality.weight > 0
    ]


def find_second_voice(waveform: Samples, diarizer: Diarizer) -> float:
    """Seconds of other voices than the main one in ``(time,)`` at 16 kHz.

    The more of two counts: the turns of other speakers of the recording, and the seconds of other
    local speakers in one window of the first pass, which also tells voices apart that talk at once
    and are too short to be speakers of their own.

    Returns
    -------
    float
        NaN where no speech is found.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpeechWarning)
        first = diarizer.first_pass(waveform, SAMPLE_RATE)
        turns = Diarization.from_first_pass(first, diarizer.postprocessing).annotation
    seconds = sorted(turns.label_duration(label) for label in turns.labels())
    if not seconds:
        return math.nan
    talk = np.sort(first.local.activity.sum(axis=1), axis=1)  # (windows, local speakers)
    at_once = float(talk[:, :-1].sum(axis=1).max(initial=0.0)) * first.local.hop
    return max(float(sum(seconds[:-1])), at_once)


def _describe_voices(waveform: Samples, diarizer: Diarizer) -> list[str]:
    if len(waveform) < MIN_VOICES_S * SAMPLE_RATE:
        return []
    seconds = find_second_voice(waveform, diarizer)
    if math.isnan(seconds):
        return ["no speech was found in it; give a recording in which the speaker talks"]
    if seconds < MIN_SECOND_S:
        return []
    return [
        f"has a second voice for {seconds:.1f} s; what is extracted may be of either, so give a "
        "recording of the speaker alone, or cut it out by `diarspk extract --speaker`"
    ]
