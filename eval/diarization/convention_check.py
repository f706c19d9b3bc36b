"""Compare every scoring convention with the tool that it is named after.

    python -m eval.diarization.convention_check --references ../shared/conversations/annotations \
        --recordings 60 --md-eval md-eval-22.pl

References are perturbed, by a seed, into what a system might write. Checked against whichever tool
is there: pyannote.metrics, spyder (``pip install spy-der``), and NIST's md-eval-22.pl (perl), which
also serves for dscore with turns cut at the UEM and joined, as dscore does before it calls it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import ScoringWarning
from diarspk.formats import read_rttm
from diarspk.metrics import score
from eval.command_line import command
from eval.diarization.scoring_tools import Tool, find_tools
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["Agreement", "check", "main", "perturb"]

COLLARS = (0.0, 0.1, 0.25)
MOVED_S = 0.3


@dataclass(frozen=True)
class Agreement:
    """Difference of one convention from its tool.

    Attributes
    ----------
    convention : str
    recordings, comparisons : int
        A recording is compared with and without UEM, collars, and overlap.
    largest_difference : float
        Of the diarization error rates, in percent points.
    """

    convention: str
    recordings: int
    comparisons: int
    largest_difference: float


def check(
    references: Sequence[Annotation], tools: dict[str, Tool], *, seed: int = 0
) -> Iterator[Agreement]:
    """Score perturbed references under each convention and with its tool."""
    generator = np.random.default_rng(seed)
    pairs = [(reference, perturb(reference, generator)) for reference in references]
    for name, tool in tools.items():
        differences = [
            abs(tool(*sides, uem, collar, skip) - _ours(name, *sides, uem, collar, skip))
            for sides in pairs
            for uem, collar, skip in product((None, _two_regions(sides[0])), COLLARS, (False, True))
        ]
        yield Agreement(name, len(pairs), len(differences), 100 * max(differences))


def perturb(reference: Annotation, generator: np.random.Generator) -> Annotation:
    """Make what a system might write: turns lost, moved, confused; times in milliseconds.

    The first turn is never lost, since not every tool scores an empty hypothesis.
    """
    labels = reference.labels()
    hypothesis = Annotation(uri=reference.uri)
    for track, (segment, _, label) in enumerate(reference.itertracks(yield_label=True)):
        fate = generator.uniform()
        if track > 0 and fate < 0.1:
            continue
        speaker = labels.index(label) if fate < 0.8 else int(generator.integers(len(labels) + 1))
        ends = np.array(tuple(segment)) + generator.normal(0, MOVED_S, 2)
        start, end = np.sort(ends).clip(0).round(3).tolist()
        hypothesis[Segment(start, end), track] = f"system{speaker}"
    return _in_milliseconds(hypothesis.support())


def _ours(
    name: str,
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline | None,
    collar: float,
    skip_overlap: bool,
) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScoringWarning)
        return score(
            reference,
            hypothesis,
            uem,
            collar=collar,
            skip_overlap=skip_overlap,
            convention=name,
        ).der


def _in_milliseconds(annotation: Annotation) -> Annotation:
    """Round ends as an RTTM with three decimals has them."""
    rounded = Annotation(uri=annotation.uri)
    for segment, track, label in annotation.itertracks(yield_label=True):
        ends = Segment(round(segment.start, 3), round(segment.end, 3))
        if ends:
            rounded[ends, track] = label
    return rounded


def _two_regions(reference: Annotation) -> Timeline:
    """Make a UEM that cuts turns: 10 to 40 % and 60 to 90 % of the recording."""
    extent = reference.get_timeline().extent()
    shares = ((0.1, 0.4), (0.6, 0.9))
    return Timeline(
        [
            Segment(*(round(extent.start + share * extent.duration, 3) for share in pair))
            for pair in shares
        ]
    )


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    references: Path
    """Folder of RTTM files."""
    recordings: int = 60
    """Number of files, spread evenly over those in the folder."""
    md_eval: Path | None = None
    """NIST's perl script, version 22 (Debian: sctk)."""
    seed: int = 0
    """Seed of the perturbation."""


@command
def main(settings: Settings) -> int:
    """Run the command line; 0 if every convention agrees with its tool to 0.01 percent points."""
    paths = sorted(settings.references.rglob("*.rttm"))
    every = max(len(paths) // settings.recordings, 1)
    chosen = paths[::every][: settings.recordings]
    references = [one for path in chosen for one in read_rttm(path).values()]
    found = list(check(references, find_tools(settings.md_eval), seed=settings.seed))
    rows = [
        [one.convention, f"{one.recordings}", f"{one.comparisons}", f"{one.largest_difference:.6f}"]
        for one in found
    ]
    header = ["convention", "recordings", "comparisons", "largest difference, % points"]
    print(markdown_table(header, rows))
    settings.report.write({"results": [asdict(one) for one in found]})
    return int(any(one.largest_difference > 0.01 for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
