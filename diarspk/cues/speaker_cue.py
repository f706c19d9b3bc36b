"""Speaker cue: timbre, frame embeddings and prosody of a speaker as one value.

The timbre is one vector; the frame embeddings have its course over time, and the prosody has pitch,
energy and speaking rate. Speech synthesis and target speech extraction take the parts they need.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

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
    """Write vectors, their hop and start, the space, and each prosody figure.

    Parameters
    ----------
    cue : SpeakerCue
    path : path
        ``.safetensors``: the tensors ``timbre`` and ``frames``, and the rest as JSON in the
        metadata ``cue``. Otherwise ``.npz``: an array for each.
    """
    check_type(cue, "cue", SpeakerCue)
    target = Path(check_path(path, "path"))
    arrays = {"timbre": cue.timbre, "frames": cue.frames.data}
    figures: dict[str, Any] = {
        "hop": cue.frames.hop,
        "start": cue.frames.start,
        "duration": cue.duration,
        **{f"space.{key}": value for key, value in asdict(cue.space).items()},
        **{f"prosody.{key}": value for key, value in asdict(cue.prosody).items()},
    }
    with atomic_path(target) as part:
        if target.suffix == TENSORS:
            content = {name: np.ascontiguousarray(one, np.float32) for name, one in arrays.items()}
            part.write_bytes(save(content, {"cue": json.dumps(figures)}))
        else:
            with part.open("wb") as stream:
                np.savez(stream, **{**arrays, **figures})


def read_cue(path: str | Path) -> SpeakerCue:
    """Read a cue from ``.npz`` or ``.safetensors``.

    Raises
    ------
    FormatError
        If the file is missing or holds no cue.
    """
    file = Path(check_path(path, "path"))
    if file.suffix == TENSORS:
        arrays, stored = _read_tensors(file)
    else:
        arrays = read_arrays(file, "a cue", "extract it again")
        stored = {name: value.item() for name, value in arrays.items() if value.ndim == 0}
    try:
        frames = FrameEmbeddings(arrays["frames"], stored["hop"], stored["start"])
        return SpeakerCue(
            timbre=arrays["timbre"],
            frames=frames,
            prosody=ProsodyStatistics(**{key: stored[f"prosody.{key}"] for key in _PROSODY}),
            space=Space(**{key: stored[f"space.{key}"] for key in _SPACE}),
            duration=stored["duration"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"not a cue ({error}); extract it again", str(path)) from error


def _read_tensors(file: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Read the arrays of a cue, and its figures by name."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "np") as tensors:
            figures = json.loads(tensors.metadata()["cue"])
            arrays = {name: tensors.get_tensor(name) for name in ("timbre", "frames")}
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        fault = " ".join(str(error).split())[:200]
        raise FormatError(f"not a cue ({fault}); extract it again", str(file)) from error
    if not isinstance(figures, dict):
        raise FormatError("not a cue (no figures); extract it again", str(file))
    return arrays, figures


TENSORS = ".safetensors"
_PROSODY = tuple(ProsodyStatistics.__dataclass_fields__)
_SPACE = tuple(Space.__dataclass_fields__)
