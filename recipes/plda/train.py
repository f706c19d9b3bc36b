"""Fit the PLDA that VBx needs to the embeddings of one encoder.

    python -m recipes.plda.train --data ../shared/speech --output diarspk/assets/plda/PRINT.json \
        [--packed PACKED/train]

PRINT is the encoder's fingerprint: under that name the diarizer finds it. Another encoder, or the
same trained anew, needs its own PLDA. With --packed, crops come from the packed features of
recipes.embedded.data.prepare, copies in rooms among them, which is nearer to meetings.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.clustering.plda import Plda, write_plda
from diarspk.clustering.plda_training import fit_plda
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.loading import load_encoder
from diarspk.verification.metrics import equal_error_rate
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


def main() -> None:
    parser = argparse.ArgumentParser("python -m recipes.plda.train", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="train.tsv, dev.tsv, shards")
    add("--encoder", help="name or card; default: the embedded")
    add("--output", type=Path, required=True, metavar="CARD", help="JSON card to write")
    add("--packed", type=Path, help="packed training features, for the embedded encoder")
    add("--equal-spectra", action="store_true", help="packed crops a second time, all alike")
    add("--seconds", type=float, default=3.0, help="length of a crop")
    add("--crops", type=int, default=4, help="most of an utterance; packed: of a speaker")
    add("--dimension", type=int, help="keep so many dimensions; all without it")
    add("--iterations", type=int, default=10, help="steps of EM")
    add("--utterances", type=int, help="only the first N, to try the command")
    options = parser.parse_args()

    encoder = load_encoder(options.encoder)
    cut = (options.seconds, options.crops)
    if options.packed is None:
        spoken = islice(read_utterances(options.data, "train"), options.utterances)
        train = embed_crops(encoder, spoken, *cut).of_several()
    else:
        table = options.data / "train.tsv"
        train = embed_packed(
            encoder,
            options.packed,
            table,
            seconds=options.seconds,
            most=options.crops,
            equal_spectra=options.equal_spectra,
        ).of_several()
    plda = fit_plda(
        train.embeddings,
        train.speakers.tolist(),
        iterations=options.iterations,
        fingerprint=encoder.fingerprint,
    )
    if options.dimension is not None:
        plda = plda.truncated(options.dimension)
    unseen = islice(read_utterances(options.data, "dev"), options.utterances)
    rates = compare(plda, embed_crops(encoder, unseen, *cut))
    card: dict[str, object] = {
        "recipe": _describe(options),
        "speakers": len(np.unique(train.speakers)),
        "embeddings": len(train.embeddings),
        "dev_equal_error_rate": rates,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_plda(options.output, plda, card)
    print(f"{card['speakers']} speakers, {card['embeddings']} embeddings")
    print(f"EER on dev: cosine {100 * rates['cosine']:.2f} %, PLDA {100 * rates['plda']:.2f} %")


def _describe(options: argparse.Namespace) -> str:
    """Write down the command without the places where things lie."""
    packed = "" if options.packed is None else " --packed PACKED/train"
    packed += " --equal-spectra" if options.equal_spectra else ""
    prefix = "" if options.dimension is None else f" --dimension {options.dimension}"
    return (
        f"python -m recipes.plda.train --data DATA/speech{packed} --seconds {options.seconds} "
        f"--crops {options.crops} --iterations {options.iterations}{prefix}"
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
    main()
