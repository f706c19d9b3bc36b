"""The application ``diarspk``: its commands are entry points, imported when one of them runs.

A command is an entry point of the group ``diarspk.commands``, so a package may add its own::

    [project.entry-points."diarspk.commands"]
    translate = "my_package.command:translate"

The entry point names a function whose signature typer can read, or a ``typer.Typer`` with commands
of its own. ``diarspk --help`` imports none of them: it reads the first line of the function's
docstring, or of its module's, from the source.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from diarspk.cli.process import prepared_process
from diarspk.cli.terminal import say, warnings_on_one_line
from diarspk.version import __version__

__all__ = ["GROUP", "app", "main"]

GROUP = "diarspk.commands"
"""Group of the entry points that are commands."""

OWN = "diarspk"
"""Distribution whose commands no other one replaces."""


class Commands(Mapping[str, Any]):
    """Commands by name, each imported when it is asked for.

    Where two distributions offer a command of one name, that of diarspk wins, then the distribution
    whose name comes first.
    """

    @cached_property
    def entries(self) -> dict[str, EntryPoint]:
        """Entry point of each command, sorted by name."""
        found = sorted(entry_points(group=GROUP), key=_distribution, reverse=True)
        if OWN not in map(_distribution, found):
            # An editable install older than the entry points: its metadata does not list them.
            say("error: the installed metadata of diarspk lists no commands; install it again")
            raise typer.Exit(1)
        found.sort(key=lambda entry: _distribution(entry) == OWN)
        by_name = {entry.name: entry for entry in found}
        return {name: by_name[name] for name in sorted(by_name)}

    def __getitem__(self, name: str) -> Any:
        return load_command(self.entries[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


class CommandGroup(TyperGroup):
    """Group over :class:`Commands` that imports only the one that runs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.available = Commands()
        self.commands = self.available  # type: ignore[assignment] # typer reads it as a mapping

    def list_commands(self, ctx: Any) -> list[str]:
        """Sorted names of the commands."""
        return list(self.available)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Name and summary of a command, which is what a list of commands shows."""
        entry = self.available.entries.get(cmd_name)
        return None if entry is None else TyperCommand(cmd_name, help=summary(entry))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Import the command that is to run."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, None if listed is None else self.available[str(name)], rest


def load_command(entry: EntryPoint) -> Any:
    """Import a command; a package that cannot be imported costs its own command only."""
    try:
        loaded = entry.load()
    # Whatever the import of another project's module raises, the remedy is the same.
    except Exception as error:
        package = _distribution(entry)
        say(
            f"error: the command {entry.name!r} of {package} cannot be imported "
            f"({type(error).__name__}: {error}); install {package} again, or remove it"
        )
        raise typer.Exit(1) from error
    if not isinstance(loaded, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command(entry.name)(loaded)
        loaded = single
    return typer.main.get_command(loaded)


def summary(entry: EntryPoint) -> str:
    """First line of a command's docstring, read without importing it; empty if there is none."""
    try:
        tree = ast.parse(_read_source(entry.module))
    # A list of commands must not fail for what is wrong with one of them.
    except Exception:
        return ""
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    documented = next((node for node in functions if node.name == entry.attr), tree)
    return (ast.get_docstring(documented) or "").partition("\n")[0]


def _read_source(module: str) -> str:
    spec = _find_spec(module)
    loader: Any = None if spec is None else spec.loader
    return loader.get_source(module) or ""


def _find_spec(module: str) -> ModuleSpec | None:
    """Find a module as ``importlib.util.find_spec`` does, but without importing its parents."""
    spec, path, name = None, None, ""
    for part in module.split("."):
        name = f"{name}.{part}".lstrip(".")
        specs = (finder.find_spec(name, path) for finder in sys.meta_path)
        spec = next((found for found in specs if found is not None), None)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec


def _distribution(entry: EntryPoint) -> str:
    return "" if entry.dist is None else entry.dist.name


app = typer.Typer(
    name="diarspk",
    cls=CommandGroup,
    help="Who spoke when: speaker diarization and speaker embeddings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"diarspk {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options that stand before the command."""


def main() -> None:
    """Run the command line; the console script that the package installs as ``diarspk``."""
    with prepared_process(), warnings_on_one_line():
        app()
