"""Settings are options: what is asked for arrives, and what is wrong is one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest

from diarspk.errors import ArgumentError, AudioError
from eval.command_line import Positional, command, exclusive, one_of, option

PARTS = {"near": 1, "far": 2}
ONE = exclusive(required=False)
SEEN: list[object] = []


@dataclass(frozen=True)
class Group:
    """What commands share."""

    json: Path | None = None
    """File of the figures."""


@dataclass(frozen=True)
class Settings:
    """All kinds of options."""

    group: Group
    data: tuple[Path, ...]
    """Folders of recordings."""
    hours: tuple[float, ...] = (1.0,)
    """Lengths."""
    measures: Sequence[Literal["SDR", "PESQ"]] = ("SDR",)
    """What is measured."""
    parts: tuple[Annotated[str, one_of(PARTS)], ...] = ("near",)
    """Parts of the set."""
    first: Annotated[Literal["fit", "test"], option(name="from")] = "fit"
    """Stage to begin with."""
    per_recording: bool = False
    """A row for each."""
    count: int | None = None
    """Number of speakers."""
    decoder: Annotated[Path | None, ONE] = None
    """A decoder."""
    synthesiser: Annotated[str | None, ONE] = None
    """Or your own."""

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise ArgumentError(f"`count` must be 1 or more, got {self.count}")


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    SEEN.append(settings)
    if settings.group.json == Path("full"):
        raise OSError(28, "No space left on device", "full")
    if settings.group.json == Path("silent"):
        raise AudioError("silent.wav: holds\nno speech")
    if settings.group.json == Path("interrupted"):
        raise KeyboardInterrupt


@dataclass(frozen=True)
class Build:
    """Build the lists."""

    run: Positional[Path]
    """Folder."""


@dataclass(frozen=True)
class Score:
    """Score the lists."""

    runs: Positional[tuple[Path, ...]]
    """Folders."""
    group: Group = field(default_factory=Group)


@command
def several(settings: Build | Score) -> int:
    """Run one of two commands."""
    SEEN.append(settings)
    return 3


@command
def forwarding(settings: Build, others: Sequence[str]) -> None:
    """Pass on what is no option of its own."""
    SEEN.append((settings, others))


def arrived() -> object:
    return SEEN.pop()


def test_options_arrive_as_the_types_of_their_fields() -> None:
    words = "--data a b --hours 0.1 1 3 --measures PESQ --parts far --from test --per-recording"
    assert main([*words.split(), "--count", "2", "--decoder", "d", "--json", "None"]) == 0
    assert arrived() == Settings(
        Group(Path("None")),  # a file may be called so
        (Path("a"), Path("b")),
        (0.1, 1.0, 3.0),
        ["PESQ"],
        ("far",),
        "test",
        True,
        2,
        Path("d"),
    )


def test_what_is_not_given_has_its_default() -> None:
    assert main(["--data", "a"]) == 0
    assert arrived() == Settings(Group(), (Path("a"),))


def test_a_sequence_may_be_empty() -> None:
    assert main(["--data", "a", "--measures"]) == 0
    settings = arrived()
    assert isinstance(settings, Settings)
    assert not settings.measures


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "--data"),
        ("--data", "--data: takes one value or more"),
        ("--data a --hours", "--hours: takes one value or more"),
        ("--data a --hours 1 long", "--hours: could not convert string to float: 'long'"),
        ("--data a --count many", "--count: invalid literal for int()"),
        ("--data a --count 0", "`count` must be 1 or more, got 0"),
        ("--data a --measures MOS", "invalid choice 'MOS' for argument '--measures'"),
        ("--data a --parts near away", "invalid choice 'away' for argument '--parts'"),
        ("--data a --wrong", "Unrecognized options: --wrong"),
        ("--data a --decoder d --synthesiser s", "not allowed together"),
        ("b --data a", "Unrecognized options: b"),
    ],
)
def test_a_wrong_option_exits_with_usage_and_one_line(
    words: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words.split())
    usage, line = capsys.readouterr().err.splitlines()
    program = "python -m tests.eval.test_command_line"
    assert (stopped.value.code, usage) == (2, f"usage: {program} [-h] [OPTIONS]")
    assert line.startswith(f"{program}: error: ")
    assert fault in line
    assert not set(line) & set("│─╭╰")
    assert not SEEN


@pytest.mark.parametrize(
    ("file", "line", "status"),
    [
        ("full", "error: full: No space left on device", 1),
        ("silent", "error: silent.wav: holds no speech", 1),
        ("interrupted", "interrupted", 130),
    ],
)
def test_an_error_of_the_work_is_one_line(
    file: str, line: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", "a", "--json", file]) == status
    assert capsys.readouterr().err == f"{line}\n"
    assert arrived()


def test_the_help_is_the_docstrings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    text = capsys.readouterr().out
    assert stopped.value.code in (0, None)
    assert text.startswith("usage: python -m tests.eval.test_command_line [-h] [OPTIONS]")
    for part in (
        "Settings are options",
        "--data PATH [PATH ...]",
        "Folders of recordings. (required)",
        "--hours FLOAT [FLOAT ...]",
        "{near,far}",
        "--from {fit,test}",
        "--per-recording",
        "Number of speakers. (default: none)",
        "What commands share.",
        "File of the figures.",
    ):
        assert part in text
    assert "--no-per-recording" not in text


def test_a_union_of_settings_is_a_command_for_each() -> None:
    assert several(["build", "a"]) == 3
    assert arrived() == Build(Path("a"))
    assert several(["score", "a", "b", "--json", "f"]) == 3
    assert arrived() == Score((Path("a"), Path("b")), Group(Path("f")))


def test_options_of_another_command_are_passed_on() -> None:
    assert forwarding(["a", "--blocks", "4", "--wide"]) == 0
    assert arrived() == (Build(Path("a")), ["--blocks", "4", "--wide"])


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "Expected one of {build, score}."),
        ("draw", "Unrecognized options: draw"),
        ("build", "RUN Folder. (required)"),
        ("score", "[RUNS]: takes one value or more"),
    ],
)
def test_a_wrong_command_is_one_line(
    words: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        several(words.split())
    assert fault in capsys.readouterr().err.splitlines()[1]
