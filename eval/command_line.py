'''Commands whose settings are a frozen dataclass; tyro makes the options of its fields.

A field becomes the option of its name with hyphens, its docstring the help, and the docstring of
the module the description::

    @dataclass(frozen=True)
    class Settings:
        report: JsonReport
        data: tuple[Path, ...]
        """Folders of conversations."""

    @command
    def main(settings: Settings) -> None:
        settings.report.write({"recordings": len(settings.data)})

    if __name__ == "__main__":
        raise SystemExit(main())

``tuple[T, ...]`` takes one value or more, ``Sequence[T]`` also none. The fields of a dataclass that
is a field itself, like ``report``, become options without a prefix. Where ``settings`` are a union
of dataclasses, each is a command of its own, named after the class.
'''

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import wraps
from inspect import signature
from subprocess import CalledProcessError
from types import NoneType, UnionType
from typing import Any, Protocol, Union, get_args, get_type_hints

from diarspk.cli.terminal import EXPECTED, describe_error, say

try:
    import tyro
    from tyro.conf import Positional
    from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo
except ModuleNotFoundError as error:
    remedy = "pip install -e '.[benchmark]' for eval, '.[train]' for recipes"
    raise ModuleNotFoundError(f"{error.msg}: {remedy}", name=error.name) from None

__all__ = ["Main", "Positional", "command", "exclusive", "one_of", "option"]

Specification = PrimitiveConstructorSpec[Any]

MARKERS = (
    tyro.conf.OmitArgPrefixes,
    tyro.conf.FlagCreatePairsOff,  # no --no-... of a flag
    tyro.conf.PositionalMetavarFromFieldName,
)

TYPES = ConstructorRegistry()
"""Types that are read otherwise than tyro reads them."""

option = tyro.conf.arg
"""``Annotated[T, option(name="from")]``: an option that is not called like its field."""

exclusive = tyro.conf.create_mutex_group
"""``one = exclusive(required=True)``, and options ``Annotated[T, one]`` exclude each other."""


class Main(Protocol):
    """Entry point of a command: words of the command line, or those of this process."""

    def __call__(self, arguments: Sequence[str] | None = None) -> int:
        """Exit status: 1 after an error, which is one line on stderr."""


def command(run: Callable[..., int | None]) -> Main:
    """Turn a function of settings into the entry point of its module.

    Parameters
    ----------
    run : callable
        Its parameter is annotated with the class of the settings, or the union of those of several
        commands; it returns the exit status, or nothing after success. A second parameter takes the
        words that are no option of the settings, to pass them on to another command.
    """
    passes_on = len(signature(run).parameters) > 1
    passing_on: Any = {"return_unknown_args": passes_on}

    @wraps(run)
    def main(arguments: Sequence[str] | None = None) -> int:
        module = run.__globals__
        kind, *_ = get_type_hints(run, include_extras=True).values()
        program = f"python -m {module['__spec__'].name.removesuffix('.__main__')}"
        with _faults_on_one_line(program):
            found = tyro.cli(
                kind,
                prog=program,
                description=module["__doc__"],
                args=arguments,
                config=MARKERS,
                registry=TYPES,
                **passing_on,
            )
        try:
            return run(*(found if passes_on else (found,))) or 0
        except (*EXPECTED, CalledProcessError) as error:
            say(f"error: {describe_error(error)}")
            return 1
        except KeyboardInterrupt:
            say("interrupted")
            return 130

    return main


@contextmanager
def _faults_on_one_line(program: str) -> Iterator[None]:
    """Print what is wrong with the options as usage and one line; tyro draws a box."""
    written = io.StringIO()
    try:
        with redirect_stderr(written):
            yield
    except SystemExit as stop:
        if stop.code:
            say(f"usage: {program} [-h] [OPTIONS]")
            say(f"{program}: error: {_fault(written.getvalue())}")
        raise


def one_of(choices: Collection[str]) -> Specification:
    """Annotation of a text that is one of those, where they are known only when the program runs.

    ``Annotated[str, one_of(CLUSTERERS)]``; where they are written down, a ``Literal`` says it.
    """
    names = tuple(choices)
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"{{{','.join(names)}}}",
        instance_from_str=lambda words: words[0],
        is_instance=lambda value: value in names,
        str_from_instance=lambda value: [value],
        choices=names,
    )


def _read(kind: Any, of: PrimitiveTypeInfo) -> Specification | None:
    found = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kind, of.markers))
    return found if isinstance(found, PrimitiveConstructorSpec) else None


@TYPES.primitive_rule
def _one_or_more(kind: PrimitiveTypeInfo) -> Specification | None:
    """``tuple[T, ...]``, of which tyro would take no value as well."""
    inner, *rest = get_args(kind.type) or [None]
    if kind.type_origin is not tuple or rest != [...] or (one := _read(inner, kind)) is None:
        return None

    def convert(words: list[str]) -> tuple[Any, ...]:
        if not words:
            raise ValueError("takes one value or more")
        return tuple(one.instance_from_str([word]) for word in words)

    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{one.metavar} [{'' if one.choices else one.metavar + ' '}...]",
        instance_from_str=convert,
        is_instance=lambda value: isinstance(value, tuple) and all(map(one.is_instance, value)),
        str_from_instance=lambda values: (
            [one.str_from_instance(value)[0] for value in values] or ["none"]
        ),
        choices=one.choices,
    )


@TYPES.primitive_rule
def _optional(kind: PrimitiveTypeInfo) -> Specification | None:
    """``T | None``, for which tyro would read the word None as well: here it may be a file."""
    kinds = [one for one in get_args(kind.type) if one is not NoneType]
    if kind.type_origin not in (Union, UnionType) or len(kinds) != 1:
        return None
    if (one := _read(kinds[0], kind)) is None:
        return None
    return PrimitiveConstructorSpec(
        nargs=one.nargs,
        metavar=one.metavar,
        instance_from_str=one.instance_from_str,
        is_instance=lambda value: value is None or one.is_instance(value),
        str_from_instance=lambda value: ["none"] if value is None else one.str_from_instance(value),
        choices=one.choices,
    )


def _fault(text: str) -> str:
    """One line of the box in which tyro tells what is wrong: without its title and its advice."""
    lines = [line.strip().strip("│|").strip() for line in text.splitlines()]
    rules = [number for number, line in enumerate(lines) if re.search("[─-]{8}", line)]
    first, last = (*rules, len(lines))[:2] if rules else (-1, len(lines))
    fault = " ".join(filter(None, lines[first + 1 : last]))
    return re.sub(r"^Error parsing ((?!-)[\w.-]*[a-z][\w.-]*: )?", "", fault)
