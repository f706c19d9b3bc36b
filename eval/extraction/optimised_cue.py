"""Headroom of the cue: extraction with the enrolled cue, and with the best cue for each mixture.

    python -m eval.extraction.optimised_cue --data ../shared --conditions clean-2 clean-3

The optimised cue needs the target, so it bounds what any speaker encoder could achieve with the
same extractor (Ashihara et al. 2024, arXiv 2410.11243). Both run the network once, without the
ensemble of :mod:`tse.ensemble`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch

from diarspk.audio import SAMPLE_RATE
from eval.command_line import command, one_of
from eval.embeddings.speech import read_utterances
from eval.extraction.evaluation import CONVENTION, Extract, Run, Samples, evaluate, format_runs
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials
from eval.report.run_record import JsonReport
from eval.simulate.noise import read_noise
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.optimised_cue import OptimisationConfig, optimise_cue

__all__ = ["main", "measure_headroom", "optimised_extraction"]

PRESENT = [name for name, condition in CONDITIONS.items() if not condition.absent]


def optimised_extraction(extractor: Extractor, config: OptimisationConfig) -> Extract:
    """Extract with the cue of the enrolment, optimised on the mixture of each trial."""

    def extract(trial: Trial) -> Samples:
        mixture, target = (
            torch.from_numpy(samples)[None] for samples in (trial.made.mixture, trial.made.target)
        )
        # Gradients flow through copies: the tensors of an extractor's cue are in inference mode.
        enrolled = extractor.cue(trial.enrolment, SAMPLE_RATE, speaker=trial.speaker)
        cue = optimise_cue(extractor.network, mixture, target, enrolled.map(torch.clone), config)
        with torch.inference_mode():
            return extractor.network(mixture, cue)[0].numpy()

    return extract


def measure_headroom(
    trials: Sequence[Trial],
    extractor: Extractor,
    config: OptimisationConfig,
    *,
    condition: str,
    enrolment_s: float,
) -> tuple[Run, Run]:
    """Evaluate the enrolled and the optimised cue on the same mixtures."""
    settings = {"enrolled": OptimisationConfig(iterations=0), "optimised": config}
    enrolled, optimised = (
        evaluate(
            trials,
            optimised_extraction(extractor, one),
            condition=f"{condition}, {name} cue",
            enrolment_s=enrolment_s,
            encoder=None,
        )
        for name, one in settings.items()
    )
    return enrolled, optimised


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder with speech/ and noise/."""
    split: str = "dev"
    """Split of the speakers."""
    extractor: str | None = None
    """Name or card; none: the embedded one."""
    conditions: tuple[Annotated[str, one_of(PRESENT)], ...] = ("clean-2",)
    """Conditions of the mixtures."""
    enrolment_s: float = 5.0
    """Seconds of enrolment."""
    mixtures: int = 50
    """Number of mixtures of each condition."""
    iterations: int = OptimisationConfig.iterations
    """Number of steps of the optimisation."""
    learning_rate: float = OptimisationConfig.learning_rate
    """Its learning rate."""
    seed: int = 0
    """Seed of the mixtures."""


@command
def main(settings: Settings) -> None:
    extractor = load_extractor(settings.extractor)
    utterances = list(read_utterances(settings.data / "speech", settings.split))
    noise = read_noise(settings.data / "noise" / "noise")
    config = OptimisationConfig(settings.iterations, settings.learning_rate)
    pairs = {}
    for condition in settings.conditions:
        trials = list(
            draw_trials(
                utterances,
                CONDITIONS[condition],
                count=settings.mixtures,
                seed=settings.seed,
                enrolment_s=settings.enrolment_s,
                noise=noise,
            )
        )
        pairs[condition] = measure_headroom(
            trials, extractor, config, condition=condition, enrolment_s=settings.enrolment_s
        )
    print(format_runs([run for pair in pairs.values() for run in pair]))
    for condition, (enrolled, optimised) in pairs.items():
        headroom = optimised.summary.improvement_db - enrolled.summary.improvement_db
        print(f"\n{condition}: headroom of the cue {headroom:.2f} dB")
    print(f"\n{CONVENTION}")
    runs = [asdict(run) for pair in pairs.values() for run in pair]
    settings.report.write({"convention": CONVENTION, "runs": runs})


if __name__ == "__main__":
    raise SystemExit(main())
