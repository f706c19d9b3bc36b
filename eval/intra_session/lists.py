"""Trial lists as files, in the published line format, and what they hold.

``label fileA.wav:start:end fileB.wav:start:end``; the label is 1 for target trials, times are in
units of 10 ms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.atomic import atomic_path
from diarspk.formats.lines import parse_lines
from eval.intra_session.trials import Crop, Trial

__all__ = ["LIST_NAMES", "ListStatistics", "describe", "read_trials", "write_trials"]

LIST_NAMES = ("clean", "overlap_1_49", "overlap_50_100", "speaker_change", "combined")
SUFFIX = ".wav"


@dataclass(frozen=True)
class ListStatistics:
    """Counts of a list.

    Attributes
    ----------
    trials, targets : int
    anchors : int
        Different segments under test.
    sessions : int
    whole_sessions : int
        Sessions with both kinds of trials, which alone have an error rate of their own.
    fewest, most : int
        Trials of one anchor.
    """

    trials: int
    targets: int
    anchors: int
    sessions: int
    whole_sessions: int
    fewest: int
    most: int


def describe(trials: Sequence[Trial]) -> ListStatistics:
    """Count trials, anchors and sessions."""
    anchors = Counter(trial.test for trial in trials)
    kinds = {(trial.test.session, trial.target) for trial in trials}
    sessions = Counter(session for session, _ in kinds)
    return ListStatistics(
        trials=len(trials),
        targets=sum(trial.target for trial in trials),
        anchors=len(anchors),
        sessions=len(sessions),
        whole_sessions=sum(count == 2 for count in sessions.values()),
        fewest=min(anchors.values(), default=0),
        most=max(anchors.values(), default=0),
    )


def write_trials(trials: Iterable[Trial], path: Path) -> None:
    """Write a list; the file appears whole or not at all."""
    lines = (
        f"{int(trial.target)} {_write_crop(trial.test)} {_write_crop(trial.enrolment)}\n"
        for trial in trials
    )
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines)


def read_trials(path: Path) -> list[Trial]:
    """Read a list, be it of this program or a published one.

    Raises
    ------
    FormatError
        With file and line, on the first line that is no trial.
    """
    return list(parse_lines(path, _read_trial))


def _write_crop(crop: Crop) -> str:
    return f"{crop.session}{SUFFIX}:{crop.start}:{crop.end}"


def _read_trial(line: str) -> Trial:
    fields = line.split()
    if len(fields) != 3 or fields[0] not in ("0", "1"):
        raise ValueError(
            f"a trial must be `label fileA.wav:start:end fileB.wav:start:end` with label 0 or 1, "
            f"got {line[:80]!r}"
        )
    return Trial(fields[0] == "1", _read_crop(fields[1]), _read_crop(fields[2]))


def _read_crop(text: str) -> Crop:
    name, _, times = text.partition(":")
    start, _, end = times.partition(":")
    if not (name and start.isdigit() and end.isdigit() and int(start) < int(end)):
        raise ValueError(f"a segment must be file.wav:start:end in units of 10 ms, got {text!r}")
    return Crop(name.removesuffix(SUFFIX), int(start), int(end))
