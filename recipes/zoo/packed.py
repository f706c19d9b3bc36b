"""Features that ``recipes.embedded.data.prepare`` has packed, for the recipe's batches and test."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from diarspk.encoders import WindowedEncoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig, mean_normalize
from recipes.embedded.data.crops import CropConfig, SpeakerCrops
from recipes.embedded.data.pool import FRAMES_PER_SECOND, SPEEDS, Pool, read_pool
from recipes.embedded.data.speakers import read_speakers
from recipes.zoo.dry_run import limit_cohort, limit_utterances
from recipes.zoo.embeddings import Embeddings, Vectors, means_of, stack_vectors
from recipes.zoo.held_out import SECONDS, HeldOut, choose_speakers, middle
from recipes.zoo.settings import Phase, Settings

__all__ = [
    "check_readable",
    "embed_held_out",
    "embed_test",
    "open_held_out_packed",
    "open_packed",
]

RECORDED = "recorded"


def open_packed(settings: Settings, phase: Phase, features: FeatureConfig | None) -> PackedCrops:
    """Open the training features of a run, without the speakers that are held out."""
    check_readable(settings, features)
    folder = Path(settings.data.train)
    speakers = read_speakers(Path(settings.data.speakers))
    pool = read_pool(folder / "train", in_memory=False)  # what is drawn alone comes into memory
    held_out = _held_out_speakers(settings, pool, speakers)
    pool = _rows_of(pool, [speakers[name] not in held_out for name in pool.utterance])
    config = CropConfig(
        frames_per_batch=phase.frames_per_crop * phase.crops,
        crops_per_speaker=2 if settings.loss == "ge2e" else 1,
        seconds=(phase.frames_per_crop / FRAMES_PER_SECOND,),
        altered_speed_probability=phase.altered_speed,
    )
    return PackedCrops(
        pool,
        read_pool(folder / "noise"),
        speakers,
        config,
        usable=np.ones(len(pool.start), bool),
        seed=settings.seed,
    )


class PackedCrops(SpeakerCrops):
    """Speaker crops whose classes are the same in every phase, altered speed or not."""

    @property
    def classes(self) -> int:
        return len(SPEEDS) * len(self.names)


def check_readable(settings: Settings, features: FeatureConfig | None) -> None:
    """Check that the network of a run reads what is packed.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if features != FeatureConfig():
        front_end = "" if settings.front_end is None else f" on {settings.front_end.name}"
        raise ArgumentError(
            "`architecture` must read the packed features, 80 log-mel bins, got "
            f"{settings.architecture}{front_end}; train it from manifests: --manifests, or "
            "recipes/voxceleb"
        )


def _held_out_speakers(settings: Settings, pool: Pool, speakers: dict[str, str]) -> frozenset[str]:
    utterances = Counter(
        speakers[name]
        for name, kind in zip(pool.utterance, pool.variant, strict=True)
        if kind == RECORDED
    )
    return choose_speakers(utterances, settings.validation)


def _rows_of(pool: Pool, chosen: list[bool]) -> Pool:
    rows = np.flatnonzero(chosen)
    return Pool(
        pool.features,
        pool.start[rows],
        pool.frames[rows],
        [pool.utterance[row] for row in rows],
        [pool.variant[row] for row in rows],
    )


def _held_out_rows(settings: Settings, pool: Pool) -> tuple[list[int], list[str]]:
    """Choose recorded rows of the held-out speakers, and say whose they are."""
    speakers = read_speakers(Path(settings.data.speakers))
    held_out = _held_out_speakers(settings, pool, speakers)
    own: dict[str, list[int]] = defaultdict(list)
    for row, (name, kind) in enumerate(zip(pool.utterance, pool.variant, strict=True)):
        if kind == RECORDED and (speaker := speakers[name]) in held_out:
            own[speaker].append(row)
    most = settings.validation.utterances
    rows = [row for name in sorted(own) for row in own[name][:most]]
    return rows, [speakers[pool.utterance[row]] for row in rows]


def open_held_out_packed(settings: Settings) -> HeldOut:
    """Open the crops that training is validated on."""
    pool = read_pool(Path(settings.data.train) / "train", in_memory=False)
    rows, speakers = _held_out_rows(settings, pool)
    length = round(SECONDS * FRAMES_PER_SECOND)
    crops = np.stack([middle(_features(pool, row), length) for row in rows])
    return HeldOut(tuple(speakers), torch.from_numpy(crops))


def embed_test(settings: Settings, encoder: WindowedEncoder) -> Embeddings:
    """Embed the test utterances whole, and a few of every training speaker."""
    folder = Path(settings.data.train)
    test, train = read_pool(folder / "dev"), read_pool(folder / "train", in_memory=False)
    speaker = read_speakers(Path(settings.data.test_speakers))
    train_speaker = read_speakers(Path(settings.data.speakers))
    held_out = _held_out_speakers(settings, train, train_speaker)
    rows = [row for row, kind in enumerate(test.variant) if kind == RECORDED]
    if settings.limit is not None:
        rows = limit_utterances(rows, [speaker[test.utterance[row]] for row in rows])
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, kind in enumerate(train.variant):
        own = rows_of[train_speaker[train.utterance[row]]]
        if kind == RECORDED and len(own) < settings.cohort_utterances:
            own.append(row)
    named = sorted(name for name, own in rows_of.items() if own and name not in held_out)
    cohort = {
        name: _embed_rows(encoder, train, rows_of[name]).vectors
        for name in limit_cohort(named, settings.limit)
    }
    speakers = [speaker[test.utterance[row]] for row in rows]
    return _embed_named(encoder, test, rows, speakers, means_of(cohort))


def embed_held_out(
    settings: Settings, encoder: WindowedEncoder, cohort: NDArray[np.float32]
) -> Embeddings:
    """Embed the recordings of the held-out speakers."""
    pool = read_pool(Path(settings.data.train) / "train", in_memory=False)
    rows, speakers = _held_out_rows(settings, pool)
    return _embed_named(encoder, pool, rows, speakers, cohort)


def _embed_named(
    encoder: WindowedEncoder,
    pool: Pool,
    rows: list[int],
    speakers: list[str],
    cohort: NDArray[np.float32],
) -> Embeddings:
    found = _embed_rows(encoder, pool, rows)
    return Embeddings(
        [pool.utterance[row] for row in rows],
        speakers,
        found.vectors,
        cohort,
        found.magnitudes,
        pool.frames[rows] / FRAMES_PER_SECOND,
    )


@torch.inference_mode()
def _embed_rows(encoder: WindowedEncoder, pool: Pool, rows: list[int]) -> Vectors:
    """Embed whole recordings one after the other."""
    vectors = []
    for row in rows:
        features = _features(pool, row)
        features = np.resize(features, (max(len(features), encoder.network.minimum), 80))
        vector = encoder.network(mean_normalize(torch.from_numpy(features)[None]))[0]
        vectors.append((nn.functional.normalize(vector, dim=-1).numpy(), float(vector.norm())))
    return stack_vectors(vectors)


def _features(pool: Pool, row: int) -> NDArray[np.float32]:
    start = int(pool.start[row])
    return pool.features[start : start + int(pool.frames[row])].astype(np.float32)
