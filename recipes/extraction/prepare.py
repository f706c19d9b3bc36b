"""Pack voices as one memory-mapped waveform each split, with enrolment vectors, noise and rooms.

    python -m recipes.extraction.prepare --data DATA --output PACKED [--speeds 0.9 1.1] \
        [--encoder NAME ...]

Every utterance is decoded once. An utterance of six seconds or more is two pieces, so that one may
be the enrolment while the other is in the mixture; every encoder embeds every piece once
(``vectors.py``). With ``--speeds`` training utterances are packed slower and faster, too: a voice
at another speed is another speaker's. DATA has ``speech/`` (tar shards and tables) and ``noise/``
(noise and impulse responses); what is packed takes 115 MB an hour.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from eval.command_line import command
from eval.simulate.rooms import TAPS, simulate_room
from recipes.embedded.data.rooms_and_noise import (
    generate_noise,
    read_impulse_responses,
    read_noises,
)
from recipes.embedded.data.shards import Waveform, read_shard
from recipes.extraction.tasks import map_tasks
from recipes.extraction.vectors import embed_voices
from recipes.training.speed import change_speed

SPLIT_S = 6.0
MIN_SECONDS = 0.6
PARTS = 4
"""Tasks that a shard is shared out to."""

COLUMNS = ("utterance", "speaker", "start", "samples")

Piece = tuple[str, str, NDArray[np.int16]]
"""Name of the utterance, speaker, samples."""


@dataclass(frozen=True)
class Task:
    """Every :data:`PARTS`-th utterance of a shard, from number ``part``."""

    shard: Path
    speakers: dict[str, str]  # of the utterances that are wanted
    part: int
    speeds: tuple[float, ...] = ()  # of training voices, beside their own


def cut_pieces(audio: Waveform) -> list[NDArray[np.int16]]:
    """Take a short utterance whole, a long one as two halves, a very short one not at all."""
    if len(audio) < MIN_SECONDS * SAMPLE_RATE:
        return []
    middle = len(audio) // 2
    halves = [audio[:middle], audio[middle:]]
    parts = halves if len(audio) >= SPLIT_S * SAMPLE_RATE else [audio]
    return [np.round(part.clip(-1, 1) * 32767).astype(np.int16) for part in parts]


def read_pieces(task: Task) -> list[Piece]:
    """Pieces of a task."""
    pieces: list[Piece] = []
    for number, (utterance, audio) in enumerate(read_shard(task.shard)):
        if number % PARTS == task.part and utterance in task.speakers:
            for speed, voice in at_speeds(audio, task.speeds):
                for piece in cut_pieces(voice):
                    pieces.append((utterance + speed, task.speakers[utterance] + speed, piece))
    return pieces


def at_speeds(audio: Waveform, speeds: Sequence[float]) -> Iterator[tuple[str, Waveform]]:
    """Audio as it is, then at each of ``speeds``, its pitch included, with suffixes for names."""
    yield "", audio
    for speed in speeds:
        yield f"@{speed:g}", change_speed(audio, speed)


def simulate_rooms(
    count: int, generator: np.random.Generator, *, sources: int = 4
) -> NDArray[np.float16]:
    """Shoebox rooms with several speakers and a microphone each: ``(count, sources, taps)``."""
    rooms = [simulate_room(generator, sources=sources) for _ in range(count)]
    return np.array(rooms, np.float16).reshape(count, sources, TAPS)


def measured_rooms(folder: Path, *, sources: int = 4) -> NDArray[np.float16]:
    """Measured responses of half a second, the same for every source."""
    rooms = []
    for response in read_impulse_responses(folder, max_s=0.5):
        cut = np.zeros(TAPS, np.float32)
        cut[: len(response)] = response[:TAPS]
        rooms.append(np.tile(cut / np.sqrt(np.sum(cut**2)), (sources, 1)))
    return np.array(rooms, np.float16).reshape(len(rooms), sources, TAPS)


def read_noise(folder: Path, generator: np.random.Generator) -> Iterator[Piece]:
    """Read recorded noise of half a second or more, and generate some."""
    for name, audio in read_noises(folder).items():
        if np.abs(audio).max() > 1e-4:
            yield name, "noise", np.round(audio.clip(-1, 1) * 32767).astype(np.int16)
    for number, audio in enumerate(generate_noise(40, generator)):
        scaled = np.round(audio.clip(-1, 1) * 32767).astype(np.int16)
        yield f"generated-{number:02d}", "noise", scaled


def write_pieces(
    pieces: Sequence[Piece], output: Path, vectors: Sequence[Waveform] | None = None
) -> None:
    """``waveforms.npy`` (memory-mappable), ``index.csv``, and ``vectors.npy`` where there are.

    Vectors of what was packed there before are removed.
    """
    output.mkdir(parents=True, exist_ok=True)
    for earlier in output.glob("vectors*"):
        earlier.unlink()
    total = sum(len(samples) for _, _, samples in pieces)
    packed = np.lib.format.open_memmap(
        output / "waveforms.npy", "w+", dtype=np.int16, shape=(total,)
    )
    with (output / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        start = 0
        for utterance, speaker, samples in pieces:
            packed[start : start + len(samples)] = samples
            table.writerow([utterance, speaker, start, len(samples)])
            start += len(samples)
    packed.flush()
    if vectors is not None:
        np.save(output / "vectors.npy", np.stack(vectors).astype(np.float32))


def read_speakers(table: Path) -> dict[str, str]:
    """Speaker of every utterance of a table."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["utterance"]: row["speaker"] for row in rows}


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/ and noise/."""
    output: Path
    """Folder to pack into."""
    splits: tuple[str, ...] = ("train", "dev")
    """Splits of the speakers."""
    speeds: Sequence[float] = ()
    """Speeds of training voices, beside their own."""
    rooms: int = 200
    """Number of simulated rooms."""
    workers: int = 2
    """Number of processes; 0: this one alone."""
    seed: int = 0
    """Seed of rooms and noise."""
    encoder: Sequence[str] = ()
    """Speaker encoders: names, cards, checkpoints, s3prl:NAME, hf:NAME; none: the embedded one."""


@command
def main(settings: Settings) -> None:
    generator = np.random.default_rng(settings.seed)
    for split in settings.splits:
        speakers = read_speakers(settings.data / "speech" / f"{split}.tsv")
        shards = sorted((settings.data / "speech").glob(f"{split}-*.tar"))
        speeds = tuple(settings.speeds) if split == "train" else ()
        tasks = [Task(shard, speakers, part, speeds) for shard in shards for part in range(PARTS)]
        read = map_tasks(read_pieces, tasks, settings.workers)
        write_pieces([piece for part in read for piece in part], settings.output / split)
        embed_voices(settings.output / split, settings.encoder, settings.workers)
    noise = list(read_noise(settings.data / "noise" / "noise", generator))
    write_pieces(noise, settings.output / "noise")
    rooms = simulate_rooms(settings.rooms, generator)
    measured = measured_rooms(settings.data / "noise" / "rir")
    np.save(settings.output / "rooms.npy", np.concatenate([rooms, measured]))


if __name__ == "__main__":
    raise SystemExit(main())
