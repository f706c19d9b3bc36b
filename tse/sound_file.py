"""Sound file that an extraction writes block by block."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from diarspk.atomic import atomic_path, check_replaceable
from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.errors import ArgumentError, AudioError

__all__ = ["keep_recording", "sound_file"]


def keep_recording(
    stream: AudioStream | None, files: Iterable[Path], enrolments: Iterable[Path] = ()
) -> None:
    """Refuse to write over the recording that is read, or over an enrolment.

    Raises
    ------
    ArgumentError
        If one of the files is it.
    """
    own = None if stream is None else stream.source.file
    read = {
        "the recording itself": [] if own is None or own.path is None else [Path(own.path)],
        "an enrolment": list(enrolments),
    }
    for file in files:
        for kind, paths in read.items():
            if any(_are_same(file, path) for path in paths):
                raise ArgumentError(
                    f"`-o` must not be {kind}, got {file}; choose another folder or name"
                )


def _are_same(file: Path, other: Path) -> bool:
    return file.exists() and other.exists() and os.path.samefile(file, other)


@contextmanager
def sound_file(file: Path, sample_rate: int = SAMPLE_RATE) -> Iterator[soundfile.SoundFile]:
    """Open a mono file for writing; it appears whole or not at all.

    Raises
    ------
    ArgumentError
        If its suffix is of no format that libsndfile writes.
    AudioError
        If it cannot be written to its last sample.
    OSError
        If it cannot be replaced, which is told at once.
    """
    kind = file.suffix[1:].upper()
    if kind not in soundfile.available_formats():
        raise ArgumentError(f"`-o` must end in .wav, .flac or .ogg, got {file}; rename it")
    file.parent.mkdir(parents=True, exist_ok=True)
    check_replaceable(file)
    fault = AudioError(f"{file}: cannot be written; see that the folder is writable and has room")
    with atomic_path(file) as part:
        try:
            with soundfile.SoundFile(_name(part), "w", sample_rate, 1, format=kind) as sound:
                yield sound
                frames = sound.frames
        # soundfile asserts that libsndfile takes all that it is given.
        except (soundfile.LibsndfileError, AssertionError) as error:
            raise fault from error
        if not _is_whole(part, frames):
            raise fault


def _name(part: Path) -> Path | bytes:
    """Name as soundfile takes it: as bytes where they need not be UTF-8."""
    return part if os.name == "nt" else os.fsencode(part)


def _is_whole(part: Path, frames: int) -> bool:
    """Whether the last sample can be read: libsndfile tells no error of what it writes at last."""
    try:
        with soundfile.SoundFile(_name(part)) as sound:
            if sound.frames != frames:
                return False
            sound.seek(max(frames - 1, 0))
            return len(sound.read()) == min(frames, 1)
    except soundfile.LibsndfileError:
        return False
