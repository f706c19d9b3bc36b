"""One pass over a recording: local speakers of overlapping windows, each with its embedding.

Subsegments are embedded in the same pass; see :mod:`diarspk.segmentation.subsegments`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.encoders.local import LocalEncoder
from diarspk.recording import Recording
from diarspk.segmentation.segmenter import Segmenter
from diarspk.segmentation.subsegments import SubsegmentGrid, Subsegments

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
        Of the same recording.
    """

    activity: NDArray[np.float32]
    first: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    seconds: NDArray[np.float64]
    frames: int
    hop: float
    start: float
    subsegments: Subsegments | None = None

    def centroid(self, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Mean of ``chosen (windows, speakers)``, weighted by seconds; unit norm, ``(dim,)``."""
        total = (self.embeddings[chosen] * self.seconds[chosen][:, None]).sum(0)
        return (total / max(float(np.linalg.norm(total)), 1e-8)).astype(np.float32)


def read_local_speakers(
    recording: Recording,
    encoder: LocalEncoder,
    segmenter: Segmenter,
    *,
    progress: Callable[[float], None] | None = None,
) -> LocalSpeakers:
    """Run trunk, segmentation and utterance head over a recording, window by window.

    Parameters
    ----------
    progress
        Called with the seconds of the recording that are done.
    """
    total, hop = encoder.count_frames(recording), encoder.frame_hop
    length = min(round(segmenter.window_s / hop), total)
    starts = window_starts(total, length, round(segmenter.step_s / hop))
    grid = SubsegmentGrid.over(starts, length, hop)
    activity, embeddings, seconds = [], [], []
    subsegments, short = [], []
    done = 0
    for frames, moments in _batches(encoder, recording, starts, length):
        first = starts[done : done + len(frames)]
        found = segmenter(frames, first)  # (windows, frames, speakers)
        weights = solo_weights(found, hop).transpose(0, 2, 1)
        talked = weights.sum(2) * hop
        vectors = _embed(encoder, moments, list(weights)).reshape(*talked.shape, -1)
        activity.append(found)
        embeddings.append(np.where(talked[..., None] > 0, vectors, 0.0))
        seconds.append(talked)
        chosen = grid.choose(found > ACTIVE, first, done)
        short.append(_embed(encoder, moments, [each.weights for each in chosen]))
        subsegments += chosen
        done += len(frames)
        if progress is not None:
            progress((int(first[-1]) + length) * hop)
    return LocalSpeakers(
        np.concatenate(activity),
        starts,
        np.concatenate(embeddings).astype(np.float32),
        np.concatenate(seconds).astype(np.float64),
        total,
        hop,
        encoder.frame_start,
        Subsegments(
            np.concatenate([each.centre for each in subsegments]),
            np.concatenate(short),
            np.concatenate([each.seconds for each in subsegments]),
        ),
    )


def window_starts(total: int, length: int, step: int) -> NDArray[np.int64]:
    """First frames of windows that cover ``total`` frames, the last one flush with the end."""
    starts = np.arange(0, total - length + 1, step)
    if starts[-1] + length < total:
        starts = np.append(starts, total - length)
    return starts.astype(np.int64)


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
    encoder: LocalEncoder, recording: Recording, starts: NDArray[np.int64], length: int
) -> Iterator[tuple[Tensor, list[Tensor]]]:
    """Windows, a few at a time: trunk frames ``(windows, length, width)``, moments of each frame.

    Moments are computed once for each frame, however many windows it lies in.
    """
    held, moments = torch.zeros(0), torch.zeros(0)  # of the frames from `origin` on
    origin, position = 0, 0
    for first, frames in encoder.trunk_blocks(recording):
        with torch.inference_mode():
            fresh = encoder.network.utterance.frame_moments(frames[None])[0]
        held = torch.cat([held, frames]) if len(held) else frames
        moments = torch.cat([moments, fresh]) if len(moments) else fresh
        end = first + len(frames)
        while position < len(starts) and starts[position] + length <= end:
            ready = starts[position : position + WINDOWS_PER_BATCH]
            ready = ready[ready + length <= end]
            spans = [slice(begin, begin + length) for begin in (ready - origin).tolist()]
            yield torch.stack([held[span] for span in spans]), [moments[span] for span in spans]
            position += len(ready)
        if position < len(starts):
            drop = int(starts[position]) - origin
            held, moments, origin = held[drop:], moments[drop:], origin + drop


@torch.inference_mode()
def _embed(
    encoder: LocalEncoder, moments: list[Tensor], weights: list[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Embed spans of windows, given as weights of frames ``(spans, length)``, one after another.

    Unit vectors ``(spans of all windows, dim)``.
    """
    pooled = [
        (torch.from_numpy(np.ascontiguousarray(spans)) @ each.flatten(1)).view(-1, *each.shape[1:])
        for spans, each in zip(weights, moments, strict=True)
        if len(spans)
    ]
    if not pooled:
        return np.zeros((0, encoder.dimension), np.float32)
    embeddings = encoder.network.utterance.embed_moments(torch.cat(pooled)[None])[0]
    return nn.functional.normalize(embeddings, dim=-1).numpy()
