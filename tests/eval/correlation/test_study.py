"""The study on made data, from the command to the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationPurity

from diarspk.errors import ArgumentError
from diarspk.formats import save_annotation
from eval.correlation import __main__ as command
from eval.correlation.array_cache import ArrayCache
from eval.correlation.diarizing import WINDOW_S, _windows, measure_purity, prepare_session
from eval.correlation.measures import DER_MEASURES, PREDICTORS
from eval.diarization.conversations import read_conversations
from eval.embeddings.speech import Utterance
from eval.systems import registry as systems

LEVELS = {"a": 0.05, "b": 0.2, "c": 0.45}


def test_arrays_are_made_once(tmp_path: Path) -> None:
    made = []

    def make() -> dict[str, NDArray[Any]]:
        made.append(1)
        return {"vectors": np.ones((2, 3), np.float32), "labels": np.arange(2)}

    for key in ("a", "a", "b"):
        found = ArrayCache(tmp_path).get(key, make)
        assert sorted(found) == ["labels", "vectors"] and (found["vectors"] == 1).all()
    assert len(made) == 2


@pytest.mark.parametrize("step", [0.75, 1.5])
def test_windows_cover_speech(step: float) -> None:
    for length in (0.2, 1.5, 1.6, 2.25, 7.3):
        speech = Segment(3, 3 + length)
        windows = _windows(speech, step)
        assert windows[0].start == 3 and windows[-1].end == pytest.approx(3 + length)
        assert all(window in speech for window in windows)
        assert all(window.duration <= WINDOW_S + 1e-9 for window in windows)
        gaps = [second.start - first.end for first, second in pairwise(windows)]
        assert all(gap <= 1e-9 for gap in gaps)


def test_purity_is_that_of_pyannote_metrics() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        reference, hypothesis = Annotation(), Annotation()
        for time in range(30):
            reference[Segment(time, time + rng.uniform(0.2, 1.4)), time] = "abc"[rng.integers(3)]
            hypothesis[Segment(time, time + 1), time] = "xy"[rng.integers(2)]
        pure, total = measure_purity(reference, hypothesis)
        whole = Timeline([Segment(0, 40)])
        assert pure / total == pytest.approx(DiarizationPurity()(reference, hypothesis, uem=whole))


def embed_level(waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    angles = np.array([3 * np.abs(waveform).mean() for waveform in waveforms])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def write_talk(folder: Path, name: str, seed: int) -> None:
    """Write a conversation of three speakers that differ in level, overlap included."""
    rng = np.random.default_rng(seed)
    reference, time = Annotation(uri=name), 0.0
    waveform = np.zeros(16000 * 60, np.float32)
    for turn in range(12):
        end = time + rng.uniform(2, 5)
        reference[Segment(round(time, 2), round(end, 2)), turn] = "abc"[turn * (turn + seed) % 3]
        time = end + rng.choice([-0.9, 0.0, 0.4])
    reference = reference.support()
    for segment, _, speaker in reference.itertracks(yield_label=True):
        first, last = (round(edge * 16000) for edge in segment)
        waveform[first:last] += LEVELS[speaker]
    save_annotation(reference, folder / f"{name}.rttm")
    (folder / f"{name}.uem").write_text(f"{name} 1 0 {time:.2f}\n")
    soundfile.write(folder / f"{name}.wav", waveform, 16000)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two recorded conversations, and what makes two simulated ones of them."""
    folder = tmp_path / "data" / "conversations" / "ami"
    folder.mkdir(parents=True)
    for seed in (1, 2):
        write_talk(folder, f"talk{seed}", seed)

    def simulate(_: Path, output: Path, __: object, count: int) -> None:
        output.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            if not (output / f"dev-{number}.wav").is_file():
                write_talk(output, f"dev-{number}", number + 4)

    monkeypatch.setattr(command, "write_set", simulate)
    monkeypatch.setattr(command, "read_utterances", lambda folder, split: utterances())
    monkeypatch.setitem(systems.EMBEDDERS, "level", lambda: embed_level)
    return tmp_path / "data"


def utterances() -> list[Utterance]:
    return [
        Utterance(f"{name}{n}", name, np.full(16000, level + n / 100, np.float32))
        for name, level in LEVELS.items()
        for n in range(2)
    ]


def arguments(data: Path, output: Path, *more: str) -> list[str]:
    encoders = [{"name": "level", "source": "level"}] + [
        {"name": f"jitter {n}", "source": "level", "origin": f"{n}", "jitter": n / 2, "seed": n}
        for n in range(1, 4)
    ]
    encoders.append({"name": "lost", "source": "/no/such/model.json"})
    output.mkdir(exist_ok=True)
    (output / "encoders.json").write_text(json.dumps(encoders))
    return [
        *("--data", str(data), "--output", str(output), "--sessions", "2"),
        *("--encoders", str(output / "encoders.json"), "--resamples", "20"),
        *("--activity", f"rttm:{data / 'conversations' / 'ami'}", *more),
    ]


def test_the_study_end_to_end(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("matplotlib", reason="the picture needs it")
    output, picture = tmp_path / "out", tmp_path / "predictors.svg"
    words = arguments(data, output, "--plot", str(picture))
    assert command.main(words) == 0
    before = capsys.readouterr()
    assert before.err.count("left out: lost: ") == 1
    document = json.loads((output / "correlation.json").read_text())
    first, *others = document["encoders"]
    assert set(first["measures"]) == {*PREDICTORS, *DER_MEASURES}
    assert first["measures"]["eer clean"] == 0.0
    worst = others[-1]["measures"]
    for name in ("eer combined", "impurity", "plda ratio", "der oracle known"):
        assert worst[name] > first["measures"][name], name
    assert len(document["analysis"]["associations"]) >= 20
    page = (output / "correlation.md").read_text()
    assert "4 encoders of 4 origins, in 2 recorded sessions and 2 simulated ones" in page
    for words_of_page in ("cannot be told from it", "- Power: ", "not here: lost: "):
        assert words_of_page in page
    assert picture.read_text().startswith("<svg") and "jitter 3" in picture.read_text()
    monkeypatch.setitem(systems.EMBEDDERS, "level", lambda: pytest.fail("all vectors are stored"))
    assert command.main(words) == 0
    assert capsys.readouterr().out == before.out
    more = [*words, "--sessions", "3"]
    monkeypatch.setitem(systems.EMBEDDERS, "level", lambda: embed_level)
    kept = {path for path in (output / "kept").rglob("*.npz")}
    assert command.main(more) == 0
    new = {path for path in (output / "kept").rglob("*.npz")} - kept
    assert len(new) == 2 + 4  # windows and crops of the third session, its outcome by encoder


def test_bad_options_are_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = arguments(data, data)
    for more, fault in (
        (("--only", "nobody"), "`--only` must be among"),
        (("--checkpoint", "nothing"), "NAME=PATH"),
        (("--only", "lost"), "none of the encoders is here"),
        (("--step", "2"), "`step_s` must be above 0 and at most 1.5"),
        (("--recorded", *[str(data / "conversations" / "ami")] * 2), "of different names"),
    ):
        assert command.main([*words, *more]) == 1
        assert fault in capsys.readouterr().err


def test_a_step_that_leaves_gaps_is_refused(data: Path) -> None:
    one, *_ = read_conversations(data / "conversations" / "ami")
    with pytest.raises(ArgumentError, match=r"at most 1\.5"):
        prepare_session(one, None, data, step_s=1.6)
