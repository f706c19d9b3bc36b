"""Tell from an extracted voice whether the enrolled speaker was there, and choose thresholds.

    python -m eval.extraction.presence --data ../shared --json presence.json

The score is that of :mod:`tse.presence`, on mixtures of 4 s with the enrolled speaker and without,
recorded with any microphones or over one telephone line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from eval.command_line import command, one_of
from eval.embeddings.speech import read_utterances
from eval.extraction.evaluation import Extract, extraction
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.simulate.noise import read_noise
from tse.loading import load_extractor
from tse.metrics import ABSENT, detection_error
from tse.presence import MIN_SIMILARITY, Presence
from tse.presence_meter import PresenceMeter

__all__ = ["main", "measure", "report"]

Figures = NDArray[np.float64]

SILENT_SCORE = -10.0

WARNINGS = {
    "probably not": "was probably not there",
    "maybe not": "may not be there",
    "alone": "nothing was taken away",
}
"""Words of each kind of warning."""

QUANTILES = (0.02, 0.05, 0.1, 0.5, 0.9, 0.95, 0.98)


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
        *("clean-1", "clean-2", "noisy-2", "clean-3", "phone-1", "phone-2", "to-phone-2"),
        *("absent-1", "absent-2", "phone-absent-1", "phone-absent-2", "to-phone-absent-2"),
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
        found[name] = [measure(trial, extract, encoder) for trial in trials]
    settings.report.write(report(found))


def measure(trial: Trial, extract: Extract, encoder: SpeakerEncoder) -> Presence:
    """Similarity of the extracted voice to the enrolment, as `tse.presence` measures it."""
    meter = PresenceMeter(encoder, encoder.embed(trial.enrolment, SAMPLE_RATE))
    meter.push(extract(trial), trial.made.mixture)
    return meter.finish()


def report(found: Mapping[str, Sequence[Presence]]) -> dict[str, Any]:
    """Print quantiles and warnings of each condition, and EERs; the figures as JSON holds them."""
    scores = {name: score_of(values) for name, values in found.items()}
    cosines = {name: cosine_of(values) for name, values in found.items()}
    rows = [
        [
            name,
            f"{len(scores[name])}",
            *(f"{value:.1f}" for value in np.quantile(scores[name], QUANTILES)),
            *(f"{100 * share:.0f}" for share in _warned(found[name])),
            f"{100 * np.mean(cosines[name] < MIN_SIMILARITY):.0f}",
        ]
        for name in found
    ]
    header = ["condition", "mixtures", *(f"{100 * share:g} %" for share in QUANTILES)]
    header += [*(f"{name} %" for name in WARNINGS), f"cosine below {MIN_SIMILARITY} %"]
    print(markdown_table(header, rows))
    scored = [name for name in found if CONDITIONS[name].telephone != "mixture"]
    here = [name for name in scored if not CONDITIONS[name].absent]
    errors = {
        name: {
            kind: detection_error(np.concatenate([of[other] for other in here]), of[name])
            for kind, of in (("score", scores), ("cosine", cosines))
        }
        for name in scored
        if CONDITIONS[name].absent and here
    }
    for name, error in errors.items():
        print(
            f"{name}: detection EER {100 * error['score']:.1f} % by score, "
            f"{100 * error['cosine']:.1f} % by cosine"
        )
    return {
        "presences": {name: [asdict(one) for one in values] for name, values in found.items()},
        "detection_eer": errors,
    }


def score_of(presences: Sequence[Presence]) -> Figures:
    """Scores; without one, as of silence, it counts as absent."""
    return np.nan_to_num([one.score for one in presences], nan=SILENT_SCORE)


def cosine_of(presences: Sequence[Presence]) -> Figures:
    """Cosines; those of silence count as absent."""
    return np.nan_to_num([one.similarity for one in presences], nan=ABSENT)


def _warned(presences: Sequence[Presence]) -> list[float]:
    """Shares of mixtures with each kind of warning."""
    doubts = [one.doubt or "" for one in presences]
    return [sum(words in doubt for doubt in doubts) / len(doubts) for words in WARNINGS.values()]


if __name__ == "__main__":
    raise SystemExit(main())
