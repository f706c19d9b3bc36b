"""A benchmark that was interrupted goes on, and a change makes it start anew."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment

from diarspk.formats import save_annotation
from eval.diarization import benchmark, result_cache
from eval.diarization.__main__ import main
from eval.diarization.benchmark import run_benchmark, summarize
from eval.diarization.result_cache import Hypothesis, HypothesisStore
from eval.diarization.tables import format_csv
from eval.systems import registry as systems


def annotated(*turns: tuple[float, float, str], uri: str) -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("one", "two"):
        soundfile.write(folder / f"{name}.wav", np.zeros(16000), 16000)
        save_annotation(annotated((0, 1, "a"), uri=name), folder / f"{name}.rttm")
        (folder / f"{name}.uem").write_text(f"{name} 1 0 1\n")
    return folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Recordings that the system has diarized; what it writes depends on numpy's generator."""
    diarized: list[str] = []

    def diarize(audio: Path) -> Annotation:
        diarized.append(audio.stem)
        return annotated((0, round(float(np.random.uniform(0.2, 0.8)), 3), "x"), uri=audio.stem)

    benchmark._loaded.cache_clear()
    monkeypatch.setitem(systems.DIARIZERS, "drawn", lambda: diarize)
    return diarized


def test_what_was_kept_is_not_done_again(folder: Path, tmp_path: Path, calls: list[str]) -> None:
    keep = tmp_path / "results"
    first = list(run_benchmark([folder], ["drawn"], keep=keep))
    assert calls == ["one", "two"]
    for path in keep.rglob("two.*.json"):
        path.unlink()  # as if the run had been stopped there
    second = list(run_benchmark([folder], ["drawn"], keep=keep))
    assert second[0] == first[0]
    assert calls == ["one", "two", "two"]


def test_a_damaged_or_old_file_is_done_again(
    folder: Path, tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = tmp_path / "results"
    list(run_benchmark([folder], ["drawn"], keep=keep))
    (damaged,) = keep.rglob("one.*.json")
    damaged.write_text('{"key": ')
    list(run_benchmark([folder], ["drawn"], keep=keep))
    assert calls == ["one", "two", "one"]
    monkeypatch.setattr(result_cache, "_digest_sources", lambda: "the code has changed")
    list(run_benchmark([folder], ["drawn"], keep=keep))
    assert calls == ["one", "two", "one", "one", "two"]


def test_other_audio_is_another_key(folder: Path, tmp_path: Path) -> None:
    store = HypothesisStore(tmp_path / "results")
    audio = folder / "one.wav"
    hypothesis = Hypothesis(annotated((0.25, 0.5, "x"), uri="one"), 2.5)
    store.write("system", "set", audio, 0, hypothesis)
    found = store.read("system", "set", audio, 0)
    assert found is not None and found.processing == 2.5
    assert list(found.annotation.itersegments()) == [Segment(0.25, 0.5)]
    assert store.read("system", "set", audio, 1) is None
    assert store.read("other", "set", audio, 0) is None
    result_cache._digest_file.cache_clear()
    soundfile.write(audio, np.ones(16000) / 2, 16000)
    assert store.read("system", "set", audio, 0) is None


def test_an_empty_hypothesis_is_kept_as_well(folder: Path, tmp_path: Path) -> None:
    store = HypothesisStore(tmp_path / "results")
    store.write("s", "set", folder / "one.wav", 0, Hypothesis(Annotation(uri="one"), 1.0))
    found = store.read("s", "set", folder / "one.wav", 0)
    assert found is not None and not found.annotation


def test_seeds_are_set_pooled_and_compared(folder: Path, calls: list[str]) -> None:
    outcomes = list(run_benchmark([folder], ["drawn"], seeds=[0, 1, 2]))
    again = list(run_benchmark([folder], ["drawn"], seeds=[1]))
    assert [one.components for one in outcomes if one.seed == 1] == [
        one.components for one in again
    ]
    (summary,) = summarize(outcomes)
    rates = [summary.of_seed(seed).components.der for seed in (0, 1, 2)]
    assert summary.components.der == pytest.approx(np.mean(rates))
    assert summary.der_deviation == pytest.approx(np.std(rates, ddof=1))
    assert summary.der_deviation > 0
    header, row = format_csv([summary]).splitlines()
    assert header.startswith("set,reference,system,DER %") and row.split(",")[-2] == "3"


def test_command_writes_every_kind_of_table(
    folder: Path, tmp_path: Path, calls: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    targets = [tmp_path / f"table.{suffix}" for suffix in ("json", "csv", "md")]
    files = [
        f"--{kind}={path}" for kind, path in zip(("json", "csv", "markdown"), targets, strict=True)
    ]
    keep = ["--keep", str(tmp_path / "results"), "--seeds", "0", "1"]
    assert main(["--data", str(folder), "--systems", "drawn", *files, *keep]) == 0
    assert json.loads(targets[0].read_text())["results"][0]["seeds"] == [0, 1]
    assert len(targets[1].read_text().splitlines()) == 2
    assert "numpy" in targets[2].read_text() and "| set" in targets[2].read_text()
    assert len(calls) == 4
