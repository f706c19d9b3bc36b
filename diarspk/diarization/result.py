"""The result of a diarization, and what can be done with it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.speaker_bounds import SpeakerBounds
from diarspk.diarization.confidence import turn_confidence
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.constraints import UNCONSTRAINED, Constraints, SpanPair
from diarspk.diarization.document import diarization_document, write_diarization
from diarspk.diarization.doubts import find_doubts, find_uncertain_speakers
from diarspk.diarization.editing import complete_renaming, merge_speakers, split_speaker
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_speakers import FirstPass
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.reconstruction import Activity, complete_names, to_annotation
from diarspk.diarization.renamed_document import renamed_texts
from diarspk.diarization.reviewed_turns import add_reviewed_turns
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.diarization.spurious_speakers import find_spurious_speakers
from diarspk.editing.edited_diarization import EditedDiarization
from diarspk.errors import ArgumentError, SpeechWarning

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

__all__ = ["Diarization"]


@dataclass(frozen=True, eq=False, repr=False)
class Diarization:
    """Who spoke when.

    Operations return new results and leave this one as it is.

    Attributes
    ----------
    annotation : pyannote.core.Annotation
        Turns by speaker, overlapping where several people talk at once.
    exclusive : pyannote.core.Annotation
        The same with at most one speaker at a time, as transcripts want it.
    speakers : dict of str to ndarray
        A unit vector ``(dim,)`` for each speaker, in the space of the encoder.
    fingerprint : str
        The encoder's: vectors of another fingerprint do not compare.
    confidence : dict of (Segment, track) to float
        Confidence of each turn of ``annotation``, in [0, 1]; see
        :class:`diarspk.diarization.confidence.Calibration`.
    duration : float
        Seconds of the recording.
    count_scores : dict of int to float
        Score of each number of speakers that the caller allows, together 1; see
        :class:`diarspk.clustering.Clustering`.
    count_posterior : dict of int to float
        Probability of each number of people who talk three seconds or more, by the recording alone,
        whatever the caller has told; empty where the clusterer knows none.
    uncertain_speakers : tuple of str
        Speakers who talk less than three seconds, beside others who talk much, and so may be
        somebody else.
    spurious_speakers : tuple of str
        Speakers with too little speech to be trusted; see
        :class:`diarspk.diarization.spurious_speakers.SpuriousSpeakerPolicy`.
    warnings : tuple of str
        What makes the result doubtful: no speech was found, the recording is very quiet, clipped or
        mostly noise, a number of speakers that was told could not be met, another number is about
        as probable, or speakers are uncertain.
    linking, first_pass, postprocessing
        What operations start from: who is who, the first pass over the recording, and the settings
        and parts of all further steps. Results that were not made from audio have none.
    """

    annotation: Annotation
    exclusive: Annotation
    speakers: dict[str, NDArray[np.float32]]
    fingerprint: str
    confidence: dict[tuple[Segment, str | int], float]
    duration: float
    count_scores: dict[int, float] = field(default_factory=dict)
    count_posterior: dict[int, float] = field(default_factory=dict)
    uncertain_speakers: tuple[str, ...] = ()
    spurious_speakers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    linking: Linking = field(default_factory=Linking)
    first_pass: FirstPass | None = None
    postprocessing: Postprocessing | None = None

    @classmethod
    def from_first_pass(
        cls,
        first: FirstPass,
        postprocessing: Postprocessing,
        constraints: Constraints = UNCONSTRAINED,
    ) -> Diarization:
        """Make a result of a first pass.

        Raises
        ------
        ArgumentError
            If the constraints contradict each other, or do not fit the recording.
        ModelError
            If the clusterer has a PLDA of another encoder.
        """
        linking = postprocessing.link(first, constraints)
        activity = postprocessing.refine(first, linking)
        return cls.from_activity(activity, first, linking, postprocessing)

    @classmethod
    def from_activity(
        cls,
        activity: Activity,
        first: FirstPass,
        linking: Linking,
        postprocessing: Postprocessing,
    ) -> Diarization:
        """Make a result of the probability of every speaker in every frame.

        Parameters
        ----------
        activity : NDArray of float32, shape (frames, speakers)
        first : FirstPass
            First pass over the recording.
        linking : Linking
            Speakers, in the order of the columns; those without a name are numbered by appearance.
        postprocessing : Postprocessing
            Settings and parts of the steps from here on, also for later operations.

        Warns
        -----
        SpeechWarning
            Of what makes the result doubtful; see `warnings`.
        """
        local, config = first.local, postprocessing.config
        turns, single = postprocessing.find_turns(first, activity)
        names = complete_names(turns, linking.names)
        annotation = to_annotation(turns, names, first.uri)
        centroids = local.centroids(linking.labels)
        calibration = config.calibration or postprocessing.defaults.calibration
        confidence = turn_confidence(turns, local, linking.labels, calibration)
        uncertain = find_uncertain_speakers(annotation, linking.known)
        doubts = find_doubts(annotation, first, linking, speakers=len(names), uncertain=uncertain)
        for text in doubts:
            warnings.warn(f"{first.uri}: {text}", SpeechWarning, stacklevel=3)
        return cls(
            annotation=annotation,
            exclusive=to_annotation(single, names, first.uri),
            speakers={name: centroids[speaker] for speaker, name in names.items()},
            fingerprint=first.fingerprint,
            confidence={
                (segment, track): float(confidence[int(track)])
                for segment, track in annotation.itertracks()
            },
            duration=first.duration,
            count_scores=dict(linking.count_scores),
            count_posterior=dict(linking.count_posterior),
            uncertain_speakers=uncertain,
            spurious_speakers=find_spurious_speakers(
                annotation, config.spurious_speakers, linking.known
            ),
            warnings=doubts,
            linking=replace(linking, names=names),
            first_pass=first,
            postprocessing=postprocessing,
        )

    @property
    def count_costs(self) -> dict[int, float]:
        """Natural logarithm of how many times less probable than the likeliest each number is."""
        most = max(self.count_posterior.values(), default=1.0)
        return {count: math.log(most / value) for count, value in self.count_posterior.items()}

    @property
    def uri(self) -> str:
        """Name of the recording."""
        return str(self.annotation.uri)

    @property
    def config(self) -> DiarizerConfig | None:
        """Settings; None for results that were not made from audio."""
        return None if self.postprocessing is None else self.postprocessing.config

    def speaker_activity(self) -> SpeakerActivity:
        """Compute the probability of every speaker in every frame, as the turns were made of it.

        It is not kept with a result; computing it takes a small part of a diarization.

        Raises
        ------
        ArgumentError
            If there is no first pass to start from.
        """
        first, postprocessing = self._origin()
        names = self.linking.names
        activity = postprocessing.refine(first, self.linking)
        columns = [column for column in sorted(names) if names[column] in self.speakers]
        return SpeakerActivity(
            tuple(names[column] for column in columns), activity[:, columns], first.local.hop
        )

    def __repr__(self) -> str:
        speakers, turns = len(self.speakers), len(self.confidence)
        return (
            f"Diarization({self.uri!r}, {self.duration:.1f} s, "
            f"{speakers} speaker{'' if speakers == 1 else 's'}, "
            f"{turns} turn{'' if turns == 1 else 's'})"
        )

    def recluster(
        self,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        threshold: float | None = None,
        known_speakers: Mapping[str, ArrayLike] | None = None,
        same_speaker: Sequence[SpanPair] = (),
        different_speakers: Sequence[SpanPair] = (),
        reviewed: EditedDiarization | None = None,
        config: DiarizerConfig | None = None,
    ) -> Diarization:
        """Cluster again from the same first pass.

        Parameters
        ----------
        num_speakers, min_speakers, max_speakers, known_speakers, same_speaker, different_speakers
            See :meth:`diarspk.Diarizer.__call__`. More speakers than the first pass has told apart
            cannot be had.
        threshold
            Threshold of the clusterer, if it has one.
        reviewed
            Corrections of this recording: reviewed turns of one speaker are linked, those of two
            are kept apart. Then :meth:`diarspk.editing.EditedDiarization.adopt` the result,
            so that they stay to the letter.
        config
            Settings. Default: those of this result.

        Raises
        ------
        ArgumentError
            If there is no first pass to start from, or the arguments contradict each other.
        """
        bounds = SpeakerBounds(num_speakers, min_speakers, max_speakers)
        constraints = Constraints(
            {} if known_speakers is None else known_speakers,
            same_speaker,
            different_speakers,
            bounds,
        )
        first, postprocessing = self._origin()
        postprocessing = postprocessing.with_settings(config, threshold)
        if reviewed is not None:
            if not isinstance(reviewed, EditedDiarization):
                raise ArgumentError(
                    f"`reviewed` must be an EditedDiarization, got {type(reviewed).__name__}"
                )
            reliable_s = postprocessing.config.reliable_s
            constraints = add_reviewed_turns(
                constraints, reviewed.turns, first.local, reliable_s=reliable_s
            )
        return Diarization.from_first_pass(first, postprocessing, constraints)

    def rename(self, names: Mapping[str, str]) -> Diarization:
        """Rename speakers: new names by old ones; those who are not mentioned keep theirs.

        Raises
        ------
        ArgumentError
            If there is no such speaker, or two would have one name (merge them instead).
        """
        final = complete_renaming(names, list(self.speakers))
        labels = {label: final[name] for label, name in self.linking.names.items()}
        known = frozenset(final.get(name, name) for name in self.linking.known)
        return replace(
            self,
            annotation=self.annotation.rename_labels(final),
            exclusive=self.exclusive.rename_labels(final),
            speakers={final[name]: vector for name, vector in self.speakers.items()},
            spurious_speakers=tuple(final[name] for name in self.spurious_speakers),
            uncertain_speakers=tuple(final[name] for name in self.uncertain_speakers),
            warnings=tuple(renamed_texts(self.warnings, final)),
            linking=replace(self.linking, names=labels, known=known),
        )

    def merge(self, speakers: Sequence[str], name: str | None = None) -> Diarization:
        """Merge several speakers into one.

        Parameters
        ----------
        speakers
            Two or more.
        name
            Name of the merged speaker. Default: that of the first.

        Raises
        ------
        ArgumentError
            If there is no such speaker, or no first pass to start from.
        """
        self._origin()
        return self._relinked(merge_speakers(self.linking, speakers, name))

    def split(self, speaker: str, count: int = 2) -> Diarization:
        """Split one speaker into several, by clustering its speech alone.

        The part with the most speech keeps the name.

        Raises
        ------
        ArgumentError
            If there is no such speaker, it has not so many parts, or there is no first pass to
            start from.
        """
        first, postprocessing = self._origin()
        linking = split_speaker(
            self.linking,
            first.local,
            speaker,
            count,
            clusterer=postprocessing.local_clusterer,
            reliable_s=postprocessing.config.reliable_s,
        )
        return self._relinked(linking)

    def edit(self) -> EditedDiarization:
        """Begin to correct single turns, speakers and boundaries, with undo and redo."""
        return EditedDiarization.of(self)

    def _repr_html_(self) -> str:
        """Show turns and speakers in a notebook, by the page of :mod:`diarspk.review`."""
        from diarspk.review.page import render_page

        return render_page(self)._repr_html_()

    def write(self, path: str | Path, *, exclusive: bool = False, vectors: bool = False) -> None:
        """Write the result; the suffix names the format (.rttm, .json, .csv, .srt, .vtt, ...).

        Parameters
        ----------
        path
            JSON has all that :meth:`to_dict` has; the other formats have the turns.
        exclusive
            Write the turns with at most one speaker at a time.
        vectors
            Write the speakers' vectors, to JSON.

        Raises
        ------
        ArgumentError
            If the suffix is not one of a known format.
        FormatError
            If the file cannot be written.
        """
        from diarspk.formats.saving import save_text

        write = partial(write_diarization, self, exclusive=exclusive, vectors=vectors)
        save_text(path, write)

    def to_dict(self, *, vectors: bool = False) -> dict[str, Any]:
        """Describe the result by values that JSON has.

        Its keys are described by the schema ``diarspk/diarization/diarization.schema.json``.
        """
        return diarization_document(self, vectors=vectors)

    def _relinked(self, linking: Linking) -> Diarization:
        first, postprocessing = self._origin()
        activity = postprocessing.refine(first, linking)
        return Diarization.from_activity(activity, first, linking, postprocessing)

    def _origin(self) -> tuple[FirstPass, Postprocessing]:
        if self.first_pass is None or self.postprocessing is None:
            raise ArgumentError(
                "the result must come from a Diarizer, which keeps its first pass over the "
                "recording, got one without."
            )
        return self.first_pass, self.postprocessing
