"""Pack utterances for training: log-mel features, and a cue of each by the frozen encoder.

    python -m recipes.conditioning.prepare --data ../shared/speech --output packed.npz \
        [--encoder diarspk] [--speakers 600] [--each 4]

Both are what ``python -m recipes.conditioning.train`` reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diarspk.errors import ArgumentError
from eval.command_line import command
from eval.embeddings.embedding_cache import load_system
from eval.embeddings.speech import Utterance
from eval.probes.labels import draw_records, read_records
from eval.probes.synthesis import log_mel_of
from eval.probes.vectors import chosen_utterances
from recipes.conditioning.data import PackedVoices, write_packed


def pack(utterances: Iterable[Utterance], encoder: str) -> PackedVoices:
    """Features and cues of utterances."""
    embed, space = load_system(encoder)
    features, cues, speakers = [], [], []
    for one in utterances:
        features.append(log_mel_of(one.waveform).astype(np.float16))
        cues.append(np.asarray(embed([one.waveform])[0], np.float32))
        speakers.append(one.speaker)
    if not features:
        raise ArgumentError("`utterances` must be one at least, got none")
    return PackedVoices(
        np.concatenate(features),
        np.array([len(one) for one in features], np.int64),
        np.stack(cues),
        tuple(speakers),
        encoder,
        encoder if space is None else space.fingerprint,
    )


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder of utterances in shards."""
    output: Path
    """File to write, packed.npz."""
    split: str = "train"
    """Split of the speakers."""
    encoder: str = "diarspk"
    """Encoder of the cues."""
    speakers: int = 600
    """Number of speakers."""
    each: int = 4
    """Number of utterances of each."""
    seed: int = 0
    """Seed of the draw."""


@command
def main(settings: Settings) -> None:
    records = read_records(settings.data, settings.split)
    drawn = draw_records(records, settings.speakers, settings.each, seed=settings.seed)
    voices = pack(chosen_utterances(settings.data, settings.split, drawn), settings.encoder)
    write_packed(voices, settings.output)
    print(f"{len(voices.frames)} utterances, {len(voices.log_mel) / 6000:.1f} minutes")


if __name__ == "__main__":
    raise SystemExit(main())
