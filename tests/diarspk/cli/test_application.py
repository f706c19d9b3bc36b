"""The application as a whole: commands from entry points, help, version, start-up, exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diarspk.cli import app, main
from diarspk.cli.application import GROUP, load_command, summary
from diarspk.version import __version__

COMMANDS = (
    *("align", "combine", "detect", "diarize", "embed", "export-cue"),
    *("export-encoder", "export-voice"),
    *("extract", "gallery", "link", "lint", "mcp", "models", "plot", "review", "score", "serve"),
    *("stream", "transcript", "verify"),
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def install(folder: Path, name: str, points: str, module: str = "") -> None:
    """Lay a distribution into a folder of ``sys.path``, as an installer does."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    if module:
        (folder / f"{name}.py").write_text(module)


SHOUT = '''"""A module that is not to be imported for a list of commands."""

import typer

print("imported")


def shout(words: list[str], loud: bool = False) -> None:
    """Say words loudly.

    Not part of the list.
    """
    print(" ".join(words).upper() + "!" * loud)
'''


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another project's distribution that offers a command."""
    install(tmp_path, "shouting", f"[{GROUP}]\nshout = shouting:shout\n", SHOUT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shouting", raising=False)
    return tmp_path


def test_help_lists_the_commands_with_a_summary_each() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert command in result.stdout
    own = [
        entry for entry in entry_points(group=GROUP) if entry.dist and entry.dist.name == "diarspk"
    ]
    assert {entry.name for entry in own} == set(COMMANDS)
    assert all(summary(entry).endswith(".") for entry in own)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    (entry,) = entry_points(group=GROUP, name=command)
    assert load_command(entry).help.partition("\n")[0] == summary(entry)


def test_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"diarspk {__version__}\n")


@pytest.mark.parametrize("arguments", [["nonsense"], ["diarize"], ["score", "only-one.rttm"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_another_project_adds_a_command_that_a_list_does_not_import(shouting: Path) -> None:
    listed = run("--help").stdout
    assert "shout" in listed and "Say words loudly." in listed
    assert "imported" not in listed and "shouting" not in sys.modules
    assert run("shout", "--loud", "who", "spoke").stdout == "imported\nWHO SPOKE!\n"


def test_a_command_that_cannot_be_imported_is_one_line_and_costs_no_other(shouting: Path) -> None:
    points = f"[{GROUP}]\nbroken = breaking:command\nabsent = nowhere.at_all:command\n"
    install(shouting, "breaking", points, "import a_package_that_nobody_has\n")
    install(shouting, "unreadable", f"[{GROUP}]\ngarbled = unreadable:command\n", "def (")
    listed = run("--help")
    assert listed.exit_code == 0 and "broken" in listed.stdout and "absent" in listed.stdout
    assert "garbled" in listed.stdout
    broken = run("broken")
    assert (broken.exit_code, broken.stdout) == (1, "")
    assert broken.stderr == (
        "error: the command 'broken' of breaking cannot be imported (ModuleNotFoundError: No "
        "module named 'a_package_that_nobody_has'); install breaking again, or remove it\n"
    )
    for command in ("absent", "garbled"):
        result = run(command)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert run("shout", "still").stdout.endswith("STILL\n")


def test_no_other_project_replaces_a_command_of_diarspk(shouting: Path) -> None:
    install(shouting, "a_thief", f"[{GROUP}]\nscore = shouting:shout\n")
    assert "DER" in run("score", "--help").stdout


def test_metadata_of_an_older_installation_are_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "diarspk", "[console_scripts]\ndiarspk = diarspk.cli:main\n")
    monkeypatch.syspath_prepend(tmp_path)
    result = run("score", "--help")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "lists no commands; install it again" in result.stderr


def test_help_imports_no_command_and_no_heavy_package() -> None:
    code = (
        "import sys; sys.argv = ['diarspk', '--help']\n"
        "from diarspk.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'pyannote.metrics', 'soundfile', 'tse'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
        "own = {name for name in sys.modules if name.startswith('diarspk.cli.')}\n"
        "print(sorted(own), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = [f"diarspk.cli.{name}" for name in ("application", "process", "terminal")]
    assert done.stderr.splitlines() == ["[]", str(own)]
    assert "diarize" in done.stdout


def test_ctrl_c_while_modules_are_imported_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("diarspk.cli.application.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
