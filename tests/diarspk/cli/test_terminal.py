"""Messages, errors and progress on stderr."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pytest
import typer

from diarspk.cli.terminal import (
    Failures,
    exit_on_error,
    progress_display,
    say,
    warnings_on_one_line,
)
from diarspk.errors import AudioError, AudioWarning, ModelError


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_say_prints_one_line_whatever_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    say("first\n  second")
    assert capsys.readouterr() == ("", "first second\n")


def test_own_warnings_are_one_line_each_and_never_swallowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with warnings_on_one_line():
        for _ in range(2):
            warnings.warn(AudioWarning("a.wav: shorter than its header says"), stacklevel=1)
    assert capsys.readouterr().err == "warning: a.wav: shorter than its header says\n" * 2


def test_other_warnings_keep_their_handling() -> None:
    with warnings_on_one_line(), pytest.raises(FutureWarning):
        warnings.warn("soon", FutureWarning, stacklevel=1)


def test_an_error_becomes_exit_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as stop, exit_on_error():
        raise ModelError("weights.safetensors: damaged; install the package again")
    assert stop.value.exit_code == 1
    assert capsys.readouterr().err == (
        "error: weights.safetensors: damaged; install the package again\n"
    )


@pytest.mark.parametrize("text", ["folder/a.wav: no such file", "a.wav: no such file"])
def test_a_failure_that_names_its_file_is_not_named_twice(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Failures().caught(Path("folder/a.wav")):
        raise AudioError(text)
    assert capsys.readouterr().err == f"error: {text}\n"


def test_a_failure_that_does_not_name_its_file_gets_it(capsys: pytest.CaptureFixture[str]) -> None:
    failures = Failures()
    with failures.caught(Path("a.wav")):
        raise PermissionError("denied")
    assert capsys.readouterr().err == "error: a.wav: denied\n"
    with pytest.raises(typer.Exit):
        failures.exit()


def test_faults_of_the_program_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), Failures().caught(Path("a.wav")):
        raise ZeroDivisionError


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO(), False), (Terminal(), True)])
def test_no_progress_in_a_pipe_or_when_quiet(
    stream: io.StringIO, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with progress_display(quiet) as follow:
        assert follow("a.wav") is None
    assert stream.getvalue() == ""


def test_progress_on_a_terminal_names_file_and_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress_display(False) as follow:
        report = follow("a.wav")
        assert report is not None
        report("segmentation", 0.5)
        report("clustering", 1.0)
    assert "a.wav: clustering" in stream.getvalue()
    assert "100%" in stream.getvalue()
