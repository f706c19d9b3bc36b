"""Names in lists of trials, matched with the cuts of a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from diarspk.errors import ArgumentError
from diarspk.verification.trials import Trial

__all__ = ["match_trials"]

FOLDERS = 3
"""Folders above a recording that tell it apart: VoxCeleb's files are ``SPEAKER/VIDEO/NUMBER.wav``,
and the numbers are the same everywhere."""


def match_trials(trials: Iterable[Trial], cuts: Iterable[Any], where: str) -> list[Trial]:
    """Name the cuts of the recordings that a list of trials names.

    A list may name a cut by its id, by the id of its recording or of its supervision, or by the
    end of the path of its recording; with or without the suffix of a file, and with slashes where
    the id has hyphens: lhotse gives ``id10270/x6uYqmx31kE/00001.wav`` of VoxCeleb's lists the id
    ``id10270-x6uYqmx31kE-00001``.

    Parameters
    ----------
    trials
        As the list names them.
    cuts
        Cuts of lhotse.
    where
        What the list and the manifest are called in messages.

    Raises
    ------
    ArgumentError
        If a recording is in no cut or in several, or two names are of one cut.
    """
    named, ends = _index(cuts)
    trials = list(trials)
    names = {name: None for trial in trials for name in (trial.enrolment, trial.test)}
    found = {name: _find(name, named, ends) for name in names}
    if missing := [name for name, cut in found.items() if cut is None]:
        example = next(iter(named), "nothing")
        raise ArgumentError(
            f"{where}: {len(missing)} of the {len(found)} recordings of the list are in no cut, or "
            f"in several, the first is {missing[0]!r}, where the manifest has names like "
            f"{example!r}; give the manifest of the recordings that the list is of"
        )
    named_by: dict[str | None, str] = {}
    for name, cut in found.items():
        other = named_by.setdefault(cut, name)
        if other != name:
            raise ArgumentError(
                f"{where}: {other!r} and {name!r} of the list are both the cut {cut!r}; give cuts "
                "whose ids tell their recordings apart"
            )
    return [
        Trial(str(found[trial.enrolment]), str(found[trial.test]), trial.target) for trial in trials
    ]


def _index(cuts: Iterable[Any]) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Cuts by their names, and by the ends of their recordings' paths; None: several cuts."""
    named: dict[str, str | None] = {}
    ends: dict[str, str | None] = {}
    for cut in cuts:
        own = [cut.id, *(supervision.id for supervision in cut.supervisions)]
        recording = getattr(cut, "recording", None)
        own.extend([] if recording is None else [recording.id])
        for name in dict.fromkeys(own):
            named[name] = cut.id if named.get(name, cut.id) == cut.id else None
        for source in () if recording is None else recording.sources:
            if source.type == "file":
                for end in _ends(str(source.source)):
                    ends[end] = cut.id if ends.get(end, cut.id) == cut.id else None
    return named, ends


def _find(name: str, named: dict[str, str | None], ends: dict[str, str | None]) -> str | None:
    """Id of the cut of a recording; None where there is not exactly one."""
    for form in (name, _without_suffix(name)):
        for joined in (form, form.replace("/", "-")):
            if joined in named:
                return named[joined]
    for end in _ends(name):
        joined = end.replace("/", "-")
        if "/" in end and joined in named:
            return named[joined]
        if end in ends:
            return ends[end]
    return None


def _ends(path: str) -> Iterator[str]:
    """Give the ends of a path without the suffix of the file, the longest first."""
    parts = PurePosixPath(_without_suffix(path).replace("\\", "/")).parts
    for first in range(max(len(parts) - FOLDERS, 0), len(parts)):
        yield "/".join(parts[first:])


def _without_suffix(name: str) -> str:
    return name[: len(name) - len(PurePosixPath(name).suffix)]
