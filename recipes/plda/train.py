"""Fit the PLDA that VBx needs to the embeddings of one encoder.

    python -m recipes.plda.train --data ../shared/speech --output diarspk/assets/plda/PRINT.json \
        [--packed PACKED/train]

PRINT is the encoder's fingerprint: under that name the diarizer finds it. Another encoder, or the
same trained anew, needs its own PLDA. With --packed, crops come from the packed features of
recipes.embedded.data.prepare, copies in rooms among them, which is nearer to meetings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.clustering.plda import Plda, write_plda
from diarspk.clustering.plda_training import fit_plda
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.errors import ArgumentError
from diarspk.verification.metrics import equal_error_rate
from eval.command_line import command
from eval.embeddings.speech import Utterance, consecutive_crops, read_utterances
from eval.report.progress import follow
from recipes.plda.labelled_embeddings import Labelled
from recipes.plda.packed_features import embed_packed

MIN_SECONDS = 1.0
BATCH = 64


def embed_crops(
    encoder: SpeakerEncoder, utterances: Iterable[Utterance], seconds: float, most: int
) -> Labelled:
    """Embed consecutive crops, at most ``most`` an utterance; shorter utterances are one crop."""
    crops = _crops(utterances, round(seconds * SAMPLE_RATE), most)
    embeddings: list[NDArray[np.float32]] = []
    speakers: list[str] = []
    while batch := list(islice(crops, BATCH)):
        embeddings.append(encoder.embed_batch([crop for _, crop in batch], SAMPLE_RATE))
        speakers.extend(speaker for speaker, _ in batch)
    return Labelled(np.concatenate(embeddings), np.array(speakers))


def compare(plda: Plda, labelled: Labelled) -> dict[str, float]:
    """Equal error rates over all pairs of embeddings, by cosine and by likelihood ratio."""
    above = np.triu_indices(len(labelled.embeddings), 1)
    same = (labelled.speakers[:, None] == labelled.speakers)[above]
    cosines = (labelled.embeddings @ labelled.embeddings.T)[above]
    ratios = plda.log_likelihood_ratio(labelled.embeddings, labelled.embeddings)[above]
    return {
        "cosine": float(equal_error_rate(cosines, same)),
        "plda": float(equal_error_rate(ratios, same)),
    }


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with train.tsv, dev.tsv and shards."""
    output: Path
    """JSON card to write."""
    encoder: str | None = None
    """Name or card; none: the embedded encoder."""
    packed: Path | None = None
    """Folder of packed training features, for the embedded encoder."""
    speakers: Path | None = None
    """Table of the speakers of packed utterances; none: DATA/train.tsv."""
    equal_spectra: bool = False
    """Take packed crops a second time, all of one mean spectrum."""
    seconds: float = 3.0
    """Length of a crop."""
    crops: int = 4
    """Number of crops of an utterance, at most; packed: of a speaker."""
    dimension: int | None = None
    """Number of dimensions that are kept; none: all."""
    iterations: int = 10
    """Number of steps of EM."""
    utterances: int | None = None
    """Number of utterances, to try the command; none: all."""


@command
def main(settings: Settings) -> None:
    encoder = load_encoder(settings.encoder)
    cut = (settings.seconds, settings.crops)
    if settings.packed is None:
        spoken = islice(read_utterances(settings.data, "train"), settings.utterances)
        train = embed_crops(encoder, spoken, *cut).of_several()
    else:
        if not isinstance(encoder, LocalEncoder):
            raise ArgumentError(f"--packed holds features of local encoders, not of {encoder.name}")
        train = embed_packed(
            encoder,
            settings.packed,
            settings.speakers or settings.data / "train.tsv",
            seconds=settings.seconds,
            most=settings.crops,
            equal_spectra=settings.equal_spectra,
        ).of_several()
    plda = fit_plda(
        train.embeddings,
        train.speakers.tolist(),
        iterations=settings.iterations,
        fingerprint=encoder.fingerprint,
    )
    if settings.dimension is not None:
        plda = plda.truncated(settings.dimension)
    unseen = islice(read_utterances(settings.data, "dev"), settings.utterances)
    rates = compare(plda, embed_crops(encoder, unseen, *cut))
    card: dict[str, object] = {
        "recipe": _describe(settings),
        "speakers": len(np.unique(train.speakers)),
        "embeddings": len(train.embeddings),
        "dev_equal_error_rate": rates,
    }
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    write_plda(settings.output, plda, card)
    print(f"{card['speakers']} speakers, {card['embeddings']} embeddings")
    print(f"EER on dev: cosine {100 * rates['cosine']:.2f} %, PLDA {100 * rates['plda']:.2f} %")


def _describe(settings: Settings) -> str:
    """Write down the command without the places where things lie."""
    packed = "" if settings.packed is None else " --packed PACKED/train"
    packed += (
        "" if settings.speakers is None else f" --speakers PACKED/train/{settings.speakers.name}"
    )
    packed += " --equal-spectra" if settings.equal_spectra else ""
    prefix = "" if settings.dimension is None else f" --dimension {settings.dimension}"
    return (
        f"python -m recipes.plda.train --data DATA/speech{packed} --seconds {settings.seconds} "
        f"--crops {settings.crops} --iterations {settings.iterations}{prefix}"
    )


def _crops(
    utterances: Iterable[Utterance], length: int, most: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for utterance in follow(utterances, "embeddings"):
        crops = consecutive_crops(utterance.waveform, length, limit=most)
        if not crops and len(utterance.waveform) >= MIN_SECONDS * SAMPLE_RATE:
            crops = [utterance.waveform]
        for crop in crops:
            yield utterance.speaker, crop


if __name__ == "__main__":
    raise SystemExit(main())
