"""Embed speakers as recorded and by telephone: the cohort of an encoder.

    python -m recipes.cohort.embed --data ../shared/speech --output COHORTS/FINGERPRINT.json

The embedded encoder's is in diarspk/assets/cohorts. One utterance of each of so many training
speakers, drawn by the seed, is embedded twice: as it is, and as a telephone passes it on.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.checkpoint import write_checkpoint
from diarspk.encoders.base import SpeakerEncoder
from diarspk.verification.cohort import Cohort
from eval.command_line import command
from eval.embeddings.speech import read_utterances
from eval.report.progress import follow
from recipes.embedded.data.degradation import encode_and_decode

__all__ = ["draw_utterances", "embed_cohort", "main", "pass_telephone"]

Samples = NDArray[np.float32]

TELEPHONE_RATE = 8000
CODECS = ("GSM610", "ULAW")


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with train.tsv and its shards."""
    output: Path
    """Card to write, beside the vectors."""
    encoder: str | None = None
    """Name or card; none: the embedded one."""
    speakers: int = 500
    """Number of speakers."""
    seconds: float = 5.0
    """Length of an utterance, at most."""
    min_seconds: float = 3.0
    """Speech of an utterance, at least."""
    seed: int = 0
    """Seed of the speakers and of the telephone lines."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    encoder = diarspk.load_encoder(settings.encoder)
    cohort = embed_cohort(encoder, settings)
    card: dict[str, object] = {
        "kind": "cohort",
        "encoder": encoder.fingerprint,
        "speakers": len(cohort.recorded),
        "seed": settings.seed,
    }
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: torch.from_numpy(getattr(cohort, name)) for name in ("recorded", "by_telephone")
    }
    write_checkpoint(settings.output, tensors, card)


def embed_cohort(encoder: SpeakerEncoder, settings: Settings) -> Cohort:
    """Embed the speakers as they were recorded, and by telephone."""
    generator = np.random.default_rng(settings.seed)
    names = draw_utterances(settings, generator)
    longest = round(settings.seconds * SAMPLE_RATE)
    recorded, by_telephone = [], []
    utterances = read_utterances(settings.data, "train", names=names)
    for utterance in follow(utterances, "embedding", total=len(names)):
        waveform = utterance.waveform[:longest]
        recorded.append(encoder.embed(waveform, SAMPLE_RATE))
        by_telephone.append(encoder.embed(pass_telephone(waveform, generator), SAMPLE_RATE))
    return Cohort(np.stack(recorded), np.stack(by_telephone))


def draw_utterances(settings: Settings, generator: np.random.Generator) -> frozenset[str]:
    """Draw one utterance of each speaker from the table of the training split."""
    table = settings.data / "train.tsv"
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    chosen: dict[str, str] = {}
    for place in generator.permutation(len(rows)):
        row = rows[place]
        if float(row["speech_seconds"]) >= settings.min_seconds:
            chosen.setdefault(row["speaker"], row["utterance"])
    return frozenset(list(chosen.values())[: settings.speakers])


def pass_telephone(waveform: Samples, generator: np.random.Generator) -> Samples:
    """Limit to the band of a line, and pass a codec of mobile or of fixed networks."""
    band = [generator.uniform(200, 400), generator.uniform(3000, 3600)]
    sections = butter(2, band, "bandpass", fs=SAMPLE_RATE, output="sos")
    limited = sosfilt(sections, waveform).astype(np.float32)
    codec = CODECS[int(generator.integers(len(CODECS)))]
    return encode_and_decode(limited, TELEPHONE_RATE, format="WAV", subtype=codec)


if __name__ == "__main__":
    raise SystemExit(main())
