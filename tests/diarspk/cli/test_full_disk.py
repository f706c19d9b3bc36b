"""Where a folder is full or read-only, or an input is gone, a command says so in one line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from tests.diarspk.verification.gallery.volumes import run_with_mounts
from tests.full_disk import content_of, limited_files

Run = Callable[..., Result]
Voices = dict[str, list[Path]]

RTTM = "SPEAKER ann0 1 0 2 <NA> <NA> ann <NA>\n"
COMMANDS = {
    "combine": ["combine", "a.rttm", "b.rttm", "-o", "out.rttm"],
    "diarize": ["diarize", "ann0.wav", "-o", "out", "--encoder", "TINY"],
    "diarize as JSON": [
        *("diarize", "ann0.wav", "-o", "out", "--format", "json", "--encoder", "TINY"),
    ],
    "embed": ["embed", "ann0.wav", "ben0.wav", "-o", "out.npz", "--encoder", "TINY"],
    "verify": ["verify", "--trials", "trials", "-o", "out.txt", "--encoder", "TINY"],
    "align fit": ["align", "fit", "one.npz", "two.npz", "-o", "out.json"],
    "link": [
        *("link", "a.rttm", "--audio", "ann0.wav", "-o", "out", "--encoder", "TINY"),
        *("--threshold", "0.8"),
    ],
    "score": ["score", "a.rttm", "b.rttm", "--timeline", "out"],
    "export-cue as npz": [
        *("export-cue", "ann0.wav", "--for", "numpy", "-o", "out.npz", "--encoder", "TINY"),
    ],
    "export-cue as npy": [
        *("export-cue", "ann0.wav", "--for", "numpy", "-o", "out.npy", "--encoder", "TINY"),
    ],
    "export-voice": [
        *("export-voice", "ann0.wav", "--diarization", "a.rttm", "--min-seconds", "1"),
        *("-o", "out", "--encoder", "TINY"),
    ],
}


@pytest.fixture
def folder(tmp_path: Path, voices: Voices, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working directory with an input for every command."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.rttm", "b.rttm"):
        Path(name).write_text(RTTM)
    Path("trials").write_text("1 ann0.wav ann1.wav\n0 ann0.wav ben0.wav\n")
    rows = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    for name, order in (("one", 1), ("two", -1)):
        np.savez(
            f"{name}.npz",
            vectors=rows[:, ::order],
            files=np.array([f"{number}.wav" for number in range(30)]),
            spans=np.tile([0.0, 2.0], (30, 1)),
            model=np.array(name),
            fingerprint=np.array(name),
        )
    return tmp_path


@pytest.mark.parametrize("size", [10, 300])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_one_line_and_leaves_nothing(
    name: str, size: int, run: Run, folder: Path, tiny: Path
) -> None:
    words = [str(tiny) if word == "TINY" else word for word in COMMANDS[name]]
    before = content_of(folder)
    with limited_files(size):
        full = run(*words)
    if full.exit_code:  # what is smaller than the limit is written
        assert full.exit_code == 1, full.exception
        (line,) = [line for line in full.stderr.splitlines() if not line.startswith("warning")]
        assert line.startswith("error: ") and "out" in line
        assert ".part" not in line and ".export" not in line
        assert content_of(folder) == before
    else:
        assert size > 10
    assert run(*words).exit_code == 0
    written = content_of(folder)
    assert written.keys() > before.keys()
    with limited_files(10):
        assert run(*words).exit_code == 1
    assert content_of(folder) == written
    assert run(*words).exit_code == 0


READ_ONLY = """
import json, os, sys
from typer.testing import CliRunner
from diarspk.cli import app

folder, commands = {folder!r}, {commands!r}
os.chdir(folder)
for name, words in commands.items():
    done = CliRunner().invoke(app, words)
    print(json.dumps([name, done.exit_code, done.stderr.splitlines()]))
"""


def test_a_read_only_folder_is_one_line(folder: Path, tiny: Path) -> None:
    commands = {
        name: [str(tiny) if word == "TINY" else word for word in words]
        for name, words in COMMANDS.items()
    }
    before = content_of(folder)
    bound = shlex.quote(str(folder))
    mounts = f"mount --bind {bound} {bound}; mount -o remount,ro,bind {bound}"
    told = run_with_mounts(mounts, READ_ONLY.format(folder=str(folder), commands=commands))
    for line in told.splitlines():
        _, status, messages = json.loads(line)
        errors = [text for text in messages if not text.startswith("warning")]
        assert (status, len(errors)) == (1, 1), line
        assert errors[0].startswith("error: ") and "Read-only file system" in errors[0], line
    assert len(told.splitlines()) == len(COMMANDS)
    assert content_of(folder) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_an_input_that_is_gone_is_one_line(name: str, run: Run, folder: Path, tiny: Path) -> None:
    words = [str(tiny) if word == "TINY" else word for word in COMMANDS[name]]
    gone = [word for word in COMMANDS[name] if (folder / word).is_file()][-1]
    (folder / gone).unlink()
    missed = run(*words)
    assert missed.exit_code == 1
    (line,) = [line for line in missed.stderr.splitlines() if not line.startswith("warning")]
    assert gone in line and "No such file" in line.replace("no such file", "No such file")
