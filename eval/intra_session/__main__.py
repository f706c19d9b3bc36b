"""Trials inside sessions: build lists, score encoders, or both at once for a new data set.

python -m eval.intra_session build --rttm FOLDER --output lists/
python -m eval.intra_session score --lists lists/ --audio FOLDER --systems diarspk resemblyzer
python -m eval.intra_session score --lists lists/ --embeddings mine.npz
python -m eval.intra_session report --rttm FOLDER --audio FOLDER --output report/
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pyannote.core import Annotation, Timeline

from diarspk.errors import DiarspkError, FormatError
from diarspk.formats import read_rttm, read_uem
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
from eval.report.markdown import markdown_table
from eval.report.run_record import describe_run, write_json
from eval.systems.registry import EMBEDDERS, load_embedder

__all__ = ["main"]

CONVENTION = (
    "Trials inside one session, segments of 1.5 s embedded alone, cosine. EER is linear at the "
    f"crossing; minDCF has target prior {TARGET_PRIOR} and both costs 1. Pooled: one threshold "
    "for all sessions. Mean: a threshold for each session that has both kinds of trials. In "
    "brackets, 95 % of a bootstrap over sessions."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 if a file cannot be read or scored."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1


def build(options: argparse.Namespace) -> None:
    """Write the lists of a data set, and print what they hold."""
    lists = build_lists(*_read_references(options.rttm, options.uem), _rules(options))
    _write_lists(lists, options.output)
    print(_describe_lists(lists))


def score(options: argparse.Namespace) -> None:
    """Score encoders, or files of embeddings, on lists that were built before."""
    paths = [options.lists / f"{name}.txt" for name in LIST_NAMES]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise FormatError(f"holds no list; it must have {paths[0].name} or others", f"{paths[0]}")
    _score({path.stem: read_trials(path) for path in found}, options)


def report(options: argparse.Namespace) -> None:
    """Build lists and score encoders on them: one command for a data set never seen before."""
    lists = build_lists(*_read_references(options.rttm, options.uem), _rules(options))
    _write_lists(lists, options.output)
    options.json = options.output / "report.json"
    text = "\n\n".join([_describe_lists(lists), _score(lists, options, quiet=True)])
    (options.output / "report.md").write_text(f"# Intra-session verification\n\n{text}\n")
    print(text)


def _score(
    lists: dict[str, list[Trial]], options: argparse.Namespace, *, quiet: bool = False
) -> str:
    results: dict[str, dict[str, ListScore]] = {}
    for system, embeddings in _all_embeddings(lists, options).items():
        results[system] = {
            name: score_list(trials, embeddings, resamples=options.resamples, seed=options.seed)
            for name, trials in lists.items()
            if 0 < sum(trial.target for trial in trials) < len(trials)
        }
        print(f"{system}: {len(embeddings)} segments", file=sys.stderr)
    text = f"{format_scores(results)}\n\n{CONVENTION}"
    if not quiet:
        print(text)
    if options.json is not None:
        write_json(_document(lists, results), options.json)
    return text


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
            _percent(one.pooled_eer),
            _percent(one.mean_eer),
            _plain(one.pooled_min_dcf),
            _plain(one.mean_min_dcf),
        ]
        for name in names
        for system, scores in results.items()
        if (one := scores.get(name)) is not None
    ]
    return markdown_table(header, rows) if rows else "No list has both kinds of trials."


def _all_embeddings(
    lists: dict[str, list[Trial]], options: argparse.Namespace
) -> dict[str, Embeddings]:
    found: dict[str, Embeddings] = {path.stem: read_embeddings(path) for path in options.embeddings}
    crops = list_crops(trial for trials in lists.values() for trial in trials)
    systems = options.systems if options.systems is not None else [] if found else ["diarspk"]
    if systems and options.audio is None:
        raise FormatError("give --audio FOLDER, or --embeddings FILE", "systems")
    for system in systems:
        found[system] = embed_crops(crops, options.audio, load_embedder(system))
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            write_embeddings(found[system], options.keep / f"{Path(system).name}.npz")
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
        **describe_run(),
        "convention": CONVENTION,
        "lists": {name: asdict(describe(trials)) for name, trials in lists.items()},
        "results": {
            system: {name: asdict(one) for name, one in scores.items()}
            for system, scores in results.items()
        },
    }


def _rules(options: argparse.Namespace) -> TrialRules:
    return TrialRules(
        ties=options.ties,
        with_secondary=options.with_secondary,
        shortest_overlap=round(options.shortest_overlap * UNITS_PER_SECOND),
        seed=options.seed,
    )


def _percent(one: Estimate) -> str:
    return f"{100 * one.value:.2f} [{100 * one.low:.2f}, {100 * one.high:.2f}]"


def _plain(one: Estimate) -> str:
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m eval.intra_session",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="build | score | report")
    build_parser, score_parser, report_parser = (
        commands.add_parser(run.__name__, help=run.__doc__) for run in (build, score, report)
    )
    for run, one in ((build, build_parser), (score, score_parser), (report, report_parser)):
        one.set_defaults(run=run)
        one.add_argument("--seed", type=int, default=0)
    for one in (build_parser, report_parser):
        _add_building(one)
    for one in (score_parser, report_parser):
        _add_scoring(one)
    score_parser.add_argument("--lists", type=Path, required=True, metavar="FOLDER")
    score_parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def _add_building(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rttm", type=Path, required=True, metavar="FOLDER", help="references; or one file")
    add("--uem", type=Path, metavar="FOLDER", help="regions; those beside the RTTM without it")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--ties", choices=("drop", "either"), default="drop", help="two main speakers")
    add("--shortest-overlap", type=float, default=0.6, metavar="SECONDS")
    add("--with-secondary", action="store_true", help="second speakers are non-targets")


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--audio", type=Path, metavar="FOLDER", help="recordings SESSION.wav, .flac, .opus")
    known = ", ".join(EMBEDDERS)
    add("--systems", nargs="+", metavar="ENCODER", help=f"{known}, or any encoder's name or path")
    add("--embeddings", type=Path, nargs="+", default=[], metavar="FILE", help=".npz files")
    add("--keep", type=Path, metavar="FOLDER", help="write the embeddings here")
    add("--resamples", type=int, default=500, metavar="N", help="of the bootstrap")


if __name__ == "__main__":
    raise SystemExit(main())
