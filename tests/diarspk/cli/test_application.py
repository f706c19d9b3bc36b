"""The command as a whole: help, version, start-up, exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from diarspk.cli import app
from diarspk.version import __version__


def test_help_lists_the_commands() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("diarize", "embed", "score", "combine", "lint", "models"):
        assert command in result.stdout


@pytest.mark.parametrize("command", ["diarize", "embed", "score", "combine", "lint", "models"])
def test_each_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert result.stderr == ""


def test_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"diarspk {__version__}\n")


@pytest.mark.parametrize("arguments", [["nonsense"], ["diarize"], ["score", "only-one.rttm"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_help_does_not_wait_for_heavy_packages() -> None:
    code = (
        "import sys; sys.argv = ['diarspk', '--help']\n"
        "from diarspk.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'pandas', 'pyannote.metrics', 'soundfile'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "diarize" in done.stdout
