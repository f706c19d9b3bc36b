"""``diarspk diarize`` with a tiny model."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from diarspk.cli.diarization_work import Count, check_found
from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from tests.tiny_model import tone

# Where one voice of the tiny model ends and another begins it finds a third for a moment.
pytestmark = pytest.mark.filterwarnings("ignore::diarspk.errors.SpeechWarning")

RATE = 16000
Diarize = Callable[..., Result]


@pytest.fixture
def diarize(run: Callable[..., Result], tiny: Path) -> Diarize:
    return lambda *words: run("diarize", "--encoder", tiny, *words)


@pytest.fixture
def meeting(tmp_path: Path) -> Path:
    """Recording of ann, then of eve, half a minute each."""
    file = tmp_path / "meeting.wav"
    soundfile.write(file, np.concatenate([tone("ann", 30.0), tone("eve", 30.0)]), RATE)
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """File that is no recording."""
    file = tmp_path / "bad.wav"
    file.write_text("no audio")
    return file


def labels(result: Result, folder: Path) -> list[str]:
    """Speakers of the RTTM on stdout."""
    file = folder / "stdout.rttm"
    file.write_text(result.stdout)
    (annotation,) = read_rttm(file).values()
    return [str(label) for label in annotation.labels()]


def test_one_recording_goes_to_stdout(diarize: Diarize, voices: dict[str, list[Path]]) -> None:
    result = diarize(voices["ann"][0])
    assert (result.exit_code, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    assert line.startswith("SPEAKER ann0 1 0.000 3.000 <NA> <NA> SPEAKER_00 ")


@pytest.mark.parametrize(
    ("format", "start"), [("json", "{"), ("textgrid", "File type"), ("SRT", "1\n00:00:00,000")]
)
def test_format_is_free_of_case(
    diarize: Diarize, voices: dict[str, list[Path]], format: str, start: str
) -> None:
    assert diarize(voices["ann"][0], "--format", format).stdout.startswith(start)


@pytest.mark.filterwarnings("ignore")
def test_strict_is_content_with_what_was_asked_for(diarize: Diarize, meeting: Path) -> None:
    told = ("--num-speakers", 2)
    result = diarize(meeting, "--strict", *told)
    assert result.exit_code == 0
    assert result.stdout == diarize(meeting, *told).stdout


@pytest.mark.parametrize(
    ("count", "fault"),
    [
        (Count(exact=4), "3 speakers can be told apart, and 4 were asked for"),
        (Count(minimum=4), "3 speakers can be told apart, and 4 or more were asked for"),
        (Count(minimum=4, maximum=6), "and 4 or more were asked for"),
        (Count(maximum=2), "and 2 at most were asked for"),
    ],
)
def test_strict_refuses_another_number_than_was_asked_for(count: Count, fault: str) -> None:
    with pytest.raises(ArgumentError, match=f"{fault}; ask for another number"):
        check_found(3, count, 60.0)
    for fitting in (Count(), Count(exact=3), Count(minimum=2), Count(maximum=3), Count(None, 3, 3)):
        check_found(3, fitting, 60.0)


@pytest.mark.filterwarnings("ignore")
def test_strict_writes_nothing_without_speech(run: Callable[..., Result], tmp_path: Path) -> None:
    file, folder = tmp_path / "silence.wav", tmp_path / "out"
    soundfile.write(file, np.zeros(3 * RATE), RATE)
    for words in ((), ("-o", folder)):
        result = run("diarize", file, "--strict", *words)
        assert result.exit_code == 1 and not result.stdout
        assert "silence.wav: no speech was found in 3.0 s" in result.stderr
    assert not list(folder.glob("*.rttm"))
    assert run("diarize", file).exit_code == 0


def test_several_recordings_go_to_a_folder_that_is_made(
    diarize: Diarize, voices: dict[str, list[Path]], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "out"
    result = diarize(voices["ann"][0], voices["ben"][0], "-o", folder)
    assert (result.exit_code, result.stdout) == (0, "")
    assert sorted(os.listdir(folder)) == ["ann0.rttm", "ben0.rttm", "report.csv"]
    assert list(read_rttm(folder / "ben0.rttm")) == ["ben0"]


def test_missing_recordings_are_told_before_any_model_is_loaded(
    diarize: Diarize, voices: dict[str, list[Path]], tmp_path: Path
) -> None:
    out, missing = tmp_path / "out", tmp_path / "missing.wav"
    partly = diarize(voices["ann"][0], missing, "-o", out)
    assert (partly.exit_code, sorted(os.listdir(out))) == (1, ["ann0.rttm", "report.csv"])
    alone = diarize(missing, "--encoder", "nonsense")
    assert (alone.exit_code, alone.stdout) == (1, "")
    for result in (partly, alone):
        assert result.stderr.startswith(f"error: {missing}") and result.stderr.count("\n") == 1


def test_several_recordings_without_a_folder_are_a_usage_error(
    diarize: Diarize, voices: dict[str, list[Path]]
) -> None:
    result = diarize(*voices["ann"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "-o DIR" in result.stderr


def test_nothing_is_written_where_no_recording_is_there(diarize: Diarize, tmp_path: Path) -> None:
    assert diarize("one/a.wav", "two/a.flac", "-o", tmp_path / "out").exit_code == 1
    assert not (tmp_path / "out").exists()


def test_a_file_as_folder_is_a_usage_error(
    diarize: Diarize, voices: dict[str, list[Path]], tmp_path: Path
) -> None:
    file = tmp_path / "a.rttm"
    file.write_text("mine")
    assert diarize(voices["ann"][0], "-o", file).exit_code == 2
    assert file.read_text() == "mine"


def test_a_failed_file_is_named_and_the_others_are_done(
    diarize: Diarize, voices: dict[str, list[Path]], bad: Path, tmp_path: Path
) -> None:
    result = diarize(voices["ann"][0], bad, voices["eve"][0], "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {bad}") and result.stderr.count("\n") == 1
    assert sorted(os.listdir(tmp_path / "out")) == ["ann0.rttm", "eve0.rttm", "report.csv"]


def test_a_recording_that_fails_half_way_leaves_stdout_empty(
    diarize: Diarize, tmp_path: Path
) -> None:
    file = tmp_path / "empty.wav"
    soundfile.write(file, np.zeros(0), RATE)
    result = diarize(file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {file}") and result.stderr.count("\n") == 1


def test_the_number_of_speakers_is_bounded(diarize: Diarize, meeting: Path, tmp_path: Path) -> None:
    assert len(labels(diarize(meeting, "--num-speakers", 1), tmp_path)) == 1
    assert len(labels(diarize(meeting, "--num-speakers", 2), tmp_path)) == 2
    assert len(labels(diarize(meeting, "--max-speakers", 1), tmp_path)) == 1
    assert len(labels(diarize(meeting, "--min-speakers", 3), tmp_path)) >= 3


def test_a_threshold_decides_which_clusters_merge(
    diarize: Diarize, meeting: Path, tmp_path: Path
) -> None:
    assert len(labels(diarize(meeting, "--threshold", 2.0), tmp_path)) == 1
    assert len(labels(diarize(meeting, "--threshold", 0.5), tmp_path)) >= 2


def test_a_channel_is_chosen(diarize: Diarize, people: Path, tmp_path: Path) -> None:
    file = tmp_path / "stereo.wav"
    soundfile.write(file, np.stack([tone("ben"), tone("ann")], axis=1), RATE)
    options = ["--gallery", people, "--channel"]
    assert labels(diarize(file, *options, 0), tmp_path) == ["ben"]
    assert labels(diarize(file, *options, 1), tmp_path) == ["ann"]
    beyond = diarize(file, *options, 2)
    assert (beyond.exit_code, beyond.stdout) == (1, "")
    assert "stereo.wav" in beyond.stderr


def test_a_first_pass_is_kept_in_the_cache(diarize: Diarize, meeting: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = diarize(meeting, "--cache", cache)
    written = sorted(os.listdir(cache))
    assert written
    again = diarize(meeting, "--cache", cache)
    assert (again.stdout, sorted(os.listdir(cache))) == (first.stdout, written)


def test_a_file_as_cache_is_a_usage_error(
    diarize: Diarize, voices: dict[str, list[Path]], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert diarize(voices["ann"][0], "--cache", tmp_path / "file").exit_code == 2


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
def test_impossible_options_are_a_usage_error(
    diarize: Diarize, voices: dict[str, list[Path]], options: list[str]
) -> None:
    result = diarize(voices["ann"][0], *options)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_model_that_does_not_load_is_one_line(
    diarize: Diarize, voices: dict[str, list[Path]]
) -> None:
    result = diarize(voices["ann"][0], "--encoder", "nonsense")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "got nonsense" in result.stderr and result.stderr.count("\n") == 1


def test_a_gallery_names_the_speakers(
    diarize: Diarize, voices: dict[str, list[Path]], people: Path, tmp_path: Path
) -> None:
    assert labels(diarize(voices["ann"][2], "--gallery", people), tmp_path) == ["ann"]
    assert labels(diarize(voices["eve"][2], "--gallery", people), tmp_path) == ["SPEAKER_00"]


def test_a_missing_gallery_stops_it_before_any_work(
    diarize: Diarize, voices: dict[str, list[Path]]
) -> None:
    result = diarize(voices["ann"][0], "--gallery", "nowhere", "--encoder", "nonsense")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere: no gallery" in result.stderr


def test_a_precision_is_taken_and_a_wrong_one_is_told(
    diarize: Diarize, voices: dict[str, list[Path]]
) -> None:
    assert diarize(voices["ann"][0], "--precision", "single").exit_code == 0
    result = diarize(voices["ann"][0], "--precision", "half")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "one of auto, single, bfloat16, got 'half'" in result.stderr


def test_settings_of_a_file_make_the_result_that_they_came_with(
    diarize: Diarize, meeting: Path, tmp_path: Path
) -> None:
    first = diarize(meeting, "--clusterer", "agglomerative", "--format", "json")
    document = json.loads(first.stdout)
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(document["settings"]))
    again = diarize(meeting, "--config", settings, "--format", "json")
    assert (first.stderr, again.stderr) == ("", "")
    assert again.stdout == first.stdout
    settings.write_text("units: windows")
    result = diarize(meeting, "--config", settings)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "settings.json: units must be one of" in result.stderr


def test_vectors_and_exclusive_turns_are_written(diarize: Diarize, meeting: Path) -> None:
    document = json.loads(diarize(meeting, "--format", "json", "--vectors", "--exclusive").stdout)
    assert len(document["speaker_details"][0]["vector"]) == 8
    assert document["turns"] == document["exclusive"]
    assert diarize(meeting, "--exclusive").stdout.startswith("SPEAKER meeting 1 0.000")
    refused = diarize(meeting, "--vectors")
    assert (refused.exit_code, "--vectors needs --format json" in refused.stderr) == (2, True)


def test_boundaries_are_written_with_the_settings(
    diarize: Diarize, meeting: Path, tmp_path: Path
) -> None:
    found = json.loads(diarize(meeting, "--boundaries", "loose", "--format", "json").stdout)
    assert found["settings"]["boundaries"] == "loose"
    (tmp_path / "own.yaml").write_text("reconstruction: {max_gap_s: 1}")
    both = diarize(meeting, "--boundaries", "loose", "--config", tmp_path / "own.yaml")
    assert both.exit_code == 1 and "`boundaries` must be left out with settings" in both.stderr
    assert diarize(meeting, "--boundaries", "wide").exit_code == 2


def test_a_clusterer_needs_a_plda_of_the_encoder(diarize: Diarize, meeting: Path) -> None:
    result = diarize(meeting, "--clusterer", "vbx")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "has no PLDA, which the clusterer vbx reads; choose agglomerative" in result.stderr
