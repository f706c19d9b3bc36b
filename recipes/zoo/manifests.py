"""Cuts of recordings that lhotse's manifests list: their speakers, their audio, those held out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from diarspk.verification.trials import Trial, read_trials
from recipes.zoo.held_out import choose_speakers
from recipes.zoo.settings import Settings
from recipes.zoo.trial_names import match_trials

__all__ = [
    "Waveform",
    "held_out_cuts",
    "held_out_speakers",
    "load_cut",
    "read_cut_trials",
    "read_cuts",
    "speaker_of",
]

Waveform = NDArray[np.float32]


@lru_cache(maxsize=4)
def read_cuts(path: str | Path) -> list[Any]:
    """Cuts of a manifest (``.jsonl.gz``), all of them in memory, where they stay for a while.

    Raises
    ------
    ArgumentError
        If there is no such file, or it is no manifest of cuts.
    """
    from lhotse import CutSet

    if not Path(path).is_file():
        raise ArgumentError(f"{path}: no such file; give a manifest of cuts")
    try:
        cuts = CutSet.from_file(path)
    except Exception as error:  # each kind of file fails in its own way
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ArgumentError(f"{path}: lhotse cannot read it ({fault})") from error
    if not isinstance(cuts, CutSet):
        raise ArgumentError(
            f"{path}: is a {type(cuts).__name__}, not cuts; make them: lhotse cut simple "
            "--force-eager -r RECORDINGS -s SUPERVISIONS CUTS"
        )
    return list(cuts)


def speaker_of(cut: Any, where: str) -> str:
    """Return the speaker of a cut of a manifest.

    Raises
    ------
    ArgumentError
        If the manifest does not say, or names several.
    """
    speakers = {supervision.speaker for supervision in cut.supervisions}
    if len(speakers) != 1 or None in speakers:
        found = ", ".join(sorted(map(str, speakers - {None}))) or "none"
        raise ArgumentError(
            f"{where}: must name one speaker per cut, got {found} in {cut.id}; supervisions tell "
            "the speaker: lhotse cut simple -s SUPERVISIONS"
        )
    return str(speakers.pop())


def load_cut(cut: Any) -> Waveform:
    """First channel of a cut at 16 kHz, ``(time,)``."""
    audio = np.asarray(cut.load_audio(), np.float32)[0]
    rate = int(cut.sampling_rate)
    return audio if rate == SAMPLE_RATE else soxr.resample(audio, rate, SAMPLE_RATE)


def read_cut_trials(settings: Settings) -> list[Trial]:
    """Trials of the run's list, by the ids of the test cuts."""
    data = settings.data
    where = f"{data.trials} and {data.test}"
    return match_trials(read_trials(data.trials), read_cuts(data.test), where)


def held_out_speakers(settings: Settings, cuts: Sequence[Any]) -> frozenset[str]:
    """Training speakers that are held out for validation."""
    utterances = Counter(speaker_of(cut, settings.data.train) for cut in cuts)
    return choose_speakers(utterances, settings.validation)


def held_out_cuts(settings: Settings) -> list[Any]:
    """Cuts of the held-out speakers, as many of each as the settings say, spread evenly."""
    where, cuts = settings.data.train, read_cuts(settings.data.train)
    held_out = held_out_speakers(settings, cuts)
    own: dict[str, list[Any]] = defaultdict(list)
    for cut in cuts:
        if (name := speaker_of(cut, where)) in held_out:
            own[name].append(cut)
    return [
        cut for name in sorted(own) for cut in spread(own[name], settings.validation.utterances)
    ]


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most so many of the items, evenly from the first to the last."""
    if len(items) <= count:
        return list(items)
    return [items[place] for place in np.linspace(0, len(items) - 1, count).round().astype(int)]
