"""``diarspk diarize`` over a diarizer that only pretends."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diarspk.cli import app
from diarspk.errors import AudioError, ModelError


@dataclass(frozen=True)
class FakeDiarization:
    uri: str

    def write(self, path: Path) -> None:
        path.write_text(f"{path.suffix} of {self.uri}\n", encoding="utf-8")


class FakeDiarizer:
    """Fails on recordings whose name starts with "bad"; remembers what it was asked."""

    def __init__(self) -> None:
        self.config: object = None
        self.encoder: object = None
        self.segmentation: object = None
        self.cache: object = None
        self.precision: object = None
        self.calls: list[dict[str, object]] = []

    def __call__(self, audio: Path, **options: object) -> FakeDiarization:
        self.calls.append(options)
        if audio.name.startswith("bad"):
            raise AudioError(f"{audio}: not audio; convert it to WAV")
        return FakeDiarization(audio.stem)


@pytest.fixture
def diarizer(monkeypatch: pytest.MonkeyPatch) -> FakeDiarizer:
    fake = FakeDiarizer()

    def build(
        config: object = None,
        encoder: object = None,
        segmentation: object = None,
        *,
        cache: object = None,
        precision: object = None,
    ) -> FakeDiarizer:
        fake.config, fake.encoder, fake.cache = config, encoder, cache
        fake.precision = precision
        fake.segmentation = segmentation
        return fake

    def open_header(audio: Path, *, channel: int | None) -> None:
        if audio.name.startswith("missing"):
            raise AudioError(f"{audio}: no such file")

    monkeypatch.setattr("diarspk.Diarizer", build, raising=False)
    monkeypatch.setattr("diarspk.audio.open_audio", open_header)
    monkeypatch.setattr("diarspk.load_encoder", lambda name: f"encoder {name}", raising=False)
    monkeypatch.setattr(
        "diarspk.segmentation.loading.load_segmenter", lambda name: f"segmenter {name}"
    )
    return fake


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["diarize", *map(str, arguments)])


def test_one_recording_goes_to_stdout(diarizer: FakeDiarizer) -> None:
    result = run("a.wav")
    assert (result.exit_code, result.stdout, result.stderr) == (0, ".rttm of a\n", "")


@pytest.mark.parametrize(
    ("format", "suffix"), [("json", ".json"), ("textgrid", ".TextGrid"), ("SRT", ".srt")]
)
def test_format_is_free_of_case(diarizer: FakeDiarizer, format: str, suffix: str) -> None:
    assert run("a.wav", "--format", format).stdout == f"{suffix} of a\n"


def test_several_recordings_go_to_a_folder_that_is_made(
    diarizer: FakeDiarizer, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "out"
    result = run("a.wav", "b.mp3", "-o", folder)
    assert (result.exit_code, result.stdout) == (0, "")
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "a.rttm": ".rttm of a\n",
        "b.rttm": ".rttm of b\n",
    }


def test_missing_recordings_are_told_before_any_model_is_loaded(
    diarizer: FakeDiarizer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = run("a.wav", "missing.wav", "-o", tmp_path)
    assert (result.exit_code, len(diarizer.calls)) == (1, 1)
    assert result.stderr == "error: missing.wav: no such file\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.rttm"]
    monkeypatch.setattr("diarspk.Diarizer", None)
    alone = run("missing.wav")
    assert (alone.exit_code, alone.stdout) == (1, "")
    assert alone.stderr == "error: missing.wav: no such file\n"


def test_several_recordings_without_a_folder_are_a_usage_error(diarizer: FakeDiarizer) -> None:
    result = run("a.wav", "b.wav")
    assert result.exit_code == 2
    assert "-o DIR" in result.stderr
    assert not diarizer.calls


def test_equal_stems_are_a_usage_error_before_anything_is_written(
    diarizer: FakeDiarizer, tmp_path: Path
) -> None:
    result = run("one/a.wav", "two/a.flac", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert not diarizer.calls
    assert not (tmp_path / "out").exists()


def test_a_file_as_folder_is_a_usage_error(diarizer: FakeDiarizer, tmp_path: Path) -> None:
    file = tmp_path / "a.rttm"
    file.write_text("mine")
    assert run("a.wav", "-o", file).exit_code == 2
    assert file.read_text() == "mine"


def test_a_failed_file_is_named_and_the_others_are_done(
    diarizer: FakeDiarizer, tmp_path: Path
) -> None:
    result = run("a.wav", "bad.wav", "c.wav", "-o", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == "error: bad.wav: not audio; convert it to WAV\n"
    assert sorted(os.listdir(tmp_path)) == ["a.rttm", "c.rttm"]


def test_a_failed_recording_leaves_stdout_empty(diarizer: FakeDiarizer) -> None:
    result = run("bad.wav")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1


def test_options_reach_the_diarizer(diarizer: FakeDiarizer) -> None:
    run("a.wav", "--min-speakers", "2", "--max-speakers", "4", "--channel", "0")
    assert diarizer.calls == [
        {
            "channel": 0,
            "num_speakers": None,
            "min_speakers": 2,
            "max_speakers": 4,
            "progress": None,
        }
    ]
    assert diarizer.encoder is None


def test_a_named_model_is_loaded(diarizer: FakeDiarizer) -> None:
    run("a.wav", "--model", "resnet")
    assert diarizer.encoder == "encoder resnet"


def test_a_cache_and_a_threshold_reach_the_diarizer(diarizer: FakeDiarizer, tmp_path: Path) -> None:
    run("a.wav", "--cache", tmp_path / "cache", "--threshold", "0.4")
    assert diarizer.cache == tmp_path / "cache"
    assert diarizer.config.clusterer.threshold == 0.4
    run("a.wav")
    assert diarizer.cache is None
    assert diarizer.config is None


def test_a_file_as_cache_is_a_usage_error(diarizer: FakeDiarizer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run("a.wav", "--cache", tmp_path / "file").exit_code == 2
    assert not diarizer.calls


@pytest.mark.parametrize(
    "options",
    [
        ["--num-speakers", "0"],
        ["--num-speakers", "2", "--max-speakers", "3"],
        ["--min-speakers", "3", "--max-speakers", "2"],
        ["--channel", "-1"],
        ["--format", "docx"],
    ],
)
def test_impossible_options_are_a_usage_error(diarizer: FakeDiarizer, options: list[str]) -> None:
    result = run("a.wav", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert not diarizer.calls


def test_a_model_that_does_not_load_is_one_line(
    diarizer: FakeDiarizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise ModelError(f"{name}: no such model; `diarspk models` lists them")

    monkeypatch.setattr("diarspk.load_encoder", fail, raising=False)
    result = run("a.wav", "--model", "nonsense")
    assert result.exit_code == 1
    assert result.stderr == "error: nonsense: no such model; `diarspk models` lists them\n"


def test_a_gallery_names_the_speakers(
    diarizer: FakeDiarizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diarspk.embeddings.space import Space
    from diarspk.verification.gallery import Gallery, create_gallery

    asked: list[Path] = []

    def name_speakers(result: FakeDiarization, gallery: Gallery) -> FakeDiarization:
        asked.append(gallery.folder)
        return FakeDiarization(f"{result.uri}, named")

    monkeypatch.setattr("diarspk.diarization.identification.name_speakers", name_speakers)
    create_gallery(tmp_path / "people", Space("abc", 4)).close()
    result = run("a.wav", "--gallery", tmp_path / "people")
    assert (result.exit_code, result.stdout) == (0, ".rttm of a, named\n")
    assert asked == [tmp_path / "people"]


def test_a_missing_gallery_stops_it_before_any_work(diarizer: FakeDiarizer) -> None:
    result = run("a.wav", "--gallery", "nowhere")
    assert (result.exit_code, result.stdout, diarizer.calls) == (1, "", [])
    assert "nowhere: no gallery" in result.stderr


def test_a_precision_reaches_the_diarizer_and_a_wrong_one_is_told(diarizer: FakeDiarizer) -> None:
    run("a.wav")
    assert diarizer.precision == "auto"
    run("a.wav", "--precision", "single")
    assert diarizer.precision == "single"
    found = run("a.wav", "--precision", "half")
    assert found.exit_code != 0
    assert "one of auto, single, bfloat16, got 'half'" in found.stderr
    assert len(diarizer.calls) == 2
