"""Folders of conversations after one pass over each: where protocols on the same passes begin."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import Defaults
from diarspk.diarization.diarizer import EMBEDDED, Diarizer
from diarspk.diarization.local_speakers import FirstPass
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.result import Diarization
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_conversations
from eval.report.progress import follow

__all__ = ["Heard", "add_listening_options", "build_diarizer", "listen"]


@dataclass(frozen=True)
class Heard:
    """A conversation after the pass over it."""

    conversation: Conversation
    session: FirstPass
    defaults: Defaults = field(default_factory=Defaults)

    def diarize(self, config: DiarizerConfig) -> Diarization:
        """Postprocess the first pass with other settings."""
        return Diarization.from_first_pass(self.session, Postprocessing(config, self.defaults))


def listen(folder: Path, diarizer: Diarizer, most: int | None = None) -> Iterator[Heard]:
    """Pass over the conversations of a folder, or over the first few of them."""
    conversations = read_conversations(folder)[:most]
    for conversation in follow(conversations, folder.name):
        first = diarizer.first_pass(conversation.audio)
        yield Heard(conversation, first, diarizer.postprocessing.defaults)


def add_listening_options(parser: argparse.ArgumentParser) -> None:
    """Add what a protocol on conversations takes: ``data``, ``cache``, ``recordings``, ``json``."""
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    add("--cache", type=Path, metavar="DIR", help="keep the passes over recordings here")
    add("--recordings", type=int, metavar="N", help="only the first N of each set")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")


def build_diarizer(
    model: str | None, cache: Path | None, segmentation: str | None = None
) -> Diarizer:
    """Load a diarizer on an encoder; where no segmentation is named, with its own."""
    return Diarizer.load(model or EMBEDDED, segmentation=segmentation, cache=cache)
