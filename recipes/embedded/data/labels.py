"""Speaker, sex and age group of every training utterance, completed by the teacher's vectors.

    python -m recipes.embedded.data.labels --data ../shared --output PACKED/train

``axes.npz`` holds the axes that the teacher's vectors and frames are rotated to. A training that
goes on elsewhere needs them as they were (``--axes``, here and in ``teacher.py``): principal axes
with close variances turn with every utterance more.

``speakers.tsv`` holds ``utterance speaker group``. Speakers are those of ``train.tsv`` and
``extra.tsv``; where these name none, a cluster of utterances stands for one. A cluster whose mean
is like that of a speaker, or of another cluster, is taken for the same person: as classes of their
own, two halves of one voice would be pushed apart.

Groups are child, and woman or man, the older ones apart: as reported where that is known, else
child, woman or man, whatever is most probable by a logistic regression of the teacher's vectors:
they tell the age of grown people too badly. Balance is drawn from them, and hard
negatives; nothing is trained to tell them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from torch import nn

from diarspk.embeddings.unit_vectors import normalize_rows
from eval.command_line import command
from recipes.embedded.data.speakers import UNKNOWN, read_speakers
from recipes.embedded.data.teacher_targets import principal_axes, read_axes, read_vectors

__all__ = ["cluster", "complete_groups", "merge_alike", "reported_group"]

FloatArray = NDArray[np.float64]
SAME_CLUSTER = 0.5
"""Cosine above which clusters of utterances are joined (average linkage)."""

SAME_SPEAKER = 0.7
"""Cosine of means above which two are one person: few lie between 0.6 and 0.7 (NOTES, 53)."""

OLDER = "older "
OLDER_FROM = 50
CHILD_BELOW = 13
DECADES = (
    "teens",
    "twenties",
    "thirties",
    "fourties",
    "fifties",
    "sixties",
    "seventies",
    "eighties",
    "nineties",
)
"""As Common Voice spells them, from ten years on."""


def read_recorded(path: Path) -> dict[str, FloatArray]:
    """Read the teacher's unit vector of every utterance as recorded."""
    stored = np.load(path)
    recorded = stored["speed"] == "recorded"
    vectors = normalize_rows(stored["vector"][recorded].astype(np.float64))
    return dict(zip(stored["utterance"][recorded].tolist(), vectors, strict=True))


def cluster(vectors: FloatArray, cosine: float) -> NDArray[np.int64]:
    """Cluster unit vectors ``(n, dimension)`` by average linkage down to a cosine."""
    if len(vectors) < 2:
        return np.zeros(len(vectors), np.int64)
    tree = linkage(vectors, "average", metric="cosine")
    labels: NDArray[np.int64] = fcluster(tree, 1 - cosine, "distance")
    return labels


def name_unknown(speakers: Mapping[str, str], vectors: Mapping[str, FloatArray]) -> dict[str, str]:
    """Give utterances of unknown speakers the name of a cluster among themselves."""
    unknown = sorted(name for name, speaker in speakers.items() if speaker == UNKNOWN)
    if not unknown:
        return dict(speakers)
    labels = cluster(np.stack([vectors[name] for name in unknown]), SAME_CLUSTER)
    named = {name: f"cluster-{label:03d}" for name, label in zip(unknown, labels, strict=True)}
    return {**speakers, **named}


def merge_alike(
    speakers: Mapping[str, str],
    vectors: Mapping[str, FloatArray],
    labelled: frozenset[str],
    cosine: float = SAME_SPEAKER,
) -> dict[str, str]:
    """Name clusters after the speaker or larger cluster that they are most like, if they are alike.

    Parameters
    ----------
    speakers
        Speaker or cluster of every utterance.
    vectors
        Unit vector of every utterance.
    labelled
        Speakers whose names are known to be right: they are not merged.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for utterance, speaker in speakers.items():
        members[speaker].append(utterance)
    ordered = sorted(members, key=lambda name: (name not in labelled, -len(members[name]), name))
    means = normalize_rows(np.stack([sum(vectors[u] for u in members[name]) for name in ordered]))
    similarity = np.tril(means @ means.T, -1)  # each to those before it
    renamed: dict[str, str] = {}
    for number, name in enumerate(ordered):
        nearest = int(similarity[number].argmax())
        alike = name not in labelled and similarity[number, nearest] >= cosine
        renamed[name] = renamed[ordered[nearest]] if alike else name
    return {utterance: renamed[speaker] for utterance, speaker in speakers.items()}


def reported_group(gender: str, age: str) -> str:
    """Group by a self-report; :data:`UNKNOWN` if it doesn't say enough."""
    years = _years(age)
    if years is None:
        return UNKNOWN
    if years < CHILD_BELOW:
        return "child"
    if gender not in ("f", "m"):
        return UNKNOWN
    return (OLDER if years >= OLDER_FROM else "") + {"f": "woman", "m": "man"}[gender]


def _years(age: str) -> int | None:
    if age in DECADES:
        return 15 + 10 * DECADES.index(age)
    return int(age) if age.isdigit() else None


def complete_groups(vectors: FloatArray, groups: Sequence[str]) -> list[str]:
    """Replace unknown groups by the most probable: logistic regression of unit vectors.

    Classes count alike, however many they are. Nobody is taken for older.
    """
    names = sorted({group.removeprefix(OLDER) for group in groups} - {UNKNOWN})
    known = np.array([group != UNKNOWN for group in groups])
    if len(names) < 2 or known.all():
        return [*groups]
    reported = [group.removeprefix(OLDER) for group in groups if group != UNKNOWN]
    label = torch.tensor([names.index(group) for group in reported])
    inputs = torch.from_numpy(vectors).float() * vectors.shape[1] ** 0.5
    affine = nn.Linear(vectors.shape[1], len(names))
    nn.init.zeros_(affine.weight)
    weight = len(label) / label.bincount().float() / len(names)
    optimizer = torch.optim.LBFGS(affine.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(affine(inputs[torch.from_numpy(known)]), label, weight)
        loss = loss + 1e-2 * affine.weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        guessed = affine(inputs).argmax(1).tolist()
    return [
        group if group != UNKNOWN else names[guess]
        for group, guess in zip(groups, guessed, strict=True)
    ]


def read_reports(table: Path) -> dict[str, str]:
    """Read the reported group of every speaker of ``train.tsv``."""
    with table.open() as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["speaker"]: reported_group(row["gender"], row["age"]) for row in rows}


def write_axes(folder: Path, speakers: dict[str, str], given: Path | None) -> None:
    """Write ``axes.npz``: of vectors as given or their principal ones, of frames as stored."""
    stored = np.load(folder / "teacher.npz")
    axes = None if given is None else read_axes(given)
    if axes is None:
        axes = principal_axes(read_vectors(folder / "teacher.npz", speakers)[1]).float()
    np.savez(folder / "axes.npz", vectors=axes.numpy(), mean=stored["mean"], frames=stored["axes"])


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/."""
    output: Path
    """Folder with teacher.npz."""
    axes: Path | None = None
    """File axes.npz of a training to go on with."""


@command
def main(settings: Settings) -> None:
    speech = settings.data / "speech"
    vectors = read_recorded(settings.output / "teacher.npz")
    reports = read_reports(speech / "train.tsv")
    with (speech / "extra.tsv").open() as stream:
        named = {row["speaker"] for row in csv.DictReader(stream, delimiter="\t")} - {UNKNOWN}
    speakers = name_unknown(read_speakers(speech / "train.tsv", speech / "extra.tsv"), vectors)
    merged = merge_alike(speakers, vectors, frozenset(reports) | named)
    members: dict[str, list[FloatArray]] = defaultdict(list)
    for utterance, speaker in merged.items():
        members[speaker].append(vectors[utterance])
    means = normalize_rows(np.stack([sum(own) for own in members.values()]))
    groups = complete_groups(means, [reports.get(name, UNKNOWN) for name in members])
    group = dict(zip(members, groups, strict=True))
    with (settings.output / "speakers.tsv").open("w", newline="") as stream:
        table = csv.writer(stream, delimiter="\t")
        table.writerow(["utterance", "speaker", "group"])
        table.writerows((name, speaker, group[speaker]) for name, speaker in merged.items())
    write_axes(settings.output, merged, settings.axes)
    print(f"{len(members)} speakers:", {name: groups.count(name) for name in sorted(set(groups))})
    print(f"{len(set(speakers.values())) - len(members)} clusters are one with a voice before them")


if __name__ == "__main__":
    raise SystemExit(main())
