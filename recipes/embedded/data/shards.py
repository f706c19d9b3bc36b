"""Speech as it is given: utterances of tar shards, and what replaces digital silence."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import FormatError
from diarspk.intervals import find_runs

__all__ = [
    "Waveform",
    "fill_digital_silence",
    "read_shard",
    "read_training",
    "seed_of",
    "training_shards",
]

Waveform = NDArray[np.float32]


def read_shard(path: Path, part: int = 0, parts: int = 1) -> Iterator[tuple[str, Waveform]]:
    """Names and 16 kHz waveforms of every ``parts``-th Ogg/Opus member of a tar shard."""
    with tarfile.open(path) as archive:
        for number, member in enumerate(archive):
            wanted = number % parts == part and member.name.endswith(".opus")
            stream = archive.extractfile(member) if wanted else None
            if stream is not None:
                audio, rate = soundfile.read(io.BytesIO(stream.read()), dtype="float32")
                yield Path(member.name).stem, soxr.resample(audio, rate, SAMPLE_RATE)


def training_shards(speech: Path) -> list[Path]:
    """Tar shards of labelled (``train-*``) and pseudo-labelled (``extra-*``) training speech."""
    found = sorted(speech.glob("train-*.tar")) + sorted(speech.glob("extra-*.tar"))
    if not found:
        raise FormatError("holds no shard, train-*.tar or extra-*.tar; check --data", str(speech))
    return found


def read_training(shard: Path, part: int = 0, parts: int = 1) -> Iterator[tuple[str, Waveform]]:
    """Read a shard as :func:`read_shard` does, with a noise floor in the place of silence."""
    for name, audio in read_shard(shard, part, parts):
        yield name, fill_digital_silence(audio, np.random.default_rng(seed_of(name)))


def seed_of(name: str) -> int:
    """Return a seed that depends on the name of an utterance alone."""
    return int.from_bytes(name.encode(), "little") % 2**63


def fill_digital_silence(
    audio: Waveform, generator: np.random.Generator, *, min_s: float = 0.02
) -> Waveform:
    """Add white noise, 60 to 80 dB below full scale, to audio with stretches of digital silence.

    A noise gate leaves such stretches: no microphone does, and their log-mels lie far below those
    of any other recording. Other audio is returned as it is.
    """
    silent = np.abs(audio) < 2.0**-16
    lengths = np.diff(find_runs(silent), axis=1)
    if not (lengths >= min_s * SAMPLE_RATE).any():
        return audio
    amplitude = 10 ** (generator.uniform(-80, -60) / 20)
    noise = generator.standard_normal(len(audio)) * amplitude
    return (audio + noise).astype(np.float32)
