"""Long sessions, many people, and a process that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

import diarspk
from diarspk.streaming import StreamingDiarizer
from diarspk.streaming.speaker_memory import MAX_ROWS, SpeakerMemory
from tests.diarspk.streaming.test_parts import model, voices
from tests.tiny_model import tone, write_tiny_model

__all__ = ["model"]  # a fixture

RATE = 16000

STREAMS_AND_SAVES = """
import sys, time
from pathlib import Path
import numpy as np
import diarspk
from diarspk.streaming import StreamingDiarizer

card, audio, state, told = map(Path, sys.argv[1:])
stream = StreamingDiarizer(diarizer=diarspk.Diarizer.load(card))
for number, piece in enumerate(np.array_split(np.load(audio), 12)):
    stream.push(piece, 16000)
    stream.save(state)
    told.write_text(str(number + 1))
    print(number + 1, flush=True)
time.sleep(600)
"""


def test_a_session_whose_process_was_killed_goes_on_to_the_same_bytes(tmp_path):
    card = write_tiny_model(tmp_path)
    audio = np.concatenate([tone(name, 3.0) for name in ("ann", "ben", "eve", "ann")])
    np.save(tmp_path / "audio.npy", audio)
    files = [card, *(tmp_path / name for name in ("audio.npy", "state", "told"))]
    script = [sys.executable, "-c", STREAMS_AND_SAVES, *map(str, files)]
    with subprocess.Popen(
        script, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 4:
                process.send_signal(signal.SIGKILL)
                break
    diarizer = diarspk.Diarizer.load(card)
    stream = StreamingDiarizer.load_state(tmp_path / "state", diarizer=diarizer)
    pieces = np.array_split(audio, 12)
    received = np.cumsum([len(piece) for piece in pieces])
    place = int(received[np.searchsorted(received, stream._input.samples)])
    assert 4 <= np.searchsorted(received, place) + 1 <= 12
    stream.push(audio[place:], RATE)
    whole = StreamingDiarizer(diarizer=diarizer)
    whole.push(audio, RATE)
    assert stream.snapshot() == whole.snapshot()
    assert repr(stream.finish().confidence) == repr(whole.finish().confidence)


def test_twenty_people_are_twenty(model):
    memory = SpeakerMemory(model, None)
    for number, rows in enumerate(voices(*[12] * 20)):
        memory.add()
        for row in rows:
            memory.learn(number, row, 1.5)
            if memory.unclustered >= 2.0:
                assert memory.cluster() == []
    assert memory.alive.tolist() == list(range(20))
    numbers, _, centroids = memory.groups()
    assert numbers.tolist() == list(range(20))
    assert (centroids[:, :20].argmax(axis=1) == np.arange(20)).all()


def test_one_person_for_a_long_time_is_one(model):
    memory = SpeakerMemory(model, None)
    memory.add()
    (rows,) = voices(1500)  # twelve minutes of speech
    for row in rows:
        memory.learn(0, row, 1.5)
        if memory.unclustered >= 10.0:
            assert memory.cluster() == []
        assert len(memory.owner) <= MAX_ROWS + 30
    assert memory.alive.tolist() == [0]
