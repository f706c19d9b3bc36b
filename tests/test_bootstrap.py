"""The script behind the README's two commands, as far as it goes without a network."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import bootstrap

ROOT = Path(bootstrap.__file__).parent


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["demo", "more"]])
def test_a_wrong_command_explains_itself_and_exits_with_2(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "bootstrap.py", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "bootstrap.py demo" in done.stderr


def test_an_environment_is_made_once_and_mended_when_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "environment"
    python = environment / bootstrap.PYTHON.relative_to(bootstrap.ENVIRONMENT)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", environment)
    monkeypatch.setattr(bootstrap, "PYTHON", python)
    borrowed: list[Path] = []
    monkeypatch.setattr(bootstrap, "borrow_pip", lambda: borrowed.append(environment))
    bootstrap.make_environment()
    assert bootstrap.works(python, "-c", "import sys; assert sys.prefix != sys.base_prefix")
    assert len(borrowed) == 1
    (environment / "mine").touch()
    bootstrap.make_environment()
    assert (environment / "mine").exists()
    python.unlink()
    bootstrap.make_environment()
    assert bootstrap.works(python, "-c", "")
    assert not (environment / "mine").exists()


def test_the_same_set_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(bootstrap, "make_environment", lambda: None)
    monkeypatch.setattr(bootstrap, "pip", lambda *arguments: calls.append(arguments))
    for package in (".", ".", ".[test]", ".[test]"):
        bootstrap.install(package)
    assert calls == [("install", "--editable", "."), ("install", "--editable", ".[test]")]


@pytest.mark.parametrize(("version", "pinned"), [((3, 11, 4), True), ((3, 13, 0), False)])
def test_versions_are_pinned_on_the_python_that_they_were_chosen_on(
    version: tuple[int, int, int], pinned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[object, ...]] = []
    monkeypatch.setattr(bootstrap, "run", lambda *command: commands.append(command))
    monkeypatch.setattr(bootstrap.sys, "version_info", version)
    bootstrap.pip("install", ".")
    assert (bootstrap.CONSTRAINTS in commands[0]) is pinned
    assert commands[0][-1] == "."


def test_the_site_is_built_with_warnings_as_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(bootstrap, "install", lambda package: calls.append((package,)))
    monkeypatch.setattr(bootstrap, "run", lambda *command: calls.append(command))
    bootstrap.docs()
    assert calls[0] == (".[docs]",)
    assert {"mkdocs", "build", "--strict"} <= set(calls[1])


def test_the_sample_is_taken_out_of_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*arguments: str) -> None:
        folder = Path(arguments[arguments.index("--dest") + 1])
        with zipfile.ZipFile(folder / "pyannote_audio-1-py3-none-any.whl", "w") as archive:
            for name in ("sample.wav", "sample.rttm"):
                archive.writestr(f"pyannote/audio/sample/{name}", f"content of {name}")

    monkeypatch.setattr(bootstrap, "SAMPLE", tmp_path / "sample")
    monkeypatch.setattr(bootstrap, "pip", download)
    bootstrap.fetch_sample()
    assert (tmp_path / "sample" / "sample.wav").read_text() == "content of sample.wav"
    assert (tmp_path / "sample" / "sample.rttm").read_text() == "content of sample.rttm"


def test_the_readme_and_the_checks_give_the_same_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 .*$", readme, re.MULTILINE)
    assert commands == ["python3 bootstrap.py demo", "python3 bootstrap.py test"]
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_constraints_are_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", pin) for pin in pins)
    assert {"torch==2.11.0", "torchaudio==2.11.0", "torchcodec==0.17.0"} <= set(pins)


def test_the_test_environment_has_what_the_test_command_runs() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extra = project.partition("\ntest = [")[2].partition("]\n")[0]
    for package in ("coverage", "pytest", "ruff", "mypy", "import-linter"):
        assert f'"{package}>=' in extra


def test_the_wheel_is_tried_on_every_python_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: list[str] = []

    def build(*command: object) -> None:
        if "build" in command and "--outdir" in command:
            (tmp_path / "dist").mkdir()
            (tmp_path / "dist" / "diarspk-1-py3-none-any.whl").touch()

    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "make_environment", lambda: None)
    monkeypatch.setattr(bootstrap, "fetch_sample", lambda: None)
    monkeypatch.setattr(bootstrap, "run", build)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: name if "3.1" in name else None)
    monkeypatch.setattr(bootstrap, "works", lambda python, *_: python != "python3.12")
    monkeypatch.setattr(bootstrap, "try_wheel", lambda *arguments: tried.append(arguments[-1]))
    bootstrap.wheel()
    assert tried == ["3.10", "3.11", "3.13"]
    assert "Python 3.12: there is no python3.12" in capsys.readouterr().err


@pytest.mark.parametrize("failing", [0, 1])
def test_both_halves_of_the_tests_run_and_either_may_fail(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for half in range(2):
        text = f"def test_it():\n    assert {half} != {failing}\n"
        folder = tmp_path / f"half{half}"
        folder.mkdir()
        (folder / "test_it.py").write_text(text)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(bootstrap, "TEST_HALVES", (("half0",), ("half1",)))
    with pytest.raises(subprocess.CalledProcessError) as failed:
        bootstrap.run_tests()
    assert failed.value.cmd[-1] == f"half{failing}"
    output = capfd.readouterr().out
    assert output.index("half0") < output.index("half1")
    assert len(list(tmp_path.glob(".coverage.*"))) == 2


def test_the_halves_are_all_tests() -> None:
    (first,), (everything, ignored) = bootstrap.TEST_HALVES
    assert ignored == f"--ignore={first}" and first.startswith(f"{everything}/")
    assert (ROOT / first).is_dir()
