"""Recordings of a command: stdin, pipes, tracks, raw samples, names of any bytes."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from diarspk.cli import app
from diarspk.cli.terminal import warnings_on_one_line
from tests.diarspk.audio.media import write_media
from tests.diarspk.cli.conftest import Run
from tests.tiny_model import tone

RATE = 16000
posix = pytest.mark.skipif(os.name != "posix", reason="there are no such files here")


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "talk.wav", tone("ann", 4.0), RATE)
    return tmp_path / "talk.wav"


def with_stdin(data: bytes, *words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=data)


def vectors(result: Result) -> list[str]:
    """What `embed` prints, without the names of the files."""
    assert result.exit_code == 0, result.stderr
    return [line.split("\t", 1)[1] for line in result.stdout.splitlines()]


def test_stdin_gives_what_the_file_gives(run: Run, tiny: Path, wav: Path) -> None:
    expected = vectors(run("embed", wav, "--encoder", tiny))
    assert vectors(with_stdin(wav.read_bytes(), "embed", "-", "--encoder", tiny)) == expected
    turns = with_stdin(wav.read_bytes(), "diarize", "-", "--encoder", tiny)
    assert turns.exit_code == 0
    assert turns.stdout.startswith("SPEAKER stdin 1 ")


def test_results_of_stdin_are_named_after_it(tiny: Path, wav: Path, tmp_path: Path) -> None:
    words = ("diarize", "-", wav, "-o", tmp_path / "out", "--encoder", tiny)
    assert with_stdin(wav.read_bytes(), *words).exit_code == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["report.csv", "stdin.rttm", "talk.rttm"]


def test_stdin_is_read_once(tiny: Path, wav: Path) -> None:
    for words in (("embed", "-", "-"), ("verify", "-", "-")):
        result = with_stdin(wav.read_bytes(), *words, "--encoder", tiny)
        assert result.exit_code == 2
        assert "stdin, which can be read once only" in result.stderr


def test_raw_samples(run: Run, tiny: Path, wav: Path) -> None:
    expected = vectors(run("embed", wav, "--encoder", tiny))
    samples, _ = soundfile.read(wav, dtype="int16")
    words = ("embed", "-", "--raw", "s16le:16000", "--encoder", tiny)
    assert vectors(with_stdin(samples.astype("<i2").tobytes(), *words)) == expected
    wrong = run("embed", wav, "--raw", "mp3:16000", "--encoder", tiny)
    assert wrong.exit_code == 2
    assert "--raw" in wrong.stderr


@posix
@pytest.mark.parametrize("command", ["embed", "diarize"])
def test_a_named_pipe(run: Run, tiny: Path, wav: Path, tmp_path: Path, command: str) -> None:
    expected = run(command, wav, "--encoder", tiny)
    (tmp_path / "pipes").mkdir()
    pipe = tmp_path / "pipes" / "talk.wav"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(wav.read_bytes(),), daemon=True)
    writer.start()
    found = run(command, pipe, "--encoder", tiny)
    assert found.stdout.replace(str(pipe), str(wav)) == expected.stdout
    assert found.exit_code == 0


def test_tracks_on_every_command_that_reads_audio(
    run: Run, tiny: Path, people: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.mkv"
    tracks = [[(0.0, np.asarray(tone(name, 4.0)))] for name in ("ann", "ben")]
    write_media(film, "flac", RATE, tracks, titles=["left", "right"])
    told = "2 sound tracks: 0 (left), 1 (right); only track 0 is read"
    for words in (
        ["embed", film, "--encoder", tiny],
        ["diarize", film, "--encoder", tiny],
        ["verify", film, film, "--threshold", 0.5, "--encoder", tiny],
        ["gallery", "search", film, "-g", people, "--encoder", tiny],
        ["gallery", "enroll", "zoe", film, "-g", people, "--encoder", tiny],
        ["export-cue", film, "--for", "numpy", "-o", tmp_path / "a.npz", "--encoder", tiny],
    ):
        with warnings_on_one_line():
            first = run(*words)
        assert (first.exit_code, told in first.stderr) == (0, True), first.stderr
        chosen = run(*words, "--track", 1)
        assert (chosen.exit_code, "sound tracks" in chosen.stderr) == (0, False), chosen.stderr
        assert run(*words, "--track", 2).exit_code == 1
    names = [
        run("gallery", "identify", film, "-g", people, "--encoder", tiny, "--track", track).stdout
        for track in (0, 1)
    ]
    assert [line.split("\t")[1] for line in names] == ["ann", "ben"]


@posix
def test_a_name_that_is_not_utf8(run: Run, tiny: Path, wav: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9union.wav"))
    try:
        odd.write_bytes(wav.read_bytes())
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    result = run("diarize", wav, odd, "-o", tmp_path / "out", "--encoder", tiny)
    assert result.exit_code == 0, result.stderr
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == [
        b"report.csv",
        b"r\xe9union.rttm",
        b"talk.rttm",
    ]
    text = (tmp_path / "out" / odd.with_suffix(".rttm").name).read_text(encoding="utf-8")
    assert text.startswith(r"SPEAKER r\xe9union 1 ")


def test_an_address_and_a_film_without_sound_are_one_line(
    run: Run, tiny: Path, tmp_path: Path
) -> None:
    mute = write_media(tmp_path / "mute.mp4", "aac", RATE, [], film_s=1.0)
    for recording, text in ((mute, "no audio track"), ("https://a.org/b.mp3", "not fetched")):
        result = run("embed", recording, "--encoder", tiny)
        assert (result.exit_code, result.stdout) == (1, "")
        assert text in result.stderr
        assert result.stderr.count("\n") == 1


def test_lint_measures_what_a_header_does_not_tell(run: Run, tmp_path: Path) -> None:
    (tmp_path / "talk.rttm").write_text(
        "SPEAKER talk 1 0.0 2.8 <NA> <NA> a <NA> <NA>\n", encoding="utf-8"
    )
    (tmp_path / "audio").mkdir()
    part = io.BytesIO()
    soundfile.write(part, tone("ann", 1.5), RATE, format="FLAC")
    (tmp_path / "audio" / "talk.flac").write_bytes(part.getvalue() * 2)
    found = run("lint", tmp_path / "talk.rttm", "--audio", tmp_path / "audio")
    assert (found.exit_code, found.stdout) == (0, "")
