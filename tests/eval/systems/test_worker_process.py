"""Systems of other projects in processes of their own, played by a worker without a system."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Segment

from eval.systems import worker_process
from eval.systems.environments import PeerError, python_of
from eval.systems.peer_diarizer import PeerDiarizer
from eval.systems.worker_process import WorkerProcess


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that is the Python of the tests under another path."""
    python = python_of(tmp_path / "fake")
    python.parent.mkdir(parents=True)
    os.symlink(sys.executable, python)
    monkeypatch.setattr(worker_process, "make_environment", lambda name: tmp_path / name)
    monkeypatch.setattr(worker_process, "WORKERS", "tests.eval.systems")
    return tmp_path / "fake"


def test_a_request_is_answered_whatever_libraries_print(environment: Path) -> None:
    worker = WorkerProcess("fake_worker", "fake")
    assert worker.ask(number=1.5)["echo"] == {"number": 1.5}
    assert worker.ask(name="é")["echo"] == {"name": "é"}
    assert Path(worker.ask()["home"]).is_relative_to(environment)


def test_a_seed_makes_an_answer_repeatable() -> None:
    worker = WorkerProcess("fake_worker", "fake")
    first, other, again = (worker.ask(seed=seed)["drawn"] for seed in (1, 2, 1))
    assert first == again != other


def test_an_error_is_one_line_and_the_next_request_is_answered() -> None:
    worker = WorkerProcess("fake_worker", "fake")
    with pytest.raises(PeerError, match=r"^fake_worker failed: ValueError: not this one$"):
        worker.ask(fault="error")
    assert worker.ask(number=2)["echo"] == {"number": 2}


def test_a_worker_that_ends_is_told_with_its_last_words() -> None:
    worker = WorkerProcess("fake_worker", "fake")
    with pytest.raises(PeerError, match=r"^fake_worker ended with status 3: killed by a test$"):
        worker.ask(fault="end")
    with pytest.raises(PeerError, match="ended with status 3"):
        worker.ask(number=1)


def test_a_worker_that_cannot_load_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAULT", "1")
    with pytest.raises(PeerError, match="ended with status 1: RuntimeError: no weights"):
        WorkerProcess("fake_worker", "fake")


def test_a_forgotten_worker_ends() -> None:
    worker = WorkerProcess("fake_worker", "fake")
    process = worker._process
    del worker
    gc.collect()
    assert process.returncode == 0


def test_a_diarizer_reads_any_audio_and_names_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stereo = np.zeros((8000, 2))
    soundfile.write(tmp_path / "call.flac", stereo, 8000)
    monkeypatch.setattr(
        "eval.systems.peer_diarizer.WorkerProcess",
        lambda worker, environment: WorkerProcess("fake_worker", "fake"),
    )
    found = PeerDiarizer("fake", subtype="PCM_16")(tmp_path / "call.flac")
    assert found.uri == "call"
    assert list(found.itertracks(yield_label=True)) == [(Segment(0, 1), 0, "SPEAKER_01")]
