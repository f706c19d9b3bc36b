"""Checks of a run's lists, before its first step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diarspk.errors import ArgumentError
from diarspk.verification.trials import Trial, read_trials
from recipes.embedded.data.speakers import read_speakers
from recipes.zoo.held_out import choose_speakers
from recipes.zoo.network import input_features
from recipes.zoo.packed import check_readable
from recipes.zoo.settings import DataSettings, Settings
from recipes.zoo.trial_names import match_trials

__all__ = ["CheckedData", "check_crops", "check_data"]

LOOKED_FOR = 200
"""Recordings of a manifest that are looked for on the disk, spread evenly over it."""


@dataclass(frozen=True)
class CheckedData:
    """What the lists of a run hold.

    Attributes
    ----------
    utterances, speakers : int
        Training data.
    test_utterances, test_speakers : int
    trials, targets : int
        Of the list; 0 where all pairs of the test utterances are scored.
    shared_speakers : int
        Speakers of the test who are in the training data too.
    """

    utterances: int
    speakers: int
    test_utterances: int
    test_speakers: int
    trials: int
    targets: int
    shared_speakers: int

    def describe(self) -> str:
        """Say it in a line."""
        if not self.test_utterances:
            return f"{self.utterances} utterances of {self.speakers} speakers to train on, no test"
        trials = "all pairs"
        if self.trials:
            trials = f"{self.trials} trials, {self.targets} of one speaker"
        return (
            f"{self.utterances} utterances of {self.speakers} speakers to train on, "
            f"{self.test_utterances} of {self.test_speakers} to test, {trials}"
        )


def check_data(settings: Settings, *, tested: bool = True) -> CheckedData:
    """Check all lists of a run against each other, and look for some of their recordings.

    Parameters
    ----------
    settings
    tested
        Whether the run goes on to the test, which features may be packed without.

    Raises
    ------
    ArgumentError
        If something is missing, or a list names what another one lacks.
    """
    if settings.data.kind == "lhotse":
        return _check_lhotse(settings, tested)
    return _check_packed(settings, tested)


def check_crops(settings: Settings, found: CheckedData) -> None:
    """Check that no speaker is drawn twice in a batch.

    Raises
    ------
    ArgumentError
        If a phase has more crops than speakers.
    """
    copies = 2 if settings.loss == "ge2e" else 1
    most = copies * (found.speakers - settings.validation.speakers)
    if (crops := max(phase.crops for phase in settings.phases.values())) > most:
        raise ArgumentError(
            f"`crops` must be at most {most}, so that no speaker of {settings.data.train} is drawn "
            f"twice in a batch, got {crops}"
        )


def _check_packed(settings: Settings, tested: bool) -> CheckedData:
    data = settings.data
    for part in ("train", "noise", *(("dev",) if tested else ())):
        if not (path := Path(data.train) / part / "index.csv").is_file():
            raise ArgumentError(
                f"{path}: no such file; pack the features: python -m recipes.embedded.data.prepare"
            )
    check_readable(settings, input_features(settings))
    train, test = read_speakers(Path(data.speakers)), {}
    if tested:
        test = read_speakers(Path(data.test_speakers))
        _check_pairs(test, data.test_speakers)
    return CheckedData(
        len(train),
        len(set(train.values())),
        len(test),
        len(set(test.values())),
        0,
        0,
        len(set(train.values()) & set(test.values())),
    )


def _check_lhotse(settings: Settings, tested: bool) -> CheckedData:
    from recipes.zoo.manifests import read_cuts, speaker_of

    data = settings.data
    utterances: Counter[str] = Counter()
    train = read_cuts(data.train)
    for cut in train:
        utterances[speaker_of(cut, data.train)] += 1
    choose_speakers(utterances, settings.validation)  # raises where there are too few
    _look_for(train, data.train)
    for path in filter(None, (data.noise, data.rooms)):
        _look_for(read_cuts(path), path)
    test = read_cuts(data.test)
    speaker = {cut.id: speaker_of(cut, data.test) for cut in test}
    trials = _check_trials(data, test, speaker) if data.trials else []
    if tested and not trials:
        _check_pairs(speaker, data.test)
    _look_for(test, data.test)
    return CheckedData(
        utterances.total(),
        len(utterances),
        len(speaker),
        len(set(speaker.values())),
        len(trials),
        sum(trial.target for trial in trials),
        len(utterances.keys() & set(speaker.values())),
    )


def _check_trials(
    data: DataSettings, test: Iterable[Any], speaker: Mapping[str, str]
) -> list[Trial]:
    """Check that the trials name cuts, are of both kinds, and agree with the manifest."""
    trials = match_trials(read_trials(data.trials), test, f"{data.trials} and {data.test}")
    if len({trial.target for trial in trials}) < 2:
        raise ArgumentError(f"{data.trials}: must hold trials of one speaker and of two")
    wrong = [
        trial
        for trial in trials
        if trial.target != (speaker[trial.enrolment] == speaker[trial.test])
    ]
    if wrong:
        raise ArgumentError(
            f"{data.trials}: {len(wrong)} of {len(trials)} trials contradict the speakers of "
            f"{data.test}, the first is {wrong[0].enrolment} with {wrong[0].test}; give the list "
            "and the manifest of one corpus"
        )
    return trials


def _check_pairs(speaker: Mapping[str, str], where: str) -> None:
    """Check that all pairs of the utterances would be trials of both kinds."""
    utterances = Counter(speaker.values())
    if len(utterances) < 2 or max(utterances.values()) < 2:
        raise ArgumentError(f"{where}: must give pairs of one speaker and of two, to be trials")


def _look_for(cuts: list[Any], where: str) -> None:
    """Look for some recordings on the disk."""
    if not cuts:
        raise ArgumentError(f"{where}: holds no cut")
    for cut in cuts[:: max(len(cuts) // LOOKED_FOR, 1)]:
        recording = getattr(cut, "recording", None)
        for source in () if recording is None else recording.sources:
            if source.type == "file" and not Path(source.source).is_file():
                raise ArgumentError(
                    f"{where}: {source.source} of the cut {cut.id} is not there; paths are taken "
                    "from the folder that the command runs in"
                )
