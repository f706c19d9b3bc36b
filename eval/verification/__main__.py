"""Equal error rates of speaker embeddings over all pairs of crops, the same for every system.

``python -m eval.verification --data ../shared/speech --split dev --systems diarspk resemblyzer``

A recording is known by its microphone as well as by its voice. How much of a figure that may be:
``--across-utterances`` leaves out pairs of crops of one utterance, ``--equal-spectra`` filters
every utterance so that all have the same mean spectrum, which takes away what a voice has of its
own there, too.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Annotated

from eval.command_line import command, option
from eval.embeddings.equalization import equalize_spectra
from eval.embeddings.speech import SplitSettings
from eval.report.run_record import JsonReport
from eval.systems.registry import EMBEDDERS
from eval.verification.all_pairs import (
    CONVENTION,
    CROP_SECONDS,
    format_verifications,
    run_verification,
)

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    utterances: SplitSettings
    systems: Annotated[tuple[str, ...], option(help=f"{', '.join(EMBEDDERS)}.")] = (
        "diarspk",
        "resemblyzer",
    )
    crops: tuple[float, ...] = CROP_SECONDS
    """Seconds of crops, beside whole utterances."""
    across_utterances: bool = False
    """Leave out pairs of crops of one utterance."""
    equal_spectra: bool = False
    """Filter utterances to one mean spectrum."""


@command
def main(settings: Settings) -> None:
    results = []
    utterances = settings.utterances.read()
    if settings.equal_spectra:
        utterances = equalize_spectra(utterances)
    for result in run_verification(
        utterances,
        settings.systems,
        settings.crops,
        across_utterances=settings.across_utterances,
    ):
        results.append(result)
        print(
            f"{result.system} {result.crop}: {result.crops} crops, {result.targets} of "
            f"{result.trials} trials are targets, EER {100 * result.equal_error_rate:.2f} %, "
            f"{result.processing:.1f} s",
            file=sys.stderr,
        )
    print(format_verifications(results))
    convention = _convention(settings)
    print(f"\n{convention}")
    report = {"convention": convention, "results": [asdict(result) for result in results]}
    settings.report.write(report)


def _convention(settings: Settings) -> str:
    clauses = [
        CONVENTION,
        "Pairs of crops of one utterance are left out." if settings.across_utterances else "",
        "All utterances have one mean spectrum." if settings.equal_spectra else "",
    ]
    return " ".join(filter(None, clauses))


if __name__ == "__main__":
    raise SystemExit(main())
