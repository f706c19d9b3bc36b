"""Conversations with a reference: ``NAME.flac`` (or Opus, WAV), ``NAME.rttm``, ``NAME.uem``.

Or lhotse's manifests of recordings and supervisions, as its recipes prepare a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pyannote.core import Annotation

from diarspk.errors import ArgumentError, FormatError
from diarspk.formats import read_rttm, read_uem
from diarspk.formats.names import plain_name
from eval.diarization.conversation import Conversation
from eval.diarization.manifests import data_set_name, read_manifests

__all__ = [
    "REFERENCES",
    "list_recordings",
    "read_collections",
    "read_conversation",
    "read_conversations",
]

AUDIO_SUFFIXES = (".wav", ".flac", ".opus")
REFERENCES = "references"
"""Folder of further references beside recordings."""


def list_recordings(folder: Path) -> list[Path]:
    """Every recording of a folder, by name.

    Raises
    ------
    FormatError
        If there is none.
    """
    found = [
        path
        for path in sorted(folder.glob("*"))
        if path.suffix in AUDIO_SUFFIXES and not path.name.startswith(".")
    ]
    if not found:
        raise FormatError(
            f"holds no recording; it must have files {', '.join(AUDIO_SUFFIXES)}", str(folder)
        )
    return found


def read_conversations(folder: Path) -> list[Conversation]:
    """Every recording of a data set with its reference, by name.

    Parameters
    ----------
    folder : Path
        Of recordings with RTTM and UEM beside them; or a lhotse manifest of recordings, whose
        supervisions lie beside it (see :func:`eval.diarization.manifests.read_manifests`).

    Raises
    ------
    FormatError
        If there is no recording, or a recording has no RTTM or UEM of its name.
    """
    if folder.name.endswith((".jsonl", ".jsonl.gz")):
        return read_manifests(folder)
    return [read_conversation(path) for path in list_recordings(folder)]


def read_collections(
    folders: Sequence[Path], references: Sequence[str] = ()
) -> dict[str, list[Conversation]]:
    """Every recording of several data sets, by the name of the set.

    Parameters
    ----------
    folders
        As :func:`read_conversations` takes them.
    references
        Names of further references, ``FOLDER/references/NAME/RECORDING.rttm``. A folder may lack
        them all, for those of another folder.

    Raises
    ------
    ArgumentError
        If no folder has a reference of that name.
    FormatError
        If a file is missing or cannot be read.
    """
    for name in references:
        if not any((folder / REFERENCES / name).is_dir() for folder in folders):
            listed = ", ".join(map(str, folders))
            raise ArgumentError(
                f"`references` must name a folder below {REFERENCES}/ of {listed}, got {name!r}"
            )
    return {
        data_set_name(folder): [
            _add_references(one, folder, references) for one in read_conversations(folder)
        ]
        for folder in folders
    }


def _add_references(conversation: Conversation, folder: Path, names: Sequence[str]) -> Conversation:
    further = {}
    for name in names:
        if (folder / REFERENCES / name).is_dir():
            path = folder / REFERENCES / name / f"{conversation.name}.rttm"
            further[name] = read_rttm(path).get(
                plain_name(conversation.name), Annotation(uri=conversation.name)
            )
    return replace(conversation, further=further)


def read_conversation(audio: Path) -> Conversation:
    """Read a recording's reference and the part of it that is scored, which lie beside it.

    Raises
    ------
    FormatError
        If one of them is missing or damaged.
    """
    name = plain_name(audio.stem)
    for needed in (audio.with_suffix(".rttm"), audio.with_suffix(".uem")):
        if not needed.is_file():
            raise FormatError(f"missing; {audio.name} cannot be scored without it", str(needed))
    references = read_rttm(audio.with_suffix(".rttm"))
    uems = read_uem(audio.with_suffix(".uem"))
    if name not in uems:
        raise FormatError(f"has no region of `{name}`", str(audio.with_suffix(".uem")))
    return Conversation(audio, references.get(name, Annotation(uri=name)), uems[name])
