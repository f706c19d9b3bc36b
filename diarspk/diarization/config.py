"""Settings of the diarizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from diarspk.arguments import check_choice, check_flags, check_method, check_numbers, check_types
from diarspk.clustering.adaptation import UNADAPTED, Adaptation, NonSpeechCluster
from diarspk.clustering.clusterer import Clusterer
from diarspk.diarization.confidence import Calibration
from diarspk.diarization.reconstruction import BOUNDARIES, Boundaries, ReconstructionConfig
from diarspk.diarization.resegmentation import Resegmentation
from diarspk.diarization.spurious_speakers import SpuriousSpeakerPolicy
from diarspk.errors import ArgumentError

__all__ = ["DiarizerConfig", "LinkingConfig"]


Units = Literal["auto", "local", "subsegments"]


@dataclass(frozen=True)
class LinkingConfig:
    """Settings of linking.

    Attributes
    ----------
    adaptation : Adaptation
        Adaptation of the embeddings to the recording.
    non_speech : NonSpeechCluster, optional
        Cluster of non-speech that takes part and is dropped.
    known_similarity : float
        Minimum cosine between an embedding and the known speaker that it surely is.
    same_voice_margin : float, optional
        Difference of cosines from which on two local speakers of one window are one person: the
        embedding of one, from a second or more alone, is so much more similar to the other's
        person than to anybody else. Segmentation has taken one voice for two there. Default: two
        local speakers of a window are two people.
    """

    adaptation: Adaptation = UNADAPTED
    non_speech: NonSpeechCluster | None = None
    known_similarity: float = 0.4
    same_voice_margin: float | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_types(self, adaptation=Adaptation, non_speech=NonSpeechCluster | None)
        check_numbers(self, "known_similarity", minimum=-1.0, maximum=1.0)
        if self.same_voice_margin is not None:
            check_numbers(self, "same_voice_margin", minimum=0.0, maximum=2.0)


@dataclass(frozen=True)
class DiarizerConfig:
    """Settings of the pipeline; the defaults were chosen on the development conversations.

    Attributes
    ----------
    clusterer : Clusterer, optional
        Default: :class:`diarspk.clustering.CountingClusterer` on subsegments, by
        :class:`diarspk.clustering.VBxClusterer` where there are few and otherwise by
        :class:`diarspk.clustering.PldaClusterer`, where the encoder has the PLDA of both, and else
        :data:`diarspk.diarization.defaults.LOCAL_CLUSTERER` on local speakers.
    units : {"auto", "local", "subsegments"}
        Units that are clustered: local speakers of each window, or subsegments of a second and a
        half, after which local speakers join the nearest speaker. ``auto`` means local speakers
        where a clusterer is given. Local speakers are clustered also where the caller gives pairs
        of spans, and where `linking` has a cluster of non-speech.
    reliable_s : float
        Minimum seconds of speech of local speakers that are clustered; the others join them.
    boundaries : {"tight", "loose"}
        Where turns begin and end: ``tight`` at the words, ``loose`` as manual segments of meetings
        have them, with pauses inside a turn and a little more at its ends.
    reconstruction : ReconstructionConfig, optional
        From probabilities to turns. Default: what makes the `boundaries`, see
        :data:`diarspk.diarization.reconstruction.BOUNDARIES`.
    linking : LinkingConfig
        From local speakers to the speakers of the recording.
    resegmentation : Resegmentation, optional
        Division of speech among the speakers by short embeddings; None for none.
    target_speaker_vad : bool
        Whether the TS-VAD head of the encoder, if it has one, corrects who talks when; see
        :mod:`diarspk.diarization.target_speaker_vad`.
    spurious_speakers : SpuriousSpeakerPolicy
        Speakers with too little speech to be trusted.
    calibration : Calibration, optional
        Calibration of the confidence of turns. Default: that of the encoder.
    """

    clusterer: Clusterer | None = None
    units: Units = "auto"
    reliable_s: float = 3.0
    boundaries: Boundaries = "tight"
    reconstruction: ReconstructionConfig | None = None
    linking: LinkingConfig = field(default_factory=LinkingConfig)
    resegmentation: Resegmentation | None = field(default_factory=Resegmentation)
    target_speaker_vad: bool = True
    spurious_speakers: SpuriousSpeakerPolicy = field(default_factory=SpuriousSpeakerPolicy)
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        """Check the settings, so that a slip is told before the work on a long recording."""
        check_types(
            self,
            reconstruction=ReconstructionConfig | None,
            linking=LinkingConfig,
            resegmentation=Resegmentation | None,
            spurious_speakers=SpuriousSpeakerPolicy,
            calibration=Calibration | None,
        )
        if self.clusterer is not None:
            check_method(self.clusterer, "clusterer", "cluster", "a clusterer or None")
        check_choice(self, "units", Units)
        check_choice(self, "boundaries", Boundaries)
        if self.reconstruction is not None and self.boundaries != "tight":
            raise ArgumentError(
                f"`boundaries` must be left out with `reconstruction`, got {self.boundaries!r} and "
                "both; give one of the two"
            )
        check_numbers(self, "reliable_s", minimum=0.0)
        check_flags(self, "target_speaker_vad")

    @property
    def turns(self) -> ReconstructionConfig:
        """Settings of the turns: `reconstruction`, or what makes the `boundaries`."""
        return self.reconstruction or BOUNDARIES[self.boundaries]
