"""Sound files of an extraction: any name that the system has."""

import os
from pathlib import Path

import numpy as np
import pytest

from diarspk.audio import load_audio
from tse.sound_file import sound_file


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_a_name_that_is_not_utf_8(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / (os.fsdecode(b"r\xe9union") + suffix)
    try:
        file.touch()
    except OSError:
        pytest.skip("a file system whose names are Unicode")
    file.unlink()
    with sound_file(file) as sound:
        sound.write(np.full(1600, 0.1, np.float32))
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    assert len(load_audio(file)) == 1600
