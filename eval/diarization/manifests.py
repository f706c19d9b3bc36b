"""Data sets that lhotse has prepared: manifests of recordings and of supervisions, JSON lines.

``lhotse prepare ami ...`` writes ``ami-ihm-mix_recordings_test.jsonl.gz`` and, beside it,
``ami-ihm-mix_supervisions_test.jsonl.gz``; the former names the data set here. The files are read
as they are, so lhotse need not be installed.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import FormatError
from diarspk.formats.manifests import audio_of, read_items, take_values
from eval.diarization.conversation import Conversation

__all__ = ["data_set_name", "read_manifests"]


def read_manifests(recordings: Path) -> list[Conversation]:
    """Every recording of a manifest with its supervisions as reference; the whole is scored.

    Parameters
    ----------
    recordings : Path
        ``..recordings...jsonl`` or ``.jsonl.gz``; "supervisions" takes the place of "recordings"
        in the name of the other manifest. Paths in it that are not absolute start at the working
        directory, as lhotse has it, or at the manifest's folder.

    Raises
    ------
    FormatError
        If a manifest is missing or damaged, a recording is not one file, or that file is missing.
    """
    if "recordings" not in recordings.name:
        raise FormatError("must be a manifest of recordings, named so", str(recordings))
    other = recordings.with_name(recordings.name.replace("recordings", "supervisions"))
    turns: dict[str, Annotation] = defaultdict(Annotation)
    for number, item in read_items(other):
        start, duration, recording, speaker = take_values(
            item, ("start", "duration", "recording_id", "speaker"), other, number
        )
        if duration > 0:
            turns[recording][Segment(start, start + duration), number] = str(speaker)
    found = []
    for number, item in read_items(recordings):
        name, _, duration = take_values(item, ("id", "sources", "duration"), recordings, number)
        audio = audio_of(item, recordings, number)
        if not audio.is_file():
            raise FormatError(
                f"no such file: {audio}; is the corpus where it was?", str(recordings), number
            )
        reference = turns[name]
        reference.uri = name
        found.append(Conversation(audio, reference, Timeline([Segment(0, duration)]), name))
    if not found:
        raise FormatError("holds no recording", str(recordings))
    return sorted(found, key=lambda one: one.name)


def data_set_name(data: Path) -> str:
    """Name of a data set in tables: that of the folder, or of the manifest without suffixes."""
    name = data.name.removesuffix(".gz").removesuffix(".jsonl")
    return name.replace("_recordings", "").replace("recordings_", "")
