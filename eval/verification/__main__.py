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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from diarspk.errors import DiarspkError
from eval.embeddings.equalization import equalize_spectra
from eval.embeddings.speech import read_utterances
from eval.report.run_record import describe_run, write_json
from eval.systems.registry import EMBEDDERS
from eval.verification.all_pairs import (
    CONVENTION,
    CROP_SECONDS,
    format_verifications,
    run_verification,
)

__all__ = ["main"]


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
