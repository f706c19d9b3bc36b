"""Pack the training speech and noise into one array of log-mel features.

Every utterance is stored as recorded and in degraded copies: rooms, noise, codecs, telephone and
far-field bands, and four speeds that count as other speakers. Gain, spectral tilt and further noise
are cheap on log-mel power and are drawn anew at every training step (``augmentation.py``).

    python -m recipes.embedded.data.prepare --data ../shared --output PACKED [--workers 2]
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from diarspk.audio import SAMPLE_RATE
from diarspk.features.log_mel import LogMel
from diarspk.intervals import find_runs
from eval.command_line import command
from recipes.embedded.data.speakers import UNKNOWN, read_speakers
from recipes.training.speed import change_speed

Waveform = NDArray[np.float32]
GENERATED_NOISES = 60
SPEED = {"slow": 0.9, "fast": 1.1, "slower": 0.8, "faster": 1.2}
ALTERED_UTTERANCES = 2
"""Utterances of each speaker that are packed slower and faster too."""

VARIANTS = ("recorded", "room", "room", "noisy", "channel", *SPEED)


@dataclass(frozen=True)
class Packed:
    """Features of one list of recordings: ``(frames, mels)`` and a row of the index for each."""

    features: NDArray[np.float16]
    rows: list[dict[str, str | int]]


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
    return sorted(speech.glob("train-*.tar")) + sorted(speech.glob("extra-*.tar"))


def read_training(shard: Path, part: int = 0, parts: int = 1) -> Iterator[tuple[str, Waveform]]:
    """Read a shard as :func:`read_shard` does, with a noise floor in the place of silence."""
    for name, audio in read_shard(shard, part, parts):
        seed = int.from_bytes(name.encode(), "little") % 2**63
        yield name, fill_digital_silence(audio, np.random.default_rng(seed))


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


def read_impulse_responses(folder: Path, max_s: float = 1.2) -> list[Waveform]:
    """Measured responses, cut to ``max_s`` so that no cathedral smears a whole crop."""
    responses = []
    for path in sorted(folder.glob("*.flac")):
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        response = soxr.resample(audio[:, 0], rate, SAMPLE_RATE)
        start = max(int(np.argmax(np.abs(response))) - 40, 0)
        responses.append(response[start : start + int(max_s * SAMPLE_RATE)])
    return responses


def simulate_rooms(count: int, generator: np.random.Generator) -> list[Waveform]:
    """Impulse responses of shoebox rooms from closets to lecture halls (image method)."""
    import pyroomacoustics as pra

    responses: list[Waveform] = []
    while len(responses) < count:
        size = generator.uniform([2.5, 2.5, 2.3], [10.0, 8.0, 4.0])
        absorption, order = pra.inverse_sabine(
            max(generator.uniform(0.15, 0.8), 0.17 * np.prod(size) ** (1 / 3) / 2), size
        )
        room = pra.ShoeBox(
            size,
            fs=SAMPLE_RATE,
            materials=pra.Material(min(absorption, 0.95)),
            max_order=min(order, 12),
        )
        room.add_source(generator.uniform([0.5] * 3, size - 0.5))
        room.add_microphone(generator.uniform([0.5] * 3, size - 0.5))
        room.compute_rir()
        response = np.asarray(room.rir[0][0], dtype=np.float32)
        start = max(int(np.argmax(np.abs(response))) - 40, 0)
        responses.append(response[start : start + int(0.8 * SAMPLE_RATE)])
    return responses


def reverberate(audio: Waveform, response: Waveform) -> Waveform:
    return fftconvolve(audio, response)[: len(audio)].astype(np.float32)


def encode_and_decode(audio: Waveform, rate: int, **codec: object) -> Waveform:
    """Pass audio through a lossy codec of libsndfile at ``rate`` and back to 16 kHz."""
    narrow = soxr.resample(audio, SAMPLE_RATE, rate)
    peak = max(float(np.abs(narrow).max()), 1e-5)
    stream = io.BytesIO()
    soundfile.write(stream, narrow / peak * 0.8, rate, **codec)
    stream.seek(0)
    decoded, _ = soundfile.read(stream, dtype="float32")
    widened = soxr.resample(decoded, rate, SAMPLE_RATE)[: len(audio)]
    return np.pad(widened, (0, len(audio) - len(widened))).astype(np.float32)


def band_limit(audio: Waveform, generator: np.random.Generator) -> Waveform:
    """Limit to a far-field or handset band: random corner frequencies, second order."""
    low, high = generator.uniform(80, 350), generator.uniform(2800, 7000)
    sections = butter(2, [low, high], "bandpass", fs=SAMPLE_RATE, output="sos")
    return sosfilt(sections, audio).astype(np.float32)


def clip(audio: Waveform, generator: np.random.Generator) -> Waveform:
    limit = np.quantile(np.abs(audio), generator.uniform(0.9, 0.995))
    return np.clip(audio, -limit, limit).astype(np.float32)


def pass_channel(audio: Waveform, generator: np.random.Generator) -> Waveform:
    """One of: GSM, mu-law telephone, low-rate MP3, a band limit, clipping."""
    choice = generator.integers(5)
    if choice == 0:
        return encode_and_decode(audio, 8000, format="WAV", subtype="GSM610")
    if choice == 1:
        return encode_and_decode(audio, 8000, format="WAV", subtype="ULAW")
    if choice == 2:
        return encode_and_decode(audio, SAMPLE_RATE, format="MP3", compression_level=0.9)
    return band_limit(audio, generator) if choice == 3 else clip(audio, generator)


def add_noise(audio: Waveform, noise: Waveform, ratio_db: float) -> Waveform:
    """Add noise, repeated where it is short, ``ratio_db`` below the audio."""
    noise = np.resize(noise, len(audio))
    powers = np.mean(audio**2), max(float(np.mean(noise**2)), 1e-12)
    return audio + noise * np.float32(np.sqrt(powers[0] / powers[1]) * 10 ** (-ratio_db / 20))


def degrade(
    audio: Waveform,
    variant: str,
    rooms: list[Waveform],
    noises: list[Waveform],
    generator: np.random.Generator,
) -> Waveform:
    if variant == "recorded":
        return audio
    if variant == "noisy":
        if generator.random() < 0.5:
            audio = reverberate(audio, rooms[generator.integers(len(rooms))])
        noise = noises[generator.integers(len(noises))]
        noise = np.roll(noise, int(generator.integers(len(noise))))
        return add_noise(audio, noise, generator.uniform(0, 20))
    if variant in SPEED:
        audio = change_speed(audio, SPEED[variant])
        if generator.random() < 0.5:
            return audio
    if variant == "channel" or (variant in SPEED and generator.random() < 0.5):
        return pass_channel(audio, generator)
    return reverberate(audio, rooms[generator.integers(len(rooms))])


def generate_noise(
    count: int, generator: np.random.Generator, seconds: float = 10.0
) -> list[Waveform]:
    """Coloured noise with slow level changes, and mains hum with harmonics."""
    length = int(seconds * SAMPLE_RATE)
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    noises = []
    for index in range(count):
        spectrum = np.fft.rfft(generator.standard_normal(length))
        audio = np.fft.irfft(spectrum / np.maximum(frequency, 20.0) ** generator.uniform(-0.2, 1.1))
        if index % 4 == 0:
            base, time = generator.uniform(45, 130), np.arange(length) / SAMPLE_RATE
            tones = sum(
                generator.random() / k * np.sin(2 * np.pi * base * k * time) for k in range(1, 12)
            )
            audio = audio / audio.std() * 0.3 + tones
        knots = np.exp(generator.normal(0, 0.5, 12))
        envelope = np.interp(np.arange(length), np.linspace(0, length, 12), knots)
        noises.append((audio * envelope / audio.std() * 0.05).astype(np.float32))
    return noises


def altered_utterances(speakers: dict[str, str]) -> frozenset[str]:
    """Utterances that are packed, and embedded by the teacher, slower and faster too.

    They are the first :data:`ALTERED_UTTERANCES` of each speaker who is known.
    """
    count: Counter[str] = Counter()
    altered = set()
    for name, speaker in sorted(speakers.items()):
        count[speaker] += 1
        if speaker != UNKNOWN and count[speaker] <= ALTERED_UTTERANCES:
            altered.add(name)
    return frozenset(altered)


class Packer:
    """Collects waveforms as float16 log-mel features with an index row each."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self.log_mel = LogMel()
        self.blocks: list[NDArray[np.float16]] = []
        self.rows: list[dict[str, str | int]] = []

    def add(self, audio: Waveform, **row: str | int) -> None:
        with torch.inference_mode():
            features = self.log_mel(torch.from_numpy(np.ascontiguousarray(audio))[None])[0]
        self.blocks.append(features.half().numpy())
        self.rows.append({**row, "frames": len(features)})

    def finish(self) -> Packed:
        return Packed(np.concatenate(self.blocks), self.rows)


@dataclass(frozen=True)
class Degradations:
    """Copies that are packed of an utterance, and what they are made with."""

    rooms: list[Waveform]
    noises: list[Waveform]
    altered: frozenset[str]

    def copies(self, utterance: str) -> tuple[str, ...]:
        """Variants that an utterance is packed in."""
        plain = tuple(variant for variant in VARIANTS if variant not in SPEED)
        return VARIANTS if utterance in self.altered else plain


def pack_part(shard: Path, part: int, parts: int, degradations: Degradations) -> Packed:
    """Features of every ``parts``-th utterance of one shard of training in every variant."""
    packer = Packer()
    for utterance, audio in read_training(shard, part, parts):
        for copy, variant in enumerate(degradations.copies(utterance)):
            seed = [int.from_bytes(utterance.encode(), "little") % 2**63, copy]
            generator = np.random.default_rng(seed)
            made = degrade(audio, variant, degradations.rooms, degradations.noises, generator)
            packer.add(made, utterance=utterance, variant=variant)
    return packer.finish()


def pack_recorded(shard: Path) -> Packed:
    """Features of every utterance of a shard as it was recorded."""
    packer = Packer()
    for utterance, audio in read_shard(shard):
        packer.add(audio, utterance=utterance, variant="recorded")
    return packer.finish()


def read_noises(folder: Path, min_s: float = 0.5) -> dict[str, Waveform]:
    """Read the noises of a folder, by the names of their files."""
    noises = {}
    for path in sorted(folder.glob("*.opus")):
        audio, rate = soundfile.read(path, dtype="float32")
        audio = soxr.resample(audio, rate, SAMPLE_RATE)
        if len(audio) >= min_s * SAMPLE_RATE:
            noises[path.stem] = audio
    return noises


def gather_noises(folder: Path, generator: np.random.Generator) -> dict[str, Waveform]:
    """Read the noises of a folder, and generate some more."""
    generated = enumerate(generate_noise(GENERATED_NOISES, generator))
    return read_noises(folder) | {f"generated-{number:02d}": audio for number, audio in generated}


def pack_noise(noises: dict[str, Waveform]) -> Packed:
    packer = Packer()
    for name, audio in noises.items():
        packer.add(audio, utterance=name, variant="noise")
    return packer.finish()


def write(parts: Iterable[Packed], output: Path) -> None:
    """``features.npy`` (memory-mappable) and ``index.csv`` with each entry's first frame.

    Parts are written as they come, so that one at a time is in memory. NumPy leaves room in a
    header for the first axis to grow.
    """
    output.mkdir(parents=True, exist_ok=True)
    start = mels = 0
    with (
        (output / "index.csv").open("w", newline="") as stream,
        (output / "features.npy").open("wb") as features,
    ):
        table = csv.DictWriter(stream, ["utterance", "variant", "start", "frames"])
        table.writeheader()
        for part in parts:
            mels = part.features.shape[1]
            if not start:
                _write_header(features, 0, mels)
            features.write(np.ascontiguousarray(part.features).tobytes())
            for row in part.rows:
                table.writerow({**row, "start": start})
                start += int(row["frames"])
        features.seek(0)
        _write_header(features, start, mels)
    (output / "packed.json").write_text(json.dumps({"frames": start, "mels": mels}))


def _write_header(stream: BinaryIO, frames: int, mels: int) -> None:
    description = np.lib.format.dtype_to_descr(np.dtype(np.float16))
    header = {"descr": description, "fortran_order": False, "shape": (frames, mels)}
    np.lib.format.write_array_header_1_0(stream, header)


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/ and noise/."""
    output: Path
    """Folder to pack into."""
    workers: int = 2
    """Number of processes."""
    seed: int = 0
    """Seed of rooms and noise."""


@command
def main(settings: Settings) -> None:
    generator = np.random.default_rng(settings.seed)
    rooms = read_impulse_responses(settings.data / "noise" / "rir")
    rooms += simulate_rooms(300, generator)
    noises = gather_noises(settings.data / "noise" / "noise", generator)
    speech = settings.data / "speech"
    speakers = read_speakers(speech / "train.tsv", speech / "extra.tsv")
    degradations = Degradations(rooms, list(noises.values()), altered_utterances(speakers))
    write([pack_recorded(speech / "dev-00.tar")], settings.output / "dev")
    write([pack_noise(noises)], settings.output / "noise")
    parts = 8
    tasks = [(shard, part) for shard in training_shards(speech) for part in range(parts)]
    with ProcessPoolExecutor(settings.workers) as pool:
        packed = pool.map(
            pack_part,
            [shard for shard, _ in tasks],
            [part for _, part in tasks],
            repeat(parts),
            repeat(degradations),
        )
        write(packed, settings.output / "train")


if __name__ == "__main__":
    raise SystemExit(main())
