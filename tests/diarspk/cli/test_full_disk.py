"""On a full disk every command that writes says so in one line and leaves what was there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

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
    "score": ["score", "a.rttm", "b.rttm", "--timeline", "out"],
    "export-cue as npz": [
        *("export-cue", "ann0.wav", "--for", "numpy", "-o", "out.npz", "--encoder", "TINY"),
    ],
    "export-cue as npy": [
        *("export-cue", "ann0.wav", "--for", "numpy", "-o", "out.npy", "--encoder", "TINY"),
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
