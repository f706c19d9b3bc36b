"""Equal error rates of speaker embeddings over all pairs of crops, the same for every system.

``python -m eval.verification --data ../shared/speech --split dev --systems diarspk resemblyzer``

A recording is known by its microphone as well as by its voice. How much of a figure that may be:
``--across-utterances`` leaves out pairs of crops of one utterance, ``--equal-spectra`` filters
every utterance so that all have the same mean spectrum, which takes away what a voice has of its
own there, too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import DiarspkError
from diarspk.verification.metrics import detection_curve
from eval.embeddings.equalization import equalize_spectra
from eval.embeddings.speech import Utterance, consecutive_crops, read_utterances
from eval.report.report import describe_run, markdown_table, write_json
from eval.systems.registry import EMBEDDERS, Embed, load_embedder

__all__ = ["Verification", "main", "run_verification"]

CROP_SECONDS = (1.0, 2.0, 4.0)
TARGET_PRIOR = 0.05

CONVENTION = (
    "All pairs of crops by cosine; target: same speaker. Crops are full, consecutive from the "
    "start, at most four an utterance; whole: one embedding an utterance. EER is linear at the "
    f"crossing; minDCF has target prior {TARGET_PRIOR} and both costs 1."
)


@dataclass(frozen=True)
class Verification:
    """One system on crops of one length.

    Attributes
    ----------
    system : str
    crop : str
        Length in seconds, or ``whole``.
    crops, targets, trials : int
    equal_error_rate : float
        In [0, 1].
    min_dcf : float
        Normalised: 1 is useless.
    processing : float
        Seconds to embed the crops.
    """

    system: str
    crop: str
    crops: int
    targets: int
    trials: int
    equal_error_rate: float
    min_dcf: float
    processing: float


def run_verification(
    utterances: Sequence[Utterance],
    systems: Sequence[str],
    crop_seconds: Sequence[float] = CROP_SECONDS,
    *,
    across_utterances: bool = False,
) -> Iterator[Verification]:
    """Every system on crops of every length, then on whole utterances.

    Parameters
    ----------
    across_utterances : bool
        Leave out pairs of crops of one utterance.

    Raises
    ------
    ArgumentError
        If a system is unknown, or the crops of one length lack a kind of trial.
    """
    sets = {f"{seconds:g} s": _crop(utterances, seconds) for seconds in crop_seconds}
    sets["whole"] = list(utterances)
    for system in systems:
        embed = load_embedder(system)
        for crop, crops in sets.items():
            yield verify(system, embed, crop, crops, across_utterances=across_utterances)


def verify(
    system: str,
    embed: Embed,
    crop: str,
    crops: Sequence[Utterance],
    *,
    across_utterances: bool = False,
) -> Verification:
    """Embed crops, which bear the names of their utterances, and score all pairs of them."""
    start = time.perf_counter()
    embeddings = embed([one.waveform for one in crops])
    processing = time.perf_counter() - start
    scores, labels = score_all_pairs(embeddings, [one.speaker for one in crops])
    if across_utterances:
        _, within = score_all_pairs(embeddings, [one.name for one in crops])
        scores, labels = scores[~within], labels[~within]
    curve = detection_curve(scores, labels)
    return Verification(
        system=system,
        crop=crop,
        crops=len(crops),
        targets=int(labels.sum()),
        trials=len(labels),
        equal_error_rate=curve.equal_error_rate,
        min_dcf=curve.min_dcf(target_prior=TARGET_PRIOR),
        processing=processing,
    )


def score_all_pairs(
    embeddings: NDArray[np.float32], speakers: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Cosine and whether the speakers agree, for each unordered pair of rows.

    Parameters
    ----------
    embeddings : ndarray, ``(n, dim)``
        Of any norm.
    speakers : sequence of str, ``n``

    Returns
    -------
    scores, labels : ndarray, ``(n * (n - 1) / 2,)``
    """
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    first, second = np.triu_indices(len(unit), k=1)
    _, speaker = np.unique(np.asarray(speakers), return_inverse=True)
    return (unit @ unit.T)[first, second], speaker[first] == speaker[second]


def format_verifications(results: Sequence[Verification]) -> str:
    """Two Markdown tables, equal error rates and costs: a row per system, a column per length."""
    systems = list(dict.fromkeys(result.system for result in results))
    crops = list(dict.fromkeys(result.crop for result in results))
    found = {(result.system, result.crop): result for result in results}
    rates = [
        [system, *(f"{100 * found[system, crop].equal_error_rate:.2f}" for crop in crops)]
        for system in systems
    ]
    costs = [
        [system, *(f"{found[system, crop].min_dcf:.3f}" for crop in crops)] for system in systems
    ]
    return "\n\n".join(
        [markdown_table(["EER %", *crops], rates), markdown_table(["minDCF", *crops], costs)]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    results = []
    try:
        utterances = list(read_utterances(options.data, options.split))
        if options.equal_spectra:
            utterances = equalize_spectra(utterances)
        for result in run_verification(
            utterances,
            options.systems,
            options.crops,
            across_utterances=options.across_utterances,
        ):
            results.append(result)
            print(
                f"{result.system} {result.crop}: {result.crops} crops, {result.targets} of "
                f"{result.trials} trials are targets, EER {100 * result.equal_error_rate:.2f} %, "
                f"{result.processing:.1f} s",
                file=sys.stderr,
            )
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    print(format_verifications(results))
    convention = _convention(options)
    print(f"\n{convention}")
    if options.json is not None:
        report = {"convention": convention, "results": [asdict(result) for result in results]}
        write_json({**describe_run(), **report}, options.json)
    return 0


def _convention(options: argparse.Namespace) -> str:
    clauses = [
        CONVENTION,
        "Pairs of crops of one utterance are left out." if options.across_utterances else "",
        "All utterances have one mean spectrum." if options.equal_spectra else "",
    ]
    return " ".join(filter(None, clauses))


def _crop(utterances: Sequence[Utterance], seconds: float) -> list[Utterance]:
    return [
        replace(one, waveform=crop)
        for one in utterances
        for crop in consecutive_crops(one.waveform, round(seconds * SAMPLE_RATE))
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.verification", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER")
    add("--split", default="dev")
    add(
        "--systems",
        nargs="+",
        default=["diarspk", "resemblyzer"],
        metavar="SYSTEM",
        help=", ".join(EMBEDDERS),
    )
    add("--crops", type=float, nargs="+", default=CROP_SECONDS, metavar="SECONDS")
    add("--across-utterances", action="store_true", help="no pairs of crops of one utterance")
    add("--equal-spectra", action="store_true", help="filter utterances to one mean spectrum")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
