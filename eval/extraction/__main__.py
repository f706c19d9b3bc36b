"""Extract enrolled speakers from seeded mixtures, and tell how well and how often wrongly.

    python -m eval.extraction --data ../shared --conditions clean-2 noisy-2 clean-3 absent-2 \
        --enrolment-s 1 3 10 --measures SDR PESQ STOI --json extraction.json

``--model`` is an extractor's name or card; ``mixture`` (what leaves everything as it is) is the
baseline.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import DiarspkError
from eval.embeddings.speech import read_utterances
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials, read_noise
from eval.report.report import describe_run, markdown_table, write_json
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.metrics import (
    ABSENT,
    MEASURES,
    ExtractionSummary,
    attenuation_db,
    detection_error,
    score_extraction,
    summarise,
)

__all__ = ["Absence", "Run", "evaluate", "main", "measure_absence"]

Samples = NDArray[np.float32]
Extract = Callable[[Trial], Samples]

HEADER = (
    "condition",
    "enrolment s",
    "mixtures",
    "SI-SDR in dB",
    "SI-SDRi dB",
    "accepted %",
    "negative %",
    "nearer interferer %",
    "louder interferer %",
    "real-time factor",
)

CONVENTION = (
    "SI-SDR with the mean taken off both, SI-SDRi against the mixture. Accepted: SI-SDRi > 1 dB; "
    "negative: below 0; nearer interferer: by the embedding of the output; louder interferer: "
    "SI-SDR to it above that to the target. Mixtures of absent targets are in no mean. The "
    "real-time factor includes the cue."
)


@dataclass(frozen=True)
class Run:
    """An extractor on one condition."""

    condition: str
    enrolment_s: float
    summary: ExtractionSummary
    real_time_factor: float


@dataclass(frozen=True)
class Absence:
    """Mixtures without the enrolled speaker, beside as many with.

    Attributes
    ----------
    attenuation_db : float
        Median of the output below the mixture.
    detection_eer : float
        Of telling by the output's embedding whether the speaker was there.
    silent : int
        Outputs with nothing left at all.
    """

    mixtures: int
    attenuation_db: float
    detection_eer: float
    silent: int


def evaluate(
    trials: Sequence[Trial],
    extract: Extract,
    *,
    condition: str,
    enrolment_s: float,
    encoder: SpeakerEncoder | None,
    measures: Sequence[str] = (),
) -> Run:
    """Extract and score every mixture of a condition in which the target talks."""
    scores, seconds = [], 0.0
    for trial in trials:
        start = time.perf_counter()
        voice = extract(trial)
        seconds += time.perf_counter() - start
        made = trial.made
        scores.append(
            score_extraction(
                voice,
                made.target,
                made.mixture,
                made.interferers,
                encoder=encoder,
                measures=measures,
            )
        )
    audio = sum(len(trial.made.mixture) for trial in trials) / SAMPLE_RATE
    return Run(condition, enrolment_s, summarise(scores), seconds / max(audio, 1e-9))


def measure_absence(
    absent: Sequence[Trial], present: Sequence[Trial], extract: Extract, encoder: SpeakerEncoder
) -> Absence:
    """How quiet extractors are about speakers who are not there, and whether one can tell."""
    outputs = [extract(trial) for trial in absent]
    levels = [
        attenuation_db(voice, trial.made.mixture)
        for voice, trial in zip(outputs, absent, strict=True)
    ]
    likeness = [
        [_likeness(encoder, voice, trial.enrolment) for voice, trial in pairs]
        for pairs in (
            [(extract(trial), trial) for trial in present],
            zip(outputs, absent, strict=True),
        )
    ]
    return Absence(
        mixtures=len(absent),
        attenuation_db=float(np.median(levels)),
        detection_eer=detection_error(*likeness),
        silent=sum(math.isinf(level) for level in levels),
    )


def _likeness(encoder: SpeakerEncoder, voice: Samples, enrolment: Samples) -> float:
    if not np.any(voice):
        return ABSENT
    pair = [encoder.embed(one, SAMPLE_RATE) for one in (voice, enrolment)]
    return float(pair[0] @ pair[1])


def extraction(extractor: Extractor | None, *, wrong: bool = False) -> Extract:
    """Extract as a user would, cue included; without an extractor, leave the mixture as it is."""

    def extract(trial: Trial) -> Samples:
        if extractor is None:
            return trial.made.mixture
        enrolment = trial.wrong_enrolment if wrong else trial.enrolment
        cue = extractor.cue(enrolment, SAMPLE_RATE, speaker=trial.speaker)
        return extractor(trial.made.mixture, cue, SAMPLE_RATE)

    return extract


def format_runs(runs: Sequence[Run]) -> str:
    """Markdown table of runs; further measures and what failed are columns of their own."""
    names = sorted({name for run in runs for name in run.summary.measures})
    rows = [
        [
            run.condition,
            f"{run.enrolment_s:g}",
            f"{run.summary.mixtures}",
            f"{run.summary.input_db:.2f}",
            f"{run.summary.improvement_db:.2f}",
            *(
                f"{100 * share:.1f}"
                for share in (
                    run.summary.accepted,
                    run.summary.negative,
                    run.summary.nearer_interferer,
                    run.summary.louder_interferer,
                )
            ),
            f"{run.real_time_factor:.3f}",
            *(f"{run.summary.measures.get(name, math.nan):.3f}" for name in names),
            ", ".join(f"{name} {count}" for name, count in run.summary.failures.items()) or "-",
        ]
        for run in runs
    ]
    return markdown_table([*HEADER, *names, "not measured"], rows)


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
    extractor = None if arguments.model == "mixture" else load_extractor(arguments.model)
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
    parser.add_argument("--model", help="name or card; `mixture` for the baseline")
    parser.add_argument("--passes", type=int, help="over each mixture, not as the card says")
    parser.add_argument("--unverified", action="store_true", help="take the whole cue at its word")
    parser.add_argument("--judge", help="encoder that tells whose voice an output is")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=["clean-2"])
    parser.add_argument("--enrolment-s", nargs="+", type=float, default=[5.0])
    parser.add_argument("--mixtures", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measures", nargs="*", choices=MEASURES, default=["SDR"])
    parser.add_argument("--wrong", action="store_true", help="enrol another speaker, too")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
