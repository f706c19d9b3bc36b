"""One pass over a recording: local speakers of overlapping windows, each with its embedding.

Subsegments are embedded in the same pass; see :mod:`diarspk.diarization.subsegments`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.audio import AudioStream
from diarspk.blocks import blocks
from diarspk.diarization.subsegments import Subsegments
from diarspk.diarization.tracks import EvidenceTrack, Track, VoiceTrack
from diarspk.diarization.window_embedding import (
    AudioEmbedder,
    TrunkEmbedder,
    WindowBatch,
    WindowEmbedder,
)
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.features.recording import Recording
from diarspk.segmentation.segmenter import ActivitySegmenter, Segmenter
from diarspk.segmentation.target_speaker_vad import TargetActivityHead
from diarspk.segmentation.windows import window_starts

__all__ = ["LocalSpeakers", "read_local_speakers"]

WINDOWS_PER_BATCH = 16
ACTIVE = 0.5

FEWEST_CLEAN_S = 0.4
"""With less speech than this to itself, a local speaker is embedded from overlapped speech too."""


@dataclass(frozen=True)
class LocalSpeakers:
    """Who talks in each window, not yet linked across windows.

    Attributes
    ----------
    activity : ndarray of float32, ``(windows, frames, speakers)``
        Probability that a local speaker talks.
    first : ndarray of int64, ``(windows,)``
        Number of each window's first frame in the recording.
    embeddings : ndarray of float32, ``(windows, speakers, dim)``
        Unit vectors; zero for a local speaker who does not talk.
    seconds : ndarray of float64, ``(windows, speakers)``
        Speech behind each embedding.
    frames : int
        Frames of the recording.
    hop, start : float
        Seconds between frames, and of the centre of the first.
    subsegments : Subsegments, optional
        Of the same recording, where the trunk embeds.
    voices : ndarray of float16, ``(ceil(frames / VOICE_STEP), dim)``, optional
        What the frame head of the trunk makes of every sixth frame, from the first on.
    evidence : ndarray of float16, ``(frames, channels)``, optional
        What the target activity head reads of every frame.
    """

    activity: NDArray[np.float32]
    first: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    seconds: NDArray[np.float64]
    frames: int
    hop: float
    start: float
    subsegments: Subsegments | None = None
    voices: NDArray[np.float16] | None = None
    evidence: NDArray[np.float16] | None = None

    def centroid(self, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Mean of ``chosen (windows, speakers)``, weighted by seconds; unit norm, ``(dim,)``."""
        total = (self.embeddings[chosen] * self.seconds[chosen][:, None]).sum(0)
        return (total / max(float(np.linalg.norm(total)), 1e-8)).astype(np.float32)


def read_local_speakers(
    recording: Recording,
    trunk: LocalEncoder,
    segmenter: Segmenter,
    *,
    encoder: SpeakerEncoder | None = None,
    stream: AudioStream | None = None,
    target_head: TargetActivityHead | None = None,
    track: Track | None = None,
    precision: Precision = "single",
    progress: Callable[[float], None] | None = None,
) -> LocalSpeakers:
    """Run trunk, segmentation and encoder over a recording, window by window.

    Parameters
    ----------
    recording
        What the trunk reads.
    trunk
        Its frames are what the segmenter reads, and the grid of the result.
    segmenter
        Prepared for this recording.
    encoder
        What embeds the local speakers, from the audio of `stream`; the utterance head of the
        trunk where it is left out.
    target_head
        Of the trunk, whose evidence is kept where the trunk embeds, too.
    track
        Takes in the trunk's frames, too, while they pass by.
    precision
        In which trunk, activity head and frame head multiply matrices.
    progress
        Called with the seconds of the recording that are done.
    """
    total, hop = trunk.count_frames(recording), trunk.frame_hop
    length = min(round(segmenter.window_s / hop), total)
    starts = window_starts(total, length, round(segmenter.step_s / hop))
    embed: WindowEmbedder = TrunkEmbedder(trunk, starts, length)
    if encoder is not None and stream is not None:
        embed = AudioEmbedder(encoder, stream, starts, length, hop)
    voices = VoiceTrack(trunk, total) if encoder is None and trunk.frame_head is not None else None
    evidence = EvidenceTrack(target_head, total) if voices and target_head else None
    tracks = [each for each in (voices, evidence, track) if each is not None]
    # Another network keeps to single precision: only what was measured goes below.
    heads = precision if isinstance(segmenter, ActivitySegmenter) else "single"
    found: _Found | None = None
    for batch in _batches(trunk, recording, starts, length, tracks, precision):
        with multiply_in(heads):
            activity = segmenter(batch.frames, batch.first)  # (windows, frames, speakers)
        weights = solo_weights(activity, hop)
        vectors = embed(batch, activity > ACTIVE, weights)
        talked = weights.sum(1) * hop
        found = found or _Found.of((len(starts), *activity.shape[1:]), vectors.shape[-1])
        rows = slice(batch.number, batch.number + len(activity))
        found.activity[rows], found.seconds[rows] = activity, talked
        found.embeddings[rows] = np.where(talked[..., None] > 0, vectors, 0.0)
        if progress is not None:
            progress((int(batch.first[-1]) + length) * hop)
    assert found is not None  # there is always a window
    return LocalSpeakers(
        found.activity,
        starts,
        found.embeddings,
        found.seconds,
        total,
        hop,
        trunk.frame_start,
        embed.subsegments,
        None if voices is None else voices.finish(),
        None if evidence is None else evidence.found,
    )


class _Found(NamedTuple):
    """What windows have given so far, in arrays that have room for all.

    Kept batch by batch, they would leave holes in the memory that batches come and go in.
    """

    activity: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    seconds: NDArray[np.float64]

    @classmethod
    def of(cls, shape: tuple[int, ...], dimension: int) -> _Found:
        """Make room for activity of that shape, ``(windows, frames, speakers)``."""
        windows, _, speakers = shape
        return cls(
            np.empty(shape, np.float32),
            np.empty((windows, speakers, dimension), np.float32),
            np.empty((windows, speakers), np.float64),
        )


def cosines_to(
    vectors: NDArray[np.floating], directions: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Products of vectors ``(n, dim)``, half precision or not, and directions ``(speakers, dim)``.

    Block by block: in single precision all at once would be twice as large as they are.

    Returns
    -------
    NDArray of float32, shape (n, speakers)
    """
    columns = directions.astype(np.float32).T
    cosines = np.empty((len(vectors), len(directions)), np.float32)
    for rows in blocks(len(vectors)):
        cosines[rows] = vectors[rows].astype(np.float32, copy=False) @ columns
    return cosines


def solo_weights(activity: NDArray[np.float32], hop: float) -> NDArray[np.float32]:
    """Frames that a local speaker has to itself, or all of its frames where those are too few.

    Shape
    -----
    ``(windows, frames, speakers)`` -> the same, in {0, 1}
    """
    active = activity > ACTIVE
    solo = active & (active.sum(-1, keepdims=True) == 1)
    enough = solo.sum(1, keepdims=True) * hop >= FEWEST_CLEAN_S
    return np.where(enough, solo, active).astype(np.float32)


def _batches(
    trunk: LocalEncoder,
    recording: Recording,
    starts: NDArray[np.int64],
    length: int,
    tracks: Sequence[Track],
    precision: Precision,
) -> Iterator[WindowBatch]:
    """Windows of ``length`` frames, a few at a time, from one pass of the trunk.

    Moments are computed once for each frame, however many windows it lies in.
    """
    held, moments = torch.zeros(0), torch.zeros(0)  # of the frames from `origin` on
    origin, position = 0, 0
    for first, frames in trunk.trunk_blocks(recording, precision):
        with torch.inference_mode(), multiply_in(precision):
            fresh = trunk.network.utterance.frame_moments(frames[None])[0]
            for track in tracks:
                track.push(frames, fresh)
        held = torch.cat([held, frames]) if len(held) else frames
        moments = torch.cat([moments, fresh]) if len(moments) else fresh
        end = first + len(frames)
        while position < len(starts) and starts[position] + length <= end:
            ready = starts[position : position + WINDOWS_PER_BATCH]
            ready = ready[ready + length <= end]
            spans = [slice(begin, begin + length) for begin in (ready - origin).tolist()]
            windows = torch.stack([held[span] for span in spans])
            yield WindowBatch(position, ready, windows, [moments[span] for span in spans])
            position += len(ready)
        if position < len(starts):
            drop = int(starts[position]) - origin
            held, moments, origin = held[drop:], moments[drop:], origin + drop
