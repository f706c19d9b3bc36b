"""``diarspk export-voice`` with a tiny encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from diarspk.cli import app
from tests.diarspk.cues.syllables import syllables

Run = Callable[..., Result]

RATE = 16000
RECORD = "SPEAKER meeting 1 {} {} <NA> <NA> {} <NA> <NA>\n"


@pytest.fixture
def meeting(tmp_path: Path) -> Path:
    """A recording of ann, and of ben with a word of eve's; RTTM and words beside it."""
    sound = np.concatenate([syllables("ann", 6.0), syllables("ben", 8.0)])
    soundfile.write(tmp_path / "meeting.wav", sound, RATE)
    turns = (("SPEAKER_00", 0.0, 6.0), ("SPEAKER_01", 6.0, 8.0), ("SPEAKER_02", 12.0, 0.5))
    rttm = "".join(RECORD.format(start, length, label) for label, start, length in turns)
    (tmp_path / "meeting.rttm").write_text(rttm)
    words = [{"word": f" w{n}", "start": n / 2, "end": n / 2 + 0.35} for n in range(28)]
    segments = [{"start": 0.0, "end": 14.0, "words": words}]
    (tmp_path / "meeting.words.json").write_text(json.dumps({"segments": segments}))
    return tmp_path / "meeting.wav"


def test_each_speaker_has_a_clip_with_its_words(run: Run, meeting: Path, tiny: Path) -> None:
    folder = meeting.parent / "voices"
    options = ["--encoder", tiny, "-o", folder]
    who = ["--diarization", meeting.with_suffix(".rttm")]
    words = ["--transcript", meeting.with_suffix(".words.json")]
    done = run("export-voice", meeting, *who, *words, *options)
    assert done.exit_code == 0
    assert "SPEAKER_02 never talks alone for 3 s" in done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["SPEAKER_00", "SPEAKER_01"]
    for label, file, start, end, score, text in rows:
        sound, rate = soundfile.read(file)
        assert len(sound) / rate == pytest.approx(float(end) - float(start), abs=0.02)
        assert 0 < float(score) <= 1
        assert text == (folder / f"{label}.txt").read_text().strip() != ""
    assert float(rows[0][3]) <= 6.0 <= float(rows[1][2]) + 0.2
    assert float(rows[1][3]) <= 12.0
    assert rows[0][5].startswith("w") and "w12" not in rows[0][5].split()
    as_json = run("export-voice", meeting, *who, *options, "--json", "--speaker", "SPEAKER_01")
    (one,) = map(json.loads, as_json.stdout.splitlines())
    assert (one["speaker"], one["text"]) == ("SPEAKER_01", None)


def test_a_recording_is_diarized_where_nothing_says_who_speaks(
    run: Run, meeting: Path, tiny: Path
) -> None:
    done = run("export-voice", meeting, "--encoder", tiny, "-o", meeting.parent / "v")
    assert done.exit_code == 0
    manifest = json.loads((meeting.parent / "v" / "voices.json").read_text())
    assert list(manifest["voices"]) == [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_a_pipe_is_read_once(meeting: Path, tiny: Path) -> None:
    words = ["export-voice", "-", "--encoder", tiny, "-o", meeting.parent / "v"]
    done = CliRunner().invoke(app, [str(word) for word in words], input=meeting.read_bytes())
    assert done.exit_code == 0
    (entry, *_) = json.loads((meeting.parent / "v" / "voices.json").read_text())["voices"].values()
    assert entry["recording"] == "stdin"


@pytest.mark.parametrize(
    ("words", "status", "fault"),
    [
        (["--speaker", "SPEAKER_02"], 1, "SPEAKER_02 never talks alone for 3 s"),
        (["--speaker", "SPEAKER_09"], 1, "has no speaker 'SPEAKER_09'; --speaker must be one of"),
        (["--min-seconds", "12"], 1, "`min_s` must be at most `max_s`, 10"),
        (["--transcript", "nothing.srt"], 1, "nothing.srt: no such file"),
        (["--for", "nobody"], 2, "nobody"),
    ],
)
def test_faults_leave_nothing_behind(
    run: Run, meeting: Path, tiny: Path, words: list[str], status: int, fault: str
) -> None:
    folder = meeting.parent / "v"
    options = ["--diarization", meeting.with_suffix(".rttm"), "--encoder", tiny, "-o", folder]
    done = run("export-voice", meeting, *options, *words)
    assert done.exit_code == status
    assert fault in done.stderr
    assert not folder.exists()


def test_a_poor_clip_is_told(run: Run, meeting: Path, tiny: Path) -> None:
    soundfile.write(meeting, syllables("ann", 14.0, level=0.002), RATE)
    options = ["--diarization", meeting.with_suffix(".rttm"), "--encoder", tiny]
    done = run("export-voice", meeting, *options, "-o", meeting.parent / "v")
    assert done.exit_code == 0
    assert "the best clip of SPEAKER_00 is poor" in done.stderr
