"""Whatever describes a speaker to an extractor, as the cue that its network reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, Audio
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.errors import ArgumentError, ModelError
from tse.cue_sources import CueSource
from tse.cues import Cue, read_reference

__all__ = ["accept_cue", "array_rate", "make_cue"]

Samples = NDArray[np.float32]


def accept_cue(
    cue: Cue | SpeakerCue | Audio, source: CueSource, space: str, sample_rate: int | None = None
) -> Cue:
    """Convert a description of a speaker; see :meth:`tse.Extractor.accept`.

    Parameters
    ----------
    cue
        Cue, speaker cue, embedding ``(dim,)`` or recording.
    source
        Makes the cues of the network.
    space
        Fingerprint of the encoder whose embeddings the network reads; empty without one.
    sample_rate
        Of a recording. Default: that of the extractor for an array.

    Raises
    ------
    ModelError, ArgumentError
        If it is of another encoder, or of a kind that the network does not read.
    """
    if isinstance(cue, Cue):
        return cue
    if isinstance(cue, SpeakerCue):
        if space and cue.space.fingerprint != space:
            raise ModelError(
                f"the cue is of encoder {cue.space.fingerprint}, the extractor reads "
                f"{space}; extract the cue anew with that encoder"
            )
        return _from_vectors(source, cue.timbre, cue.frames.data)
    size = source.vector_size
    if isinstance(cue, np.ndarray | torch.Tensor) and cue.ndim == 1 and len(cue) == size:
        return _from_vectors(source, np.asarray(cue, np.float32), None)
    return make_cue(cue, source, array_rate(cue, sample_rate))


def make_cue(
    enrolment: Audio | Sequence[Audio],
    source: CueSource,
    sample_rate: int | None = None,
    speaker: str = "",
) -> Cue:
    """Make the cue of one recording or several; see :meth:`tse.Extractor.cue`."""
    several: list[Audio] = [enrolment]  # type: ignore[list-item]
    if isinstance(enrolment, list | tuple):
        several = list(enrolment)
    references = [read_reference(one, sample_rate, speaker) for one in several]
    with torch.inference_mode():
        return source(references)


def array_rate(audio: object, sample_rate: int | None) -> int | None:
    """Sample rate of audio; arrays without one are at that of extractors."""
    in_memory = isinstance(audio, np.ndarray | torch.Tensor)
    return SAMPLE_RATE if sample_rate is None and in_memory else sample_rate


def _from_vectors(source: CueSource, vector: Samples, frames: Samples | None) -> Cue:
    has_vector, has_frames = source.vector_size > 0, source.sequence_size > 0
    if not has_vector and not (has_frames and frames is not None):
        raise ArgumentError(
            "`cue` must be an enrolment for this extractor, got embeddings; give a recording"
        )
    sequence = torch.from_numpy(frames)[None] if has_frames and frames is not None else None
    return Cue(torch.from_numpy(vector)[None] if has_vector else None, sequence)
