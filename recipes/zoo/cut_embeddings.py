"""Embeddings of the cuts of manifests, each of them whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders import WindowedEncoder
from recipes.zoo.dry_run import limit_cohort, limit_trials, limit_utterances
from recipes.zoo.embeddings import Embeddings, Vectors, embed_whole, means_of, stack_vectors
from recipes.zoo.manifests import (
    held_out_cuts,
    held_out_speakers,
    load_cut,
    read_cut_trials,
    read_cuts,
    speaker_of,
)
from recipes.zoo.settings import Settings

__all__ = ["embed_held_out", "embed_test"]


def embed_test(settings: Settings, encoder: WindowedEncoder) -> Embeddings:
    """Embed the test cuts of the trials whole, and a few of every training speaker.

    A dry run embeds little: see :mod:`recipes.zoo.dry_run`.
    """
    data = settings.data
    test = read_cuts(data.test)
    if data.trials:
        trials = limit_trials(read_cut_trials(settings), settings.limit)
        wanted = {name for one in trials for name in (one.enrolment, one.test)}
        test = [cut for cut in test if cut.id in wanted]
    elif settings.limit is not None:
        test = limit_utterances(test, [speaker_of(cut, data.test) for cut in test])
    train = read_cuts(data.train)
    held_out = held_out_speakers(settings, train)
    cohort: dict[str, list[Any]] = defaultdict(list)
    for cut in train:
        name = speaker_of(cut, data.train)
        if name not in held_out and len(cohort[name]) < settings.cohort_utterances:
            cohort[name].append(cut)
    chosen = limit_cohort(sorted(cohort), settings.limit)
    vectors = {name: _embed_each(encoder, cohort[name]).vectors for name in chosen}
    return _embed_named(encoder, test, data.test, means_of(vectors))


def embed_held_out(
    settings: Settings, encoder: WindowedEncoder, cohort: NDArray[np.float32]
) -> Embeddings:
    """Embed the cuts of the held-out speakers."""
    return _embed_named(encoder, held_out_cuts(settings), settings.data.train, cohort)


def _embed_named(
    encoder: WindowedEncoder, cuts: Sequence[Any], where: str, cohort: NDArray[np.float32]
) -> Embeddings:
    found = _embed_each(encoder, cuts)
    return Embeddings(
        [cut.id for cut in cuts],
        [speaker_of(cut, where) for cut in cuts],
        found.vectors,
        cohort,
        found.magnitudes,
        np.array([cut.duration for cut in cuts]),
    )


def _embed_each(encoder: WindowedEncoder, cuts: Sequence[Any]) -> Vectors:
    return stack_vectors([embed_whole(encoder, load_cut(cut)) for cut in cuts])
