"""Enrolled voice: whatever describes a speaker, as the cue of an extractor and as an embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import Audio, AudioStream, load_audio, open_audio
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.diarization.diarizer import Diarizer
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError
from tse.cue_sources import UtteranceCue
from tse.cues import Cue, Reference
from tse.enrolment_check import check_enrolments
from tse.extractor import Extractor

__all__ = ["EnrolledVoice", "enroll", "enroll_recordings", "enroll_voice"]


@dataclass(frozen=True, eq=False)
class EnrolledVoice:
    """Voice of a speaker who was enrolled for an extractor.

    Attributes
    ----------
    cue : Cue
        What the extractor reads.
    space : str
        Fingerprint of the encoder of its vector; empty without one.
    references : sequence of Reference
        Recordings that it was made of, by their weight; none where a cue was given.
    """

    cue: Cue
    space: str
    references: Sequence[Reference] = ()

    def vector(self, encoder: SpeakerEncoder) -> NDArray[np.float32]:
        """Embed the voice by an encoder: a unit vector ``(dim,)``.

        Raises
        ------
        ArgumentError
            If there is none, nor a recording to embed.
        """
        cue = self.cue
        if cue.vector is not None and self.space == encoder.fingerprint:
            return cue.vector[0].numpy(force=True)
        references = list(self.references)
        if not references and cue.enrolment is not None:
            references = [Reference(cue.enrolment[0].numpy(force=True))]
        if not references:
            raise ArgumentError(
                "`cue` must hold a recording, or an embedding of the diarizer's encoder "
                f"({encoder.fingerprint}), to tell when the voice talks; enroll by a recording"
            )
        found = UtteranceCue(encoder)(references).vector
        assert found is not None
        return found[0].numpy(force=True)


def enroll_voice(
    extractor: Extractor,
    cue: Cue | SpeakerCue | Audio | Sequence[Audio],
    sample_rate: int | None = None,
    *,
    array_rate: int | None = None,
    diarizer: Diarizer | None = None,
) -> EnrolledVoice:
    """Enroll a speaker by whatever describes one.

    Parameters
    ----------
    cue
        One recording, a list or tuple of several, which are weighed by their quality, or what
        :meth:`tse.Extractor.accept` takes besides.
    sample_rate
        Sample rate of the recordings.
    array_rate
        That of arrays, where `sample_rate` is not given.
    diarizer
        Finds second voices. Default: the embedded one.

    Warns
    -----
    SpeechWarning
        Of what makes an enrolment less reliable: silence, noise, a second voice, and the like.

    Raises
    ------
    AudioError
        If one cannot be read, is silent or shorter than 0.2 s.
    ArgumentError
        If there is no recording, or an array without a sample rate.
    ModelError
        If the cue is of another encoder.
    """
    if isinstance(cue, Cue | SpeakerCue) or _is_vector(cue, extractor.source.vector_size):
        return EnrolledVoice(extractor.accept(cue), extractor.space)  # type: ignore[arg-type]
    several: list[Any] = list(cue) if isinstance(cue, list | tuple) else [cue]
    if not several:
        raise ArgumentError("`enrolment` must hold one recording at least, got none")
    rate = sample_rate or (array_rate if hasattr(several[0], "shape") else None)
    streams = [open_audio(one, rate) for one in several]
    references = _check_streams(extractor, streams, diarizer)
    return EnrolledVoice(extractor.source(references), extractor.space, references)


def enroll_recordings(
    extractor: Extractor,
    cue: Cue | SpeakerCue | Audio | Sequence[Audio],
    sample_rate: int | None = None,
    *,
    array_rate: int | None = None,
) -> Cue:
    """Make the cue of a speaker of whatever describes one; see :func:`enroll_voice`."""
    return enroll_voice(extractor, cue, sample_rate, array_rate=array_rate).cue


def enroll(extractor: Extractor, enrolments: Sequence[AudioStream]) -> Cue:
    """Make the cue of a speaker who talks alone in some recordings; see :func:`enroll_voice`."""
    return extractor.source(_check_streams(extractor, enrolments, None))


def _check_streams(
    extractor: Extractor, enrolments: Sequence[AudioStream], diarizer: Diarizer | None
) -> list[Reference]:
    """Read recordings, check them, and weigh them by their quality."""
    waveforms = [load_audio(enrolment) for enrolment in enrolments]
    names = [
        f"enrolment {number}" if one.source.file is None else one.source.label
        for number, one in enumerate(enrolments, 1)
    ]
    diarizer = diarizer or Diarizer(device=extractor.device)
    return check_enrolments(waveforms, names, extractor.encoder, diarizer)


def _is_vector(cue: object, size: int) -> bool:
    return size > 0 and getattr(cue, "shape", None) == (size,)
