"""Commands that read who speaks when from a file: one of another recording is noticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from diarspk.cli.terminal import warnings_on_one_line

Run = Callable[..., Result]
Voices = dict[str, list[Path]]

COMMANDS = {
    "export-cue": "export-cue AUDIO --diarization TURNS --speaker A --encoder TINY -o OUT/a.npz",
    "export-voice": "export-voice AUDIO --diarization TURNS --encoder TINY -o OUT",
    "gallery": "gallery enroll ann --from AUDIO --speaker A --diarization TURNS --encoder TINY "
    "-g OUT",
    "plot": "plot map AUDIO --diarization TURNS --encoder TINY -o OUT/map.svg",
    "review": "review AUDIO --diarization TURNS --export OUT/page.html",
    "link": "link TURNS --audio AUDIO -o OUT --encoder TINY --threshold 0.5",
    "extract": "extract AUDIO --all --diarization TURNS -o OUT",
    "transcript": "transcript AUDIO --asr TINY --diarization TURNS -o OUT/a.txt",
}


def call(run: Run, command: str, audio: Path, turns: Path, tiny: Path, out: Path) -> Result:
    """Run a command with files in the place of words in capitals."""
    files = {"AUDIO": audio, "TURNS": turns, "TINY": tiny, "OUT": out}
    words = COMMANDS[command].split()
    filled = ["/".join(str(files.get(part, part)) for part in word.split("/")) for word in words]
    with warnings_on_one_line():
        return run(*filled)


def write_rttm(file: Path, uri: str, end: float) -> Path:
    file.write_text(
        f"SPEAKER {uri} 1 0.000 2.200 <NA> <NA> A <NA> <NA>\n"
        f"SPEAKER {uri} 1 {end - 0.5:.3f} 0.500 <NA> <NA> B <NA> <NA>\n"
    )
    return file


@pytest.mark.parametrize("command", COMMANDS)
def test_turns_after_the_end_of_the_recording_are_an_error(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path, command: str
) -> None:
    audio, out = voices["ann"][0], tmp_path / "out"
    out.mkdir()
    turns = write_rttm(tmp_path / "ann0.rttm", "ann0", 60.0)
    result = call(run, command, audio, turns, tiny, out)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{turns}: its turns go on to 60.0 s, and {audio} ends at 3.0 s" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not any(out.iterdir())


@pytest.mark.parametrize("command", ["export-cue", "plot", "review"])
def test_turns_of_a_recording_of_another_name_are_told(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path, command: str
) -> None:
    audio, out = voices["ann"][0], tmp_path / "out"
    out.mkdir()
    turns = write_rttm(tmp_path / "ann0.rttm", "ben0", 2.9)
    result = call(run, command, audio, turns, tiny, out)
    assert result.exit_code == 0
    assert f"warning: {turns}: is of a recording called ben0, not ann0; " in result.stderr
    turns = write_rttm(tmp_path / "ann0.rttm", "ann0", 2.9)
    assert "called" not in call(run, command, audio, turns, tiny, out).stderr


def test_json_of_another_recording_is_noticed_as_well(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path
) -> None:
    turns = tmp_path / "ben.json"
    for end, told in ((60.0, "its turns go on to 60.0 s"), (2.9, "is of a recording called ben0")):
        items = [{"start": 0.0, "end": end, "speaker": "A"}]
        turns.write_text(json.dumps({"uri": "ben0", "turns": items}))
        result = call(run, "export-cue", voices["ann"][0], turns, tiny, tmp_path)
        assert told in result.stderr
        assert result.exit_code == int(end > 3)
