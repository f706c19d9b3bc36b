"""Headroom of the cue: extraction with the enrolled cue, and with the best cue for each mixture.

    python -m eval.extraction.optimised_cue --data ../shared --conditions clean-2 clean-3

The optimised cue needs the target, so it bounds what any speaker encoder could achieve with the
same extractor (Ashihara et al. 2024, arXiv 2410.11243). Both run the network once, without the
ensemble of :mod:`tse.ensemble`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import DiarspkError
from eval.embeddings.speech import read_utterances
from eval.extraction.evaluation import CONVENTION, Extract, Run, Samples, evaluate, format_runs
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials, read_noise
from eval.report.run_record import describe_run, write_json
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.optimised_cue import OptimisationConfig, optimise_cue

__all__ = ["main", "measure_headroom", "optimised_extraction"]


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


def main() -> None:
    arguments = _parse()
    try:
        extractor = load_extractor(arguments.extractor)
        utterances = list(read_utterances(arguments.data / "speech", arguments.split))
        noise = read_noise(arguments.data / "noise" / "noise")
    except DiarspkError as error:
        sys.exit(f"error: {error}")
    config = OptimisationConfig(arguments.iterations, arguments.learning_rate)
    pairs = {}
    for condition in arguments.conditions:
        trials = list(
            draw_trials(
                utterances,
                CONDITIONS[condition],
                count=arguments.mixtures,
                seed=arguments.seed,
                enrolment_s=arguments.enrolment_s,
                noise=noise,
            )
        )
        pairs[condition] = measure_headroom(
            trials, extractor, config, condition=condition, enrolment_s=arguments.enrolment_s
        )
    print(format_runs([run for pair in pairs.values() for run in pair]))
    for condition, (enrolled, optimised) in pairs.items():
        headroom = optimised.summary.improvement_db - enrolled.summary.improvement_db
        print(f"\n{condition}: headroom of the cue {headroom:.2f} dB")
    print(f"\n{CONVENTION}")
    if arguments.json is not None:
        runs = [asdict(run) for pair in pairs.values() for run in pair]
        write_json({**describe_run(), "convention": CONVENTION, "runs": runs}, arguments.json)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    present = [name for name, condition in CONDITIONS.items() if not condition.absent]
    parser.add_argument("--data", type=Path, required=True, help="folder with speech/ and noise/")
    parser.add_argument("--split", default="dev", help="split of the speakers")
    parser.add_argument("--extractor", help="name or card; the embedded one without it")
    parser.add_argument("--conditions", nargs="+", choices=present, default=["clean-2"])
    parser.add_argument("--enrolment-s", type=float, default=5.0, help="seconds of enrolment")
    parser.add_argument("--mixtures", type=int, default=50, help="mixtures per condition")
    parser.add_argument("--iterations", type=int, default=OptimisationConfig.iterations)
    parser.add_argument("--learning-rate", type=float, default=OptimisationConfig.learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
