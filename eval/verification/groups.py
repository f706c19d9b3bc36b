"""Whom verification mistakes: error rates by sex, age and corpus at the shipped threshold.

    python -m eval.verification.groups --data ../shared/speech --cache vectors/

Trials are all pairs of whole utterances of dev speakers within a group: of one corpus; of one
corpus and sex; of one corpus, sex and range of ages. A pair is accepted if its calibrated
probability is 1/2 or more, as `diarspk verify` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.fairness import FairnessReport, GroupRates, compare_groups
from diarspk.verification.scoring import SCORINGS, Scoring, load_scorer
from eval.command_line import command, one_of
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_split
from eval.report.cells import number_cell, percent_cell
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.verification.speaker_groups import SpeakerFacts, read_facts

__all__ = ["Grouping", "compare_scorings", "format_groups", "main"]

GROUPINGS: dict[str, Callable[[SpeakerFacts], str]] = {
    "sex": lambda facts: facts.sex_group,
    "age": lambda facts: facts.age_group,
    "corpus": lambda facts: facts.corpus,
}
"""Group of a speaker by the name of a table."""

CONVENTION = (
    "All pairs of whole utterances within a group; accepted at a calibrated probability of 1/2. "
    "cosine: one threshold for all; cohort: judged by how near both voices are to the nearest of "
    "other people; plda: ratios of the PLDA. The two or three numbers of a calibration were fitted "
    "on dev speakers, too. Groups with fewer than 20 pairs of one kind are in brackets and do not "
    "count in GARBE, which is 0 where all groups have the same rates."
)


@dataclass(frozen=True)
class Grouping:
    """Error rates of one scoring by the groups of one table."""

    grouping: str
    scoring: Scoring
    report: FairnessReport


def compare_scorings(
    split: EmbeddedSplit, facts: Mapping[str, SpeakerFacts], scorings: Sequence[Scoring]
) -> list[Grouping]:
    """Compare the groups of every table at the calibrated threshold of every scoring."""
    speaker = np.asarray(split.speakers)
    found = []
    for name, group_of in GROUPINGS.items():
        group = np.array([group_of(facts[utterance]) for utterance in split.names])
        first, second = _pairs(group)
        labels = speaker[first] == speaker[second]
        for scoring in scorings:
            scorer = load_scorer(split.space.fingerprint, scoring)
            ratios = scorer.log_likelihood_ratios(split.vectors[first], split.vectors[second])
            report = compare_groups(ratios, labels, group[first].tolist(), 0.0)
            found.append(Grouping(name, scoring, report))
    return found


def format_groups(found: Sequence[Grouping]) -> str:
    """Write a Markdown table for each kind of group."""
    tables = []
    for name in dict.fromkeys(one.grouping for one in found):
        own = [one for one in found if one.grouping == name]
        header = [f"{name}", "targets", "others"]
        for one in own:
            header += [f"{one.scoring}: miss %", "false %"]
        first = own[0].report
        groups = sorted((*first.groups, *first.few), key=lambda rates: rates.group)
        rows = []
        for rates in groups:
            shown = f"({rates.group})" if rates in first.few else rates.group
            row = [shown, f"{rates.targets}", f"{rates.non_targets}"]
            for one in own:
                same = _find(one.report, rates.group)
                row += [percent_cell(same.miss_rate), percent_cell(same.false_alarm_rate)]
            rows.append(row)
        garbe = ", ".join(f"{one.scoring} {number_cell(one.report.garbe())}" for one in own)
        tables.append(f"{markdown_table(header, rows)}\n\nGARBE: {garbe}")
    return "\n\n".join(tables)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of utterances in shards."""
    split: str = "dev"
    """Split of the speakers."""
    encoder: str = "diarspk"
    """Name or path; diarspk: the embedded encoder."""
    scorings: tuple[Annotated[Scoring, one_of(SCORINGS)], ...] = ("cosine", "cohort", "plda")
    """Ways to score."""
    cache: Path | None = None
    """Folder to keep vectors in."""


@command
def main(settings: Settings) -> None:
    facts = read_facts(settings.data / f"{settings.split}.tsv")
    split = embed_split(settings.data, settings.split, settings.encoder, cache=settings.cache)
    found = compare_scorings(split, facts, settings.scorings)
    print(format_groups(found))
    print(f"\n{CONVENTION}")
    results = [asdict(one) for one in found]
    settings.report.write({"convention": CONVENTION, "results": results})


def _pairs(group: NDArray[np.str_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of both sides of all pairs within a group; an empty name is none."""
    sides: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for name in sorted({*group.tolist()} - {""}):
        rows = np.flatnonzero(group == name)
        one, other = np.triu_indices(len(rows), k=1)
        sides.append((rows[one], rows[other]))
    first, second = zip(*sides, strict=True) if sides else ((), ())
    return np.concatenate([np.zeros(0, np.intp), *first]), np.concatenate(
        [np.zeros(0, np.intp), *second]
    )


def _find(report: FairnessReport, group: str) -> GroupRates:
    return next(rates for rates in (*report.groups, *report.few) if rates.group == group)


if __name__ == "__main__":
    raise SystemExit(main())
