"""Compare every scoring convention with the tool that it is named after.

    python -m eval.diarization.convention_check --references ../shared/conversations/annotations \
        --recordings 60 --md-eval md-eval-22.pl

References are perturbed, by a seed, into what a system might write. Checked against whichever tool
is there: pyannote.metrics, spyder (``pip install spy-der``), and NIST's md-eval-22.pl (perl), which
also serves for dscore with turns cut at the UEM and joined, as dscore does before it calls it.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import FormatError, ScoringWarning
from diarspk.formats import read_rttm
from diarspk.metrics import score
from eval.command_line import command
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["Agreement", "Tool", "check", "find_tools", "main", "perturb"]

Tool = Callable[[Annotation, Annotation, "Timeline | None", float, bool], float]
"""Reference, hypothesis, UEM, collar, whether overlap is skipped -> DER in [0, 1]."""

COLLARS = (0.0, 0.1, 0.25)
MAGNIFIED = 100
"""Times are given to md-eval in hundredths, since it prints two decimals of a second."""

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


def find_tools(md_eval: Path | None = None) -> dict[str, Tool]:
    """Tools that are installed, by the convention they stand for."""
    tools: dict[str, Tool] = {"pyannote": _by_pyannote}
    if importlib.util.find_spec("spyder") is not None:
        tools["spyder"] = _by_spyder
    if md_eval is not None:
        tools["md-eval"] = _MdEval(md_eval)
        tools["dscore"] = _MdEval(md_eval, as_dscore=True)
    return tools


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


def _by_pyannote(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline | None,
    collar: float,
    skip_overlap: bool,
) -> float:
    from pyannote.metrics.diarization import DiarizationErrorRate

    metric = DiarizationErrorRate(collar=collar, skip_overlap=skip_overlap)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no UEM
        return float(metric(reference, hypothesis, uem=uem))


def _by_spyder(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline | None,
    collar: float,
    skip_overlap: bool,
) -> float:
    from spyder import DER

    turns = [
        [(label, *segment) for segment, _, label in side.itertracks(yield_label=True)]
        for side in (reference, hypothesis)
    ]
    regions = None if uem is None else [tuple(region) for region in uem]
    kind = "nonoverlap" if skip_overlap else "all"
    return float(DER(*turns, uem=regions, collar=collar, regions=kind).der)


class _MdEval:
    """NIST's perl script, alone or prepared as dscore prepares its input."""

    def __init__(self, script: Path, *, as_dscore: bool = False) -> None:
        if not script.is_file():
            raise FormatError("no such file; give the path of md-eval-22.pl", str(script))
        self.script, self.as_dscore = script, as_dscore

    def __call__(
        self,
        reference: Annotation,
        hypothesis: Annotation,
        uem: Timeline | None,
        collar: float,
        skip_overlap: bool,
    ) -> float:
        sides = [reference, hypothesis]
        if self.as_dscore:
            extents = [side.get_timeline().extent() for side in sides]
            uem = Timeline([extents[0] | extents[1]]) if uem is None else uem
            sides = [side.crop(uem) for side in sides]
        with tempfile.TemporaryDirectory() as folder:
            command = ["perl", str(self.script), "-c", f"{MAGNIFIED * collar}"]
            for flag, side in zip(("-r", "-s"), sides, strict=True):
                command += [flag, _write(side, Path(folder) / f"side{flag}.rttm")]
            if uem is not None:
                path = Path(folder) / "all.uem"
                regions = [(MAGNIFIED * start, MAGNIFIED * end) for start, end in uem]
                path.write_text("".join(f"one 1 {start:.4f} {end:.4f}\n" for start, end in regions))
                command += ["-u", str(path)]
            text = subprocess.run(
                [*command, *(["-1"] if skip_overlap else [])],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        seconds = {
            kind: float(re.findall(rf"{kind} =\s*([\d.]+)", text)[-1])
            for kind in ("SCORED SPEAKER TIME", "MISSED SPEAKER TIME", "FALARM SPEAKER TIME")
        }
        confused = float(re.findall(r"SPEAKER ERROR TIME =\s*([\d.]+)", text)[-1])
        scored, *errors = seconds.values()
        return (sum(errors) + confused) / scored


def _write(annotation: Annotation, path: Path) -> str:
    lines = (
        f"SPEAKER one 1 {MAGNIFIED * segment.start:.4f} {MAGNIFIED * segment.duration:.4f} "
        f"<NA> <NA> {label} <NA> <NA>\n"
        for segment, _, label in annotation.itertracks(yield_label=True)
    )
    path.write_text("".join(lines))
    return str(path)


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
