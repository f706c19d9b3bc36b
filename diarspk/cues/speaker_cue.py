"""Speaker cue: timbre, frame embeddings and prosody of a speaker as one value.

The timbre is one vector; the frame embeddings have its course over time, and the prosody has pitch,
energy and speaking rate. Speech synthesis and target speech extraction take the parts they need.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_method, check_path, check_type
from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE, Audio, load_audio
from diarspk.checkpoints.array_file import read_arrays
from diarspk.embeddings.space import Space
from diarspk.encoders.base import FrameEmbeddings
from diarspk.errors import FormatError
from diarspk.features.prosody import ProsodyStatistics, measure_prosody

if TYPE_CHECKING:
    from diarspk.encoders.base import SpeakerEncoder

__all__ = ["SpeakerCue", "extract_cue", "read_cue", "write_cue"]


@dataclass(frozen=True, eq=False)
class SpeakerCue:
    """Description of a speaker from one recording.

    Attributes
    ----------
    timbre : ndarray of float32, ``(dim,)``
        Utterance embedding, a unit vector.
    frames : FrameEmbeddings
        Frame embeddings ``(frames, dim)`` in the same space, every ``frames.hop`` seconds.
    prosody : ProsodyStatistics
        Pitch, energy and speaking rate.
    space : Space
        Embedding space of ``timbre`` and ``frames``.
    duration : float
        Length of the recording in seconds.
    """

    timbre: NDArray[np.float32]
    frames: FrameEmbeddings
    prosody: ProsodyStatistics
    space: Space
    duration: float

    def __repr__(self) -> str:
        frames = f"{len(self.frames.data)} frames every {self.frames.hop:g} s"
        return f"SpeakerCue({self.duration:.1f} s, {frames}, {self.space})"


def extract_cue(
    audio: Audio,
    encoder: SpeakerEncoder,
    sample_rate: int | None = None,
    *,
    channel: int | None = None,
    name: str = "",
) -> SpeakerCue:
    """Compute timbre, frame embeddings and prosody from a recording of one speaker.

    Parameters
    ----------
    audio, sample_rate, channel
        See :func:`diarspk.audio.load_audio`.
    encoder : SpeakerEncoder
        Speaker encoder of timbre and frames.
    name : str
        Name of the encoder, kept with the space.

    Raises
    ------
    AudioError
        If the audio cannot be read, is silent, or is shorter than 0.2 s.
    """
    check_method(encoder, "encoder", "embed_frames", "a speaker encoder")
    check_type(name, "name", str)
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
    check_type(cue, "cue", SpeakerCue)
    with atomic_path(check_path(path, "path")) as part, part.open("wb") as stream:
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
    """Read a cue from ``.npz``.

    Raises
    ------
    FormatError
        If the file is missing or holds no cue.
    """
    stored = read_arrays(check_path(path, "path"), "a cue", "extract it again")
    try:
        figures = {key: stored[f"prosody.{key}"].item() for key in _PROSODY}
        space = {key: stored[f"space.{key}"].item() for key in _SPACE}
        return SpeakerCue(
            timbre=stored["timbre"],
            frames=FrameEmbeddings(stored["frames"], stored["hop"].item(), stored["start"].item()),
            prosody=ProsodyStatistics(**figures),
            space=Space(**space),
            duration=stored["duration"].item(),
        )
    except (ValueError, KeyError) as error:
        raise FormatError(f"not a cue ({error}); extract it again", str(path)) from error


_PROSODY = tuple(ProsodyStatistics.__dataclass_fields__)
_SPACE = tuple(Space.__dataclass_fields__)
