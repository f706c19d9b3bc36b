"""Pack LibriSpeech (and WHAM noise) for training on mixtures like Libri2Mix's, drawn anew.

    python -m recipes.libri2mix.prepare --librispeech LibriSpeech --train train-clean-100 \
        --dev dev-clean [--noise wham_noise/tr] --output PACKED [--encoder NAME ...]
    python -m recipes.extraction.train --packed PACKED --output RUN --steps 100000

The mixtures are drawn in training, and none is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diarspk.audio import load_audio
from diarspk.errors import FormatError
from eval.command_line import command
from recipes.embedded.data.rooms_and_noise import generate_noise
from recipes.extraction.prepare import Piece, cut_pieces, simulate_rooms, write_pieces
from recipes.extraction.tasks import map_tasks
from recipes.extraction.vectors import embed_voices


def list_utterances(folder: Path) -> list[Path]:
    """Every ``SPEAKER/CHAPTER/SPEAKER-CHAPTER-UTTERANCE.flac`` of a part of LibriSpeech.

    Raises
    ------
    FormatError
        If there is none.
    """
    found = sorted(folder.glob("*/*/*.flac"))
    if not found:
        raise FormatError(
            "holds no SPEAKER/CHAPTER/*.flac; give a part of LibriSpeech", str(folder)
        )
    return found


def speaker_of(utterance: str) -> str:
    """``103-1240-0003`` is of speaker 103."""
    return utterance.partition("-")[0]


def read_pieces(files: list[Path]) -> list[Piece]:
    """Pieces of some utterances."""
    return [
        (file.stem, speaker_of(file.stem), piece)
        for file in files
        for piece in cut_pieces(load_audio(file))
    ]


def read_noise(folder: Path | None, generator: np.random.Generator) -> Iterator[Piece]:
    """Noise of a folder, first channel; generated noise without one."""
    if folder is None:
        for number, audio in enumerate(generate_noise(60, generator)):
            yield f"{number:02d}", "noise", np.round(audio.clip(-1, 1) * 32767).astype(np.int16)
        return
    for path in sorted(folder.glob("*.wav")):
        audio = load_audio(path, channel=0)
        yield path.stem, "noise", np.round(audio.clip(-1, 1) * 32767).astype(np.int16)


@dataclass(frozen=True)
class Settings:
    librispeech: Path
    """Folder of LibriSpeech."""
    output: Path
    """Folder to pack into."""
    train: tuple[str, ...] = ("train-clean-100",)
    """Parts to train on."""
    dev: tuple[str, ...] = ("dev-clean",)
    """Parts to validate on."""
    noise: Path | None = None
    """Folder of WAV files, such as WHAM's tr."""
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
    for split, parts in (("train", settings.train), ("dev", settings.dev)):
        files = [f for part in parts for f in list_utterances(settings.librispeech / part)]
        chunks = [files[i : i + 200] for i in range(0, len(files), 200)]
        read = map_tasks(read_pieces, chunks, settings.workers)
        write_pieces([piece for part in read for piece in part], settings.output / split)
        embed_voices(settings.output / split, settings.encoder, settings.workers)
    write_pieces(list(read_noise(settings.noise, generator)), settings.output / "noise")
    np.save(settings.output / "rooms.npy", simulate_rooms(settings.rooms, generator))


if __name__ == "__main__":
    raise SystemExit(main())
