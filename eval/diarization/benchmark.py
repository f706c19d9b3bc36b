"""Diarizers on recordings: time, hypothesis, and what it scores against each reference."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from diarspk.metrics import score
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_collections
from eval.diarization.result_cache import Hypothesis, HypothesisStore
from eval.diarization.results import Outcome, Summary
from eval.systems.peer_diarizer import PeerDiarizer
from eval.systems.registry import RTTM_PREFIX, Diarize, load_diarizer, prepare_systems

__all__ = ["run_benchmark", "run_diarizer", "score_hypothesis", "summarize"]


def run_benchmark(
    folders: Sequence[Path],
    systems: Sequence[str],
    *,
    references: Sequence[str] = (),
    jobs: int = 1,
    seeds: Sequence[int] = (0,),
    keep: Path | None = None,
) -> Iterator[Outcome]:
    """Every system on every recording with every seed, system by system.

    A recording is diarized once, whatever the number of its references.

    Parameters
    ----------
    folders
        Each holds conversations (see :func:`eval.diarization.conversations.read_collections`).
    systems
        Names that :func:`eval.systems.registry.load_diarizer` knows.
    references
        Further references to score against, by name.
    jobs
        Recordings at a time. With more than one, processing times include the contention.
    seeds
        Of the generators that a system may draw from, set before each recording.
    keep
        Folder of what was written before; recordings that are in it are not diarized again.
    """
    tasks = [
        (system, collection, conversation, seed, keep)
        for collection, conversations in read_collections(folders, references).items()
        for conversation in conversations
        for system in systems
        for seed in seeds
    ]
    tasks.sort(key=lambda task: systems.index(task[0]))  # stable: keeps folders and names
    if jobs == 1:
        for task in tasks:
            yield from diarize_and_score(*task)
        return
    prepare_systems(systems)  # once, before every process would begin to
    workers = ProcessPoolExecutor(jobs, get_context("spawn"), _share_cores, (jobs,))
    with workers:
        for outcomes in workers.map(diarize_and_score, *zip(*tasks, strict=True)):
            yield from outcomes


def diarize_and_score(
    system: str,
    collection: str,
    conversation: Conversation,
    seed: int = 0,
    keep: Path | None = None,
) -> list[Outcome]:
    """Run a system on a recording unless its result is stored; an outcome for each reference."""
    store = None if keep is None or system.startswith(RTTM_PREFIX) else HypothesisStore(keep)
    found = None if store is None else store.read(system, collection, conversation.audio, seed)
    if found is None:
        found = run_diarizer(_loaded(system), conversation.audio, seed)
        if store is not None:
            store.write(system, collection, conversation.audio, seed, found)
    return score_hypothesis(system, collection, conversation, found, seed)


def run_diarizer(diarize: Diarize, audio: Path, seed: int = 0) -> Hypothesis:
    """Run a system on one recording and take the time."""
    _set_seed(seed)
    if isinstance(diarize, PeerDiarizer):
        diarize.seed = seed  # its generators are in another process
    start = time.perf_counter()
    hypothesis = diarize(audio)
    return Hypothesis(hypothesis, time.perf_counter() - start)


def score_hypothesis(
    system: str, collection: str, conversation: Conversation, found: Hypothesis, seed: int = 0
) -> list[Outcome]:
    """Compare what a system wrote with each reference of a recording."""
    name = conversation.name
    return [
        Outcome(
            system=system,
            collection=collection,
            recording=name,
            components=score(
                {name: reference},
                {name: found.annotation},
                {name: conversation.uem},
                collar=0.0,
            ).pooled,
            reference_speakers=conversation.count_speakers(reference),
            found_speakers=conversation.count_speakers(found.annotation),
            duration=conversation.duration,
            processing=found.processing,
            seed=seed,
            reference=kind,
        )
        for kind, reference in conversation.references.items()
    ]


def summarize(outcomes: Sequence[Outcome]) -> list[Summary]:
    """Pool outcomes by collection, reference and system.

    The systems of one collection and reference are neighbours.
    """

    def key(outcome: Outcome) -> tuple[int, int, int]:
        return (
            collections.index(outcome.collection),
            references.index(outcome.reference),
            systems.index(outcome.system),
        )

    collections = list(dict.fromkeys(outcome.collection for outcome in outcomes))
    references = list(dict.fromkeys(outcome.reference for outcome in outcomes))
    systems = list(dict.fromkeys(outcome.system for outcome in outcomes))
    return [Summary(list(group)) for _, group in groupby(sorted(outcomes, key=key), key)]


@lru_cache(maxsize=1)  # one at a time in memory: tasks come system by system
def _loaded(system: str) -> Diarize:
    return load_diarizer(system)


def _set_seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # systems may use the old generator
    torch.manual_seed(seed)


def _share_cores(jobs: int) -> None:
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))
