"""Embeddings of frames: the frame head beside windows pooled around each frame.

python -m eval.frame_embeddings --data FOLDER... [--head CARD]
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder, Region
from diarspk.encoders.local.frame_head import FRAME_HEADS
from diarspk.errors import DiarspkError, ModelError
from diarspk.features.recording import Recording
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_conversations
from eval.frame_embeddings.labels import KINDS, Halves, label_frames, split_halves
from eval.frame_embeddings.scoring import (
    Answers,
    Figures,
    classify,
    draw_pairs,
    join_figures,
    score_pairs,
)
from eval.report.progress import follow
from eval.report.report import describe_run, markdown_table, write_json

__all__ = ["compare", "embed_systems", "main"]

CONVENTION = (
    "Accuracy: nearest of the speakers' centroids, each pooled by the utterance head from a "
    "held-out half of the speaker's clean frames; in overlap either speaker is right. EER: cosine "
    "of a frame of that kind and a clean frame of the same recording, at least 2 s apart. Clean: "
    "one talks, nobody else within 0.5 s; change: another talks within 0.5 s."
)

Vectors = NDArray[np.float32]
Results = dict[str, dict[str, Figures]]
"""Figures of each system on each kind of frame."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 if a file cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        encoder = _load(options.model, options.head)
        results = {folder.name: _compare_set(folder, encoder, options) for folder in options.data}
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    for name, found in results.items():
        print(f"{name}, {_describe(found)}\n\n{format_figures(found)}\n")
    print(CONVENTION)
    if options.json is not None:
        document = {
            name: {
                system: {kind: asdict(one) for kind, one in kinds.items()}
                for system, kinds in found.items()
            }
            for name, found in results.items()
        }
        write_json({**describe_run(), "convention": CONVENTION, "results": document}, options.json)
    return 0


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
            *(_percent(kinds[kind].accuracy) for kind in KINDS),
            *(_percent(kinds[kind].equal_error_rate) for kind in KINDS),
        ]
        for system, kinds in results.items()
    ]
    return markdown_table(header, rows)


def _compare_set(folder: Path, encoder: LocalEncoder, options: argparse.Namespace) -> Results:
    answers: dict[str, dict[str, list[Answers]]] = defaultdict(lambda: defaultdict(list))
    conversations = read_conversations(folder)[: options.recordings]
    for number, conversation in enumerate(follow(conversations, folder.name)):
        generator = np.random.default_rng([options.seed, number])
        found = compare(
            conversation,
            encoder,
            windows=options.windows,
            pairs=options.pairs,
            generator=generator,
        )
        for system, kinds in found.items():
            for kind, one in kinds.items():
                answers[system][kind].append(one)
    return {
        system: {kind: join_figures(each) for kind, each in kinds.items()}
        for system, kinds in answers.items()
    }


def _load(model: str | None, head: Path | None) -> LocalEncoder:
    encoder = load_encoder() if model is None else load_encoder(model)
    if not isinstance(encoder, LocalEncoder):
        raise ModelError(f"{model}: has no local trunk; frames are compared of such encoders only")
    if head is None:
        return encoder
    fingerprint = encoder.fingerprint
    return LocalEncoder(encoder.network, fingerprint, FRAME_HEADS.read(head, fingerprint))


def _window(middle: int, length: int, frames: int) -> Region:
    first = max(middle - length // 2, 0)
    last = min(middle - length // 2 + length, frames)
    return Region(first, np.ones(last - first, np.float32))


def _chosen(frames: NDArray[np.int64]) -> Region:
    weights = np.zeros(frames[-1] - frames[0] + 1, np.float32)
    weights[frames - frames[0]] = 1.0
    return Region(int(frames[0]), weights)


def _describe(results: Results) -> str:
    kinds = next(iter(results.values()))
    counts = [f"{kinds[kind].frames} {kind} ({kinds[kind].pairs} pairs)" for kind in KINDS]
    return f"frames: {', '.join(counts)}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.frame_embeddings", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    add("--head", type=Path, metavar="CARD", help="frame head; the one that ships without it")
    add("--model", metavar="NAME", help="encoder by name or card; the default without it")
    add("--windows", type=float, nargs="+", default=[0.5, 1.0, 1.5], metavar="SECONDS")
    add("--pairs", type=int, default=1000, metavar="N", help="of a recording and kind of frame")
    add("--seed", type=int, default=0)
    add("--recordings", type=int, metavar="N", help="only the first N of each set")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
