"""Postprocessing of a first pass: who is who, and who talks when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from diarspk.arguments import check_number
from diarspk.clustering.clusterer import Clusterer
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.constraints import UNCONSTRAINED, Constraints
from diarspk.diarization.defaults import Defaults, with_threshold
from diarspk.diarization.local_speakers import FirstPass
from diarspk.diarization.reconstruction import (
    Activity,
    Turn,
    binarize,
    complete_names,
    divide_cuts,
    exclusive_activity,
    keep_everyone,
    speaker_activity,
    to_annotation,
)
from diarspk.diarization.spurious_speakers import find_spurious_speakers
from diarspk.diarization.turn_finding import fill_silence, find_turns
from diarspk.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from diarspk.diarization.linking import Linking

__all__ = ["Postprocessing"]


@dataclass(frozen=True, eq=False)
class Postprocessing:
    """All steps after the first pass, with the settings and parts that they take.

    Attributes
    ----------
    config : DiarizerConfig
        Settings.
    defaults : Defaults
        Parts that come with the encoder.
    """

    config: DiarizerConfig = field(default_factory=DiarizerConfig)
    defaults: Defaults = field(default_factory=Defaults)

    def link(self, first: FirstPass, constraints: Constraints = UNCONSTRAINED) -> Linking:
        """Find the speakers of the recording: which of them every local speaker is.

        Raises
        ------
        ArgumentError
            If the constraints contradict each other, or do not fit the recording.
        ModelError
            If the clusterer has a PLDA of another encoder.
        """
        from diarspk.diarization.linking import name_known_speakers

        _check_space(first, self.config)
        linking = self._cluster(first, constraints)
        similarity = self.config.linking.known_similarity
        names = name_known_speakers(first.local, linking.labels, constraints, similarity)
        linking = replace(
            linking, names=names, known=frozenset(names.values()), bounds=constraints.bounds
        )
        if not self.config.spurious_speakers.absorb:
            return linking
        return self._absorb(first, linking, constraints.bounds.needed)

    def refine(self, first: FirstPass, linking: Linking) -> Activity:
        """Compute the probability of every speaker in every frame, ``(frames, speakers)``.

        Local speakers are averaged over windows; resegmentation and TS-VAD then correct who talks.
        """
        if linking.cut_from:
            whole = self.refine(first, linking.without_cuts())
            spoken = speaker_activity(first.local, linking.labels, int(linking.labels.max()) + 1)
            return divide_cuts(whole, spoken, linking.cut_from)
        # The heads know the space of the trunk, whichever encoder has linked the local speakers.
        local, config, head = first.local.in_trunk_space(), self.config, self.defaults.vad_head
        centroids = local.centroids(linking.labels)
        activity = speaker_activity(local, linking.labels, len(centroids))
        if not len(centroids):
            return activity
        if config.resegmentation is not None:
            activity = config.resegmentation(activity, local, centroids)
        if head is not None and config.target_speaker_vad and local.vad_features is not None:
            from diarspk.diarization.target_speaker_vad import TargetSpeakerVad

            vad = TargetSpeakerVad(head, precision=first.precision)
            activity = vad(activity, local, centroids)
        return activity

    def find_turns(self, first: FirstPass, activity: Activity) -> tuple[list[Turn], list[Turn]]:
        """Find the turns, with overlap, and with at most one speaker at a time.

        Turns of one speaker at a time end with the words, unless the boundaries are loose.
        """
        settings = self.config.turns
        hop, duration = first.local.hop, first.duration
        active = keep_everyone(binarize(activity, settings), activity)
        alone = exclusive_activity(active, activity)
        turns = find_turns(active, activity, settings, hop=hop, duration=duration)
        if self.config.boundaries == "loose":
            alone = fill_silence(alone, active, activity, turns, hop=hop)
        single = find_turns(alone, activity, settings, hop=hop, duration=duration, bridge=False)
        return turns, single

    def with_settings(
        self, config: DiarizerConfig | None = None, threshold: float | None = None
    ) -> Postprocessing:
        """Return the same steps with other settings, and with another threshold of the clusterer.

        Raises
        ------
        ArgumentError
            If `config` is no DiarizerConfig, the threshold is negative, or the clusterer has none.
        """
        if config is not None and not isinstance(config, DiarizerConfig):
            raise ArgumentError(f"`config` must be a DiarizerConfig, got {type(config).__name__}")
        changed = self if config is None else replace(self, config=config)
        if threshold is None:
            return changed
        threshold = check_number(threshold, "threshold", minimum=0.0)
        clusterer = with_threshold(changed.local_clusterer, threshold)
        return replace(changed, config=replace(changed.config, clusterer=clusterer))

    @property
    def local_clusterer(self) -> Clusterer:
        """Clusterer of local speakers."""
        return self.config.clusterer or self.defaults.local_clusterer

    @property
    def subsegment_clusterer(self) -> Clusterer | None:
        """Clusterer of subsegments; None where local speakers are clustered."""
        config = self.config
        if config.units == "local" or (config.units == "auto" and config.clusterer is not None):
            return None
        return config.clusterer or self.defaults.clusterer

    def _cluster(self, first: FirstPass, constraints: Constraints) -> Linking:
        """Cluster subsegments where that is possible, and otherwise local speakers."""
        from diarspk.diarization.local_linking import link_local_speakers
        from diarspk.diarization.pair_repair import respect_pairs
        from diarspk.diarization.subsegment_linking import link_by_subsegments

        config, clusterer = self.config, self.subsegment_clusterer
        if clusterer is not None and config.linking.non_speech is None:
            found = link_by_subsegments(first.local, clusterer, constraints, config=config.linking)
            if found is not None and constraints.has_pairs:
                found = respect_pairs(
                    first.local,
                    found,
                    constraints,
                    reliable_s=config.reliable_s,
                    similarity=config.linking.known_similarity,
                )
            if found is not None:
                return found
        return link_local_speakers(
            first.local,
            self.local_clusterer,
            constraints,
            reliable_s=config.reliable_s,
            config=config.linking,
            non_speech=first.non_speech,
        )

    def _absorb(self, first: FirstPass, linking: Linking, needed: int) -> Linking:
        """Give the speech of spurious speakers to the others, down to the number needed.

        Only turns tell who has next to no speech, so they are made for this once before; tight
        ones, so that who is there does not depend on the boundaries.
        """
        from diarspk.diarization.assignment import reassign

        tight = replace(self, config=replace(self.config, boundaries="tight"))
        turns, _ = tight.find_turns(first, self.refine(first, linking))
        names = complete_names(turns, linking.names)
        annotation = to_annotation(turns, names, first.uri)
        policy = self.config.spurious_speakers
        spurious = find_spurious_speakers(annotation, policy, linking.known)
        if not spurious:
            return linking
        labels = {name: label for label, name in names.items()}
        spare = max(len(names) - needed, 0)
        dropped = np.array([labels[name] for name in spurious[:spare]], np.int64)
        remaining = reassign(first.local, linking.labels, dropped)
        return replace(linking, labels=remaining).without_gaps()


def _check_space(first: FirstPass, config: DiarizerConfig) -> None:
    plda = getattr(config.clusterer, "plda", None)
    fingerprint = "" if plda is None else str(plda.fingerprint)
    if fingerprint not in ("", first.fingerprint):
        raise ModelError(
            f"the clusterer's PLDA is of the encoder {fingerprint}, the embeddings are of "
            f"{first.fingerprint}; fit one to this encoder: python -m recipes.plda.train"
        )
