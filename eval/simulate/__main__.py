r"""Write simulated conversations with exact references, to choose a diarizer's settings on.

    python -m eval.simulate --data ../shared --split dev --templates ami-dev voxconverse-dev \
        --conversations 64 --seconds 150 --seed 1 --output FOLDER

DATA holds ``speech/`` (see ``eval/embeddings/speech.py``), ``noise/noise/*.opus`` and
``conversations/annotations/CORPUS/SPLIT/*.rttm``. Conversation N depends on the seed and N alone:
a second call goes on where one was interrupted, or adds conversations to those that are there.

``--templates ami-mfa-dev --references ami-dev`` lays speech on turns of forced alignment, and
writes what the annotators of the same meetings made of them to ``references/ami-dev``: two
conventions of boundaries for one sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diarspk.errors import ArgumentError
from eval.command_line import command
from eval.diarization.conversations import read_conversations
from eval.diarization.manifests import data_set_name
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.simulate.conversation import Sources, simulate
from eval.simulate.noise import read_noise
from eval.simulate.settings import SimulationConfig
from eval.simulate.statistics import HEADER, describe
from eval.simulate.templates import read_templates
from eval.simulate.voices import read_voices
from eval.simulate.writing import (
    SimulatedSet,
    check_folder,
    is_written,
    open_folder,
    write_conversation,
)

__all__ = ["main", "read_sources", "write_set"]


def read_sources(data: Path, made: SimulatedSet) -> Sources:
    """Templates, voices without pauses, and noise of a data folder."""
    config = made.settings
    annotations = data / "conversations" / "annotations"
    templates = read_templates(annotations, made.templates, seconds=config.seconds)
    references = read_templates(annotations, made.references, seconds=config.seconds)
    voices = read_voices(data / "speech", made.split, config)
    noise = read_noise(data / "noise" / "noise", shortest_s=config.shortest_noise_s)
    return Sources(voices, templates, noise, dict(zip(made.references, references, strict=True)))


def write_set(data: Path, output: Path, made: SimulatedSet, conversations: int) -> None:
    """Write the conversations that are not there yet.

    Raises
    ------
    DiarspkError
        If the data lack something, or the folder holds other conversations.
    """
    if conversations < 1:
        raise ArgumentError(f"`conversations` must be 1 or more, got {conversations}")
    if made.seed < 0:
        raise ArgumentError(f"`seed` must be 0 or more, got {made.seed}")
    check_folder(output, made)
    missing = [
        number for number in range(conversations) if not is_written(output, made.name(number))
    ]
    if not missing:
        return
    sources = read_sources(data, made)  # takes minutes
    open_folder(output, made, conversations)
    for number in follow(missing, output.name):
        one = simulate(sources, made.settings, seed=made.seed, number=number)
        write_conversation(one, output, made.name(number))


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder of speech, noise and annotations."""
    output: Path
    """Folder to write to."""
    split: str = "dev"
    """Split of the speech."""
    templates: tuple[str, ...] = ("ami-dev", "voxconverse-dev")
    """CORPUS-SPLIT: sets of annotations, each drawn from as often."""
    references: tuple[str, ...] = ()
    """Sets of other annotations of the same recordings: further references."""
    conversations: int = 64
    """Number of conversations."""
    seconds: float = SimulationConfig.seconds
    """Length of each conversation."""
    alone: float = SimulationConfig.single_speaker_probability
    """Share of conversations with a single speaker."""
    rooms: float = SimulationConfig.room_probability
    """Share of conversations in a simulated room."""
    telephone: float = SimulationConfig.telephone_probability
    """Share of conversations that come through a telephone line."""
    seed: int = 1
    """Seed of the conversations."""
    compare: tuple[Path, ...] = ()
    """Other data sets to describe in the table."""


@command
def main(settings: Settings) -> None:
    """Run the command line; 0 if every conversation is there."""
    config = SimulationConfig(
        seconds=settings.seconds,
        single_speaker_probability=settings.alone,
        room_probability=settings.rooms,
        telephone_probability=settings.telephone,
    )
    made = SimulatedSet(
        settings.split, settings.templates, settings.seed, config, settings.references
    )
    write_set(settings.data, settings.output, made, settings.conversations)
    rows = [
        describe(read_conversations(folder)).row(data_set_name(folder))
        for folder in (settings.output, *settings.compare)
    ]
    print(markdown_table(HEADER, rows))


if __name__ == "__main__":
    raise SystemExit(main())
