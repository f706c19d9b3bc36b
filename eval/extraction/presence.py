"""Tell from an extracted voice whether the enrolled speaker was there, and choose a threshold.

    python -m eval.extraction.presence --data ../shared --json presence.json

The similarity is that of :mod:`tse.presence`, on mixtures of 4 s with the enrolled speaker and
without.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from eval.command_line import command, one_of
from eval.embeddings.speech import read_utterances
from eval.extraction.evaluation import Extract, extraction
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials, read_noise
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from tse.loading import load_extractor
from tse.metrics import ABSENT, detection_error
from tse.presence import MIN_SIMILARITY, PresenceMeter

__all__ = ["main", "measure", "report"]

Similarities = NDArray[np.float64]

FALSE_WARNINGS = 0.02
"""Share of the mixtures with the enrolled speaker in which a warning would be false."""

QUANTILES = (0.02, 0.05, 0.5, 0.95, 0.98)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder with speech/ and noise/."""
    split: str = "dev"
    """Split of the speakers."""
    extractor: str | None = None
    """Name or card; none: the embedded one."""
    conditions: tuple[Annotated[str, one_of(CONDITIONS)], ...] = (
        *("clean-2", "noisy-2", "clean-3"),
        *("absent-1", "absent-2"),
    )
    """Conditions of the mixtures, with the enrolled speaker and without."""
    mixtures: int = 100
    """Number of mixtures of each condition."""
    seed: int = 0
    """Seed of the mixtures."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    extractor = load_extractor(settings.extractor)
    encoder = extractor.encoder
    if encoder is None:
        raise SystemExit("error: the extractor has no speaker encoder, whose embeddings would tell")
    utterances = list(read_utterances(settings.data / "speech", settings.split))
    noise = read_noise(settings.data / "noise" / "noise")
    extract, found = extraction(extractor), {}
    for name in settings.conditions:
        trials = draw_trials(
            utterances, CONDITIONS[name], count=settings.mixtures, seed=settings.seed, noise=noise
        )
        found[name] = np.array([measure(trial, extract, encoder) for trial in trials])
    settings.report.write(report(found))


def measure(trial: Trial, extract: Extract, encoder: SpeakerEncoder) -> float:
    """Similarity of the extracted voice to the enrolment, as `tse.presence` measures it."""
    meter = PresenceMeter(encoder, encoder.embed(trial.enrolment, SAMPLE_RATE))
    meter.push(extract(trial))
    similarity = meter.finish()
    return ABSENT if math.isnan(similarity) else similarity


def report(found: Mapping[str, Similarities]) -> dict[str, Any]:
    """Print quantiles of each condition, EERs and the threshold; the figures as JSON holds them."""
    rows = [
        [
            name,
            f"{len(values)}",
            *(f"{value:.2f}" for value in np.quantile(values, QUANTILES)),
            f"{100 * np.mean(values < MIN_SIMILARITY):.0f}",
        ]
        for name, values in found.items()
    ]
    header = ["condition", "mixtures", *(f"{100 * share:g} %" for share in QUANTILES)]
    print(markdown_table([*header, f"below {MIN_SIMILARITY} in %"], rows))
    here = [values for name, values in found.items() if not CONDITIONS[name].absent]
    errors = {
        name: detection_error(np.concatenate(here), values)
        for name, values in found.items()
        if CONDITIONS[name].absent and here
    }
    for name, error in errors.items():
        print(f"{name}: detection EER {100 * error:.1f} %")
    threshold = float(np.quantile(np.concatenate(here), FALSE_WARNINGS)) if here else None
    print(f"{100 * FALSE_WARNINGS:g} % of the mixtures with the speaker are below {threshold}")
    return {
        "similarities": {name: values.tolist() for name, values in found.items()},
        "detection_eer": errors,
        "threshold": threshold,
    }


if __name__ == "__main__":
    raise SystemExit(main())
