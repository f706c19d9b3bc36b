"""Files that go with recordings, such as transcripts: found by the names of the recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diarspk.cli.result_names import NamedRecording
from diarspk.errors import FormatError

__all__ = ["CompanionFiles"]


@dataclass(frozen=True)
class CompanionFiles:
    """One file for each recording, or one that holds all of them.

    Attributes
    ----------
    kind : str
        What they are, for messages.
    given : tuple of Path
        Files, and folders of files.
    suffixes : tuple of str
        Those of the files. Where a recording has several, the first one counts.
    several : bool
        Whether there may be several recordings: one file for all must tell them apart then.
    """

    kind: str
    given: tuple[Path, ...]
    suffixes: tuple[str, ...]
    several: bool

    @property
    def shared(self) -> bool:
        """Whether one file holds all recordings."""
        return len(self.given) == 1 and not self.given[0].is_dir()

    def name_of(self, named: NamedRecording) -> str | None:
        """Name under which the file must hold a recording; None where it is of that one alone."""
        return named.name if self.shared and self.several else None

    def find(self, named: NamedRecording) -> Path:
        """Find the file of a recording: called as its result, or as its file with one suffix more.

        Raises
        ------
        FormatError
            If there is none.
        """
        if self.shared:
            return self.given[0]
        names = [
            f"{stem}{suffix}"
            for stem in (named.stem, named.recording.path.name)
            for suffix in self.suffixes
        ]
        files = {path.name: path for path in reversed(self.given) if not path.is_dir()}
        folders = [path for path in self.given if path.is_dir()]
        for name in names:
            for file in (files.get(name), *(folder / name for folder in folders)):
                if file is not None and file.is_file():
                    return file
        *others, last = self.suffixes
        suffixes = f"{', '.join(others)} or {last}" if others else last
        raise FormatError(
            f"has no {self.kind} of {named.stem}; it must be called {named.stem}{suffixes}",
            str(self.given[0]) if len(self.given) == 1 else f"{self.given[0]}, ...",
        )
