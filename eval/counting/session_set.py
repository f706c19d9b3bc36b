"""Sessions in a folder, made once: ``NAME.flac``, ``NAME.rttm``, ``NAME.uem``, a description."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from diarspk.errors import ArgumentError
from eval.counting.session import make_session
from eval.counting.session_plan import SessionPlan
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_conversation
from eval.report.progress import follow
from eval.report.run_record import write_json
from eval.simulate.conversation import Sources
from eval.simulate.noise import read_noise
from eval.simulate.settings import SimulationConfig
from eval.simulate.templates import read_templates
from eval.simulate.voices import read_voices
from eval.simulate.writing import is_written, write_recording

__all__ = ["PlannedSession", "SessionSource", "read_groups", "read_sources", "write_sessions"]

DESCRIPTION = "sessions.json"
MIN_TEMPLATE_S = 30.0


@dataclass(frozen=True)
class SessionSource:
    """Where voices and turn-taking come from.

    Attributes
    ----------
    data : Path
        Holds ``speech/``, ``noise/noise/*.opus`` and ``conversations/annotations``.
    split : str
        Of the speech.
    templates : tuple of str
        Sets of annotations, ``CORPUS-SPLIT``.
    """

    data: Path
    split: str = "dev"
    templates: tuple[str, ...] = ("ami-dev", "voxconverse-dev")


@dataclass(frozen=True)
class PlannedSession:
    """A session as it was planned and as it lies on the disk."""

    plan: SessionPlan
    conversation: Conversation


def write_sessions(
    source: SessionSource, plans: Sequence[SessionPlan], folder: Path
) -> list[PlannedSession]:
    """Write the sessions that are not there yet, and read the references of all.

    Raises
    ------
    ArgumentError
        If the folder holds sessions of the same names that were made otherwise.
    DiarspkError
        If the data lack something.
    """
    _check(folder, source, plans)
    missing = [plan for plan in plans if not is_written(folder, plan.name)]
    if missing:
        sources, groups = read_sources(source), read_groups(source)
        folder.mkdir(parents=True, exist_ok=True)
        _describe(folder, source, plans)
        for plan in follow(missing, "sessions"):
            made = make_session(sources, plan, groups=groups)
            write_recording(made.samples, made.reference, folder, plan.name)
    return [PlannedSession(plan, read_conversation(folder / f"{plan.name}.flac")) for plan in plans]


def read_sources(source: SessionSource) -> Sources:
    """Templates, voices without pauses, and noise; takes minutes.

    Raises
    ------
    DiarspkError
        If one is missing or damaged.
    """
    config = SimulationConfig()
    return Sources(
        read_voices(source.data / "speech", source.split, config),
        read_templates(
            source.data / "conversations" / "annotations",
            source.templates,
            seconds=MIN_TEMPLATE_S,
        ),
        read_noise(source.data / "noise" / "noise", shortest_s=config.shortest_noise_s),
    )


def read_groups(source: SessionSource) -> dict[str, str]:
    """Sex of the speakers who tell it, from the table of the split; nobody's without the column."""
    table = source.data / "speech" / f"{source.split}.tsv"
    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["speaker"]: row["gender"] for row in rows if row.get("gender")}


def _check(folder: Path, source: SessionSource, plans: Sequence[SessionPlan]) -> None:
    found = _read(folder)
    if found and found.get("source") != _document(source):
        raise ArgumentError(f"`keep` must be a new folder for other data, got {folder}")
    known = {one["name"]: one for one in found.get("plans", [])}
    for plan in plans:
        if known.get(plan.name, asdict(plan)) != asdict(plan):
            raise ArgumentError(
                f"`keep` must be a new folder, or one of the same seed, got {folder}, where "
                f"{plan.name} was made otherwise"
            )


def _describe(folder: Path, source: SessionSource, plans: Sequence[SessionPlan]) -> None:
    """Write what is there and what will be, so that a larger set holds what a smaller one did."""
    known = {one["name"]: one for one in _read(folder).get("plans", [])}
    known |= {plan.name: asdict(plan) for plan in plans}
    write_json({"source": _document(source), "plans": list(known.values())}, folder / DESCRIPTION)


def _document(source: SessionSource) -> dict[str, Any]:
    """All but the place of the data, which may move."""
    return {"split": source.split, "templates": list(source.templates)}


def _read(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
