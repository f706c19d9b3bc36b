"""Operations of the review page that bring a diarization to zero error.

    python -m eval.review.correction --data ../shared/conversations/ami \
        ../shared/conversations/simulated

An oracle that knows the reference corrects what diarspk finds, by operations of the page alone
(see `eval/review/oracle.py`), until the strict error rate is zero: with no tolerance, and with that
of a person, who leaves boundaries that are off by up to a quarter of a second. Beside it stand the
operations that it takes to draw every turn of the reference on an empty page, and those of an
oracle that first uses "more like this" alone, or first clusters again with the right number of
speakers, which is one operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyannote.core import Annotation, Segment

from diarspk.audio import open_audio
from diarspk.diarization import Diarization, Diarizer, RecordingAnalysis
from diarspk.editing import EditedDiarization
from diarspk.metrics import Components, score
from eval.command_line import command
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_collections
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from eval.review.oracle import Goal, Oracle, Similar, goals_of

__all__ = ["Cost", "Settings", "correct", "main"]

ALIKE = "more like this first"
RIGHT_NUMBER = "right number first"
WAYS = ("turn by turn", ALIKE, RIGHT_NUMBER)

KINDS = ("adopt", "merge", "reassign", "split_turn", "move", "add", "delete")


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...]
    """Folders of conversations."""
    references: tuple[str, ...] = ()
    """Correct to FOLDER/references/NAME instead, where a folder has it."""
    tolerances: tuple[float, ...] = (0.0, 0.25)
    """Seconds that a boundary may be off; error rates leave out as much on each side."""
    cache: Path | None = None
    """Folder to keep the passes over recordings in."""


@dataclass
class Cost:
    """Operations over recordings by kind, and the errors on the way.

    Attributes
    ----------
    hours : float
        Of audio.
    drawn : int
        Operations on an empty page: one for each turn of the reference.
    by_kind : Counter of str
        Operations until the error is zero.
    alike : int
        Those of merging speakers and of "more like this", which come first.
    before, after_alike, after : Components
        Errors before, after those, and in the end.
    """

    hours: float = 0.0
    drawn: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    alike: int = 0
    before: Components = field(default_factory=Components)
    after_alike: Components = field(default_factory=Components)
    after: Components = field(default_factory=Components)

    def per_hour(self, operations: float) -> float:
        """Operations per hour of audio."""
        return operations / self.hours


@command
def main(settings: Settings) -> int:
    """Print a table for each tolerance; 1 if an error is left."""
    diarizer = Diarizer.load(cache=settings.cache)
    costs: dict[tuple[str, float, str], Cost] = {}
    for name, conversations in read_collections(settings.data, settings.references).items():
        for conversation in follow(conversations, name):
            result = diarizer(conversation.audio)
            analysis = RecordingAnalysis(open_audio(conversation.audio), lambda: diarizer, result)
            for reference in _references(conversation, settings.references):
                for tolerance in settings.tolerances:
                    for way in WAYS:
                        cost = costs.setdefault((name, tolerance, way), Cost())
                        cost.hours += conversation.duration / 3600
                        found = result
                        if way == RIGHT_NUMBER:
                            found = _recluster(result, len(reference.labels()), cost)
                        similar = analysis.similar if way == ALIKE else None
                        correct(_begin(found, conversation), reference, cost, tolerance, similar)
    for tolerance in settings.tolerances:
        print(f"boundaries may be off by {tolerance:g} s; operations per hour of audio\n")
        print(_table({key: cost for key, cost in costs.items() if key[1] == tolerance}), end="\n\n")
    settings.report.write({"costs": [_figures(*key, cost) for key, cost in costs.items()]})
    return int(any(cost.after.der > 0 for cost in costs.values()))


def correct(
    edited: EditedDiarization,
    reference: Annotation,
    cost: Cost,
    tolerance_s: float = 0.0,
    similar: Similar | None = None,
) -> EditedDiarization:
    """Let the oracle correct a diarization, and add what it costs.

    Parameters
    ----------
    edited : EditedDiarization
    reference : Annotation
    cost : Cost
    tolerance_s : float
        See :class:`eval.review.oracle.Oracle`.
    similar : callable, optional
        "More like this". Default: turns are reassigned one by one.
    """
    goals = goals_of(reference)
    truth = _annotate(goals)

    def errors(now: EditedDiarization) -> Components:
        return score(truth, now.annotation, collar=tolerance_s, convention="dscore").pooled

    oracle = Oracle(edited, goals, tolerance_s)
    cost.drawn += len(goals)
    cost.before += errors(oracle.edited)
    oracle.merge_speakers()
    if similar is not None:
        oracle.reassign_alike(similar)
    cost.alike += oracle.counts.total()
    cost.after_alike += errors(oracle.edited)
    oracle.correct_turns()
    cost.by_kind += oracle.counts
    cost.after += errors(oracle.edited)
    return oracle.edited


def _recluster(result: Diarization, count: int, cost: Cost) -> Diarization:
    """Cluster again with the right number of speakers, where it is another one."""
    if count in (0, len(result.speakers)) or not result.speakers:
        return result
    cost.by_kind["adopt"] += 1
    return result.recluster(num_speakers=count)


def _begin(result: Diarization, conversation: Conversation) -> EditedDiarization:
    return EditedDiarization.of(result.annotation.crop(conversation.uem))


def _references(conversation: Conversation, names: Sequence[str]) -> list[Annotation]:
    further = [conversation.further[name] for name in names if name in conversation.further]
    return [one.crop(conversation.uem) for one in further or [conversation.reference]]


def _annotate(goals: Sequence[Goal]) -> Annotation:
    annotation = Annotation(uri="reference")
    for number, goal in enumerate(goals):
        annotation[Segment(goal.start, goal.end), number] = goal.speaker
    return annotation


def _table(costs: dict[tuple[str, float, str], Cost]) -> str:
    header = ["set", "way", "all", *KINDS, "DER before %", "first step", "DER after it %", "end %"]
    rows = []
    for (name, _, way), cost in costs.items():
        if way == WAYS[0]:
            drawn = f"{cost.per_hour(cost.drawn):.0f}"
            rows.append([name, "draw every turn", drawn, *("-" for _ in header[3:])])
        rows.append(
            [
                name,
                way,
                f"{cost.per_hour(cost.by_kind.total()):.0f}",
                *(f"{cost.per_hour(cost.by_kind[kind]):.0f}" for kind in KINDS),
                f"{100 * cost.before.der:.1f}",
                f"{cost.per_hour(cost.alike):.0f}",
                f"{100 * cost.after_alike.der:.1f}",
                f"{100 * cost.after.der:.2f}",
            ]
        )
    return markdown_table(header, rows)


def _figures(name: str, tolerance: float, way: str, cost: Cost) -> dict[str, Any]:
    return {
        "set": name,
        "tolerance_s": tolerance,
        "way": way,
        "hours": cost.hours,
        "drawn": cost.drawn,
        "operations": dict(cost.by_kind),
        "first_step": cost.alike,
        "der": [cost.before.der, cost.after_alike.der, cost.after.der],
    }


if __name__ == "__main__":
    raise SystemExit(main())
