"""From a trained encoder to figures: embeddings, scores, normalised, calibrated, reported."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from diarspk import load_encoder
from diarspk.encoders import WindowedEncoder
from diarspk.encoders.architectures.registry import count_parameters
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import mean_normalize
from diarspk.verification.report import cross_calibrate, report_trials
from diarspk.verification.score_normalization import adaptive_norm, cohort_statistics
from diarspk.verification.trials import Trial, read_trials
from eval.report.run_record import write_json
from recipes.embedded.data.crops import Pool, read_pool
from recipes.embedded.data.speakers import read_speakers
from recipes.zoo.embeddings import Embeddings, means_of
from recipes.zoo.settings import Settings

__all__ = ["MODEL", "calibrate", "embed", "normalize", "report", "score"]

MODEL = "model.json"
CALIBRATION_PRIOR = 0.05


def load_run_encoder(run: Path) -> WindowedEncoder:
    encoder = load_encoder(run / MODEL)
    assert isinstance(encoder, WindowedEncoder)
    return encoder


def embed(settings: Settings, run: Path) -> None:
    """Embed the test utterances whole, and the training speakers for the cohort."""
    encoder = load_run_encoder(run)
    if settings.data.kind == "lhotse":
        from recipes.zoo.manifests import embed_cuts

        found = embed_cuts(settings, encoder)
    else:
        found = _embed_packed(settings, encoder)
    np.savez(
        run / "embeddings.npz",
        names=np.array(found.names),
        speakers=np.array(found.speakers),
        vectors=found.vectors,
        cohort=found.cohort,
    )


def read_embeddings(run: Path) -> Embeddings:
    stored = np.load(run / "embeddings.npz")
    return Embeddings(
        stored["names"].tolist(), stored["speakers"].tolist(), stored["vectors"], stored["cohort"]
    )


def score(settings: Settings, run: Path) -> None:
    """Score the trials, or all pairs, by the cosine."""
    found = read_embeddings(run)
    index = {name: number for number, name in enumerate(found.names)}
    trials = _trials(settings, found)
    pairs = np.array([(index[trial.enrolment], index[trial.test]) for trial in trials])
    scores = np.einsum("nd,nd->n", found.vectors[pairs[:, 0]], found.vectors[pairs[:, 1]])
    labels = np.array([bool(trial.target) for trial in trials])
    np.savez(run / "scores.npz", pairs=pairs, labels=labels, scores=scores)


def normalize(settings: Settings, run: Path) -> None:
    """AS-norm with the means of the training speakers."""
    found, stored = read_embeddings(run), np.load(run / "scores.npz")
    sides = [
        cohort_statistics(found.vectors[column], found.cohort, top=settings.cohort)
        for column in stored["pairs"].T
    ]
    np.savez(run / "normalized.npz", scores=adaptive_norm(stored["scores"], *sides))


def calibrate(settings: Settings, run: Path) -> None:
    """Log-likelihood ratios of each half of the speakers by the other half's calibration."""
    found, stored = read_embeddings(run), np.load(run / "scores.npz")
    normalized = np.load(run / "normalized.npz")["scores"]
    enrolled = [found.speakers[row] for row in stored["pairs"][:, 0].tolist()]
    ratios = cross_calibrate(
        normalized, stored["labels"], enrolled, target_prior=CALIBRATION_PRIOR, seed=settings.seed
    )
    np.savez(run / "calibrated.npz", ratios=ratios)


def report(settings: Settings, run: Path) -> None:
    """Write ``report.json``: figures of raw and normalised scores, size and speed."""
    stored = np.load(run / "scores.npz")
    labels = stored["labels"]
    normalized = np.load(run / "normalized.npz")["scores"]
    ratios = np.load(run / "calibrated.npz")["ratios"]
    encoder = load_run_encoder(run)
    content = {
        "settings": asdict(settings),
        "parameters": count_parameters(encoder.network),
        "dimension": encoder.dimension,
        "real_time_factor": real_time_factor(encoder),
        "cosine": asdict(report_trials(stored["scores"], labels)),
        "normalized": asdict(report_trials(normalized, labels, log_likelihood_ratios=ratios)),
    }
    write_json(content, run / "report.json")


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
    if settings.data.trials:
        if settings.data.kind == "lhotse":
            from recipes.zoo.manifests import read_cut_trials

            return read_cut_trials(settings)
        return read_trials(settings.data.trials)
    named = list(zip(found.names, found.speakers, strict=True))
    trials = [
        Trial(first, second, one == other)
        for (first, one), (second, other) in combinations(named, 2)
    ]
    if len({trial.target for trial in trials}) < 2:
        raise ArgumentError("`test_speakers` must give pairs of one speaker and of two")
    return trials


def _embed_packed(settings: Settings, encoder: WindowedEncoder) -> Embeddings:
    folder = Path(settings.data.train)
    test, train = read_pool(folder / "dev"), read_pool(folder / "train", in_memory=False)
    speaker = read_speakers(Path(settings.data.test_speakers))
    train_speaker = read_speakers(Path(settings.data.speakers))
    rows = [row for row, kind in enumerate(test.variant) if kind == "recorded"]
    names = [test.utterance[row] for row in rows]
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, kind in enumerate(train.variant):
        own = rows_of[train_speaker[train.utterance[row]]]
        if kind == "recorded" and len(own) < settings.cohort_utterances:
            own.append(row)
    return Embeddings(
        names,
        [speaker[name] for name in names],
        _embed_rows(encoder, test, rows),
        means_of({name: _embed_rows(encoder, train, own) for name, own in rows_of.items() if own}),
    )


@torch.inference_mode()
def _embed_rows(encoder: WindowedEncoder, pool: Pool, rows: list[int]) -> NDArray[np.float32]:
    """Embed whole recordings one after the other: unit vectors ``(rows, dim)``."""
    vectors = []
    for row in rows:
        start = int(pool.start[row])
        features = pool.features[start : start + int(pool.frames[row])].astype(np.float32)
        features = np.resize(features, (max(len(features), encoder.network.minimum), 80))
        normalized = mean_normalize(torch.from_numpy(features)[None])
        vectors.append(nn.functional.normalize(encoder.network(normalized), dim=-1)[0].numpy())
    return np.stack(vectors)
