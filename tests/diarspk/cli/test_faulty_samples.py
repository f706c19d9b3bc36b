"""A sample that no recording has is an error in one line, whichever command reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.diarspk.cli.conftest import Run
from tests.tiny_model import tone

COMMANDS = {
    "diarize": ["diarize", "FAULTY", "--encoder", "TINY"],
    "embed": ["embed", "FAULTY", "--json", "--encoder", "TINY"],
    "verify": ["verify", "FAULTY", "GOOD", "--threshold", "0.5", "--encoder", "TINY"],
    "extract": ["extract", "GOOD", "--enroll", "FAULTY", "-o", "OUT.wav"],
    "extract from": ["extract", "FAULTY", "--enroll", "GOOD", "-o", "OUT.wav"],
    "export-cue": ["export-cue", "FAULTY", "--for", "numpy", "-o", "OUT.npy", "--encoder", "TINY"],
    "export-voice": ["export-voice", "FAULTY", "-o", "OUT", "--encoder", "TINY"],
    "enroll": ["gallery", "enroll", "ann", "FAULTY", "-g", "OUT", "--encoder", "TINY"],
}


@pytest.mark.filterwarnings("ignore:.*no speech was found in it")  # the good one is a tone
@pytest.mark.parametrize("value", [1e15, -1e15, np.nan, np.inf])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_faulty_sample(command: str, value: float, tmp_path: Path, tiny: Path, run: Run) -> None:
    wave = tone("ann")
    files = {"GOOD": tmp_path / "good.wav", "FAULTY": tmp_path / "faulty.wav"}
    soundfile.write(files["GOOD"], wave, 16000)
    wave[32000] = value
    soundfile.write(files["FAULTY"], wave, 16000, "FLOAT")
    places = {**files, "TINY": tiny}
    named = [str(places.get(word, word)) for word in COMMANDS[command]]
    done = run(*[word.replace("OUT", f"{tmp_path}/out") for word in named])
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("warning")]
    assert line.startswith(f"error: {files['FAULTY']}: a sample is")
    assert f"({value:g} at 2.000 s)" in line
    assert not list(tmp_path.glob("out*"))
