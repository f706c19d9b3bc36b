"""What ``diarspk extract`` does, once its command line is read.

:mod:`diarspk.cli.extract` finds this module when the command runs; see there why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from pyannote.core import Annotation

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE, AudioStream, load_audio, open_audio
from diarspk.errors import ArgumentError, FormatError
from diarspk.features.speech_quality import check_speech
from diarspk.formats import read_rttm
from tse.cues import Cue, Reference
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.meeting import clean_turns, collect, gate

__all__ = ["extract_enrolled", "extract_speakers"]

Samples = NDArray[np.float32]
BLOCK_S = 15.0
Progress = Callable[[str, float], None]
Say = Callable[[str], None]


def extract_enrolled(
    recording: Path,
    enrolments: Sequence[Path],
    output: Path,
    *,
    model: str | None,
    channel: int | None,
    say: Say,
    progress: Progress | None,
) -> None:
    """Write the voice of an enrolled speaker to ``output``."""
    stream = open_audio(recording, channel=channel)
    extractor = load_extractor(model)
    references = []
    for file in enrolments:
        waveform = load_audio(file)
        for message in check_speech(waveform):
            say(f"warning: {file}: {message}")
        references.append(Reference(waveform))
    _write(extractor, stream, [extractor.source(references)], [output], progress)


def extract_speakers(
    recording: Path,
    speakers: Sequence[str],
    target: Callable[[str], Path],
    *,
    diarization: Path | None,
    model: str | None,
    channel: int | None,
    gated: bool,
    say: Say,
    progress: Progress | None,
) -> None:
    """Write the voice of speakers of a diarization, of all where none is named.

    Parameters
    ----------
    target
        File that the voice of a speaker goes to.
    diarization
        RTTM; without it, the recording is diarized first.
    gated
        Silence a voice where the diarization has no turn of it.
    """
    stream = open_audio(recording, channel=channel)
    extractor = load_extractor(model)
    annotation = (
        _diarize(recording, channel, progress)
        if diarization is None
        else _read_diarization(diarization, stream.name)
    )
    names = list(speakers) or [str(label) for label in annotation.labels()]
    if not names:
        say(f"warning: {recording}: nobody talks in it; nothing is written")
        return
    turns = {name: clean_turns(annotation, name) for name in names}
    enrolments = collect(stream.blocks(BLOCK_S), turns)
    cues = [extractor.source([Reference(enrolments[name], name)]) for name in names]
    own = [annotation.label_timeline(name).support() for name in names] if gated else None

    def shape(voices: Samples, position: int) -> Samples:
        if own is None:
            return voices
        rows = [gate(row, position, line) for row, line in zip(voices, own, strict=True)]
        return np.stack(rows)

    _write(extractor, stream, cues, [target(name) for name in names], progress, shape)


def _write(
    extractor: Extractor,
    stream: AudioStream,
    cues: Sequence[Cue],
    files: Sequence[Path],
    progress: Progress | None,
    shape: Callable[[Samples, int], Samples] | None = None,
) -> None:
    """Extract block by block into all files at once; they appear whole or not at all."""
    position = 0
    with ExitStack() as stack:
        sounds = [stack.enter_context(_writing(file)) for file in files]
        for voices in extractor.extract_blocks(stream.blocks(BLOCK_S), cues):
            shaped = voices if shape is None else shape(voices, position)
            for sound, voice in zip(sounds, shaped, strict=True):
                sound.write(voice.clip(-1, 1))
            position += voices.shape[1]
            if progress is not None and stream.duration:
                progress("extracting", min(position / SAMPLE_RATE / stream.duration, 1.0))


@contextmanager
def _writing(file: Path) -> Iterator[soundfile.SoundFile]:
    kind = file.suffix[1:].upper()
    if kind not in soundfile.available_formats():
        raise ArgumentError(f"`-o` must end in .wav, .flac or .ogg, got {file}; rename it")
    file.parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic_path(file) as part,
        soundfile.SoundFile(part, "w", SAMPLE_RATE, 1, format=kind) as sound,
    ):
        yield sound


def _diarize(recording: Path, channel: int | None, progress: Progress | None) -> Annotation:
    from diarspk import Diarizer

    return Diarizer()(recording, channel=channel, progress=progress).annotation


def _read_diarization(file: Path, recording: str) -> Annotation:
    found = read_rttm(file)
    if recording in found:
        return found[recording]
    if len(found) != 1:
        raise FormatError(
            f"must have the turns of {recording}, or of one recording only, got those of "
            f"{', '.join(found) or 'none'}",
            str(file),
        )
    return next(iter(found.values()))
