"""Scoring tools of other projects, each behind one call: pyannote.metrics, spyder, md-eval."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from pyannote.core import Annotation, Timeline

from diarspk.errors import FormatError

__all__ = ["Tool", "find_tools"]

Tool = Callable[[Annotation, Annotation, "Timeline | None", float, bool], float]
"""Reference, hypothesis, UEM, collar, whether overlap is skipped -> DER in [0, 1]."""

MAGNIFIED = 100
"""Times are given to md-eval in hundredths, since it prints two decimals of a second."""


def find_tools(md_eval: Path | None = None) -> dict[str, Tool]:
    """Tools that are installed, by the convention they stand for."""
    tools: dict[str, Tool] = {"pyannote": _by_pyannote}
    if importlib.util.find_spec("spyder") is not None:
        tools["spyder"] = _by_spyder
    if md_eval is not None:
        tools["md-eval"] = _MdEval(md_eval)
        tools["dscore"] = _MdEval(md_eval, as_dscore=True)
    return tools


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
