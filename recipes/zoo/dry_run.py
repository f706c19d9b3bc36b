"""Dry runs: a few steps of every phase and a small test, to a report within minutes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from diarspk.verification.trials import Trial
from recipes.zoo.settings import Phase, Settings

__all__ = ["limit_cohort", "limit_settings", "limit_trials", "limit_utterances"]

TRIALS = 100
"""Of each kind in a dry run."""

COHORT = 50
"""Speakers of the cohort in a dry run, with one utterance each."""

TESTED, UTTERANCES = 10, 4
"""Speakers, and utterances of each, in a dry run that has no list of trials."""

CROPS_ON_CPU = 16
"""In a batch of a dry run without an accelerator."""


def limit_settings(settings: Settings, steps: int, *, speakers: int, accelerator: str) -> Settings:
    """Cut the settings of a run down to those of a dry run.

    Batches stay as large as they are, so that a dry run tells whether they fit into memory; but
    they are no larger than a processor takes, or the speakers allow.
    """
    copies = 2 if settings.loss == "ge2e" else 1
    most = max(copies * (speakers - settings.validation.speakers), 1)
    if accelerator == "cpu" or not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        most = min(most, CROPS_ON_CPU)

    def limited(phase: Phase) -> Phase:
        return replace(
            phase,
            steps=min(phase.steps, steps),
            crops=min(phase.crops, most),
            warmup_steps=1,
            keep_every=max(min(phase.steps, steps) // 2, 1),
        )

    return replace(
        settings,
        train=limited(settings.train),
        tune=None if settings.tune is None else limited(settings.tune),
        large_margin=limited(settings.large_margin),
        validation=replace(
            settings.validation, every=max(min(settings.validation.every, steps // 2), 1)
        ),
        cohort_utterances=1,
        limit=steps,
    )


def limit_trials(trials: Sequence[Trial], limit: int | None) -> list[Trial]:
    """Take the first trials of each kind where there is a limit."""
    if limit is None:
        return list(trials)
    kinds: dict[bool, int] = defaultdict(int)
    taken = []
    for trial in trials:
        kinds[trial.target] += 1
        if kinds[trial.target] <= TRIALS:
            taken.append(trial)
    return taken


def limit_utterances(items: Sequence[Any], speakers: Sequence[str]) -> list[Any]:
    """Take some utterances of some speakers."""
    own: dict[str, list[Any]] = defaultdict(list)
    for item, speaker in zip(items, speakers, strict=True):
        own[speaker].append(item)
    several = [taken[:UTTERANCES] for taken in own.values() if len(taken) > 1]
    return [item for taken in several[:TESTED] for item in taken]


def limit_cohort(names: list[str], limit: int | None) -> list[str]:
    """Take the first speakers of the cohort where there is a limit."""
    return names if limit is None else names[:COHORT]
