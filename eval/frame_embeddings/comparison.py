"""The frame head beside windows pooled around each frame, on one recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.region_pooling import Region
from diarspk.features.recording import Recording
from eval.diarization.conversation import Conversation
from eval.frame_embeddings.labels import KINDS, Halves, label_frames, split_halves
from eval.frame_embeddings.scoring import (
    Answers,
    Figures,
    classify,
    draw_pairs,
    score_pairs,
)
from eval.report.cells import percent_cell
from eval.report.markdown import markdown_table

__all__ = ["Results", "Vectors", "compare", "embed_systems", "format_figures"]

CONVENTION = (
    "Accuracy: nearest of the speakers' centroids, each pooled by the utterance head from a "
    "held-out half of the speaker's clean frames; in overlap either speaker is right. EER: cosine "
    "of a frame of that kind and a clean frame of the same recording, at least 2 s apart. Clean: "
    "one talks, nobody else within 0.5 s; change: another talks within 0.5 s."
)


Vectors = NDArray[np.float32]


Results = dict[str, dict[str, Figures]]


"""Figures of each system on each kind of frame."""


def compare(
    conversation: Conversation,
    encoder: LocalEncoder,
    *,
    windows: Sequence[float],
    pairs: int,
    generator: np.random.Generator,
) -> dict[str, dict[str, Answers]]:
    """Answers of each system on each kind of frame of one recording; the same pairs for all."""
    recording = encoder.analyse(conversation.audio)
    frames, hop = encoder.count_frames(recording), encoder.frame_hop
    labels = label_frames(conversation, frames, hop, encoder.frame_start)
    halves = split_halves(labels, hop)
    drawn = {kind: draw_pairs(labels, kind, hop, pairs, generator) for kind in KINDS}
    systems, centroids = embed_systems(encoder, recording, windows, halves)
    return {
        system: {
            kind: Answers(
                classify(vectors, labels.kind[kind], labels, halves, centroids),
                score_pairs(vectors, drawn[kind]),
                drawn[kind].same,
            )
            for kind in KINDS
        }
        for system, vectors in systems.items()
    }


def embed_systems(
    encoder: LocalEncoder, recording: Recording, windows: Sequence[float], halves: Sequence[Halves]
) -> tuple[dict[str, Vectors], Vectors]:
    """Embed all frames by each system, ``(frames, dim)``, and centroids, ``(halves, 2, dim)``.

    Windows and centroids are pooled in one pass of the trunk. A window is cut at the ends of the
    recording.
    """
    frames, hop = encoder.count_frames(recording), encoder.frame_hop
    lengths = {"one frame": 1} | {f"{s:g} s pooled": max(round(s / hop), 1) for s in windows}
    regions = [_window(i, length, frames) for length in lengths.values() for i in range(frames)]
    regions += [_chosen(half) for each in halves for half in (each.early, each.late)]
    vectors = encoder.embed_regions(recording, regions)
    parts = np.split(vectors, np.arange(1, len(lengths) + 1) * frames)
    systems = dict(zip(lengths, parts[:-1], strict=True))
    if encoder.frame_head is not None:
        systems["frame head"] = encoder.embed_each(recording)
    return systems, parts[-1].reshape(len(halves), 2, encoder.dimension)


def format_figures(results: Results) -> str:
    """One Markdown table of a data set, a row for each system."""
    header = ["system", *(f"{kind} %" for kind in KINDS), *(f"EER {kind} %" for kind in KINDS)]
    rows = [
        [
            system,
            *(percent_cell(kinds[kind].accuracy) for kind in KINDS),
            *(percent_cell(kinds[kind].equal_error_rate) for kind in KINDS),
        ]
        for system, kinds in results.items()
    ]
    return markdown_table(header, rows)


def _window(middle: int, length: int, frames: int) -> Region:
    first = max(middle - length // 2, 0)
    last = min(middle - length // 2 + length, frames)
    return Region(first, np.ones(last - first, np.float32))


def _chosen(frames: NDArray[np.int64]) -> Region:
    weights = np.zeros(frames[-1] - frames[0] + 1, np.float32)
    weights[frames - frames[0]] = 1.0
    return Region(int(frames[0]), weights)
