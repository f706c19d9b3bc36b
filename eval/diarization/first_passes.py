"""First passes over folders of conversations, which several protocols share."""

from __future__ import annotations

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

__all__ = ["ConversationPass", "FirstPassSettings"]


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


@dataclass(frozen=True)
class FirstPassSettings:
    """Recordings and the first passes over them."""

    data: tuple[Path, ...]
    """Folders of conversations."""
    encoder: str | None = None
    """Encoder, with its segmentation head; none: the embedded one."""
    cache: Path | None = None
    """Folder to store the passes over recordings in."""
    recordings: int | None = None
    """Number of recordings: the first ones of each set."""

    def load(self, segmentation: str | None = None) -> Diarizer:
        """Load a diarizer on the encoder; where no segmentation is named, with its own."""
        return Diarizer.load(self.encoder or EMBEDDED, segmentation=segmentation, cache=self.cache)

    def run(self, folder: Path, diarizer: Diarizer) -> Iterator[ConversationPass]:
        """Run the first pass over each conversation of a folder."""
        conversations = read_conversations(folder)[: self.recordings]
        for conversation in follow(conversations, folder.name):
            first = diarizer.first_pass(conversation.audio)
            yield ConversationPass(conversation, first, diarizer.postprocessing.defaults)
