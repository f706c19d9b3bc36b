"""Options of commands for many recordings: processes, resumption, parts of a list, a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import typer

from diarspk.cli.lists import is_list

__all__ = ["BatchOptions", "Shard"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """One of several parts of a list: every ``of``-th recording, from the ``index``-th on."""

    index: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """Read ``INDEX/OF``, counted from 1.

        Raises
        ------
        typer.BadParameter
            If it is something else.
        """
        if text is None:
            return cls()
        first, _, second = text.partition("/")
        numbers = first.isascii() and second.isascii() and first.isdigit() and second.isdigit()
        if not numbers or not 1 <= int(first) <= int(second):
            raise typer.BadParameter(
                f"--shard must be INDEX/OF from 1/OF to OF/OF, such as 1/8, got {text}; add 1 "
                "where an array counts from 0"
            )
        return cls(int(first), int(second))

    def of_list(self, listed: Sequence[Item]) -> list[Item]:
        """Take this part of a list."""
        return list(listed[self.index - 1 :: self.of])

    @property
    def report(self) -> str:
        """Name of the report: jobs of an array do not replace one another's."""
        return "report.csv" if self.of == 1 else f"report-{self.index}-of-{self.of}.csv"


@dataclass(frozen=True)
class BatchOptions:
    """How many recordings are done.

    Attributes
    ----------
    jobs : int
        Processes side by side.
    resume : bool
        Leave out recordings that a report tells to be done with the same settings.
    shard : Shard
        Part of the list to do.
    cluster : str, optional
        Address of a Ray cluster with so many workers as `jobs`; see :mod:`diarspk.cluster`.
    chosen : bool
        Whether an option was given that makes a batch of one recording, too.
    """

    jobs: int = 1
    resume: bool = False
    shard: Shard = field(default_factory=Shard)
    cluster: str | None = None
    chosen: bool = False

    @classmethod
    def of(cls, jobs: int, resume: bool, shard: str | None, ray: str | None) -> BatchOptions:
        """Take the options of a command.

        Raises
        ------
        typer.BadParameter
            If the shard is none.
        """
        chosen = jobs > 1 or resume or shard is not None or ray is not None
        return cls(jobs, resume, Shard.parse(shard), ray, chosen)

    def check_folder(self, output: Path | None) -> None:
        """Refuse an output that is no folder, and options that need one, as a usage error."""
        if output is None and self.chosen:
            raise typer.BadParameter("--jobs, --resume, --shard and --ray need -o DIR")
        if output is not None and output.exists() and not output.is_dir():
            raise typer.BadParameter(f"-o must be a folder, {output} is a file")

    def are_many(self, arguments: Sequence[Path]) -> bool:
        """Whether arguments may stand for several recordings, of which there is a report."""
        return self.chosen or len(arguments) > 1 or is_list(arguments[0])
