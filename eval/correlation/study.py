"""Every encoder in every session, and on utterances: embedded once, then measured."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ScoringWarning
from eval.correlation.array_cache import ArrayCache, digest
from eval.correlation.diarizing import (
    CLUSTERINGS,
    STEP_S,
    Session,
    diarize_windows,
    measure_purity,
    prepare_session,
)
from eval.correlation.embedding import CachedEncoder
from eval.correlation.loading import Places
from eval.correlation.measures import ACTIVITIES, EncoderFigures, UtterancePairs
from eval.correlation.plda_ratio import ClusteredWindows, adjacent_ratios
from eval.correlation.session_calibration import session_cllr
from eval.correlation.specification import EncoderSpecification
from eval.diarization.conversation import Conversation
from eval.embeddings.speech import Utterance
from eval.intra_session.embedding import list_crops
from eval.intra_session.lists import LIST_NAMES
from eval.intra_session.scoring import RankedTrials, score_cosines
from eval.intra_session.trials import Crop, Trial, TrialRules, build_lists

__all__ = ["Study"]

ORACLE, _ = ACTIVITIES
TRUE_COUNT = "known"


@dataclass(frozen=True, eq=False)
class Study:
    """Data that every encoder is measured on.

    Attributes
    ----------
    recorded : sequence of Conversation
        Diarized with the reference's speech, and with the speech that a system finds.
    simulated : sequence of Conversation
        Diarized with the reference's speech.
    utterances : sequence of Utterance
        Single-speaker speech for the conventional error rate: all pairs.
    places : Places
        Of encoders that are made for the study.
    folder : Path
        Of vectors and results stored between runs.
    activity : str
        Diarizer whose speech is the system's; empty: no pipeline with a system's speech.
    step_s : float
        From one window to the next.
    seed : int
        Of the trials.
    """

    recorded: Sequence[Conversation]
    simulated: Sequence[Conversation]
    utterances: Sequence[Utterance]
    places: Places
    folder: Path
    activity: str = "diarspk"
    step_s: float = STEP_S
    seed: int = 0

    @property
    def conversations(self) -> list[Conversation]:
        """All of them, those that were recorded first."""
        return [*self.recorded, *self.simulated]

    def embed(self, encoders: Sequence[EncoderSpecification]) -> Iterator[None]:
        """Embed what has not been embedded; one item for each encoder and session."""
        for one in encoders:
            encoder = self._encoder(one)
            encoder.embed_utterances(self.utterances)
            for session, found in zip(self.sessions, self.found_sessions, strict=True):
                encoder.embed_session(session, self._crops(session))
                if found is not None:
                    encoder.embed_session(found, [])
                yield

    def measure(self, encoders: Sequence[EncoderSpecification]) -> Iterator[EncoderFigures]:
        """Measure encoders one after the other."""
        for one in encoders:
            yield self._measure(one, self._encoder(one))

    @cached_property
    def trials(self) -> dict[str, dict[str, list[Trial]]]:
        """The five lists of each conversation, by its name."""
        rules = TrialRules(seed=self.seed)
        return {
            one.name: build_lists({one.name: one.reference}, {one.name: one.uem}, rules)
            for one in self.conversations
        }

    @cached_property
    def sessions(self) -> list[Session]:
        """Windows of the reference's speech."""
        return [
            prepare_session(one, None, self.folder / "activity", step_s=self.step_s)
            for one in self.conversations
        ]

    @cached_property
    def found_sessions(self) -> list[Session | None]:
        """Windows of the speech that the system finds, in what was recorded."""
        found = [
            prepare_session(one, self.activity, self.folder / "activity", step_s=self.step_s)
            for one in (self.recorded if self.activity else ())
        ]
        return [*found, *[None] * (len(self.conversations) - len(found))]

    def _encoder(self, specification: EncoderSpecification) -> CachedEncoder:
        return CachedEncoder(specification, self.places, ArrayCache(self.folder / "vectors"))

    def _crops(self, session: Session) -> list[Crop]:
        return list_crops(self.trials[session.conversation.name]["combined"])

    def _measure(
        self, specification: EncoderSpecification, encoder: CachedEncoder
    ) -> EncoderFigures:
        outcomes = [
            self._diarize(encoder, pair)
            for pair in zip(self.sessions, self.found_sessions, strict=True)
        ]
        trials = self._score(encoder)
        windows = [
            ClusteredWindows(encoder.embed_session(one, [])[0], outcome["clusters"], one.speakers())
            for one, outcome in zip(self.sessions, outcomes, strict=True)
        ]
        scores, labels, session = trials["combined"]
        return EncoderFigures(
            specification.name,
            specification.origin,
            specification.degraded,
            UtterancePairs(
                encoder.embed_utterances(self.utterances), [one.speaker for one in self.utterances]
            ),
            {name: RankedTrials(*one) for name, one in trials.items() if len(one[0])},
            {
                f"der {activity} {clustering}": np.array(
                    [one.get(f"{activity} {clustering}", np.zeros(2)) for one in outcomes]
                )
                for activity, clustering in product(ACTIVITIES, CLUSTERINGS)
            },
            np.array([one["purity"] for one in outcomes]),
            session_cllr(scores, labels, session, len(self.sessions)),
            adjacent_ratios(windows),
        )

    def _score(self, encoder: CachedEncoder) -> dict[str, tuple[Any, Any, Any]]:
        """Scores, labels and session numbers of each list."""
        parts: dict[str, list[tuple[Any, Any, Any]]] = {name: [] for name in LIST_NAMES}
        for number, session in enumerate(self.sessions):
            crops = self._crops(session)
            vectors = dict(zip(crops, encoder.embed_session(session, crops)[1], strict=True))
            for name, trials in self.trials[session.conversation.name].items():
                if trials:
                    labels = np.array([trial.target for trial in trials], np.bool_)
                    numbers = np.full(len(trials), number)
                    parts[name].append((score_cosines(trials, vectors), labels, numbers))
        empty = (np.zeros(0), np.zeros(0, np.bool_), np.zeros(0, np.int64))
        return {
            name: tuple(map(np.concatenate, zip(*(empty, *part), strict=True)))  # type: ignore[misc]
            for name, part in parts.items()
        }

    def _diarize(
        self, encoder: CachedEncoder, pair: tuple[Session, Session | None]
    ) -> dict[str, NDArray[Any]]:
        """Errors by activity and clustering, purity and clusters at the true count."""
        windows = [None if one is None else repr(one.windows) for one in pair]
        name = pair[0].conversation.name
        reference = repr(list(pair[0].conversation.reference.itertracks(yield_label=True)))
        key = f"outcome {name} {digest([encoder.full_key, *windows, reference])}"

        def run() -> dict[str, NDArray[Any]]:
            found: dict[str, NDArray[Any]] = {}
            for activity, session in zip(ACTIVITIES, pair, strict=True):
                for clustering in CLUSTERINGS if session is not None else ():
                    assert session is not None
                    vectors, _ = encoder.embed_session(session, [])
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", ScoringWarning)
                        outcome = diarize_windows(session, vectors, clustering)
                    errors = outcome.errors
                    wrong = errors.miss + errors.false_alarm + errors.confusion
                    found[f"{activity} {clustering}"] = np.array([wrong, errors.total])
                    if (activity, clustering) == (ORACLE, TRUE_COUNT):
                        reference = session.conversation.reference
                        purity = measure_purity(reference, outcome.hypothesis)
                        found |= {"purity": np.array(purity), "clusters": outcome.clusters}
            return found

        return ArrayCache(self.folder / "outcomes").get(key, run)
