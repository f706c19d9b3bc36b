r"""Measure linking across recordings: who is given one label, and who should have been.

    python -m eval.linking --data ../shared --write

Recordings of dev speakers are simulated, in which people come back with other utterances, in
another room and noise; they are diarized, and their speakers linked. The speakers are halved:
calibration, threshold and margin are chosen on either half and measured on the other. What
``--write`` stores for the encoder is chosen on both, so that its own row is a little too good. It
belongs to one fingerprint: run it after every change of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import diarspk
from diarspk.checkpoints.assets import asset_folder
from diarspk.diarization.linking_criterion import LinkingCriterion, default_criterion
from diarspk.diarization.recorded_speakers import compare_speakers
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.verification.metrics import equal_error_rate
from eval.command_line import command
from eval.linking.linking_rates import LinkingRates, fit, measure
from eval.linking.recorded_set import RecordedSet, record
from eval.linking.returning_people import (
    read_gathering_sources,
    simulate_gatherings,
    split_people,
)
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport

__all__ = ["main"]

CONVENTION = (
    "Pairs of speakers of two recordings, each the true person with whom it shares most time. "
    "False match: of pairs of two people, those given one label; false non-match: of pairs of one "
    "person, those given two. Chosen for the least 0.05 x false non-match + 0.95 x false match on "
    "the other half of the speakers."
)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of speech, noise and annotations."""
    split: str = "dev"
    """Split of the speech."""
    rounds: int = 3
    """How often a person comes back at most."""
    seconds: float = 60.0
    """Length of a recording."""
    seed: int = 1
    """Seed of the recordings."""
    encoder: str = "embedded"
    """Name or card of the model."""
    references: bool = False
    """Take who speaks when from the reference, not from the diarizer."""
    write: bool = False
    """Write what is chosen on all speakers into diarspk/assets/linking."""


@command
def main(settings: Settings) -> None:
    diarizer = diarspk.Diarizer.load(settings.encoder)
    sources, config = read_gathering_sources(settings.data, settings.split, settings.seconds)
    halves = []
    for people in split_people(sources.voices, seed=settings.seed):
        gatherings = list(
            simulate_gatherings(sources, config, people, rounds=settings.rounds, seed=settings.seed)
        )
        recordings = follow(gatherings, "recordings")
        halves.append(record(recordings, diarizer, references=settings.references))
    _report(halves, diarizer.encoder.fingerprint, settings)


def _report(halves: Sequence[RecordedSet], fingerprint: str, settings: Settings) -> None:
    chosen = [fit([half], fingerprint) for half in halves]
    crossed = list(zip(halves, chosen[::-1], strict=True))
    ours = sum((measure(half, one) for half, one in crossed), LinkingRates())
    bare = sum(
        (
            measure(half, LinkingCriterion(one.threshold, 0.0, one.calibration))
            for half, one in crossed
        ),
        LinkingRates(),
    )
    rows = [_row("linked", ours), _row("without margin", bare)]
    if (known := default_criterion(fingerprint)) is not None:
        rows.append(
            _row("as it ships", sum((measure(one, known) for one in halves), LinkingRates()))
        )
    header = [
        "",
        "false match %",
        "false non-match %",
        "other pairs",
        "pairs of one",
        "people",
        "found",
    ]
    print(markdown_table(header, rows))
    rates = [_equal_error_rates(half) for half in halves]
    several, single = (100 * float(np.mean(column)) for column in zip(*rates, strict=True))
    print(f"\nEER of a pair: {several:.2f} % with several vectors, {single:.2f} % with centroids")
    final = fit(halves, fingerprint)
    print(
        f"{fingerprint}: threshold {final.threshold:g}, margin {final.margin:g}; halves "
        + ", ".join(f"{one.threshold:g} / {one.margin:g}" for one in chosen)
    )
    print(f"\n{CONVENTION}")
    if settings.write:
        folder = asset_folder() / "linking"
        folder.mkdir(exist_ok=True)
        final.write(folder / f"{fingerprint}.json")
    settings.report.write(
        {
            "convention": CONVENTION,
            "criterion": asdict(final),
            "linked": asdict(ours),
            "without_margin": asdict(bare),
            "equal_error_rates": {"several": several, "centroids": single},
        }
    )


def _equal_error_rates(recorded: RecordedSet) -> tuple[float, float]:
    first, second, target = recorded.trials()
    means = normalize_rows(np.stack([one.vectors.mean(0) for one in recorded.speakers]))
    several = compare_speakers(recorded.speakers)[first, second]
    centroids = np.sum(means[first] * means[second], axis=1)
    return equal_error_rate(several, target), equal_error_rate(centroids, target)


def _row(name: str, rates: LinkingRates) -> list[str]:
    return [
        name,
        f"{100 * rates.false_match:.2f}",
        f"{100 * rates.false_non_match:.1f}",
        f"{rates.others}",
        f"{rates.targets}",
        f"{rates.people}",
        f"{rates.found}",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
