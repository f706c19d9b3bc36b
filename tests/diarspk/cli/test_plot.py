"""``diarspk plot``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from typer.testing import Result

from tests.tiny_model import tone

pytest.importorskip("matplotlib")

RTTM = "SPEAKER call 1 0 2 <NA> <NA> Ann <NA> <NA>\nSPEAKER call 1 2 3 <NA> <NA> Ben <NA> <NA>\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "call.rttm").write_text(RTTM)
    (tmp_path / "two.rttm").write_text(RTTM + RTTM.replace("call", "other"))
    (tmp_path / "call.uem").write_text("call 1 0 4\n")
    soundfile.write(tmp_path / "call.wav", tone("ann", 5.0), 16000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::diarspk.errors.SpeechWarning")
def test_every_picture_is_drawn(folder: Path, tiny: Path, run: Callable[..., Result]) -> None:
    calls = [
        ["timeline", "call.rttm"],
        ["timeline", "two.rttm", "--recording", "other"],
        ["timeline", "call.wav"],
        ["errors", "call.rttm", "two.rttm", "--uem", "call.uem"],
        ["similarity", "call.wav", "--diarization", "call.rttm", "--encoder", str(tiny)],
        ["map", "call.wav", "--diarization", "call.rttm", "--encoder", str(tiny)],
    ]
    for number, words in enumerate(calls):
        result = run("plot", *words, "-o", f"{number}.svg")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
        assert (folder / f"{number}.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["timeline", "call.rttm", "-o", "a.gif"], "must end in one of .svg, .png, .pdf"),
        (["timeline", "call.rttm", "-o", "none/a.svg"], "there is no such folder"),
        (["timeline", "none.rttm", "-o", "a.svg"], "none.rttm: no such file"),
        (["timeline", "none.wav", "-o", "a.svg"], "none.wav"),
        (["timeline", "two.rttm", "-o", "a.svg"], "two.rttm: holds 2 recordings (call, other)"),
        (["timeline", "two.rttm", "-o", "a.svg", "--recording", "x"], "holds no recording 'x'"),
        (["errors", "call.rttm", "none.rttm", "-o", "a.svg"], "none.rttm: no such file"),
        (["errors", "two.rttm", "call.rttm", "-o", "a.svg", "--recording", "other"], "'other'"),
        (["map", "none.wav", "-o", "a.svg"], "none.wav"),
    ],
)
def test_a_fault_is_one_line(
    folder: Path, run: Callable[..., Result], words: list[str], told: str
) -> None:
    result = run("plot", *words)
    assert result.exit_code == 1
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (folder / "a.svg").exists()
