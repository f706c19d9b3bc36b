"""From a trained encoder to figures: embeddings, scores, normalised, calibrated, reported."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk import load_encoder
from diarspk.cli.terminal import say
from diarspk.encoders import WindowedEncoder
from diarspk.encoders.architectures.registry import count_parameters
from diarspk.errors import ArgumentError
from diarspk.verification.calibration import fit_calibration
from diarspk.verification.report import cross_calibrate, report_trials
from diarspk.verification.score_normalization import adaptive_norm, cohort_statistics
from diarspk.verification.trials import Trial, read_trials
from eval.report.run_record import write_json
from recipes.zoo import packed
from recipes.zoo.dry_run import limit_trials
from recipes.zoo.embeddings import Embeddings, read_embeddings, write_embeddings
from recipes.zoo.network import keep_frames
from recipes.zoo.quality import quality_measures
from recipes.zoo.settings import Settings

__all__ = ["MODEL", "calibrate", "embed", "measure_quality", "normalize", "report", "score"]

MODEL = "model.json"
HELD_OUT = "held-out"
EMBEDDINGS = "embeddings.npz"
CALIBRATED = "calibrated.npz"
QUALITY = "quality.npz"
CALIBRATION_PRIOR = 0.05


def load_run_encoder(run: Path) -> WindowedEncoder:
    encoder = load_encoder(run / MODEL)
    assert isinstance(encoder, WindowedEncoder)
    return encoder


def embed(settings: Settings, run: Path) -> None:
    """Embed the test utterances whole, the training speakers for the cohort, and the held-out."""
    encoder = load_run_encoder(run)
    keep_frames(encoder.network, settings.front_end)
    data: Any = _data_of(settings)
    found = data.embed_test(settings, encoder)
    write_embeddings(found, run)
    if settings.validation.speakers:
        write_embeddings(data.embed_held_out(settings, encoder, found.cohort), run / HELD_OUT)


def score(settings: Settings, run: Path) -> None:
    """Score the trials, or all pairs, by the cosine."""
    for folder in _sets(run):
        found = read_embeddings(folder)
        index = {name: number for number, name in enumerate(found.names)}
        trials = all_pairs(found) if folder != run else _trials(settings, found)
        pairs = np.array([(index[trial.enrolment], index[trial.test]) for trial in trials])
        scores = np.einsum("nd,nd->n", found.vectors[pairs[:, 0]], found.vectors[pairs[:, 1]])
        labels = np.array([bool(trial.target) for trial in trials])
        np.savez(folder / "scores.npz", pairs=pairs, labels=labels, scores=scores)


def normalize(settings: Settings, run: Path) -> None:
    """AS-norm with the means of the training speakers."""
    for folder in _sets(run):
        found, stored = read_embeddings(folder), np.load(folder / "scores.npz")
        sides = [
            cohort_statistics(found.vectors[column], found.cohort, top=settings.cohort)
            for column in stored["pairs"].T
        ]
        np.savez(
            folder / "normalized.npz",
            scores=adaptive_norm(stored["scores"], *sides),
            cohort_means=np.stack([side.mean for side in sides], axis=1),
        )


def calibrate(settings: Settings, run: Path) -> None:
    """Log-likelihood ratios of normalised scores; :func:`_ratios` says what they are fitted to."""
    np.savez(run / CALIBRATED, ratios=_ratios(settings, run, with_quality=False))


def measure_quality(settings: Settings, run: Path) -> None:
    """Log-likelihood ratios of normalised scores and quality measures (QMF)."""
    np.savez(run / QUALITY, ratios=_ratios(settings, run, with_quality=True))


def _ratios(settings: Settings, run: Path, *, with_quality: bool) -> NDArray[np.float64]:
    """Calibrate scores, if that is possible; otherwise say why, and return no ratios."""
    try:
        return _fit_ratios(settings, run, with_quality=with_quality)
    except ArgumentError as error:
        say(f"warning: no calibration: {error}; the report has no Cllr")
        return np.zeros(0)


def _fit_ratios(settings: Settings, run: Path, *, with_quality: bool) -> NDArray[np.float64]:
    """Calibrate on held-out speakers; without them, each half of the speakers by the other half.

    Raises
    ------
    ArgumentError
        If the scores tell nothing, as those of a network that was hardly trained may not.
    """
    test = _read_scored(run)
    measures = test.measures if with_quality else None
    if len(folders := _sets(run)) > 1:
        other = _read_scored(folders[-1])
        fitted = fit_calibration(
            other.scores,
            other.labels,
            quality=other.measures if with_quality else None,
            target_prior=CALIBRATION_PRIOR,
        )
        return fitted.log_likelihood_ratios(test.scores, measures)
    return cross_calibrate(
        test.scores,
        test.labels,
        test.enrolled,
        quality=measures,
        target_prior=CALIBRATION_PRIOR,
        seed=settings.seed,
    )


@dataclass(frozen=True, eq=False)
class _Scored:
    """Normalised scores of trials, with the measures of their quality."""

    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]
    enrolled: list[str]
    measures: dict[str, NDArray[np.float64]]


def _read_scored(folder: Path) -> _Scored:
    found = read_embeddings(folder)
    stored, normalized = np.load(folder / "scores.npz"), np.load(folder / "normalized.npz")
    pairs = stored["pairs"]
    return _Scored(
        normalized["scores"],
        stored["labels"],
        [found.speakers[row] for row in pairs[:, 0].tolist()],
        quality_measures(found, pairs, normalized["cohort_means"]),
    )


def report(settings: Settings, run: Path) -> None:
    """Write ``report.json``: figures of raw, normalised and QMF scores, size and speed."""
    stored = np.load(run / "scores.npz")
    labels = stored["labels"]
    normalized = np.load(run / "normalized.npz")["scores"]
    ratios, better = (np.load(run / name)["ratios"] for name in (CALIBRATED, QUALITY))
    encoder = load_run_encoder(run)
    content = {
        "settings": asdict(settings),
        "dry_run": settings.limit is not None,
        "parameters": count_parameters(encoder.network),
        "dimension": encoder.dimension,
        "fingerprint": encoder.fingerprint,
        "real_time_factor": real_time_factor(encoder),
        "calibrated_on": "held-out speakers" if len(_sets(run)) > 1 else "halves of the speakers",
        "cosine": asdict(report_trials(stored["scores"], labels)),
        "normalized": asdict(
            report_trials(normalized, labels, log_likelihood_ratios=ratios if len(ratios) else None)
        ),
        "quality": asdict(report_trials(better, labels, log_likelihood_ratios=better))
        if len(better)
        else None,
    }
    write_json(content, run / "report.json")


def _sets(run: Path) -> list[Path]:
    """Folders with embeddings: of the test, and of held-out speakers where there are any."""
    return [folder for folder in (run, run / HELD_OUT) if (folder / EMBEDDINGS).is_file()]


def _data_of(settings: Settings) -> ModuleType:
    """Choose the module that embeds the data of a run."""
    if settings.data.kind == "lhotse":
        from recipes.zoo import cut_embeddings

        return cut_embeddings
    return packed


def real_time_factor(encoder: WindowedEncoder, *, seconds: float = 10.0, repeats: int = 3) -> float:
    """Seconds of computing per second of audio; the fastest of several runs."""
    rate = encoder.sample_rate
    audio = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        encoder.embed(audio, rate)
        spent.append(time.perf_counter() - start)
    return min(spent) / seconds


def _trials(settings: Settings, found: Embeddings) -> list[Trial]:
    if settings.data.trials and settings.data.kind == "lhotse":
        from recipes.zoo.manifests import read_cut_trials

        return limit_trials(read_cut_trials(settings), settings.limit)
    if settings.data.trials:
        return limit_trials(read_trials(settings.data.trials), settings.limit)
    return all_pairs(found)


def all_pairs(found: Embeddings) -> list[Trial]:
    """All pairs of a set's utterances.

    Raises
    ------
    ArgumentError
        If they are of one kind.
    """
    named = list(zip(found.names, found.speakers, strict=True))
    trials = [
        Trial(first, second, one == other)
        for (first, one), (second, other) in combinations(named, 2)
    ]
    if len({trial.target for trial in trials}) < 2:
        raise ArgumentError("the utterances must give pairs of one speaker and of two")
    return trials
