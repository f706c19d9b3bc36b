"""Gallery of enrolled speakers: enroll, search, identify, verify."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.embeddings.space import Space, require_same_space
from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError, ModelError
from diarspk.verification.calibration import ScoreCalibration, default_calibration, probability
from diarspk.verification.gallery.database import (
    read_note,
    read_space,
    reading,
    write_note,
    writing,
)
from diarspk.verification.gallery.identification import (
    Candidate,
    Identification,
    Match,
    Person,
    decide,
)
from diarspk.verification.gallery.rows import (
    delete_rows,
    insert_row,
    read_blocks,
    read_profiles,
    read_rows,
    update_row,
)
from diarspk.verification.gallery.search import Searcher

__all__ = ["Gallery", "check_name"]

CANDIDATE_ENTRIES = 64
"""Nearest references whose speakers are the candidates of an identification."""

GENERIC_NAME = re.compile(r"SPEAKER_\d+")
"""Labels of the diarizer for unknown speakers."""


class Gallery:
    """Database of enrolled speakers; :mod:`diarspk.verification.gallery.opening` opens it.

    Every method with vectors requires the ``fingerprint`` of their space and compares it with the
    gallery's in the same transaction: a ModelError where they differ. Vectors are ``(dim,)`` or
    ``(n, dim)``, of any norm.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection
        self._searcher = Searcher(folder, connection)
        self._people: tuple[tuple[int, int], int] | None = None

    def __repr__(self) -> str:
        try:
            size = f"{self._count_people()} people, {len(self)} references"
        except sqlite3.ProgrammingError:
            size = "closed"
        return f"Gallery({str(self.folder)!r}, {size})"

    @property
    def space(self) -> Space:
        """Current space of the embeddings; a migration changes it."""
        return read_space(self._connection)[0]

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM entries").fetchone()[0])

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; everything that was enrolled is on disk already."""
        self._searcher.forget()
        self._connection.close()

    def enroll(
        self,
        speaker: str,
        vectors: ArrayLike,
        *,
        fingerprint: str,
        sources: Sequence[str] = (),
        seconds: Sequence[float] = (),
    ) -> list[int]:
        """Add references of a speaker, all or none; they are on disk when this returns.

        Parameters
        ----------
        sources, seconds : sequence, optional
            Origin and length in seconds of each reference.

        Returns
        -------
        list of int
            Numbers of the entries.

        Raises
        ------
        ArgumentError
            The name is empty or a label of the diarizer for unknown speakers, or shapes differ.
        ModelError
            The vectors are of another space; nothing is enrolled then.
        """
        check_name(speaker)
        with writing(self._connection):
            space = self._checked_space(fingerprint)
            rows = unit_rows(vectors, space.dimension)
            origins = list(sources) or [""] * len(rows)
            lengths = list(seconds) or [0.0] * len(rows)
            if not len(rows) == len(origins) == len(lengths):
                raise ArgumentError(
                    f"`sources` and `seconds` must have one item for each of {len(rows)} vectors, "
                    f"got {len(origins)} and {len(lengths)}"
                )
            return [
                insert_row(self._connection, speaker, row, source, float(length), fingerprint)
                for row, source, length in zip(rows, origins, lengths, strict=True)
            ]

    def enroll_many(self, references: Iterable[tuple[str, ArrayLike]], *, fingerprint: str) -> int:
        """Add ``(speaker, vector)`` pairs in one transaction; returns their number.

        Errors are those of :meth:`enroll`; nothing is enrolled then.
        """
        count = 0
        with writing(self._connection):
            space = self._checked_space(fingerprint)
            for speaker, vector in references:
                check_name(speaker)
                row = unit_rows(vector, space.dimension)[0]
                insert_row(self._connection, speaker, row, "", 0.0, fingerprint)
                count += 1
        return count

    def remove(self, speaker: str) -> int:
        """Delete a speaker; returns the number of references, 0 if there was no such speaker."""
        with writing(self._connection):
            return delete_rows(self._connection, speaker)

    def people(self) -> list[Person]:
        """List the enrolled people, by name."""
        rows = self._connection.execute(
            "SELECT speaker, count(*), sum(seconds), max(enrolled_at) FROM entries "
            "GROUP BY speaker ORDER BY speaker"
        )
        return [Person(*row) for row in rows]

    def search(self, vector: ArrayLike, *, fingerprint: str, limit: int = 10) -> list[Match]:
        """Find the references nearest to a vector, best first."""
        with reading(self._connection):
            space = self._checked_space(fingerprint)
            query = unit_rows(vector, space.dimension)[0]
            return self._searcher.search(query, space, limit)

    def identify(
        self,
        vector: ArrayLike,
        *,
        fingerprint: str,
        known_prior: float = 0.5,
        threshold: float | None = None,
        limit: int = 5,
    ) -> Identification:
        """Identify an enrolled speaker, or nobody (open set).

        Parameters
        ----------
        known_prior : float
            Prior probability that it is somebody enrolled.
        threshold : float, optional
            Minimum cosine of the best candidate. Default: a calibrated probability of at least
            1/2 instead.
        limit : int
            Maximum number of candidates in the result.

        Raises
        ------
        ModelError
            The vector is of another space, or there is neither a threshold nor a calibration.
        """
        with reading(self._connection):
            space = self._checked_space(fingerprint)
            query = unit_rows(vector, space.dimension)[0]
            near = self._searcher.search(query, space, CANDIDATE_ENTRIES)
            names = list(dict.fromkeys(match.speaker for match in near))
            profiles = read_profiles(self._connection, names, space)
            enrolled, calibration = self._count_people(), self.calibration
        if calibration is None and threshold is None:
            raise ModelError(
                f"{self.folder}: no calibration for fingerprint {fingerprint}; run `diarspk "
                "gallery calibrate`, or give a cosine as the threshold"
            )
        scores = {name: float(query @ profiles[name]) for name in names}
        return decide(scores, enrolled, calibration, known_prior, threshold, limit)

    def verify(
        self, speaker: str, vector: ArrayLike, *, fingerprint: str, target_prior: float = 0.5
    ) -> Candidate:
        """Compare a vector with one enrolled speaker.

        Raises
        ------
        ArgumentError
            Nobody of that name is enrolled.
        """
        with reading(self._connection):
            space = self._checked_space(fingerprint)
            query = unit_rows(vector, space.dimension)[0]
            profiles = read_profiles(self._connection, [speaker], space)
            calibration = self.calibration
        if speaker not in profiles:
            raise ArgumentError(f"`speaker` must be somebody enrolled, got {speaker!r}")
        score = float(query @ profiles[speaker])
        if calibration is None:
            return Candidate(speaker, score, None)
        ratio = calibration.log_likelihood_ratios(score)
        return Candidate(speaker, score, float(probability(ratio, target_prior)))

    @property
    def calibration(self) -> ScoreCalibration | None:
        """Stored calibration, else the default one of the space, else None."""
        fingerprint = self.space.fingerprint
        note = read_note(self._connection, "calibration")
        if note is not None:
            calibration = ScoreCalibration(**json.loads(note))
            if calibration.fingerprint == fingerprint:
                return calibration
        return default_calibration(fingerprint)

    def set_calibration(self, calibration: ScoreCalibration) -> None:
        """Store a calibration of cosines.

        Raises
        ------
        ModelError
            It is of another space than the gallery.
        """
        with writing(self._connection):
            self._checked_space(calibration.fingerprint)
            write_note(self._connection, "calibration", json.dumps(asdict(calibration)))

    def references(self, *, fingerprint: str) -> dict[str, NDArray[np.float32]]:
        """Read the unit vectors ``(references, dim)`` of each speaker."""
        found: dict[str, list[NDArray[np.float32]]] = {}
        with reading(self._connection):
            space = self._checked_space(fingerprint)
            for speaker, row in read_rows(self._connection, space):
                found.setdefault(speaker, []).append(row)
        return {speaker: np.stack(rows) for speaker, rows in found.items()}

    def build_index(self, *, sifted: float = 0.01) -> None:
        """Build the approximate index of all entries, without blocking readers and writers.

        Useful from about 10,000 entries. Later entries are searched exactly beside it, so
        rebuild it when many have been added or removed.

        Parameters
        ----------
        sifted : float
            Share of the entries, in (0, 1], that a search compares in eight bits after the
            comparison of signs: larger is more exact and slower.

        Raises
        ------
        ArgumentError
            The share is not in (0, 1].
        """
        if not 0 < sifted <= 1:
            raise ArgumentError(f"`sifted` must be in (0, 1], got {sifted}")
        self._searcher.build(sifted)

    def replace_space(self, space: Space, vectors: dict[int, NDArray[np.float32]]) -> None:
        """Replace the vectors of all entries by those of another space; see `migration`."""
        with writing(self._connection):
            execute = self._connection.execute
            numbers = {number for (number,) in execute("SELECT id FROM entries")}
            if numbers != set(vectors):
                raise ModelError(
                    f"{self.folder}: the gallery changed during the migration; start it again"
                )
            execute(
                "UPDATE space SET fingerprint = ?, dimension = ?, name = ?, epoch = epoch + 1",
                (space.fingerprint, space.dimension, space.name),
            )
            for number, vector in vectors.items():
                update_row(self._connection, number, vector, space)
            execute("DELETE FROM notes")  # the calibration and the index are of the old space

    def entries(self) -> tuple[Space, dict[int, NDArray[np.float32]]]:
        """Read the space and the vector of every entry, in one transaction."""
        with reading(self._connection):
            space = self.space
            found = {
                int(number): row
                for numbers, rows in read_blocks(self._connection, space)
                for number, row in zip(numbers, rows, strict=True)
            }
        return space, found

    def _checked_space(self, fingerprint: str) -> Space:
        space = self.space
        require_same_space(space.fingerprint, fingerprint, f"{self.folder}: the gallery")
        return space

    def _count_people(self) -> int:
        """Count the enrolled people; cached until a change by this connection or another."""
        connection = self._connection
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        state = (version, connection.total_changes)
        if self._people is None or self._people[0] != state:
            query = "SELECT count(DISTINCT speaker) FROM entries"
            self._people = (state, int(connection.execute(query).fetchone()[0]))
        return self._people[1]


def check_name(speaker: str) -> None:
    """Reject names that are empty, not on one line, or labels of unknown speakers."""
    if not speaker.strip() or speaker != speaker.strip() or "\n" in speaker:
        raise ArgumentError(f"`speaker` must be a name on one line, got {speaker!r}")
    if GENERIC_NAME.fullmatch(speaker):
        raise ArgumentError(
            f"`speaker` must not be a name that the diarizer gives to strangers, got {speaker!r}"
        )
