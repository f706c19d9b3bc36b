"""Trials inside sessions: build lists, score encoders, or both at once for a new data set.

    python -m eval.intra_session build --rttm FOLDER --output lists/
    python -m eval.intra_session score --lists lists/ --audio FOLDER --systems diarspk resemblyzer
    python -m eval.intra_session score --lists lists/ --embeddings mine.npz
    python -m eval.intra_session report --rttm FOLDER --audio FOLDER --output report/

``python -m eval.intra_session build --help`` tells its options, and so do the others.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pyannote.core import Annotation, Timeline

from diarspk.errors import FormatError
from diarspk.formats import read_rttm, read_uem
from eval.command_line import command, option
from eval.intra_session.embedding import (
    Embeddings,
    embed_crops,
    list_crops,
    read_embeddings,
    write_embeddings,
)
from eval.intra_session.lists import LIST_NAMES, describe, read_trials, write_trials
from eval.intra_session.runs import UNITS_PER_SECOND
from eval.intra_session.scoring import TARGET_PRIOR, Estimate, ListScore, score_list
from eval.intra_session.trials import Trial, TrialRules, build_lists
from eval.report.cells import interval_cell
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport, write_text
from eval.systems.registry import EMBEDDERS, load_embedder

__all__ = ["main"]

CONVENTION = (
    "Trials inside one session, segments of 1.5 s embedded alone, cosine. EER is linear at the "
    f"crossing; minDCF has target prior {TARGET_PRIOR} and both costs 1. Pooled: one threshold "
    "for all sessions. Mean: a threshold for each session that has both kinds of trials. In "
    "brackets, 95 % of a bootstrap over sessions."
)


@dataclass(frozen=True)
class ListSettings:
    """Lists of trials."""

    rttm: Path
    """Folder of references, or one file."""
    output: Path
    """Folder to write to."""
    uem: Path | None = None
    """Folder of regions; none: those beside the RTTM."""
    ties: Literal["drop", "either"] = "drop"
    """What becomes of segments with two main speakers."""
    shortest_overlap: float = 0.6
    """Seconds of the shortest overlap."""
    with_secondary: bool = False
    """Second speakers are non-targets."""
    seed: int = 0
    """Seed of the draw, and of the bootstrap."""

    def write(self) -> dict[str, list[Trial]]:
        """Build the lists, and write them to the folder."""
        rules = TrialRules(
            ties=self.ties,
            with_secondary=self.with_secondary,
            shortest_overlap=round(self.shortest_overlap * UNITS_PER_SECOND),
            seed=self.seed,
        )
        lists = build_lists(*_read_references(self.rttm, self.uem), rules)
        _write_lists(lists, self.output)
        return lists


@dataclass(frozen=True)
class ScoringSettings:
    """Encoders, and the scores of their embeddings."""

    audio: Path | None = None
    """Folder of recordings SESSION.wav, .flac, .opus."""
    systems: Annotated[
        tuple[str, ...] | None, option(help=f"{', '.join(EMBEDDERS)}, or any name or path.")
    ] = None
    embeddings: tuple[Path, ...] = ()
    """Files .npz of embeddings that were made elsewhere."""
    keep: Path | None = None
    """Folder to write the embeddings to."""
    resamples: int = 500
    """Number of resamples of the bootstrap."""


@dataclass(frozen=True)
class Build:
    """Write the lists of a data set, and print what they hold."""

    lists: ListSettings


@dataclass(frozen=True)
class Score:
    """Score encoders, or files of embeddings, on lists that were built before."""

    report: JsonReport
    scoring: ScoringSettings
    lists: Path
    """Folder of the lists."""
    seed: int = 0
    """Seed of the bootstrap."""


@dataclass(frozen=True)
class Report:
    """Build lists and score encoders on them: one command for a data set never seen before."""

    lists: ListSettings
    scoring: ScoringSettings


@command
def main(settings: Build | Score | Report) -> None:
    if isinstance(settings, Build):
        print(_describe_lists(settings.lists.write()))
    elif isinstance(settings, Score):
        print(_score(_read_lists(settings.lists), settings.scoring, settings.seed, settings.report))
    else:
        lists, folder = settings.lists.write(), settings.lists.output
        file = JsonReport(folder / "report.json")
        text = "\n\n".join(
            [_describe_lists(lists), _score(lists, settings.scoring, settings.lists.seed, file)]
        )
        write_text(f"# Intra-session verification\n\n{text}\n", folder / "report.md")
        print(text)


def _read_lists(folder: Path) -> dict[str, list[Trial]]:
    paths = [folder / f"{name}.txt" for name in LIST_NAMES]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise FormatError(f"holds no list; it must have {paths[0].name} or others", f"{paths[0]}")
    return {path.stem: read_trials(path) for path in found}


def _score(
    lists: dict[str, list[Trial]], scoring: ScoringSettings, seed: int, report: JsonReport
) -> str:
    results: dict[str, dict[str, ListScore]] = {}
    for system, embeddings in _all_embeddings(lists, scoring).items():
        results[system] = {
            name: score_list(trials, embeddings, resamples=scoring.resamples, seed=seed)
            for name, trials in lists.items()
            if 0 < sum(trial.target for trial in trials) < len(trials)
        }
        print(f"{system}: {len(embeddings)} segments", file=sys.stderr)
    report.write(_document(lists, results))
    return f"{format_scores(results)}\n\n{CONVENTION}"


def format_scores(results: dict[str, dict[str, ListScore]]) -> str:
    """One Markdown table, a row for each list and system."""
    header = [
        *("list", "system", "trials", "sessions", "EER %", "mean EER %", "minDCF", "mean minDCF")
    ]
    names = list(dict.fromkeys(name for scores in results.values() for name in scores))
    rows = [
        [
            name,
            system,
            f"{one.trials}",
            f"{one.whole_sessions} of {one.sessions}",
            _cell(one.pooled_eer, 2, percent=True),
            _cell(one.mean_eer, 2, percent=True),
            _cell(one.pooled_min_dcf, 3),
            _cell(one.mean_min_dcf, 3),
        ]
        for name in names
        for system, scores in results.items()
        if (one := scores.get(name)) is not None
    ]
    return markdown_table(header, rows) if rows else "No list has both kinds of trials."


def _all_embeddings(
    lists: dict[str, list[Trial]], settings: ScoringSettings
) -> dict[str, Embeddings]:
    found: dict[str, Embeddings] = {
        path.stem: read_embeddings(path) for path in settings.embeddings
    }
    crops = list_crops(trial for trials in lists.values() for trial in trials)
    systems = settings.systems if settings.systems is not None else [] if found else ["diarspk"]
    for system in systems:
        if settings.audio is None:
            raise FormatError("give --audio FOLDER, or --embeddings FILE", "systems")
        found[system] = embed_crops(crops, settings.audio, load_embedder(system))
        if settings.keep is not None:
            settings.keep.mkdir(parents=True, exist_ok=True)
            write_embeddings(found[system], settings.keep / f"{Path(system).name}.npz")
    return found


def _read_references(
    rttm: Path, uem: Path | None
) -> tuple[dict[str, Annotation], dict[str, Timeline]]:
    paths = sorted(rttm.rglob("*.rttm")) if rttm.is_dir() else [rttm]
    if not paths:
        raise FormatError("holds no .rttm file", str(rttm))
    references = {name: one for path in paths for name, one in read_rttm(path).items()}
    folder = uem or (rttm if rttm.is_dir() else None)
    if folder is None:
        return references, {}
    uems = sorted(folder.rglob("*.uem")) if folder.is_dir() else [folder]
    return references, {name: one for path in uems for name, one in read_uem(path).items()}


def _write_lists(lists: dict[str, list[Trial]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, trials in lists.items():
        write_trials(trials, folder / f"{name}.txt")


def _describe_lists(lists: dict[str, list[Trial]]) -> str:
    header = ["list", "trials", "targets", "anchors", "sessions", "with both kinds", "per anchor"]
    rows = []
    for name, trials in lists.items():
        one = describe(trials)
        counts = (one.trials, one.targets, one.anchors, one.sessions, one.whole_sessions)
        rows.append([name, *map(str, counts), f"{one.fewest} to {one.most}"])
    return markdown_table(header, rows)


def _document(
    lists: dict[str, list[Trial]], results: dict[str, dict[str, ListScore]]
) -> dict[str, Any]:
    return {
        "convention": CONVENTION,
        "lists": {name: asdict(describe(trials)) for name, trials in lists.items()},
        "results": {
            system: {name: asdict(one) for name, one in scores.items()}
            for system, scores in results.items()
        },
    }


def _cell(one: Estimate, digits: int, *, percent: bool = False) -> str:
    return interval_cell(one.value, one.low, one.high, digits, percent=percent)


if __name__ == "__main__":
    raise SystemExit(main())
