"""What verification trials need: embedded utterances, pairs, a cohort, a PLDA, groups."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda, read_plda
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.errors import ArgumentError
from diarspk.verification.scoring import load_scorer
from diarspk.verification.trials import read_trials
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_files, embed_split
from eval.verification.scorings import Scored, compare_scorings

__all__ = ["TrialSettings", "read_column", "score_trials"]

PER_SPEAKER = 10
"""Recordings of each speaker of a cohort from folders."""

RECORDINGS = (".wav", ".flac", ".m4a", ".mp3", ".ogg", ".opus")


@dataclass(frozen=True)
class TrialSettings:
    """Utterances and their pairs, and what they are scored with."""

    data: Path | None = None
    """Folder of utterances in shards."""
    root: Path | None = None
    """Folder of the recordings that --trials names."""
    split: str = "dev"
    """Split of the speakers."""
    trials: Path | None = None
    """List of `1 ENROL TEST` lines; none: all pairs."""
    cohort: int = 0
    """Number of other speakers for AS-norm: train speakers, or with --root alone those of its
    folders that --trials does not name."""
    cohort_utterances: int | None = None
    """Number of utterances to embed for them; none: all train utterances, or with --root alone ten
    of a speaker."""
    plda: str | None = None
    """Also score by a PLDA: `embedded`, that of the system, or the path of its card."""
    metadata: Path | None = None
    """Table with these columns; none: that of the split."""
    cache: Path | None = None
    """Folder to keep vectors in."""

    def __post_init__(self) -> None:
        if self.data is None and (self.root is None or self.trials is None):
            raise ArgumentError("give --data FOLDER, or --root FOLDER with --trials LIST")


def score_trials(settings: TrialSettings, system: str) -> tuple[EmbeddedSplit, Scored]:
    """Embed what the trials need, and score them."""
    listed = None if settings.trials is None else read_trials(settings.trials)
    if settings.root is not None and listed is not None:
        names = [name for trial in listed for name in (trial.enrolment, trial.test)]
        split = embed_files(settings.root, names, system)
    else:
        assert settings.data is not None  # by the settings' own check
        split = embed_split(settings.data, settings.split, system, cache=settings.cache)
    cohort = _cohort(settings, system, split)
    plda = _plda(settings, split)
    if listed is None:
        first, second = np.triu_indices(len(split.names), k=1)
        return split, compare_scorings(split, (first, second), cohort, plda=plda)
    row = {name: index for index, name in enumerate(split.names)}
    missing = [name for t in listed for name in (t.enrolment, t.test) if name not in row]
    if missing:
        raise ArgumentError(f"{settings.trials}: {missing[0]!r} is no utterance of the split")
    pairs = (
        np.array([row[trial.enrolment] for trial in listed]),
        np.array([row[trial.test] for trial in listed]),
    )
    labels = np.array([trial.target for trial in listed])
    return split, compare_scorings(split, pairs, cohort, labels=labels, plda=plda)


def read_column(settings: TrialSettings, column: str) -> dict[str, str]:
    """Value of a metadata column for each utterance."""
    if settings.metadata is not None:
        table = settings.metadata
    elif settings.data is not None:
        table = settings.data / f"{settings.split}.tsv"
    else:
        raise ArgumentError("--groups needs --metadata FILE.tsv, or the table of --data FOLDER")
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or column not in rows[0] or "utterance" not in rows[0]:
        raise ArgumentError(f"{table}: must have the columns utterance and {column}")
    return {row["utterance"]: row[column] or "" for row in rows}


def _cohort(
    settings: TrialSettings, system: str, split: EmbeddedSplit
) -> NDArray[np.float32] | None:
    """One vector for each of the first speakers who are in no trial."""
    if not settings.cohort:
        return None
    if settings.data is not None:
        others = embed_split(
            settings.data, "train", system, cache=settings.cache, limit=settings.cohort_utterances
        )
    else:
        assert settings.root is not None  # by the settings' own check
        names = _other_recordings(settings, settings.root, set(split.speakers))
        others = embed_files(settings.root, names, system)
    means: dict[str, NDArray[np.float32]] = {}
    for speaker in dict.fromkeys(others.speakers):
        rows = others.vectors[np.asarray(others.speakers) == speaker]
        means[speaker] = unit_vector(rows.mean(0))
    return np.stack(list(means.values())[: settings.cohort]).astype(np.float32)


def _other_recordings(settings: TrialSettings, root: Path, tested: set[str]) -> list[str]:
    """List recordings of speakers, the folders of a root, of whom there is no trial."""
    folders = sorted(one for one in root.iterdir() if one.is_dir() and one.name not in tested)
    folders = folders[: settings.cohort]
    each = PER_SPEAKER
    if settings.cohort_utterances is not None and folders:
        each = max(settings.cohort_utterances // len(folders), 1)
    names = []
    for folder in folders:
        files = sorted(one for one in folder.rglob("*") if one.suffix.lower() in RECORDINGS)
        names += [str(file.relative_to(root)) for file in files[:each]]
    speakers = {name.split("/")[0] for name in names}
    if len(speakers) < 2:
        raise ArgumentError(
            f"{root}: --cohort needs folders of two speakers or more whom --trials does not name, "
            f"found {len(speakers)}; give --data FOLDER with train speakers"
        )
    return names


def _plda(settings: TrialSettings, split: EmbeddedSplit) -> Plda | None:
    """PLDA that the settings name, which has to be of the system."""
    if settings.plda is None:
        return None
    fingerprint = split.space.fingerprint
    if settings.plda == "embedded":
        found = load_scorer(fingerprint, "plda").plda
        assert found is not None  # or it had raised
        return found
    plda = read_plda(Path(settings.plda))
    if plda.fingerprint not in ("", fingerprint):
        raise ArgumentError(
            f"{settings.plda}: is of encoder {plda.fingerprint}, not of {split.space}"
        )
    return plda
