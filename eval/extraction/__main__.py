"""Extract enrolled speakers from seeded mixtures, and tell how well and how often wrongly.

    python -m eval.extraction --data ../shared --conditions clean-2 noisy-2 clean-3 absent-2 \
        --enrolment-s 1 3 10 --measures SDR PESQ STOI --json extraction.json

``--extractor`` is a name or card; ``mixture`` (what leaves everything as it is) is the
baseline.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import diarspk
from diarspk.errors import DiarspkError
from eval.embeddings.speech import read_utterances
from eval.extraction.evaluation import (
    CONVENTION,
    evaluate,
    extraction,
    format_runs,
    measure_absence,
)
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials, read_noise
from eval.report.run_record import describe_run, write_json
from tse.loading import load_extractor
from tse.metrics import (
    MEASURES,
)

__all__ = ["main"]


def main() -> None:
    arguments = _parse()
    try:
        report = run(arguments)
    except DiarspkError as error:
        sys.exit(f"error: {error}")
    if arguments.json is not None:
        write_json({**describe_run(), **report}, arguments.json)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print tables as they are ready; the figures as JSON holds them."""
    extractor = None if arguments.extractor == "mixture" else load_extractor(arguments.extractor)
    if extractor is not None and arguments.passes is not None:
        extractor = replace(extractor, passes=arguments.passes)
    if extractor is not None and arguments.unverified:
        extractor = replace(extractor, verifier=None)
    encoder = diarspk.load_encoder(arguments.judge)
    utterances = list(read_utterances(arguments.data / "speech", arguments.split))
    noise = read_noise(arguments.data / "noise" / "noise")

    def draw(condition: str, enrolment_s: float) -> list[Trial]:
        return list(
            draw_trials(
                utterances,
                CONDITIONS[condition],
                count=arguments.mixtures,
                seed=arguments.seed,
                seconds=arguments.seconds,
                enrolment_s=enrolment_s,
                noise=noise,
            )
        )

    extract, runs, absences = extraction(extractor), [], {}
    for condition, enrolment_s in product(arguments.conditions, arguments.enrolment_s):
        trials = draw(condition, enrolment_s)
        if CONDITIONS[condition].absent:
            present = draw("clean-2", enrolment_s)
            name = f"{condition}, enrolment {enrolment_s:g} s"
            absences[name] = measure_absence(trials, present, extract, encoder)
            continue
        options: dict[str, Any] = {"enrolment_s": enrolment_s, "encoder": encoder}
        runs.append(
            evaluate(trials, extract, condition=condition, measures=arguments.measures, **options)
        )
        if arguments.wrong:
            swapped = extraction(extractor, wrong=True)
            name = f"{condition}, wrong enrolment"
            runs.append(evaluate(trials, swapped, condition=name, **options))
    print(format_runs(runs) if runs else "")
    for name, absence in absences.items():
        print(
            f"\n{name}: {absence.mixtures} mixtures, attenuation {absence.attenuation_db:.1f} dB "
            f"(median), detection EER {100 * absence.detection_eer:.1f} %"
        )
    print(f"\n{CONVENTION}")
    return {
        "convention": CONVENTION,
        "runs": [asdict(one) for one in runs],
        "absent": {name: asdict(one) for name, one in absences.items()},
    }


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with speech/ and noise/")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--extractor", help="name or card; `mixture` for the baseline")
    parser.add_argument("--passes", type=int, help="over each mixture, not as the card says")
    parser.add_argument("--unverified", action="store_true", help="take the whole cue at its word")
    parser.add_argument("--judge", help="encoder that tells whose voice an output is")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=["clean-2"])
    parser.add_argument("--enrolment-s", nargs="+", type=float, default=[5.0])
    parser.add_argument("--mixtures", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measures", nargs="*", choices=MEASURES, default=["SDR"])
    parser.add_argument("--wrong", action="store_true", help="enroll another speaker, too")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
