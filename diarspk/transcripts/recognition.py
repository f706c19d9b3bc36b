"""Transcription by faster-whisper, with weights that the user has: nothing is downloaded.

Needs the extra ``asr``.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diarspk.errors import ModelError
from diarspk.transcripts.reading import to_transcript
from diarspk.transcripts.transcript import Transcript

if TYPE_CHECKING:
    from diarspk.audio.stream import Audio

__all__ = ["Recogniser", "load_recogniser", "transcribe"]

REMEDY = "give the folder of a CTranslate2 model of Whisper, which diarspk does not download"
SEED = 0
"""Where decoding fails at first, faster-whisper draws words at random."""


@dataclass(frozen=True)
class Recogniser:
    """Model of faster-whisper that is loaded."""

    model: Any


def transcribe(
    audio: Audio,
    model: str | PathLike[str] | Recogniser,
    *,
    language: str | None = None,
) -> Transcript:
    """Transcribe a recording with the times of words.

    Parameters
    ----------
    audio : path, file object or AudioStream
        As :func:`diarspk.audio.open_audio` opens it.
    model : path or str
        Folder of a CTranslate2 model of Whisper, or the name of one that is in the cache of Hugging
        Face on this machine (``small``); or what :func:`load_recogniser` made of it, which serves
        many recordings.
    language : str, optional
        Code of the language. Default: the one that the model finds.

    Raises
    ------
    ModelError
        If faster-whisper is not installed, or there are no such weights on this machine.
    AudioError
        If the recording cannot be read.
    """
    recogniser = model if isinstance(model, Recogniser) else load_recogniser(model)
    from ctranslate2 import set_random_seed

    from diarspk.audio import load_audio, open_audio

    stream = open_audio(audio)
    samples = load_audio(stream)
    set_random_seed(SEED)
    segments, information = recogniser.model.transcribe(
        samples, language=language, word_timestamps=True
    )
    found = to_transcript(list(segments), stream.name)
    return Transcript(found.segments, stream.name, str(information.language))


def load_recogniser(model: str | PathLike[str]) -> Recogniser:
    """Load a model of Whisper once for many recordings.

    Parameters
    ----------
    model : path or str
        See :func:`transcribe`.

    Raises
    ------
    ModelError
        If faster-whisper is not installed, or there are no such weights on this machine.
    """
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        raise ModelError(
            "transcription needs faster-whisper; install diarspk[asr], or pass a transcript"
        ) from None
    folder = Path(model)
    if not folder.name or (folder.is_dir() and not (folder / "model.bin").is_file()):
        raise ModelError(f"{model or repr('')}: holds no model.bin; {REMEDY}")
    try:
        return Recogniser(
            WhisperModel(str(model), device="cpu", compute_type="int8", local_files_only=True)
        )
    # What a missing or damaged model raises depends on the versions of three packages.
    except Exception as error:
        if not folder.exists():
            raise ModelError(
                f"{model}: no such folder, and no model of this name on this machine; {REMEDY}"
            ) from error
        reason = " ".join(str(error).split())[:100]
        raise ModelError(f"{model}: cannot be loaded ({reason}); {REMEDY}") from error
