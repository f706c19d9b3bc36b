"""The diarizer: from a recording to who spoke when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import Audio, open_audio
from diarspk.clustering import AgglomerativeClusterer, Clusterer, speaker_bounds
from diarspk.diarization import Diarization
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local import LocalEncoder
from diarspk.errors import ArgumentError
from diarspk.linking import UNBOUNDED, SpeakerBounds, link
from diarspk.recording import Recording, analyse
from diarspk.segmentation.local_speakers import LocalSpeakers, read_local_speakers
from diarspk.segmentation.segmenter import Segmenter
from diarspk.stitching import (
    StitchingConfig,
    Turn,
    binarize,
    exclusive_activity,
    find_turns,
    keep_everyone,
    speaker_activity,
)

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["Diarizer", "DiarizerConfig"]

Progress = Callable[[str, float], None]

SHORTEST_WINDOW_S = 0.3
"""Windows are not halved below this to find as many speakers as the caller asked for."""


@dataclass(frozen=True)
class DiarizerConfig:
    """Settings of the pipeline, chosen once on the development conversations."""

    clusterer: Clusterer = field(default_factory=lambda: AgglomerativeClusterer(threshold=0.75))
    reliable_s: float = 1.0
    stitching: StitchingConfig = field(default_factory=StitchingConfig)


class Diarizer:
    """Says who spoke when, overlap included.

    Parameters
    ----------
    config
        Settings of clustering and stitching.
    encoder
        Speaker encoder; the embedded default where none is given.
    segmentation
        What finds local speakers; the embedded activity head where none is given, or
        :class:`diarspk.segmentation.SileroSegmenter`.
    """

    def __init__(
        self,
        config: DiarizerConfig | None = None,
        encoder: SpeakerEncoder | None = None,
        segmentation: Segmenter | None = None,
    ) -> None:
        from diarspk.models import load_encoder, load_segmenter

        self.config = config or DiarizerConfig()
        encoder = encoder or load_encoder()
        if not isinstance(encoder, LocalEncoder):
            raise ArgumentError(
                "`encoder` must be one whose frames come from a single pass over the recording, "
                f"such as the embedded one, got {type(encoder).__name__}; leave it out"
            )
        self.encoder = encoder
        self.segmentation = segmentation or load_segmenter()

    def __call__(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        *,
        channel: int | None = None,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        progress: Progress | None = None,
    ) -> Diarization:
        """Diarize a recording.

        Parameters
        ----------
        audio, sample_rate, channel
            See :func:`diarspk.audio.load_audio`.
        num_speakers, min_speakers, max_speakers
            Exact number of speakers and bounds on it, from 1; honoured wherever there is speech
            enough for so many.
        progress
            Called with the name of a stage and the fraction of it that is done.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        ArgumentError
            If the bounds contradict each other or the sample rate is missing.
        """
        speaker_bounds(
            1, num_speakers=num_speakers, min_speakers=min_speakers, max_speakers=max_speakers
        )
        stream = open_audio(audio, sample_rate, channel=channel)
        recording = analyse(
            stream, self.encoder.log_mel, progress=_stage(progress, "reading", stream.duration)
        )
        self.segmentation.prepare(stream, self.encoder, self.encoder.count_frames(recording))
        bounds = SpeakerBounds(num_speakers, min_speakers, max_speakers)
        local = self._listen(recording, bounds.needed, progress)
        return self.finish(recording, local, bounds)

    def _listen(
        self, recording: Recording, needed: int, progress: Progress | None
    ) -> LocalSpeakers:
        """One pass; with shorter windows where those have fewer local speakers than ``needed``."""
        segmenter = self.segmentation
        while True:
            stage = _stage(progress, "listening", recording.duration)
            local = read_local_speakers(recording, self.encoder, segmenter, progress=stage)
            talking = int((local.seconds > 0).sum())
            if not 0 < talking < needed or segmenter.window_s < SHORTEST_WINDOW_S:
                return local
            segmenter = segmenter.halved()

    def finish(
        self,
        recording: Recording,
        local: LocalSpeakers,
        bounds: SpeakerBounds = UNBOUNDED,
    ) -> Diarization:
        """Cluster and stitch what one pass over a recording has found; takes milliseconds."""
        labels = link(local, self.config.clusterer, bounds, reliable_s=self.config.reliable_s)
        settings, hop, duration = self.config.stitching, local.hop, recording.duration
        activity = speaker_activity(local, labels, int(labels.max()) + 1)
        active = keep_everyone(binarize(activity, settings), activity)
        alone = exclusive_activity(active, activity)
        turns = find_turns(active, activity, settings, hop=hop, duration=duration)
        single = find_turns(alone, activity, settings, hop=hop, duration=duration, bridge=False)
        names = _names(turns)
        annotation = _annotation(turns, names, recording.uri)
        return Diarization(
            annotation=annotation,
            exclusive=_annotation(single, names, recording.uri),
            speakers={name: _centroid(local, labels == speaker) for speaker, name in names.items()},
            fingerprint=self.encoder.fingerprint,
            confidence={
                (segment, track): turns[int(track)].confidence
                for segment, track in annotation.itertracks()
            },
            duration=duration,
        )


def _stage(
    progress: Progress | None, name: str, total: float | None
) -> Callable[[float], None] | None:
    """Turn seconds done into a fraction of a stage; nothing where the total is unknown."""
    if progress is None or not total:
        return None
    return lambda seconds: progress(name, min(seconds / total, 1.0))


def _names(turns: list[Turn]) -> dict[int, str]:
    """SPEAKER_00, SPEAKER_01, ... in order of first appearance."""
    order = dict.fromkeys(turn.speaker for turn in turns)
    return {speaker: f"SPEAKER_{number:02d}" for number, speaker in enumerate(order)}


def _annotation(turns: list[Turn], names: dict[int, str], uri: str) -> Annotation:
    from pyannote.core import Annotation, Segment

    annotation = Annotation(uri=uri)
    for track, turn in enumerate(turns):
        if turn.speaker in names:
            annotation[Segment(turn.start, turn.end), track] = names[turn.speaker]
    return annotation


def _centroid(local: LocalSpeakers, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean of a speaker's embeddings weighted by their seconds, unit norm, ``(dim,)``."""
    weights = local.seconds[chosen][:, None]
    total = (local.embeddings[chosen] * weights).sum(0)
    return (total / max(float(np.linalg.norm(total)), 1e-8)).astype(np.float32)
