"""Extraction of speakers from a recording: into an array, or into audio files."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray

from diarspk.arguments import check_count, check_type
from diarspk.audio import SAMPLE_RATE, Audio, AudioStream, load_audio, open_audio
from diarspk.errors import FormatError, SpeechWarning
from diarspk.formats.names import plain_name
from tse.cues import Cue, Reference
from tse.enrolment import collect, gate, single_speaker_turns
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.presence import PresenceMeter
from tse.sound_file import sound_file

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["extract", "extract_enrolled", "extract_speakers"]

Samples = NDArray[np.float32]

BLOCK_S = 15.0
"""Seconds that are read and written at a time."""

Progress = Callable[[str, float], None]
"""Callable(stage, fraction done in [0, 1])."""


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
        Recording of the speaker alone, a list or tuple of several, or a cue of the extractor.
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
        If the voice that was extracted is hardly like the enrolment; see :mod:`tse.presence`.

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
    if isinstance(enrolment, Cue):
        cue = enrolment
    else:
        in_memory = not _is_file(enrolment)
        rate = enrolment_sample_rate or (sample_rate if in_memory else None)
        cue = extractor.cue(enrolment, rate)
    voices, meter = [], PresenceMeter.for_cue(extractor.encoder, cue)
    for block, mixed in _extract_blocks(extractor, stream.blocks(), [cue]):
        voices.append(block[0])
        if meter is not None:
            meter.push(block[0], mixed)
    _warn_of_absence(meter, stream.name)
    return _resample(np.concatenate(voices), stream.source.sample_rate, mixture)


def extract_enrolled(
    recording: Audio,
    enrolments: Sequence[Audio],
    output: Path,
    *,
    extractor_name: str | None = None,
    device: str = "auto",
    channel: int | None = None,
    warn: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the voice of a speaker enrolled by recordings to ``output``.

    Parameters
    ----------
    warn
        Receives what makes an enrolment less reliable, one line each.

    Warns
    -----
    SpeechWarning
        If the voice that was extracted is hardly like the enrolment; see :mod:`tse.presence`.
    """
    from diarspk.features.speech_quality import check_speech

    stream = open_audio(recording, channel=channel)
    extractor = load_extractor(extractor_name, device=device)
    references = []
    for enrolment in enrolments:
        reference = open_audio(enrolment)
        waveform = load_audio(reference)
        if warn is not None:
            for message in check_speech(waveform):
                warn(f"{reference.source.label}: {message}")
        references.append(Reference(waveform))
    cue = extractor.source(references)
    meter = PresenceMeter.for_cue(extractor.encoder, cue)
    _write(extractor, stream, [cue], [output], progress, meter=meter)
    _warn_of_absence(meter, str(output))


def extract_speakers(
    recording: Audio,
    speakers: Sequence[str],
    targets: Callable[[Sequence[str]], list[Path]],
    *,
    diarization: Path | None = None,
    extractor_name: str | None = None,
    device: str = "auto",
    channel: int | None = None,
    gated: bool = False,
    warn: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the voices of speakers of a diarization, each enrolled by its own turns.

    Parameters
    ----------
    speakers
        Labels of the diarization; all of them if empty.
    targets
        Callable(labels) -> a file for the voice of each speaker, all different.
    diarization
        RTTM. Default: the recording is diarized.
    gated
        Mute each voice outside the turns of its speaker.
    warn
        Receives warnings, one line each.
    """
    stream = open_audio(recording, channel=channel)
    extractor = load_extractor(extractor_name, device=device)
    annotation = (
        _diarize(stream, device, progress)
        if diarization is None
        else _read_diarization(diarization, stream.name)
    )
    names = [plain_name(name) for name in speakers] or [str(label) for label in annotation.labels()]
    if not names:
        if warn is not None:
            warn(f"{stream.source.label}: no speech found; nothing is written")
        return
    turns = {name: single_speaker_turns(annotation, name) for name in names}
    enrolments = collect(stream.blocks(BLOCK_S), turns)
    cues = [extractor.source([Reference(enrolments[name], name)]) for name in names]
    timelines = [annotation.label_timeline(name).support() for name in names] if gated else None

    def mute(voices: Samples, position: int) -> Samples:
        if timelines is None:
            return voices
        rows = [gate(row, position, line) for row, line in zip(voices, timelines, strict=True)]
        return np.stack(rows)

    _write(extractor, stream, cues, targets(names), progress, mute)


def _is_file(enrolment: object) -> bool:
    first = enrolment[0] if isinstance(enrolment, list | tuple) and enrolment else enrolment
    return not hasattr(first, "shape")


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


def _write(
    extractor: Extractor,
    stream: AudioStream,
    cues: Sequence[Cue],
    files: Sequence[Path],
    progress: Progress | None,
    postprocess: Callable[[Samples, int], Samples] | None = None,
    meter: PresenceMeter | None = None,
) -> None:
    """Extract block by block into all files at once; they appear whole or not at all."""
    position = 0
    with ExitStack() as stack:
        sounds = [stack.enter_context(sound_file(file)) for file in files]
        for voices, mixture in _extract_blocks(extractor, stream.blocks(BLOCK_S), cues):
            rows = voices if postprocess is None else postprocess(voices, position)
            for sound, voice in zip(sounds, rows, strict=True):
                sound.write(voice.clip(-1, 1))
            position += voices.shape[1]
            if meter is not None:
                meter.push(voices[0], mixture)
            if progress is not None and stream.expected_duration:
                done = position / SAMPLE_RATE / stream.expected_duration
                progress("extracting", min(done, 1.0))


def _extract_blocks(
    extractor: Extractor, blocks: Iterable[Samples], cues: Sequence[Cue]
) -> Iterator[tuple[Samples, Samples]]:
    """Extract block by block: voices ``(speakers, time)``, and the mixture ``(time,)`` of each."""
    read: deque[Samples] = deque()

    def following() -> Iterator[Samples]:
        for block in blocks:
            read.append(block)
            yield block

    for voices in extractor.extract_blocks(following(), cues):
        mixture = [np.zeros(0, np.float32)]
        missing = voices.shape[1]
        while missing > 0:
            part = read.popleft()
            mixture.append(part[:missing])
            if len(part) > missing:
                read.appendleft(part[missing:])
            missing -= len(mixture[-1])
        yield voices, np.concatenate(mixture)


def _warn_of_absence(meter: PresenceMeter | None, name: str) -> None:
    """Warn of a voice that is hardly like its enrolment."""
    doubt = None if meter is None else meter.finish().doubt
    if doubt is not None:
        warnings.warn(f"{name}: {doubt}", SpeechWarning, stacklevel=3)


def _diarize(stream: AudioStream, device: str, progress: Progress | None) -> Annotation:
    from diarspk import Diarizer

    return Diarizer(device=device)(stream, progress=progress).annotation


def _read_diarization(file: Path, recording: str) -> Annotation:
    from diarspk.formats import read_rttm

    recording = plain_name(recording)
    annotations = read_rttm(file)
    if recording in annotations:
        return annotations[recording]
    if len(annotations) != 1:
        raise FormatError(
            f"must have the turns of {recording}, or of one recording only, got those of "
            f"{', '.join(annotations) or 'none'}",
            str(file),
        )
    return next(iter(annotations.values()))
