r"""Run the diarizer on hard cases: what is expected, what it finds, and whether that will do.

    python -m eval.cases --data ../shared --output FOLDER
    python -m eval.cases --data ../shared --output FOLDER --cases two-women baby

DATA holds ``speech/``, ``noise/noise/*.opus`` and ``conversations``, as for ``eval.counting``. Each
case depends on the seed and its name alone; what is in FOLDER already is not made again. A case
that fails is a row that says so: the status is 0 all the same, unless ``--strict``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from diarspk.diarization.diarizer import EMBEDDED, Diarizer
from diarspk.errors import ArgumentError, SpeechWarning
from diarspk.metrics import score
from eval.cases.cases import CASES, QUICK, Case
from eval.cases.expectation import Finding
from eval.cases.recordings import CaseSources
from eval.command_line import command, one_of
from eval.counting.session_set import SessionSource
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_collections, read_conversation
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from eval.simulate.writing import is_written, write_recording

__all__ = ["main", "write_cases"]

HEADER = ("case", "expected", "found / true", "DER % (miss / false alarm / confusion)")
CONVENTION = (
    "Strict DER: collar 0, overlap scored, all of the recording. Seconds of false alarm stand in "
    "place of a rate where nobody, or hardly anybody, talks."
)
ALIGNMENT = "mfa"
HARDLY_S = 1.0
"""Seconds of reference speech below which a rate says nothing."""


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of speech, noise and conversations."""
    output: Path
    """Folder of the recordings, which a later run goes on from."""
    cases: tuple[Annotated[str, one_of([case.name for case in CASES])], ...] = tuple(
        case.name for case in CASES
    )
    """Cases to run."""
    quick: bool = False
    """Only the cases that need no voices."""
    seed: int = 1
    """Seed of the recordings."""
    encoder: str = EMBEDDED
    """Name or card of diarspk's models."""
    strict: bool = False
    """Exit with status 1 where a case is not as expected."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ArgumentError(f"`seed` must be 0 or more, got {self.seed}")

    def chosen(self) -> list[Case]:
        """Return the cases to run, in their order."""
        names = QUICK if self.quick else self.cases
        return [case for case in CASES if case.name in names]


def write_cases(
    cases: Sequence[Case], data: Path, folder: Path, *, seed: int
) -> dict[str, Conversation]:
    """Make the recordings of cases that are not there yet, and read the references of all.

    Raises
    ------
    DiarspkError
        If the data lack something.
    """
    found: dict[str, Conversation] = {}
    sources = CaseSources(SessionSource(data))
    for case in follow(cases, "cases"):
        if case.make is None:
            found[case.name] = _read_excerpt(data, case.excerpt)
            continue
        if not is_written(folder, case.name):
            made = case.make(sources, seed)
            folder.mkdir(parents=True, exist_ok=True)
            write_recording(made.samples, made.reference, folder, case.name)
        found[case.name] = read_conversation(folder / f"{case.name}.flac")
    return found


def _read_excerpt(data: Path, name: str) -> Conversation:
    """Read a real recording with its reference by forced alignment."""
    folder = data / "conversations" / "ami"
    (found,) = read_collections([folder], [ALIGNMENT]).values()
    for conversation in found:
        if conversation.name == name:
            return replace(conversation, reference=conversation.references[ALIGNMENT])
    raise ArgumentError(f"`data` must have conversations/ami/{name}, got {data} without")


def _find(diarizer: Diarizer, conversation: Conversation) -> Finding:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpeechWarning)  # they are in the table
        result = diarizer(conversation.audio)
    name = conversation.name
    errors = score(
        {name: conversation.reference}, {name: result.annotation}, {name: conversation.uem}
    ).pooled
    return Finding(conversation.count_speakers(result.annotation), errors, result.warnings)


def _row(case: Case, conversation: Conversation, finding: Finding) -> list[str]:
    errors = finding.components
    people = conversation.count_speakers(conversation.reference)
    if errors.total < HARDLY_S:
        shown = f"- ({errors.false_alarm:.1f} s false alarm, {errors.miss:.1f} s miss)"
    else:
        parts = (errors.miss_rate, errors.false_alarm_rate, errors.confusion_rate)
        shown = f"{100 * errors.der:.1f} ({' / '.join(f'{100 * one:.1f}' for one in parts)})"
    faults = case.expected.faults(finding)
    return [
        f"{case.name}: {case.what}",
        str(case.expected),
        f"{finding.people} / {people}",
        shown,
        "; ".join(finding.warnings) or "none",
        f"no: {', '.join(faults)}" if faults else "yes",
    ]


@command
def main(settings: Settings) -> int:
    """Run the command line; 1 if something is missing."""
    cases = settings.chosen()
    folder = settings.output / f"seed-{settings.seed}"
    recordings = write_cases(cases, settings.data, folder, seed=settings.seed)
    diarizer = Diarizer.load(settings.encoder)
    rows, figures = [], []
    for case, finding in _findings(cases, recordings, diarizer):
        rows.append(_row(case, recordings[case.name], finding))
        figures.append(_figures(case, finding))
    print(markdown_table([*HEADER, "warnings", "as expected"], rows))
    passed = sum(not one["faults"] for one in figures)
    print(f"\n{passed} of {len(figures)} are as expected, seed {settings.seed}. {CONVENTION}")
    settings.report.write({"convention": CONVENTION, "seed": settings.seed, "results": figures})
    return int(settings.strict and passed < len(figures))


def _findings(
    cases: Sequence[Case], recordings: dict[str, Conversation], diarizer: Diarizer
) -> Iterator[tuple[Case, Finding]]:
    for case in follow(cases, "diarization"):
        yield case, _find(diarizer, recordings[case.name])


def _figures(case: Case, finding: Finding) -> dict[str, Any]:
    return {
        "case": case.name,
        "expected": asdict(case.expected),
        "found": {**asdict(finding), "components": finding.components.as_dict()},
        "faults": case.expected.faults(finding),
    }


if __name__ == "__main__":
    raise SystemExit(main())
