"""Embeddings of frames: the frame head beside windows pooled around each frame.

python -m eval.frame_embeddings --data FOLDER... [--head CARD]
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FRAME_HEADS
from diarspk.errors import ModelError
from eval.command_line import command
from eval.diarization.conversations import read_conversations
from eval.frame_embeddings.comparison import CONVENTION, Results, compare, format_figures
from eval.frame_embeddings.labels import KINDS
from eval.frame_embeddings.scoring import (
    Answers,
    join_figures,
)
from eval.report.progress import follow
from eval.report.run_record import JsonReport

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...]
    """Folders of conversations."""
    head: Path | None = None
    """Card of a frame head; none: the encoder's own."""
    encoder: str | None = None
    """Name or card; none: the embedded encoder."""
    windows: tuple[float, ...] = (0.5, 1.0, 1.5)
    """Seconds of the windows pooled around each frame."""
    pairs: int = 1000
    """Number of pairs of each recording and kind of frame."""
    seed: int = 0
    """Seed of the pairs."""
    recordings: int | None = None
    """Number of recordings: the first ones of each set."""


@command
def main(settings: Settings) -> None:
    """Run the command line; 1 if a file cannot be read."""
    encoder = _load(settings.encoder, settings.head)
    results = {folder.name: _compare_set(folder, encoder, settings) for folder in settings.data}
    for name, found in results.items():
        print(f"{name}, {_describe(found)}\n\n{format_figures(found)}\n")
    print(CONVENTION)
    document = {
        name: {
            system: {kind: asdict(one) for kind, one in kinds.items()}
            for system, kinds in found.items()
        }
        for name, found in results.items()
    }
    settings.report.write({"convention": CONVENTION, "results": document})


def _compare_set(folder: Path, encoder: LocalEncoder, settings: Settings) -> Results:
    answers: dict[str, dict[str, list[Answers]]] = defaultdict(lambda: defaultdict(list))
    conversations = read_conversations(folder)[: settings.recordings]
    for number, conversation in enumerate(follow(conversations, folder.name)):
        generator = np.random.default_rng([settings.seed, number])
        found = compare(
            conversation,
            encoder,
            windows=settings.windows,
            pairs=settings.pairs,
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


if __name__ == "__main__":
    raise SystemExit(main())
