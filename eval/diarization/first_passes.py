"""First passes over folders of conversations, which several protocols share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import Defaults
from diarspk.diarization.diarizer import EMBEDDED, Diarizer
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_speakers import FirstPass
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.reconstruction import Activity
from diarspk.diarization.result import Diarization
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import REFERENCES, read_collections
from eval.report.progress import follow

__all__ = ["ConversationPass", "FirstPassSettings"]


class _People(NamedTuple):
    """Who is who in a recording by some settings, and the probability of each in every frame."""

    config: DiarizerConfig
    linking: Linking
    activity: Activity


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
    _last: list[_People] = field(default_factory=list, init=False, repr=False, compare=False)

    def diarize(self, config: DiarizerConfig) -> Diarization:
        """Postprocess the first pass with other settings.

        Where they differ from the last ones in the turns alone, who is who stays as it was.
        """
        postprocessing = Postprocessing(config, self.defaults)
        same = config
        if not config.spurious_speakers.absorb:  # which goes by the turns
            same = replace(config, boundaries="tight", reconstruction=None)
        if not self._last or self._last[0].config != same:
            linking = postprocessing.link(self.first)
            activity = postprocessing.refine(self.first, linking)
            self._last[:] = [_People(same, linking, activity)]
        people = self._last[0]
        return Diarization.from_activity(
            people.activity, self.first, people.linking, postprocessing
        )


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

    def run(
        self, folder: Path, diarizer: Diarizer, references: Sequence[str] = ()
    ) -> Iterator[ConversationPass]:
        """Run the first pass over each conversation of a folder.

        Parameters
        ----------
        references
            Further references, as :func:`read_collections` takes them; a folder may lack them.
        """
        known = [name for name in references if (folder / REFERENCES / name).is_dir()]
        (found,) = read_collections([folder], known).values()
        conversations = found[: self.recordings]
        for conversation in follow(conversations, folder.name):
            first = diarizer.first_pass(conversation.audio)
            yield ConversationPass(conversation, first, diarizer.postprocessing.defaults)
