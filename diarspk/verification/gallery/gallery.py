"""Gallery of enrolled speakers: enroll, search, identify, verify."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import check_count, check_number, check_pairs, check_sequence, check_type
from diarspk.embeddings.space import Space, require_same_space
from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError, DiarspkWarning, ModelError
from diarspk.verification.calibration import ScoreCalibration, probability
from diarspk.verification.gallery.database import Database
from diarspk.verification.gallery.identification import (
    Candidate,
    Identification,
    Match,
    Person,
    decide,
)
from diarspk.verification.gallery.names import check_name, normalize_name
from diarspk.verification.gallery.repeats import describe_repeats, insert_distinct
from diarspk.verification.gallery.rows import (
    count_entries,
    count_people,
    delete_rows,
    insert_row,
    read_people,
    read_profiles,
    read_references,
    read_vectors,
    replace_vectors,
)
from diarspk.verification.gallery.search import Searcher
from diarspk.verification.gallery.stored_calibration import read_calibration, write_calibration

__all__ = ["Gallery"]

CANDIDATE_ENTRIES = 64
"""Nearest references whose speakers are the candidates of an identification."""


class Gallery:
    """Database of enrolled speakers; :mod:`diarspk.verification.gallery.opening` opens it.

    Every method with vectors requires the ``fingerprint`` of their space and compares it with the
    gallery's in the same transaction: a ModelError where they differ. Vectors are ``(dim,)`` or
    ``(n, dim)``, of any norm.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database
        self._searcher = Searcher(folder, database)
        self._people: tuple[object, int] | None = None

    def __repr__(self) -> str:
        try:
            size = f"{self._count_people()} people, {len(self)} references"
        except ModelError as error:
            size = "closed" if "closed" in str(error) else "unreadable"
        return f"Gallery({str(self.folder)!r}, {size})"

    @property
    def space(self) -> Space:
        """Current space of the embeddings; a migration changes it."""
        return self._database.read_space()[0]

    def __len__(self) -> int:
        with self._database.reading() as connection:
            return count_entries(connection)

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
        self._database.close()

    def enroll(
        self,
        speaker: str,
        vectors: ArrayLike,
        *,
        fingerprint: str,
        sources: Sequence[str] = (),
        seconds: Sequence[float] = (),
        distinct: bool = False,
    ) -> list[int]:
        """Add references of a speaker, all or none; they are on disk when this returns.

        Parameters
        ----------
        sources, seconds : sequence, optional
            Origin and length in seconds of each reference.
        distinct : bool
            Leave out references that the speaker has already: the same recording, enrolled again.

        Returns
        -------
        list of int
            Numbers of the entries; of a reference that was left out, that of the one it repeats.

        Warns
        -----
        DiarspkWarning
            Of references that were left out.

        Raises
        ------
        ArgumentError
            The name is empty or a label of the diarizer for unknown speakers, or shapes differ.
        ModelError
            The vectors are of another space; nothing is enrolled then.
        """
        speaker = check_name(speaker)
        given_sources = [str(one) for one in check_sequence(sources, "sources")]
        given_seconds = [
            check_number(one, "seconds", minimum=0.0) for one in check_sequence(seconds, "seconds")
        ]
        with self._database.writing() as connection:
            space = self._checked_space(fingerprint)
            rows = unit_rows(vectors, space.dimension)
            origins = given_sources or [""] * len(rows)
            lengths = given_seconds or [0.0] * len(rows)
            if not len(rows) == len(origins) == len(lengths):
                raise ArgumentError(
                    f"`sources` and `seconds` must have one item for each of {len(rows)} vectors, "
                    f"got {len(origins)} and {len(lengths)}"
                )
            references = zip(rows, origins, lengths, strict=True)
            if not distinct:
                return [
                    insert_row(connection, speaker, row, source, length, fingerprint)
                    for row, source, length in references
                ]
            numbers, repeats = insert_distinct(connection, speaker, references, space)
        for line in describe_repeats(self.folder, speaker, repeats):
            warnings.warn(line, DiarspkWarning, stacklevel=2)
        return numbers

    def enroll_many(self, references: Iterable[tuple[str, ArrayLike]], *, fingerprint: str) -> int:
        """Add ``(speaker, vector)`` pairs in one transaction; returns their number.

        Errors are those of :meth:`enroll`; nothing is enrolled then.
        """
        count = 0
        with self._database.writing() as connection:
            space = self._checked_space(fingerprint)
            for speaker, vector in check_pairs(references, "references"):
                row = unit_rows(vector, space.dimension)[0]
                insert_row(connection, check_name(speaker), row, "", 0.0, fingerprint)
                count += 1
        return count

    def remove(self, speaker: str) -> int:
        """Delete a speaker; returns the number of references, 0 if there was no such speaker."""
        with self._database.writing() as connection:
            return delete_rows(connection, normalize_name(speaker))

    def people(self) -> list[Person]:
        """List the enrolled people, by name."""
        with self._database.reading() as connection:
            return read_people(connection)

    def search(self, vector: ArrayLike, *, fingerprint: str, limit: int = 10) -> list[Match]:
        """Find the references nearest to a vector, best first; of equal ones, the earlier first.

        Raises
        ------
        ArgumentError
            The limit is not positive.
        """
        check_count(limit, "limit")
        self._searcher.prepare()
        with self._database.reading():
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
        check_count(limit, "limit")
        if threshold is not None:
            check_number(threshold, "threshold")
        self._searcher.prepare()
        with self._database.reading() as connection:
            space = self._checked_space(fingerprint)
            query = unit_rows(vector, space.dimension)[0]
            near = self._searcher.search(query, space, CANDIDATE_ENTRIES)
            names = list(dict.fromkeys(match.speaker for match in near))
            profiles = read_profiles(connection, names, space)
            enrolled, calibration = self._count_people(), self.calibration
        if calibration is None and threshold is None:
            raise ModelError(
                f"{self.folder}: no calibration for fingerprint {fingerprint}; run `diarspk "
                "gallery calibrate`, or give a cosine as the threshold"
            )
        if profiles.keys() != set(names):
            raise ModelError(f"{self.folder}: damaged, names and entries differ; restore a backup")
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
        speaker = normalize_name(speaker)
        with self._database.reading() as connection:
            space = self._checked_space(fingerprint)
            query = unit_rows(vector, space.dimension)[0]
            profiles = read_profiles(connection, [speaker], space)
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
        return read_calibration(self._database, self.space)

    def set_calibration(self, calibration: ScoreCalibration) -> None:
        """Store a calibration of cosines.

        Raises
        ------
        ModelError
            It is of another space than the gallery.
        """
        check_type(calibration, "calibration", ScoreCalibration)
        with self._database.writing():
            self._checked_space(calibration.fingerprint)
            write_calibration(self._database, calibration)

    def references(self, *, fingerprint: str) -> dict[str, NDArray[np.float32]]:
        """Read the unit vectors ``(references, dim)`` of each speaker."""
        with self._database.reading() as connection:
            return read_references(connection, self._checked_space(fingerprint))

    def build_index(self) -> bool:
        """Build the index of all entries now, without blocking readers and writers.

        Up to 50,000 entries there is none, since all are compared. Beyond, a search builds it where
        it is missing, damaged, or off by a tenth of the entries; later entries are found as well.

        Returns
        -------
        bool
            False: there are so few entries that none is needed.

        Raises
        ------
        ModelError
            The extra ``gallery`` is not installed.
        """
        if self._searcher.needs_index:
            self._searcher.build()
            return True
        return False

    def replace_space(self, space: Space, vectors: dict[int, NDArray[np.float32]]) -> None:
        """Replace the vectors of all entries by those of another space; see `migration`."""
        with self._database.writing() as connection:
            if not replace_vectors(connection, space, vectors):
                raise ModelError(
                    f"{self.folder}: the gallery changed during the migration; start it again"
                )
            # The calibration and the index are of the old space.
            connection.execute("DELETE FROM notes")

    def entries(self) -> tuple[Space, dict[int, NDArray[np.float32]]]:
        """Read the space and the vector of every entry, in one transaction."""
        with self._database.reading() as connection:
            return self.space, read_vectors(connection, self.space)

    def _checked_space(self, fingerprint: str) -> Space:
        check_type(fingerprint, "fingerprint", str)
        space = self.space
        require_same_space(space.fingerprint, fingerprint, f"{self.folder}: the gallery")
        return space

    def _count_people(self) -> int:
        """Count the enrolled people; cached until a change by this connection or another."""
        state = self._database.state
        if self._people is None or self._people[0] != state:
            with self._database.reading() as connection:
                self._people = (state, count_people(connection))
        return self._people[1]
