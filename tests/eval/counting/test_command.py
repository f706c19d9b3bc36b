"""The counting benchmark as a command, on a data folder of a minute and a tiny model."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment

from diarspk.diarization.diarizer import Diarizer
from eval.counting import session
from eval.counting.__main__ import main
from eval.diarization.result_cache import HypothesisStore
from eval.simulate import voices
from eval.systems import registry
from tests.tiny_model import VOICES, tone, write_tiny_model

RATE = 16000


class LoudChunks:
    """In the place of the detector: speech is what is loud."""

    def __call__(self, chunks: Iterable[np.ndarray]) -> np.ndarray:
        return np.array([float(np.abs(chunk).max() > 0.01) for chunk in chunks], np.float32)


@pytest.fixture(autouse=True)
def without_network_and_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    def simulate(generator: np.random.Generator, *, sources: int, **_: object) -> np.ndarray:
        return np.eye(1, 8).repeat(sources, axis=0).astype(np.float32)

    monkeypatch.setattr(voices, "SileroNetwork", LoudChunks)
    monkeypatch.setattr(session, "simulate_room", simulate)


# Tones in noise are rightly called mostly noise.
pytestmark = pytest.mark.filterwarnings("ignore:.*mostly noise:diarspk.errors.SpeechWarning")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers of the tiny model, and a conversation of four."""
    root = tmp_path_factory.mktemp("data")
    (root / "speech").mkdir()
    lines = ["utterance\tspeaker\tcorpus\tgender\tshard"]
    with tarfile.open(root / "speech" / "dev-00.tar", "w") as archive:
        for name in VOICES:
            encoded = io.BytesIO()
            soundfile.write(encoded, tone(name, 15.0), RATE, format="FLAC")
            member = tarfile.TarInfo(f"{name}-1.opus")
            member.size = encoded.seek(0, io.SEEK_END)
            encoded.seek(0)
            archive.addfile(member, encoded)
            lines.append(f"{name}-1\t{name}\tread\tf\tdev-00.tar")
    (root / "speech" / "dev.tsv").write_text("\n".join(lines) + "\n")
    templates = root / "conversations" / "annotations" / "talk" / "dev"
    templates.mkdir(parents=True)
    turns = [(4.0 * number, f"p{number % 4}") for number in range(40)]
    (templates / "meeting.rttm").write_text(
        "".join(
            f"SPEAKER meeting 1 {start} 3.8 <NA> <NA> {name} <NA> <NA>\n" for start, name in turns
        )
    )
    (root / "noise" / "noise").mkdir(parents=True)
    hiss = 0.1 * np.random.default_rng(0).normal(size=4 * RATE)
    soundfile.write(root / "noise" / "noise" / "hiss.opus", hiss, RATE, "OPUS", format="OGG")
    return root


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


def run(data: Path, keep: Path, card: Path, *changes: str) -> int:
    arguments = ["--data", str(data), "--keep", str(keep), "--encoder", str(card), "--quick"]
    arguments += ["--templates", "talk-dev", "--longest", "0.5", "--people", "1", "2"]
    return main([*arguments, *changes])


def test_every_session_is_measured_under_every_condition(
    data: Path, card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, tables = tmp_path / "counting.json", tmp_path / "counting.md"
    keep = tmp_path / "kept"
    assert run(data, keep, card, "--json", str(figures), "--markdown", str(tables)) == 0
    assert sorted(path.name for path in (keep / "sessions").glob("*.flac")) == [
        "0_5min-01people-0.flac",
        "0_5min-02people-0.flac",
    ]
    document = json.loads(figures.read_text())
    results = {one["condition"]: one for one in document["results"]}
    assert list(results) == ["automatic", "given", "minimum", "maximum"]
    for one in results.values():
        assert [row["people"] for row in one["sessions"]] == [1, 2]
    assert [row["found"] for row in results["given"]["sessions"]] == [1, 2]
    assert 0 <= document["calibration_error"]["people"] <= 1
    assert tables.read_text() == capsys.readouterr().out


def test_what_was_kept_is_not_made_again(
    data: Path, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = tmp_path / "kept"
    assert run(data, keep, card, "--told", "automatic", "--json", str(tmp_path / "a.json")) == 0
    written: list[str] = []

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the diarizer is loaded again")

    monkeypatch.setattr(Diarizer, "load", refuse)
    monkeypatch.setattr(HypothesisStore, "write", lambda *_: written.append("one"))
    assert run(data, keep, card, "--told", "automatic", "--json", str(tmp_path / "b.json")) == 0
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in "ab")
    assert first["results"] == second["results"] and not written


def test_another_system_is_told_nothing(
    data: Path, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everybody_is_one(audio: Path) -> Annotation:
        annotation = Annotation(uri=audio.stem)
        annotation[Segment(0, 30)] = "x"
        return annotation

    monkeypatch.setitem(registry.DIARIZERS, "one", lambda: everybody_is_one)
    figures = tmp_path / "counting.json"
    assert run(data, tmp_path / "kept", card, "--systems", "one", "--json", str(figures)) == 0
    (found,) = json.loads(figures.read_text())["results"]
    assert (found["system"], found["condition"]) == ("one", "automatic")
    assert [row["found"] for row in found["sessions"]] == [1, 1]
    assert found["count_right"] == 0.5


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (("--people", "7"), "leave no session"),
        (("--times", "0"), "`times` must be 1 or more, got 0"),
        (("--systems", "nobody"), "must be among"),
        (("--templates", "talk-test"), "must be among talk-dev"),
    ],
)
def test_what_cannot_be_is_one_line(
    data: Path,
    card: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: tuple[str, ...],
    fault: str,
) -> None:
    try:
        status = run(data, tmp_path / "kept", card, *changes)
    except SystemExit as stop:
        status = int(stop.code or 0)
    assert status
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert fault in last


def test_sessions_of_another_seed_need_another_folder(
    data: Path, card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = tmp_path / "kept"
    assert run(data, keep, card, "--told", "automatic") == 0
    assert run(data, keep, card, "--told", "automatic", "--seed", "2") == 1
    assert "or one of the same seed" in capsys.readouterr().err
