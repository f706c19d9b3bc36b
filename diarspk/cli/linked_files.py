"""Files of linked recordings: diarizations with common labels, and the list of people."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from diarspk.atomic import atomic_path
from diarspk.cli.linking_work import DiarizedRecording

if TYPE_CHECKING:
    from diarspk.diarization.people import Appearance, LinkedRecordings

__all__ = ["PEOPLE", "appearance_row", "write_linked"]

PEOPLE = "people.csv"
COLUMNS = ("person", "recording", "speaker", "seconds", "score", "margin")


def write_linked(
    linked: LinkedRecordings,
    done: Sequence[DiarizedRecording],
    targets: Mapping[Path, Path],
    folder: Path,
) -> None:
    """Write each file with common labels to its target, and the list of people into a folder.

    All files appear together: labels of two runs do not go with each other.
    """
    names: dict[Path, dict[tuple[str, str], str]] = {}
    for one in done:
        own = names.setdefault(one.file, {})
        for speaker, person in linked.names(one.name).items():
            own[str(one.annotation.uri), speaker] = person
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as pending:
        for file, renamed in names.items():
            part = pending.enter_context(atomic_path(targets[file]))
            with part.open("w", encoding="utf-8", newline="\n") as stream:
                stream.writelines(_renamed(file, renamed))
        part = pending.enter_context(atomic_path(folder / PEOPLE))
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(COLUMNS)
            rows.writerows(appearance_row(one) for one in linked.appearances)


def appearance_row(one: Appearance) -> list[str]:
    """List the fields of an appearance; what there is not is empty."""
    numbers = ("" if value is None else f"{value:.3f}" for value in (one.score, one.margin))
    return [one.person, one.recording, one.speaker, f"{one.seconds:.2f}", *numbers]


def _renamed(file: Path, names: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Lines of a file of diarizations with other names of speakers, by recording and label."""
    if file.suffix.lower() != ".json":
        from diarspk.formats.renaming import renamed_rttm

        yield from renamed_rttm(file, names)
        return
    from io import StringIO

    from diarspk.diarization.renamed_document import renamed_document
    from diarspk.formats.writers import write_json_document

    text = StringIO()
    document = json.loads(file.read_text(encoding="utf-8"))
    write_json_document(
        renamed_document(document, {label: name for (_, label), name in names.items()}), text
    )
    yield text.getvalue()
