"""``diarspk extract`` of many recordings."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import pytest
import soundfile

from diarspk.cli.companion_files import CompanionFiles
from diarspk.cli.recordings import Reader
from tests.tse.test_extraction import RATE, run, voice, write_small
from tse.extraction_work import ExtractionWork
from tse.track_config import TrackConfig

TURN = "SPEAKER {} 1 {} {} <NA> <NA> {} <NA> <NA>\n"


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("extractor"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings with a diarization each, one without, and one that is none."""
    (tmp_path / "calls").mkdir()
    (tmp_path / "rttm").mkdir()
    for number, name in enumerate(("monday", "tuesday", "lost")):
        soundfile.write(tmp_path / "calls" / f"{name}.wav", voice(4.0, number), RATE)
        if name != "lost":
            turns = TURN.format(name, 0, 2, "A") + TURN.format(name, 2, 2, "B")
            (tmp_path / "rttm" / f"{name}.rttm").write_text(turns)
    (tmp_path / "calls" / "bad.wav").write_text("no audio")
    return tmp_path


def statuses(out: Path) -> dict[str, str]:
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        return {row["result"]: f"{row['status']} {row['speakers']}" for row in csv.DictReader(file)}


def files(out: Path) -> list[str]:
    return sorted(str(file.relative_to(out)) for file in out.rglob("*.*"))


def test_every_speaker_of_every_recording_has_a_file(folder: Path, card: Path) -> None:
    out, calls = folder / "out", folder / "calls"
    words = [calls, "--all", "--diarization", folder / "rttm", "--extractor", card, "-o", out]
    done = run(*words)
    assert done.exit_code == 1
    errors = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert errors == [
        f"error: {calls / f'{name}.wav'}: {folder / 'rttm'}: has no diarization of {name}; it must "
        f"be called {name}.rttm"
        for name in ("bad", "lost")
    ]
    voices = [f"{name}/{who}.wav" for name in ("monday", "tuesday") for who in "AB"]
    lists = [f"{name}/tracks.json" for name in ("monday", "tuesday")]
    assert files(out) == sorted([*voices, *lists, "report.csv"])
    assert statuses(out) == {
        "bad": "failed ",
        "lost": "failed ",
        "monday": "done 2",
        "tuesday": "done 2",
    }
    assert soundfile.info(out / "monday" / "A.wav").frames == 4 * RATE
    single = folder / "single"
    one = [calls / "monday.wav", "--all", "--diarization", folder / "rttm" / "monday.rttm"]
    assert run(*one, "--extractor", card, "-o", single).exit_code == 0
    for name in ("A.wav", "B.wav"):
        assert (single / name).read_bytes() == (out / "monday" / name).read_bytes()
    (folder / "rttm" / "tuesday.rttm").write_text(TURN.format("tuesday", 0, 4, "C"))
    again = run(*words, "--resume")
    assert "note: 1 of 4 recordings were done before" in again.stderr
    assert (out / "tuesday" / "C.wav").is_file()
    assert not (out / "tuesday" / "A.wav").exists()
    assert f"warning: {out / 'tuesday'}: removed A.wav, B.wav, left of an earlier" in again.stderr


def test_an_enrolled_voice_is_taken_from_every_recording(folder: Path, card: Path) -> None:
    soundfile.write(folder / "me.wav", voice(3.0, 1), RATE)
    table = folder / "parts.csv"
    table.write_text("path,name,start,end\ncalls/monday.wav,first,0,1.5\ncalls/lost.wav,second,,\n")
    out = folder / "out"
    done = run(table, "--enroll", folder / "me.wav", "--extractor", card, "-o", out)
    assert done.exit_code == 0, done.stderr
    assert files(out) == ["first.wav", "report.csv", "second.wav"]
    lengths = [soundfile.info(out / f"{name}.wav").duration for name in ("first", "second")]
    assert lengths == [1.5, 4.0]


def test_one_diarization_of_several_recordings_tells_them_apart(folder: Path, card: Path) -> None:
    rttm = folder / "all.rttm"
    rttm.write_text(TURN.format("monday", 0, 4, "A"))
    (folder / "calls" / "bad.wav").unlink()
    out = folder / "out"
    words = [folder / "calls", "--speaker", "A", "--diarization", rttm]
    done = run(*words, "--extractor", card, "-o", out)
    assert done.exit_code == 1
    assert done.stderr.count("must have the turns of") == 2
    assert files(out) == ["monday.wav", "report.csv"]


@pytest.mark.parametrize("output", ["out.wav", "calls/monday.wav"])
def test_several_recordings_need_a_folder(folder: Path, output: str) -> None:
    done = run(folder / "calls", "--all", "-o", folder / output)
    assert done.exit_code == 2 and "must be a folder" in done.stderr


def test_the_work_can_be_sent_to_another_process(folder: Path) -> None:
    given = CompanionFiles("diarization", (folder / "rttm",), (".rttm",), several=True)
    work = ExtractionWork((), None, given, TrackConfig(), None, "cpu", Reader())
    assert pickle.loads(pickle.dumps(work)).settings == work.settings
