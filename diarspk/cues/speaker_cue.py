"""All that a synthesiser or an extractor may want to know of a speaker, as one structure.

Timbre is one vector, but a voice is more than that: how it changes over time is in the frame
sequence, and how somebody speaks in the prosody. An application takes the parts it has use for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE, Audio, load_audio
from diarspk.embeddings.space import Space
from diarspk.encoders.base import FrameEmbeddings
from diarspk.errors import FormatError
from diarspk.features.prosody import ProsodyStatistics, measure_prosody

if TYPE_CHECKING:
    from diarspk.encoders.base import SpeakerEncoder

__all__ = ["SpeakerCue", "extract_cue", "read_cue", "write_cue"]


@dataclass(frozen=True, eq=False)
class SpeakerCue:
    """A speaker as heard in one recording.

    Attributes
    ----------
    timbre : ndarray of float32, ``(dim,)``
        Unit vector of the whole recording.
    frames : FrameEmbeddings
        Unit vectors ``(frames, dim)`` in the same space, one each ``frames.hop`` seconds.
    prosody : ProsodyStatistics
        Pitch, energy and rate.
    space : Space
        Of ``timbre`` and ``frames``: use them only where this space is read.
    duration : float
        Seconds of the recording.
    """

    timbre: NDArray[np.float32]
    frames: FrameEmbeddings
    prosody: ProsodyStatistics
    space: Space
    duration: float


def extract_cue(
    audio: Audio,
    encoder: SpeakerEncoder,
    sample_rate: int | None = None,
    *,
    channel: int | None = None,
    name: str = "",
) -> SpeakerCue:
    """Read timbre, frame sequence and prosody from a recording of one speaker.

    Parameters
    ----------
    audio, sample_rate, channel
        See :func:`diarspk.audio.load_audio`.
    encoder : SpeakerEncoder
    name : str
        What the encoder is called.

    Raises
    ------
    AudioError
        If the audio cannot be read, is silent, or is shorter than 0.2 s.
    """
    waveform = load_audio(audio, sample_rate, channel=channel)
    return SpeakerCue(
        timbre=encoder.embed(waveform, SAMPLE_RATE),
        frames=encoder.embed_frames(waveform, SAMPLE_RATE),
        prosody=measure_prosody(waveform, SAMPLE_RATE),
        space=replace(encoder.space, name=name),
        duration=len(waveform) / SAMPLE_RATE,
    )


def write_cue(cue: SpeakerCue, path: str | Path) -> None:
    """Write ``.npz``: the vectors, their hop and start, the space, and each prosody figure."""
    with atomic_path(path) as part, part.open("wb") as stream:
        np.savez(
            stream,
            timbre=cue.timbre,
            frames=cue.frames.data,
            hop=cue.frames.hop,
            start=cue.frames.start,
            duration=cue.duration,
            **{f"space.{key}": value for key, value in asdict(cue.space).items()},
            **{f"prosody.{key}": value for key, value in asdict(cue.prosody).items()},
        )


def read_cue(path: str | Path) -> SpeakerCue:
    """Read what :func:`write_cue` wrote.

    Raises
    ------
    FormatError
        If the file is missing or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            figures = {key: stored[f"prosody.{key}"].item() for key in _PROSODY}
            space = {key: stored[f"space.{key}"].item() for key in _SPACE}
            return SpeakerCue(
                timbre=stored["timbre"],
                frames=FrameEmbeddings(
                    stored["frames"], stored["hop"].item(), stored["start"].item()
                ),
                prosody=ProsodyStatistics(**figures),
                space=Space(**space),
                duration=stored["duration"].item(),
            )
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"not a cue ({error}); extract it again", str(path)) from error


_PROSODY = tuple(ProsodyStatistics.__dataclass_fields__)
_SPACE = tuple(Space.__dataclass_fields__)
