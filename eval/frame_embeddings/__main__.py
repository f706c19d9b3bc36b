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

from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FRAME_HEADS
from diarspk.errors import DiarspkError, ModelError
from eval.diarization.conversations import read_conversations
from eval.frame_embeddings.comparison import CONVENTION, Results, compare, format_figures
from eval.frame_embeddings.labels import KINDS
from eval.frame_embeddings.scoring import (
    Answers,
    join_figures,
)
from eval.report.progress import follow
from eval.report.run_record import describe_run, write_json

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 if a file cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        encoder = _load(options.encoder, options.head)
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


def _describe(results: Results) -> str:
    kinds = next(iter(results.values()))
    counts = [f"{kinds[kind].frames} {kind} ({kinds[kind].pairs} pairs)" for kind in KINDS]
    return f"frames: {', '.join(counts)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.frame_embeddings", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    add("--head", type=Path, metavar="CARD", help="frame head; default: the encoder's own")
    add("--encoder", metavar="NAME", help="name or card; default: the embedded")
    add("--windows", type=float, nargs="+", default=[0.5, 1.0, 1.5], metavar="SECONDS")
    add("--pairs", type=int, default=1000, metavar="N", help="of a recording and kind of frame")
    add("--seed", type=int, default=0)
    add("--recordings", type=int, metavar="N", help="only the first N of each set")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
