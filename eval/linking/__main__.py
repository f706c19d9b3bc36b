r"""Measure linking across recordings: who is given one label, and who should have been.

    python -m eval.linking --data ../shared --write

Recordings of dev speakers are simulated, in which people come back with other utterances, in
another room and noise; they are diarized, and their speakers linked. The speakers are halved:
calibration, threshold and margin are chosen on either half and measured on the other. What
``--write`` stores for the encoder is chosen on both, so that its own row is a little too good. It
belongs to one fingerprint: run it after every change of the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.assets import asset_folder
from diarspk.diarization.linking_criterion import LinkingCriterion, default_criterion
from diarspk.diarization.people import link_speakers
from diarspk.diarization.recorded_speakers import (
    RecordedSpeaker,
    compare_speakers,
    embed_speakers,
)
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.verification.calibration import fit_calibration
from diarspk.verification.metrics import equal_error_rate
from eval.command_line import command
from eval.linking.returning_people import (
    Gathering,
    read_gathering_sources,
    simulate_gatherings,
    split_people,
)
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport

__all__ = ["LinkingRates", "RecordedSet", "choose", "fit", "main", "measure"]

THRESHOLDS = tuple(np.arange(-2.0, 8.5, 0.5).tolist())
MARGINS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""None is too small to tell two people apart by: at 0.5 one of them is 1.6 times as likely."""

TARGET_PRIOR = 0.05
"""Of one person, in the cost by which threshold and margin are chosen."""

CONVENTION = (
    "Pairs of speakers of two recordings, each the true person with whom it shares most time. "
    "False match: of pairs of two people, those given one label; false non-match: of pairs of one "
    "person, those given two. Chosen for the least 0.05 x false non-match + 0.95 x false match on "
    "the other half of the speakers."
)


@dataclass(frozen=True, eq=False)
class RecordedSet:
    """Speakers as they were found in a set of recordings, and who each truly is."""

    speakers: Sequence[RecordedSpeaker]
    truth: Sequence[str]

    def trials(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Pairs of speakers of two recordings, and whether they are one person."""
        first, second = np.triu_indices(len(self.speakers), k=1)
        recordings = np.array([one.recording for one in self.speakers])
        apart = recordings[first] != recordings[second]
        first, second = first[apart], second[apart]
        people = np.array(self.truth)
        return first, second, people[first] == people[second]


@dataclass(frozen=True)
class LinkingRates:
    """Counts of pairs, which add."""

    targets: int = 0
    missed: int = 0
    others: int = 0
    matched: int = 0
    people: int = 0
    found: int = 0

    def __add__(self, other: LinkingRates) -> LinkingRates:
        return LinkingRates(*(a + b for a, b in zip(_counts(self), _counts(other), strict=True)))

    @property
    def false_non_match(self) -> float:
        """Share of pairs of one person with two labels."""
        return self.missed / max(self.targets, 1)

    @property
    def false_match(self) -> float:
        """Share of pairs of two people with one label."""
        return self.matched / max(self.others, 1)

    @property
    def cost(self) -> float:
        """Both rates, weighted by the prior."""
        return TARGET_PRIOR * self.false_non_match + (1 - TARGET_PRIOR) * self.false_match


def record(
    gatherings: Iterable[Gathering], diarizer: diarspk.Diarizer, *, references: bool
) -> RecordedSet:
    """Diarize recordings, or take their references, and embed the speakers."""
    speakers: list[RecordedSpeaker] = []
    truth: list[str] = []
    for one in gatherings:
        found = one.reference if references else diarizer(one.samples, SAMPLE_RATE).annotation
        for speaker in embed_speakers(found, one.samples, diarizer.encoder, recording=one.name):
            who = _truth(found.subset([speaker.speaker]), one.reference)
            if len(speaker.vectors) and who is not None:
                speakers.append(speaker)
                truth.append(who)
    return RecordedSet(speakers, truth)


def measure(recorded: RecordedSet, criterion: LinkingCriterion) -> LinkingRates:
    """Link the speakers, and count what is wrong."""
    people = {
        (one.recording, one.speaker): one.person
        for one in link_speakers(recorded.speakers, criterion).appearances
    }
    label = np.array([people[one.recording, one.speaker] for one in recorded.speakers])
    first, second, target = recorded.trials()
    joined = label[first] == label[second]
    return LinkingRates(
        targets=int(target.sum()),
        missed=int((target & ~joined).sum()),
        others=int((~target).sum()),
        matched=int((~target & joined).sum()),
        people=len(set(recorded.truth)),
        found=len(set(label.tolist())),
    )


def fit(recorded: RecordedSet, fingerprint: str) -> LinkingCriterion:
    """Fit the calibration, then choose threshold and margin."""
    first, second, target = recorded.trials()
    cosines = compare_speakers(recorded.speakers)[first, second]
    calibration = fit_calibration(cosines, target, fingerprint=fingerprint)
    return choose([recorded], LinkingCriterion(0.0, 0.0, calibration))


def choose(sets: Sequence[RecordedSet], criterion: LinkingCriterion) -> LinkingCriterion:
    """Choose threshold and margin by the cost; of equals, the higher margin and threshold."""
    candidates = [
        LinkingCriterion(threshold, margin, criterion.calibration)
        for threshold, margin in product(THRESHOLDS, MARGINS)
    ]
    return min(
        candidates,
        key=lambda one: (
            sum((measure(own, one) for own in sets), LinkingRates()).cost,
            -one.margin,
            -one.threshold,
        ),
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
    chosen = [fit(half, fingerprint) for half in halves]
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
    final = _fit_all(halves, fingerprint)
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


def _fit_all(halves: Sequence[RecordedSet], fingerprint: str) -> LinkingCriterion:
    """Calibrate on the trials of both halves; speakers of two halves are no trial."""
    cosines, targets = [], []
    for half in halves:
        first, second, target = half.trials()
        cosines.append(compare_speakers(half.speakers)[first, second])
        targets.append(target)
    calibration = fit_calibration(
        np.concatenate(cosines), np.concatenate(targets), fingerprint=fingerprint
    )
    return choose(halves, LinkingCriterion(0.0, 0.0, calibration))


def _equal_error_rates(recorded: RecordedSet) -> tuple[float, float]:
    first, second, target = recorded.trials()
    means = normalize_rows(np.stack([one.vectors.mean(0) for one in recorded.speakers]))
    several = compare_speakers(recorded.speakers)[first, second]
    centroids = np.sum(means[first] * means[second], axis=1)
    return equal_error_rate(several, target), equal_error_rate(centroids, target)


def _truth(found: Annotation, reference: Annotation) -> str | None:
    """Find the true speaker who talks most during what was found."""
    shared = reference.crop(found.get_timeline().support())
    return str(shared.argmax()) if shared else None


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


def _counts(rates: LinkingRates) -> tuple[int, ...]:
    return tuple(asdict(rates).values())


if __name__ == "__main__":
    raise SystemExit(main())
