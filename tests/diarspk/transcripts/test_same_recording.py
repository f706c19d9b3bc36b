"""A file of turns beside a recording that it is not of."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from diarspk.audio import AudioStream, open_audio
from diarspk.errors import DiarspkWarning, FormatError
from diarspk.transcripts.same_recording import MAX_OVERRUN_S, check_same_recording


@pytest.fixture
def stream() -> AudioStream:
    """Ten seconds of silence by the name of a meeting."""
    return replace(open_audio(np.zeros(160000, np.float32), 16000), name="ES2004a.Mix-Headset")


def test_turns_that_go_on_after_the_end_are_refused(stream: AudioStream) -> None:
    check_same_recording("a.rttm", 10 + MAX_OVERRUN_S, None, stream)
    with pytest.raises(FormatError, match=r"^a.rttm: its turns go on to 12.1 s, and .* at 10.0 s"):
        check_same_recording("a.rttm", 12.1, None, stream)


@pytest.mark.parametrize(
    "uri", ["ES2004a.Mix-Headset", "ES2004a", "es2004a.mix-headset.wav", "rttm/ES2004a", "stdin"]
)
def test_names_of_one_recording_pass(stream: AudioStream, uri: str) -> None:
    named = replace(stream, source=replace(stream.source, label="ES2004a.Mix-Headset.wav"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_same_recording("a.rttm", 1.0, uri, named)
        check_same_recording("a.rttm", 1.0, None, named)


@pytest.mark.parametrize("uri", ["ES2004b", "ES2004", "ES2004a2", "meeting"])
def test_names_of_others_are_told(stream: AudioStream, uri: str) -> None:
    named = replace(stream, source=replace(stream.source, label="ES2004a.Mix-Headset.wav"))
    with pytest.warns(DiarspkWarning, match=f"a.rttm: is of a recording called {uri}, not ES2004a"):
        check_same_recording("a.rttm", 1.0, uri, named)
