"""Extract enrolled speakers from seeded mixtures, and tell how well and how often wrongly.

    python -m eval.extraction --data ../shared --conditions clean-2 noisy-2 clean-3 absent-2 \
        --enrolment-s 1 3 10 --measures SDR PESQ STOI --json extraction.json

``--extractor`` is a name or card; ``mixture`` (what leaves everything as it is) is the
baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import diarspk
from eval.command_line import command, one_of
from eval.embeddings.speech import read_utterances
from eval.extraction.evaluation import (
    CONVENTION,
    evaluate,
    extraction,
    format_runs,
    measure_absence,
)
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials
from eval.report.run_record import JsonReport
from eval.simulate.noise import read_noise
from tse.loading import load_extractor
from tse.metrics import (
    MEASURES,
)

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder with speech/ and noise/."""
    split: str = "dev"
    """Split of the speakers."""
    extractor: str | None = None
    """Name or card, or `mixture` for the baseline; none: the embedded one."""
    passes: int | None = None
    """Number of passes over each mixture; none: as the card says."""
    unverified: bool = False
    """Take the whole cue at its word."""
    judge: str | None = None
    """Encoder that tells whose voice an output is; none: the embedded one."""
    conditions: tuple[Annotated[str, one_of(CONDITIONS)], ...] = ("clean-2",)
    """Conditions of the mixtures."""
    enrolment_s: tuple[float, ...] = (5.0,)
    """Seconds of enrolment."""
    mixtures: int = 300
    """Number of mixtures of each condition."""
    seconds: float = 4.0
    """Length of a mixture."""
    seed: int = 0
    """Seed of the mixtures."""
    measures: Sequence[Annotated[str, one_of(MEASURES)]] = ("SDR",)
    """Measures beside SI-SDR."""
    wrong: bool = False
    """Enroll another speaker, too."""


@command
def main(settings: Settings) -> None:
    settings.report.write(run(settings))


def run(settings: Settings) -> dict[str, Any]:
    """Print tables as they are ready; the figures as JSON holds them."""
    extractor = None if settings.extractor == "mixture" else load_extractor(settings.extractor)
    if extractor is not None and settings.passes is not None:
        extractor = replace(extractor, passes=settings.passes)
    if extractor is not None and settings.unverified:
        extractor = replace(extractor, verifier=None)
    encoder = diarspk.load_encoder(settings.judge)
    utterances = list(read_utterances(settings.data / "speech", settings.split))
    noise = read_noise(settings.data / "noise" / "noise")

    def draw(condition: str, enrolment_s: float) -> list[Trial]:
        return list(
            draw_trials(
                utterances,
                CONDITIONS[condition],
                count=settings.mixtures,
                seed=settings.seed,
                seconds=settings.seconds,
                enrolment_s=enrolment_s,
                noise=noise,
            )
        )

    extract, runs, absences = extraction(extractor), [], {}
    for condition, enrolment_s in product(settings.conditions, settings.enrolment_s):
        trials = draw(condition, enrolment_s)
        if CONDITIONS[condition].absent:
            present = draw("clean-2", enrolment_s)
            name = f"{condition}, enrolment {enrolment_s:g} s"
            absences[name] = measure_absence(trials, present, extract, encoder)
            continue
        options: dict[str, Any] = {"enrolment_s": enrolment_s, "encoder": encoder}
        runs.append(
            evaluate(trials, extract, condition=condition, measures=settings.measures, **options)
        )
        if settings.wrong:
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


if __name__ == "__main__":
    raise SystemExit(main())
