"""Everything about verification trials: costs, calibration, AS-norm, pictures, fairness.

    python -m eval.verification.trials --data ../shared/speech --systems diarspk --cohort 300 \
        --groups gender language age --det det.png --histogram scores.png --cache vectors/

Trials are all pairs of utterances of a split, or those of ``--trials LIST``; the names of a list
are utterances of the split, or with ``--root`` recordings below a folder:

    python -m eval.verification.trials --root voxceleb1/wav --trials veri_test.txt --det det.png
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda, read_plda
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.errors import ArgumentError
from diarspk.verification.fairness import FairnessReport, compare_groups
from diarspk.verification.metrics import DetectionCurve, detection_curve
from diarspk.verification.report import TrialReport, cross_calibrate, report_trials
from diarspk.verification.score_normalization import (
    CohortStatistics,
    adaptive_norm,
    cohort_statistics,
)
from diarspk.verification.scoring import load_scorer
from diarspk.verification.trials import read_trials
from eval.command_line import command
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_files, embed_split
from eval.report.detection_plot import plot_det, plot_scores
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["Scored", "compare_scorings", "main", "pair_groups"]

PER_SPEAKER = 10
"""Recordings of each speaker of a cohort from folders."""

RECORDINGS = (".wav", ".flac", ".m4a", ".mp3", ".ogg", ".opus")

CONVENTION = (
    "Whole utterances by cosine. EER: linear at the crossing, with its 95 % interval by "
    "resampling enrolment speakers; stepped: the larger error at the nearest point (ESPnet). "
    "minDCF and actDCF have costs 1; actDCF and Cllr are of ratios calibrated on the other half "
    "of the enrolment speakers. AS-norm: the highest cosines with other speakers."
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
    plda: Plda | None = None,
    top: int = 300,
) -> Scored:
    """Cosines, the same with quality measures, AS-norm with a cohort, ratios with a PLDA.

    Parameters
    ----------
    split : EmbeddedSplit
    pairs : two ndarrays, ``(trials,)``
        Rows of the two sides.
    cohort : ndarray, ``(speakers, dim)``, optional
    labels : ndarray of bool, ``(trials,)``, optional
        Without it, a trial is a target where the speakers agree.
    plda : Plda, optional
        Of the encoder.
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
    if plda is not None:
        ratios = plda.pair_log_likelihood_ratio(split.vectors[first], split.vectors[second])
        scores["PLDA"] = ratios
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
            *(
                _percent(rate)
                for rate in (one.miss_rate, one.false_alarm_rate, one.equal_error_rate)
            ),
        ]
        for one in (*report.groups, *report.few)
    ]
    small = f"; too few trials to count: {', '.join(report.skipped)}" if report.few else ""
    garbe = report.garbe()
    shown = "- (of fewer than two groups)" if garbe is None else f"{garbe:.3f}"
    return f"{markdown_table(header, rows)}\n\nGARBE {shown}{small}"


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path | None = None
    """Folder of utterances in shards."""
    root: Path | None = None
    """Folder of the recordings that --trials names."""
    split: str = "dev"
    """Split of the speakers."""
    systems: tuple[str, ...] = ("diarspk",)
    """Encoders, by name or path."""
    trials: Path | None = None
    """List of `1 ENROL TEST` lines; none: all pairs."""
    cohort: int = 0
    """Number of other speakers for AS-norm: train speakers, or with --root alone those of its
    folders that --trials does not name."""
    cohort_utterances: int | None = None
    """Number of utterances to embed for them; none: all train utterances, or with --root alone ten
    of a speaker."""
    plda: str | None = None
    """Also score by a PLDA: `embedded`, that of the system, or the path of its card."""
    groups: Sequence[str] = ()
    """Columns of the metadata whose groups are compared."""
    metadata: Path | None = None
    """Table with these columns; none: that of the split."""
    det: Path | None = None
    """Draw detection error trade-offs to this file."""
    histogram: Path | None = None
    """Draw scores to FILE-SYSTEM.png for each system."""
    cache: Path | None = None
    """Folder to keep vectors in."""

    def __post_init__(self) -> None:
        if self.data is None and (self.root is None or self.trials is None):
            raise ArgumentError("give --data FOLDER, or --root FOLDER with --trials LIST")


@command
def main(settings: Settings) -> None:
    reports: dict[tuple[str, str], TrialReport] = {}
    curves: dict[str, DetectionCurve] = {}
    fairness: list[tuple[str, str, FairnessReport]] = []
    for system in settings.systems:
        split, scored = _score(settings, system)
        for way in scored.scores:
            reports[system, way] = report_scoring(scored, split, way)
        curves[system] = detection_curve(scored.scores["cosine"], scored.labels)
        threshold = curves[system].equal_error_threshold
        for column in settings.groups:
            groups = pair_groups(scored, split, _column(settings, column))
            rates = compare_groups(scored.scores["cosine"], scored.labels, groups, threshold)
            fairness.append((system, column, rates))
        if settings.histogram is not None:
            file = settings.histogram
            file = file.with_name(f"{file.stem}-{system.replace('/', '_')}{file.suffix}")
            plot_scores(scored.scores["cosine"], scored.labels, file, threshold=threshold)
    if settings.det is not None:
        plot_det(curves, settings.det)
    print(format_reports(reports))
    for system, column, report in fairness:
        print(f"\n{format_fairness(system, column, report)}")
    print(f"\n{CONVENTION}")
    results = [{"system": s, "scores": w, **asdict(r)} for (s, w), r in reports.items()]
    unfair = [{"system": s, "column": c, **asdict(r)} for s, c, r in fairness]
    figures = {"convention": CONVENTION, "results": results, "fairness": unfair}
    settings.report.write(figures)


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.2f}"


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


def _score(settings: Settings, system: str) -> tuple[EmbeddedSplit, Scored]:
    """Embed what the trials need, and score them."""
    listed = None if settings.trials is None else read_trials(settings.trials)
    if settings.root is not None and listed is not None:
        names = [name for trial in listed for name in (trial.enrolment, trial.test)]
        split = embed_files(settings.root, names, system)
    else:
        assert settings.data is not None  # by the settings' own check
        split = embed_split(settings.data, settings.split, system, cache=settings.cache)
    cohort = _cohort(settings, system, split)
    plda = _plda(settings, split)
    if listed is None:
        first, second = np.triu_indices(len(split.names), k=1)
        return split, compare_scorings(split, (first, second), cohort, plda=plda)
    row = {name: index for index, name in enumerate(split.names)}
    missing = [name for t in listed for name in (t.enrolment, t.test) if name not in row]
    if missing:
        raise ArgumentError(f"{settings.trials}: {missing[0]!r} is no utterance of the split")
    pairs = (
        np.array([row[trial.enrolment] for trial in listed]),
        np.array([row[trial.test] for trial in listed]),
    )
    labels = np.array([trial.target for trial in listed])
    return split, compare_scorings(split, pairs, cohort, labels=labels, plda=plda)


def _cohort(settings: Settings, system: str, split: EmbeddedSplit) -> NDArray[np.float32] | None:
    """One vector for each of the first speakers who are in no trial."""
    if not settings.cohort:
        return None
    if settings.data is not None:
        others = embed_split(
            settings.data, "train", system, cache=settings.cache, limit=settings.cohort_utterances
        )
    else:
        assert settings.root is not None  # by the settings' own check
        names = _other_recordings(settings, settings.root, set(split.speakers))
        others = embed_files(settings.root, names, system)
    means: dict[str, NDArray[np.float32]] = {}
    for speaker in dict.fromkeys(others.speakers):
        rows = others.vectors[np.asarray(others.speakers) == speaker]
        means[speaker] = unit_vector(rows.mean(0))
    return np.stack(list(means.values())[: settings.cohort]).astype(np.float32)


def _other_recordings(settings: Settings, root: Path, tested: set[str]) -> list[str]:
    """List recordings of speakers, the folders of a root, of whom there is no trial."""
    folders = sorted(one for one in root.iterdir() if one.is_dir() and one.name not in tested)
    folders = folders[: settings.cohort]
    each = PER_SPEAKER
    if settings.cohort_utterances is not None and folders:
        each = max(settings.cohort_utterances // len(folders), 1)
    names = []
    for folder in folders:
        files = sorted(one for one in folder.rglob("*") if one.suffix.lower() in RECORDINGS)
        names += [str(file.relative_to(root)) for file in files[:each]]
    speakers = {name.split("/")[0] for name in names}
    if len(speakers) < 2:
        raise ArgumentError(
            f"{root}: --cohort needs folders of two speakers or more whom --trials does not name, "
            f"found {len(speakers)}; give --data FOLDER with train speakers"
        )
    return names


def _plda(settings: Settings, split: EmbeddedSplit) -> Plda | None:
    """PLDA that the settings name, which has to be of the system."""
    if settings.plda is None:
        return None
    fingerprint = split.space.fingerprint
    if settings.plda == "embedded":
        found = load_scorer(fingerprint, "plda").plda
        assert found is not None  # or it had raised
        return found
    plda = read_plda(Path(settings.plda))
    if plda.fingerprint not in ("", fingerprint):
        raise ArgumentError(
            f"{settings.plda}: is of encoder {plda.fingerprint}, not of {split.space}"
        )
    return plda


def _column(settings: Settings, column: str) -> dict[str, str]:
    """Value of a metadata column for each utterance."""
    if settings.metadata is not None:
        table = settings.metadata
    elif settings.data is not None:
        table = settings.data / f"{settings.split}.tsv"
    else:
        raise ArgumentError("--groups needs --metadata FILE.tsv, or the table of --data FOLDER")
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or column not in rows[0] or "utterance" not in rows[0]:
        raise ArgumentError(f"{table}: must have the columns utterance and {column}")
    return {row["utterance"]: row[column] or "" for row in rows}


if __name__ == "__main__":
    raise SystemExit(main())
