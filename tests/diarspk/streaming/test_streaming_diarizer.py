"""Laws of a live session: chunking, saving and company change nothing; odd input is told."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import soxr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyannote.core import Segment

import diarspk
from diarspk.diarization.reconstruction import binarize
from diarspk.errors import ArgumentError, AudioError, FormatError, ModelError, SpeechWarning
from diarspk.streaming import StreamingDiarizer
from diarspk.streaming.linking import LiveLinker
from tests.tiny_model import tone, write_tiny_model

RATE = 16000


@pytest.fixture(scope="module")
def diarizer(tmp_path_factory):
    card = write_tiny_model(tmp_path_factory.mktemp("model"))
    return diarspk.Diarizer.load(card)


def conversation(seconds=2.0):
    """Three people, the first again at the end."""
    people = [tone(name, seconds) for name in ("ann", "ben", "eve", "ann")]
    return np.concatenate(people)


def in_pieces(stream, audio, sizes, rate=RATE):
    """Push audio in pieces of these sizes, over and over; return what became final."""
    final, place, number = [], 0, 0
    while place < audio.shape[-1]:
        size = sizes[number % len(sizes)]
        final += stream.push(audio[..., place : place + size], rate).final
        place, number = place + size, number + 1
    return final


def result_of(stream):
    found = stream.finish()
    turns = list(found.annotation.itertracks(yield_label=True))
    alone = list(found.exclusive.itertracks(yield_label=True))
    vectors = [found.speakers[name].tobytes() for name in sorted(found.speakers)]
    return repr((turns, alone, found.confidence, vectors))


def joined(pieces):
    """Join pieces that continue each other."""
    turns = []
    for piece in sorted(pieces):
        for turn in turns:
            if turn[2] == piece.speaker and turn[1] == piece.start:
                turn[1] = piece.end
                break
        else:
            turns.append([piece.start, piece.end, piece.speaker])
    return sorted(turns)


def test_loose_boundaries_keep_pauses_and_change_no_speaker(diarizer, tmp_path, monkeypatch):
    def with_pauses(activity, config):
        active = binarize(activity, config)
        active[np.arange(len(active)) % 60 >= 45] = False  # 0.6 s; one window holds all
        return active

    learned = []
    learn = LiveLinker.learn

    def note(self, view, active, speakers):
        learned.append(active.tobytes())
        learn(self, view, active, speakers)

    monkeypatch.setattr("diarspk.streaming.session.binarize", with_pauses)
    monkeypatch.setattr(LiveLinker, "learn", note)
    loose = diarspk.Diarizer.load(write_tiny_model(tmp_path), boundaries="loose")
    results = []
    for one in (diarizer, loose):
        stream = StreamingDiarizer(latency_s=2.0, diarizer=one)
        in_pieces(stream, conversation(), [1600])
        results.append(stream.finish().annotation)
    tight, wide = results
    steps = len(learned) // 2
    assert learned[:steps] == learned[steps:]
    assert tight.labels() == wide.labels()
    shorter, longer = (one.get_timeline().support() for one in results)
    assert len(longer) < len(shorter) and longer.duration() > shorter.duration() + 0.5
    assert longer.covers(shorter)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(20, 40_000), min_size=1, max_size=5))
@example([1600])
@example([16_000])
@example([1, 60_000])
def test_how_audio_is_cut_changes_no_byte(diarizer, sizes):
    audio = conversation(0.8)
    whole = StreamingDiarizer(diarizer=diarizer)
    pieces = StreamingDiarizer(diarizer=diarizer)
    first = whole.push(audio, RATE).final
    second = in_pieces(pieces, audio, sizes)
    assert joined(first) == joined(second)
    assert whole.snapshot() == pieces.snapshot()
    assert result_of(whole) == result_of(pieces)


@pytest.mark.parametrize(
    ("rate", "channels", "sizes"),
    [
        (8000, 1, [80]),
        (44100, 1, [441]),
        (48000, 2, [4801, 37]),
        (22050, 1, [9999]),
        (11025, 2, [551]),
    ],
)
def test_cutting_audio_of_any_rate_changes_no_byte(diarizer, rate, channels, sizes):
    audio = soxr.resample(conversation(0.6), RATE, rate)
    audio = np.stack([audio, -0.9 * audio][:channels])  # the second of two is turned over
    whole, pieces = (StreamingDiarizer(diarizer=diarizer, latency_s=0.32) for _ in range(2))
    whole.push(audio, rate)
    in_pieces(pieces, audio, sizes, rate)
    assert whole.snapshot() == pieces.snapshot()
    assert result_of(whole) == result_of(pieces)


def test_a_saved_session_goes_on_to_the_same_bytes(diarizer, tmp_path):
    audio = soxr.resample(conversation(), RATE, 44100)
    whole = StreamingDiarizer(diarizer=diarizer, known_speakers={"Ann": np.arange(8.0)})
    whole.push(audio, 44100)
    part = StreamingDiarizer(diarizer=diarizer, known_speakers={"Ann": np.arange(8.0)})
    for piece in np.array_split(audio, [777, 100_000, 180_001]):
        part.push(piece, 44100)
        part.save(tmp_path / "session")
        part = StreamingDiarizer.load_state(tmp_path / "session", diarizer=diarizer)
    assert part.snapshot() == whole.snapshot()
    assert result_of(part) == result_of(whole)


def test_what_is_final_stays_final_and_lies_behind_the_clock(diarizer):
    stream, before = StreamingDiarizer(0.64, diarizer=diarizer), 0.0
    for piece in np.array_split(conversation(), 23):
        update = stream.push(piece, RATE)
        assert before <= update.final_time <= update.time
        assert all(before <= turn.start < turn.end <= update.final_time for turn in update.final)
        assert all(update.final_time <= turn.start for turn in update.tentative)
        json.dumps(update.to_json())
        before = update.final_time
    assert 8.0 - before <= 0.64 + 1e-9


def test_a_gap_moves_the_clock_and_keeps_the_speakers(diarizer):
    stream = StreamingDiarizer(diarizer=diarizer)
    stream.push(tone("ann"), RATE)
    update = stream.push(None, gap_s=60.0)
    before = {turn.speaker for turn in stream.snapshot().final}
    assert update.time == update.final_time == 63.0
    assert update.tentative == ()
    stream.push((tone("ann") * 32767).astype(np.int16), RATE)
    found = stream.finish()
    assert found.duration == 66.0
    assert set(found.annotation.labels()) == before
    assert not found.annotation.crop(Segment(3.0, 63.0))
    assert found.annotation.get_timeline().extent().end == 66.0


def test_sessions_do_not_influence_one_another(diarizer):
    audio = conversation(1.0)
    alone = StreamingDiarizer(diarizer=diarizer)
    alone.push(audio, RATE)
    expected = result_of(alone)
    streams = [StreamingDiarizer(diarizer=diarizer) for _ in range(8)]
    threads = [
        threading.Thread(target=in_pieces, args=(stream, audio, [1600 + 100 * number]))
        for number, stream in enumerate(streams)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result_of(stream) for stream in streams] == [expected] * 8


def test_known_speakers_have_their_names_at_once(diarizer):
    known = {"Ben": diarizer.encoder.embed(tone("ben"), RATE)}
    stream = StreamingDiarizer(diarizer=diarizer, known_speakers=known)
    update = stream.push(tone("ben")[RATE // 2 :], RATE)  # after its pause
    assert {turn.speaker for turn in update.final} == {"Ben"}
    assert [event.speaker for event in update.events] == ["Ben"]


def test_there_are_no_more_speakers_than_allowed(diarizer):
    stream = StreamingDiarizer(diarizer=diarizer, max_speakers=1)
    stream.push(conversation(), RATE)
    assert stream.finish().annotation.labels() == ["SPEAKER_00"]


def test_reset_begins_anew(diarizer):
    stream = StreamingDiarizer(diarizer=diarizer)
    stream.push(conversation(1.0), RATE)
    first = result_of(stream)
    with pytest.raises(ArgumentError, match="reset"):
        stream.push(tone("ann"), RATE)
    stream.reset()
    stream.push(conversation(1.0), RATE)
    assert result_of(stream) == first


def test_a_faulty_sample_is_told_and_nothing_of_the_push_is_taken(diarizer):
    stream, other = (StreamingDiarizer(diarizer=diarizer) for _ in range(2))
    audio = tone("ann")
    for one in (stream, other):
        one.push(audio[:20_000], RATE)
    broken = audio[20_000:].copy()
    broken[8000] = np.nan
    with pytest.raises(AudioError, match=r"NaN or infinite.* at 1\.750 s"):
        stream.push(broken, RATE)
    for one in (stream, other):
        one.push(audio[20_000:], RATE)
    assert result_of(stream) == result_of(other)


def test_no_audio_has_an_empty_result(diarizer):
    with pytest.warns(SpeechWarning, match="no speech"):
        found = StreamingDiarizer(diarizer=diarizer).finish()
    assert not found.annotation and found.duration == 0.0
    stream = StreamingDiarizer(diarizer=diarizer)
    stream.push(np.zeros(0, np.float32), RATE)
    with pytest.warns(SpeechWarning):
        assert not stream.finish().annotation


def test_wrong_arguments_are_told(diarizer, tmp_path):
    with pytest.raises(ArgumentError, match="latency_s"):
        StreamingDiarizer(0.1, diarizer=diarizer)
    with pytest.raises(ArgumentError, match="max_speakers"):
        StreamingDiarizer(max_speakers=0, diarizer=diarizer)
    with pytest.raises(ArgumentError, match="known_speakers"):
        StreamingDiarizer(known_speakers={"Ann": np.zeros(3)}, diarizer=diarizer)
    with pytest.raises(ArgumentError, match="diarizer"):
        StreamingDiarizer(diarizer="embedded")
    stream = StreamingDiarizer(diarizer=diarizer)
    with pytest.raises(ArgumentError, match="sample_rate"):
        stream.push(tone("ann"))
    stream.push(tone("ann"), RATE)
    with pytest.raises(ArgumentError, match="8000 Hz"):
        stream.push(tone("ann"), 8000)
    with pytest.raises(ArgumentError, match="gap_s"):
        stream.push(tone("ann"), RATE, gap_s=1.0)
    with pytest.raises(ArgumentError, match="gap_s"):
        stream.push(None, gap_s=-1.0)
    (tmp_path / "other").write_bytes(b"no state")
    with pytest.raises(FormatError, match="state of a live session"):
        StreamingDiarizer.load_state(tmp_path / "other", diarizer=diarizer)
    stream.save(tmp_path / "session")
    another = diarspk.Diarizer.load(write_tiny_model(tmp_path, seed=1))
    with pytest.raises(ModelError, match="of the encoder"):
        StreamingDiarizer.load_state(tmp_path / "session", diarizer=another)
