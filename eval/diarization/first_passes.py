"""First passes over folders of conversations, which several protocols share."""

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

__all__ = ["ConversationPass", "add_first_pass_options", "build_diarizer", "run_first_passes"]


@dataclass(frozen=True)
class ConversationPass:
    """A conversation and the first pass over it.

    Attributes
    ----------
    conversation : Conversation
    first : FirstPass
    defaults : Defaults
        Parts that belong to the encoder of the pass.
    """

    conversation: Conversation
    first: FirstPass
    defaults: Defaults = field(default_factory=Defaults)

    def diarize(self, config: DiarizerConfig) -> Diarization:
        """Postprocess the first pass with other settings."""
        return Diarization.from_first_pass(self.first, Postprocessing(config, self.defaults))


def run_first_passes(
    folder: Path, diarizer: Diarizer, limit: int | None = None
) -> Iterator[ConversationPass]:
    """Run the first pass over each conversation of a folder, at most ``limit`` of them."""
    conversations = read_conversations(folder)[:limit]
    for conversation in follow(conversations, folder.name):
        first = diarizer.first_pass(conversation.audio)
        yield ConversationPass(conversation, first, diarizer.postprocessing.defaults)


def add_first_pass_options(parser: argparse.ArgumentParser) -> None:
    """Add the options ``data``, ``cache``, ``recordings`` and ``json`` to a command line."""
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    add("--cache", type=Path, metavar="DIR", help="store the passes over recordings here")
    add("--recordings", type=int, metavar="N", help="only the first N of each set")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")


def build_diarizer(
    encoder: str | None, cache: Path | None, segmentation: str | None = None
) -> Diarizer:
    """Load a diarizer on an encoder; where no segmentation is named, with its own."""
    return Diarizer.load(encoder or EMBEDDED, segmentation=segmentation, cache=cache)
