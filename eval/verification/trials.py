"""Everything about verification trials: costs, calibration, AS-norm, pictures, fairness.

    python -m eval.verification.trials --data ../shared/speech --systems diarspk --cohort 300 \
        --groups gender language age --det det.png --histogram scores.png --cache vectors/

Trials are all pairs of utterances of a split, or those of ``--trials LIST``; the names of a list
are utterances of the split, or with ``--root`` recordings below a folder:

    python -m eval.verification.trials --root voxceleb1/wav --trials veri_test.txt --det det.png
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.errors import ArgumentError, DiarspkError
from diarspk.verification.fairness import FairnessReport, compare_groups
from diarspk.verification.metrics import DetectionCurve, detection_curve
from diarspk.verification.report import TrialReport, cross_calibrate, report_trials
from diarspk.verification.score_normalization import (
    CohortStatistics,
    adaptive_norm,
    cohort_statistics,
)
from diarspk.verification.trials import read_trials
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_files, embed_split
from eval.report.detection_plot import plot_det, plot_scores
from eval.report.markdown import markdown_table
from eval.report.run_record import describe_run, write_json

__all__ = ["Scored", "compare_scorings", "main", "pair_groups"]

CONVENTION = (
    "Whole utterances by cosine. EER: linear at the crossing, with its 95 % interval by "
    "resampling enrolment speakers; stepped: the larger error at the nearest point (ESPnet). "
    "minDCF and actDCF have costs 1; actDCF and Cllr are of ratios calibrated on the other half "
    "of the enrolment speakers. AS-norm: the highest cosines with train speakers."
)


@dataclass(frozen=True, eq=False)
class Scored:
    """Trials of a split: rows of both sides, the truth, and scores by each way of scoring."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    labels: NDArray[np.bool_]
    scores: dict[str, NDArray[np.float64]]
    quality: dict[str, dict[str, NDArray[np.float64]]]


def compare_scorings(
    split: EmbeddedSplit,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    cohort: NDArray[np.float32] | None = None,
    *,
    labels: NDArray[np.bool_] | None = None,
    top: int = 300,
) -> Scored:
    """Cosines, the same with quality measures, and AS-norm where there is a cohort.

    Parameters
    ----------
    split : EmbeddedSplit
    pairs : two ndarrays, ``(trials,)``
        Rows of the two sides.
    cohort : ndarray, ``(speakers, dim)``, optional
    labels : ndarray of bool, ``(trials,)``, optional
        Without it, a trial is a target where the speakers agree.
    """
    first, second = pairs
    if labels is None:
        speaker = np.asarray(split.speakers)
        labels = speaker[first] == speaker[second]
    cosines = np.sum(split.vectors[first] * split.vectors[second], axis=1).astype(np.float64)
    lengths = np.log(split.seconds)
    durations = {
        "log_shorter_s": np.minimum(lengths[first], lengths[second]),
        "log_longer_s": np.maximum(lengths[first], lengths[second]),
    }
    scores = {"cosine": cosines, "cosine, quality": cosines}
    quality: dict[str, dict[str, NDArray[np.float64]]] = {"cosine, quality": durations}
    if cohort is not None:
        found = cohort_statistics(split.vectors, cohort, top=top)
        sides = [CohortStatistics(found.mean[s], found.deviation[s]) for s in pairs]
        scores["AS-norm"] = adaptive_norm(cosines, *sides)
        scores["AS-norm, quality"] = scores["AS-norm"]
        means = {"cohort_mean": (sides[0].mean + sides[1].mean) / 2}
        quality["AS-norm, quality"] = durations | means
    return Scored(first, second, labels, scores, quality)


def pair_groups(scored: Scored, split: EmbeddedSplit, metadata: Mapping[str, str]) -> list[str]:
    """Group of each trial whose two utterances are of the same one, else nothing."""
    group = np.array([metadata.get(name, "") for name in split.names])
    first, second = group[scored.first], group[scored.second]
    return np.where(first == second, first, "").tolist()


def report_scoring(scored: Scored, split: EmbeddedSplit, way: str) -> TrialReport:
    """Figures of one way of scoring."""
    speakers = np.asarray(split.speakers)[scored.first].tolist()
    scores, quality = scored.scores[way], scored.quality.get(way)
    ratios = cross_calibrate(scores, scored.labels, speakers, quality=quality)
    shown = scores if quality is None else ratios  # with measures, the ratios are the scores
    return report_trials(
        shown, scored.labels, log_likelihood_ratios=ratios, groups=speakers, resamples=100
    )


def format_reports(reports: Mapping[tuple[str, str], TrialReport]) -> str:
    """Write a Markdown table."""
    header = [
        *("system", "scores", "EER %", "95 %", "stepped %"),
        *("minDCF .01", "minDCF .05", "actDCF .01", "actDCF .05", "Cllr", "95 % of Cllr"),
    ]
    return markdown_table(header, [[*key, *_cells(report)] for key, report in reports.items()])


def format_fairness(system: str, column: str, report: FairnessReport) -> str:
    """Write a Markdown table of the groups, and GARBE below."""
    header = [f"{system}: {column}", "targets", "others", "miss %", "false %", "own EER %"]
    rows = [
        [
            one.group,
            f"{one.targets}",
            f"{one.non_targets}",
            f"{100 * one.miss_rate:.2f}",
            f"{100 * one.false_alarm_rate:.2f}",
            f"{100 * one.equal_error_rate:.2f}",
        ]
        for one in report.groups
    ]
    small = f"; too few trials: {', '.join(report.skipped)}" if report.skipped else ""
    return f"{markdown_table(header, rows)}\n\nGARBE {report.garbe():.3f}{small}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    if options.data is None and (options.root is None or options.trials is None):
        print("give --data FOLDER, or --root FOLDER with --trials LIST", file=sys.stderr)
        return 2
    reports: dict[tuple[str, str], TrialReport] = {}
    curves: dict[str, DetectionCurve] = {}
    fairness: list[tuple[str, str, FairnessReport]] = []
    try:
        for system in options.systems:
            split, scored = _score(options, system)
            for way in scored.scores:
                reports[system, way] = report_scoring(scored, split, way)
            curves[system] = detection_curve(scored.scores["cosine"], scored.labels)
            threshold = curves[system].equal_error_threshold
            for column in options.groups:
                groups = pair_groups(scored, split, _column(options, column))
                rates = compare_groups(scored.scores["cosine"], scored.labels, groups, threshold)
                fairness.append((system, column, rates))
            if options.histogram is not None:
                file = options.histogram
                file = file.with_name(f"{file.stem}-{system.replace('/', '_')}{file.suffix}")
                plot_scores(scored.scores["cosine"], scored.labels, file, threshold=threshold)
        if options.det is not None:
            plot_det(curves, options.det)
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    print(format_reports(reports))
    for system, column, report in fairness:
        print(f"\n{format_fairness(system, column, report)}")
    print(f"\n{CONVENTION}")
    if options.json is not None:
        results = [{"system": s, "scores": w, **asdict(r)} for (s, w), r in reports.items()]
        unfair = [{"system": s, "column": c, **asdict(r)} for s, c, r in fairness]
        figures = {"convention": CONVENTION, "results": results, "fairness": unfair}
        write_json({**describe_run(), **figures}, options.json)
    return 0


def _cells(report: TrialReport) -> list[str]:
    rate, bits = report.equal_error_rate, report.cllr
    actual = report.actual_dcf or {}
    return [
        f"{100 * rate.value:.2f}",
        f"{100 * rate.low:.2f} to {100 * rate.high:.2f}",
        f"{100 * report.stepped_equal_error_rate:.2f}",
        *(f"{cost:.3f}" for cost in report.min_dcf.values()),
        *(f"{actual[prior]:.3f}" if actual else "-" for prior in report.min_dcf),
        "-" if bits is None else f"{bits.value:.3f}",
        "-" if bits is None else f"{bits.low:.3f} to {bits.high:.3f}",
    ]


def _score(options: argparse.Namespace, system: str) -> tuple[EmbeddedSplit, Scored]:
    """Embed what the trials need, and score them."""
    listed = None if options.trials is None else read_trials(options.trials)
    if options.root is not None and listed is not None:
        names = [name for trial in listed for name in (trial.enrolment, trial.test)]
        split = embed_files(options.root, names, system)
    else:
        split = embed_split(options.data, options.split, system, cache=options.cache)
    cohort = _cohort(options, system)
    if listed is None:
        first, second = np.triu_indices(len(split.names), k=1)
        return split, compare_scorings(split, (first, second), cohort)
    row = {name: index for index, name in enumerate(split.names)}
    missing = [name for t in listed for name in (t.enrolment, t.test) if name not in row]
    if missing:
        raise ArgumentError(f"{options.trials}: {missing[0]!r} is no utterance of the split")
    pairs = (
        np.array([row[trial.enrolment] for trial in listed]),
        np.array([row[trial.test] for trial in listed]),
    )
    labels = np.array([trial.target for trial in listed])
    return split, compare_scorings(split, pairs, cohort, labels=labels)


def _cohort(options: argparse.Namespace, system: str) -> NDArray[np.float32] | None:
    """One vector for each of the first train speakers."""
    if not options.cohort:
        return None
    if options.data is None:
        raise ArgumentError("--cohort takes train speakers from --data FOLDER, which is missing")
    train = embed_split(
        options.data, "train", system, cache=options.cache, limit=options.cohort_utterances
    )
    means: dict[str, NDArray[np.float32]] = {}
    for speaker in dict.fromkeys(train.speakers):
        rows = train.vectors[np.asarray(train.speakers) == speaker]
        means[speaker] = unit_vector(rows.mean(0))
    return np.stack(list(means.values())[: options.cohort]).astype(np.float32)


def _column(options: argparse.Namespace, column: str) -> dict[str, str]:
    """Value of a metadata column for each utterance."""
    if options.metadata is None and options.data is None:
        raise ArgumentError("--groups needs --metadata FILE.tsv, or the table of --data FOLDER")
    table = options.metadata or options.data / f"{options.split}.tsv"
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or column not in rows[0] or "utterance" not in rows[0]:
        raise ArgumentError(f"{table}: must have the columns utterance and {column}")
    return {row["utterance"]: row[column] or "" for row in rows}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.verification.trials", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, metavar="FOLDER", help="utterances in shards")
    add("--root", type=Path, metavar="FOLDER", help="recordings, named by --trials")
    add("--split", default="dev")
    add("--systems", nargs="+", default=["diarspk"], metavar="SYSTEM")
    add("--trials", type=Path, metavar="LIST", help="`1 ENROL TEST` lines; all pairs without it")
    add("--cohort", type=int, default=0, metavar="SPEAKERS", help="train speakers of AS-norm")
    add("--cohort-utterances", type=int, metavar="N", help="train utterances to embed for them")
    add("--groups", nargs="*", default=[], metavar="COLUMN", help="metadata columns to compare")
    add("--metadata", type=Path, metavar="FILE.tsv", help="without it the table of the split")
    add("--det", type=Path, metavar="FILE.png")
    add("--histogram", type=Path, metavar="FILE.png", help="FILE-SYSTEM.png for each system")
    add("--cache", type=Path, metavar="FOLDER", help="keep the vectors here")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
