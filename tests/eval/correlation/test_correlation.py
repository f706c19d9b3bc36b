"""The study on made data, and its statistics against scipy and known laws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment
from scipy.stats import kendalltau, pearsonr, spearmanr

from diarspk.errors import ArgumentError, FormatError
from diarspk.formats import save_annotation
from eval.correlation import DEFAULT_ENCODERS, EncoderSpecification, associate
from eval.correlation import __main__ as command
from eval.correlation.association import compare
from eval.correlation.diarizing import WINDOW_S, _windows
from eval.correlation.embedding_cache import VectorCache
from eval.correlation.encoders import degrade, load_declared, read_encoders, transform
from eval.correlation.study import DER_MEASURES, EER_MEASURES, Study
from eval.embeddings.speech import Utterance
from eval.systems import registry as systems

LEVELS = {"a": 0.05, "b": 0.2, "c": 0.45}


def measures(seed: int, encoders: int = 14) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=encoders)
    return np.stack([quality + noise * rng.normal(size=encoders) for noise in (0.3, 0.5, 2.0)])


def test_coefficients_are_scipys() -> None:
    first, second, third = measures(0)
    found = associate(first, second, given=third, resamples=50)
    assert found.pearson.value == pytest.approx(pearsonr(first, second).statistic)
    assert found.spearman.value == pytest.approx(spearmanr(first, second).statistic)
    assert found.kendall.value == pytest.approx(kendalltau(first, second).statistic)
    for one in (found.pearson, found.spearman, found.kendall, found.partial):
        assert one is not None and -1 <= one.low < one.high <= 1


def test_the_partial_coefficient_is_that_of_residuals() -> None:
    columns = measures(1).argsort(axis=1).argsort(axis=1).astype(float)
    design = np.stack([np.ones(columns.shape[1]), columns[2]], axis=1)
    rests = [one - design @ np.linalg.lstsq(design, one, rcond=None)[0] for one in columns[:2]]
    found = associate(columns[0], columns[1], given=columns[2], resamples=20).partial
    assert found is not None
    assert found.value == pytest.approx(pearsonr(*rests).statistic)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_ranks_know_no_scale(seed: int) -> None:
    first, second, _ = measures(seed, encoders=6)
    plain = associate(first, second, resamples=5)
    bent = associate(np.exp(first), -3 * second, resamples=5)
    assert bent.spearman.value == pytest.approx(-plain.spearman.value)
    assert bent.kendall.value == pytest.approx(-plain.kendall.value)


def test_the_better_predictor_is_told() -> None:
    target, close, far = measures(2, encoders=40)
    assert compare(target, close, far, resamples=200).low > 0
    assert compare(target, far, close, resamples=200).high < 0
    assert compare(target, close, close, resamples=20).value == 0


def test_undefined_and_bad_measures() -> None:
    flat = associate([1, 1, 1, 1], [1, 2, 3, 4], resamples=10)
    assert np.isnan(flat.pearson.value) and np.isnan(flat.spearman.low)
    for first, second in (([1, 2, 3], [1, 2, 3]), ([1, 2, 3, 4], [1, 2, 3, 4, 5])):
        with pytest.raises(ArgumentError, match="4 encoders or more"):
            associate(first, second)
    with pytest.raises(ArgumentError, match="finite"):
        associate([1, 2, 3, np.nan], [1, 2, 3, 4])


def test_vectors_are_made_once(tmp_path: Path) -> None:
    made = []

    def make() -> NDArray[np.float32]:
        made.append(1)
        return np.ones((2, 3), np.float32)

    for key in ("a", "a", "b"):
        assert (VectorCache(tmp_path).get(key, make) == 1).all()
    assert len(made) == 2


def test_transforms_give_unit_vectors_row_by_row() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 24)).astype(np.float32)
    for options in ({"prefix": 5}, {"projection": 8}, {"jitter": 0.7}, {}):
        encoder = EncoderSpecification("x", **options)  # type: ignore[arg-type]
        found = transform(vectors, encoder)
        assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(7), abs=1e-5)
        assert transform(vectors[3:5], encoder) == pytest.approx(found[3:5], abs=1e-6)
    assert transform(vectors, EncoderSpecification("x", prefix=5)).shape == (7, 5)


def test_degrading_does_what_it_says() -> None:
    rng = np.random.default_rng(0)
    waveform = rng.normal(size=16000).astype(np.float32)
    noisy = degrade(waveform, EncoderSpecification("x", noise_db=10.0))
    ratio = np.square(waveform).sum() / np.square(noisy - waveform).sum()
    assert 10 * np.log10(ratio) == pytest.approx(10, abs=0.3)
    spectrum = np.abs(np.fft.rfft(degrade(waveform, EncoderSpecification("x", low_pass_hz=1000))))
    assert np.square(spectrum[2000:]).sum() < 1e-3 * np.square(spectrum).sum()


def test_encoders_that_need_no_file_make_vectors() -> None:
    waveforms = [np.random.default_rng(n).normal(size=16000).astype(np.float32) for n in (0, 1)]
    for kind in ("mfcc", "random"):
        first = load_declared(EncoderSpecification("x", kind=kind, seed=1))(waveforms)  # type: ignore[arg-type]
        again = load_declared(EncoderSpecification("x", kind=kind, seed=1))(waveforms)  # type: ignore[arg-type]
        assert first.shape[0] == 2 and np.isfinite(first).all()
        assert first == pytest.approx(again)
        assert not np.allclose(first[0], first[1])


def test_the_declared_list(tmp_path: Path) -> None:
    assert len({one.name for one in DEFAULT_ENCODERS}) == len(DEFAULT_ENCODERS) >= 12
    path = tmp_path / "encoders.json"
    path.write_text('[{"name": "a", "prefix": 20}, {"name": "b", "kind": "mfcc"}]')
    assert [one.prefix for one in read_encoders(path)] == [20, None]
    for text, fault in (
        ('[{"name": "a", "size": 1}]', "unknown attributes"),
        ('[{"name": "a"}, {"name": "a"}]', "names a twice"),
        ("[", "no list of encoders"),
        ('[{"name": "a", "kind": "b"}]', "no list of encoders"),
    ):
        path.write_text(text)
        with pytest.raises(FormatError, match=fault):
            read_encoders(path)


def test_windows_cover_speech() -> None:
    for length in (0.2, 1.5, 1.6, 2.25, 7.3):
        speech = Segment(3, 3 + length)
        windows = _windows(speech)
        assert windows[0].start == 3 and windows[-1].end == pytest.approx(3 + length)
        assert all(window in speech for window in windows)
        assert all(window.duration <= WINDOW_S + 1e-9 for window in windows)


def embed_level(waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    angles = np.array([3 * np.abs(waveform).mean() for waveform in waveforms])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two conversations of three speakers that differ in level, overlap included."""
    folder = tmp_path / "data"
    folder.mkdir()
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        reference, time, name = Annotation(uri=f"talk{seed}"), 0.0, f"talk{seed}"
        waveform = np.zeros(16000 * 120, np.float32)
        for turn in range(16):
            end = time + rng.uniform(2, 5)
            reference[Segment(round(time, 2), round(end, 2)), turn] = "abc"[int(rng.integers(3))]
            time = end + rng.choice([-0.9, 0.0, 0.4])
        reference = reference.support()
        for segment, _, speaker in reference.itertracks(yield_label=True):
            first, last = (round(edge * 16000) for edge in segment)
            waveform[first:last] += LEVELS[speaker]
        save_annotation(reference, folder / f"{name}.rttm")
        (folder / f"{name}.uem").write_text(f"{name} 1 0 {time:.2f}\n")
        soundfile.write(folder / f"{name}.wav", waveform, 16000)
    monkeypatch.setitem(systems.EMBEDDERS, "level", lambda: embed_level)
    return folder


def utterances() -> list[Utterance]:
    return [
        Utterance(f"{name}{n}", name, np.full(16000, level + n / 100, np.float32))
        for name, level in LEVELS.items()
        for n in range(2)
    ]


def test_the_study_end_to_end(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("matplotlib", reason="the pictures need it")
    monkeypatch.setattr(command, "read_utterances", lambda folder, split: utterances())
    encoders = [{"name": "level", "source": "level"}] + [
        {"name": f"jitter {n}", "source": "level", "jitter": n / 2, "seed": n} for n in range(1, 4)
    ]
    (tmp_path / "encoders.json").write_text(json.dumps(encoders))
    arguments = [
        *("--data", str(data), "--speech", "any", "--output", str(tmp_path / "out")),
        *("--encoders", str(tmp_path / "encoders.json"), "--activity", f"rttm:{data}"),
        *("--resamples", "20"),
    ]
    (tmp_path / "out").mkdir()
    assert command.main(arguments) == 0
    document = json.loads((tmp_path / "out" / "correlation.json").read_text())
    first, *others = document["encoders"]
    assert set(first["measures"]) == {*EER_MEASURES, *DER_MEASURES}
    assert first["measures"]["eer clean"] == 0.0
    assert first["measures"]["der oracle known"] == first["measures"]["der system known"]
    worst = others[-1]["measures"]
    assert worst["eer combined"] > first["measures"]["eer combined"]
    assert worst["der oracle known"] > first["measures"]["der oracle known"]
    assert document["analysis"]["associations"]
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<svg") == len(DER_MEASURES) and "jitter 3" in page
    table = (tmp_path / "out" / "correlation.md").read_text()
    assert "cannot be told apart" in table or "predicts it better" in table
    before = capsys.readouterr().out
    monkeypatch.setitem(systems.EMBEDDERS, "level", lambda: pytest.fail("all vectors are stored"))
    assert command.main(arguments) == 0
    assert capsys.readouterr().out == before


def test_names_that_are_no_encoders(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data", str(data), "--speech", "any", "--output", str(data)]
    assert command.main([*arguments, "--only", "nobody"]) == 1
    assert "`--only` must be among" in capsys.readouterr().err
    assert command.main([*arguments, "--checkpoint", "nothing"]) == 1
    assert "NAME=PATH" in capsys.readouterr().err


def test_a_study_measures_nothing_twice(data: Path, tmp_path: Path) -> None:
    from eval.diarization.conversations import read_conversations

    study = Study(read_conversations(data), utterances(), tmp_path / "kept", f"rttm:{data}")
    encoders = [
        EncoderSpecification("one", source="level"),
        EncoderSpecification("other", source="level", jitter=0.1),
    ]
    assert len(list(study.run(encoders))) == 2
    files = sorted((tmp_path / "kept" / "vectors").iterdir())
    assert len(files) == 1 + 1 + len(study.conversations) * 1  # oracle and system speech agree
