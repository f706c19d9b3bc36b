"""The best clip of a speaker: which it is, what is said in it, and at which rate it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from diarspk import load_encoder
from diarspk.cues import ClipConfig, ClipScore, VoiceClip, best_clip, best_clips
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError, AudioError
from diarspk.transcripts.text import join_words
from tests.diarspk.cues.syllables import syllables
from tests.tiny_model import write_tiny_model

RATE = 16000


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SpeakerEncoder:
    return load_encoder(write_tiny_model(tmp_path_factory.mktemp("tiny")))


def annotate(*turns: tuple[float, float, str]) -> Annotation:
    annotation = Annotation(uri="meeting")
    for track, (start, end, speaker) in enumerate(turns):
        annotation[Segment(start, end), track] = speaker
    return annotation


def place(parts: dict[float, NDArray[np.float32]], seconds: float) -> NDArray[np.float32]:
    """Lay parts at their starts in seconds into a little noise."""
    mixed = 0.001 * np.random.default_rng(1).normal(size=round(seconds * RATE))
    for start, part in parts.items():
        mixed[round(start * RATE) :][: len(part)] += part
    return mixed.astype(np.float32)


def test_the_clean_speech_is_taken_and_not_the_noisy(encoder: SpeakerEncoder) -> None:
    noisy, clean = syllables("ann", 6.0, noise=0.05), syllables("ann", 6.0)
    audio = place({1.0: noisy, 10.0: clean, 20.0: syllables("ann", 2.0)}, 24.0)
    turns = annotate((1, 7, "A"), (10, 16, "A"), (20, 22, "A"))
    found = best_clip(audio, turns, "A", sample_rate=RATE, encoder=encoder)
    assert 9.8 < found.start < found.end < 16.2
    assert found.score.factors["cleanness"] > 0.5
    assert found.score.similarity is not None


def test_overlap_is_not_part_of_a_clip(encoder: SpeakerEncoder) -> None:
    audio = place({0.0: syllables("ann", 12.0), 5.0: syllables("ben", 1.0)}, 12.0)
    turns = annotate((0, 12, "A"), (5, 6, "B"))
    found = best_clips(audio, turns, sample_rate=RATE, encoder=encoder)
    assert list(found) == ["A"]  # nobody but A talks alone for long enough
    assert found["A"].end <= 4.9 or found["A"].start >= 6.1


def test_a_voice_that_was_missed_is_not_taken_for_the_speaker(encoder: SpeakerEncoder) -> None:
    """B is said to be A for the stretch that is the longest."""
    parts = {0.0: syllables("ann", 4.0), 6.0: syllables("ben", 6.0), 14.0: syllables("ann", 4.0)}
    turns = annotate((0, 4, "A"), (6, 12, "A"), (14, 18, "A"))
    found = best_clip(place(parts, 20.0), turns, "A", sample_rate=RATE, encoder=encoder)
    assert found.end < 6.0 or found.start > 12.0
    assert found.score.similarity is not None


def test_the_place_does_not_depend_on_the_gain(encoder: SpeakerEncoder) -> None:
    audio = place({1.0: syllables("ann", 5.0), 8.0: syllables("ann", 5.0, level=0.1)}, 14.0)
    turns = annotate((1, 6, "A"), (8, 13, "A"))
    places = {
        (clip.start, clip.end)
        for clip in (
            best_clip(gain * audio, turns, "A", sample_rate=RATE, encoder=encoder)
            for gain in (1.0, 0.5, 0.25)
        )
    }
    assert len(places) == 1


def test_words_are_cut_whole_and_go_with_the_clip(encoder: SpeakerEncoder) -> None:
    audio = place({0.0: syllables("ann", 14.0)}, 16.0)
    words = [
        {"word": f" word{n}{'.' if n % 8 == 7 else ''}", "start": 0.5 * n, "end": 0.5 * n + 0.35}
        for n in range(28)
    ]
    transcript = {"segments": [{"start": 0.0, "end": 14.0, "words": words}]}
    found = best_clip(
        audio,
        annotate((0, 14, "A")),
        "A",
        sample_rate=RATE,
        transcript=transcript,
        encoder=encoder,
    )
    assert found.score.cut_sentences == 0
    assert found.text == join_words(found.words)
    first, last = found.words[0], found.words[-1]
    assert first.start is not None and last.end is not None
    assert found.start <= first.start + 0.03 and found.end >= last.end - 0.03
    assert first.text.strip() in ("word0", "word8", "word16") and found.text.endswith(".")


def test_a_clip_is_read_at_the_rate_of_the_recording(
    tmp_path: Path, encoder: SpeakerEncoder
) -> None:
    sound = syllables("ann", 6.0, rate=44100)
    soundfile.write(tmp_path / "a.wav", sound, 44100, subtype="FLOAT")
    found = best_clip(tmp_path / "a.wav", annotate((0, 6, "A")), "A", encoder=encoder)
    assert found.sample_rate == 44100 and found.recording == "a"
    first = round(found.start * 44100)
    np.testing.assert_array_equal(found.samples, sound[first:][: len(found.samples)])
    assert found.score.similarity is None  # nothing else of A to compare with
    assert found.vector is not None and found.vector.shape == (encoder.dimension,)
    assert repr(found).startswith("VoiceClip(A, ")


def test_the_same_recording_gives_the_same_clip(encoder: SpeakerEncoder) -> None:
    audio, turns = place({0.0: syllables("ann", 9.0)}, 10.0), annotate((0, 9, "A"))
    one, two = (best_clip(audio, turns, "A", sample_rate=RATE, encoder=encoder) for _ in range(2))
    assert (one.start, one.end, one.score) == (two.start, two.end, two.score)
    np.testing.assert_array_equal(one.samples, two.samples)


def test_faults(encoder: SpeakerEncoder) -> None:
    audio = place({0.0: syllables("ann", 2.0)}, 4.0)
    turns = annotate((0, 2, "A"))
    with pytest.raises(ArgumentError, match="must talk alone for 3 s"):
        best_clip(audio, turns, "A", sample_rate=RATE, encoder=encoder)
    short = ClipConfig(min_s=1.0)
    assert best_clip(audio, turns, "A", sample_rate=RATE, encoder=encoder, config=short).end < 2.2
    with pytest.raises(ArgumentError, match="among A, got 'B'"):
        best_clip(audio, turns, "B", sample_rate=RATE, encoder=encoder)
    with pytest.raises(AudioError, match="ends before the first turn"):
        best_clips(audio, annotate((9, 15, "A")), sample_rate=RATE, encoder=encoder)
    with pytest.raises(ArgumentError, match="`min_s` must be at most `max_s`"):
        ClipConfig(min_s=11.0)
    assert best_clips(audio, Annotation(), sample_rate=RATE, encoder=encoder) == {}


GOOD = ClipScore(8.0, 35.0, -25.0, 0.0, 0.1, 2.0, 0, 1.0)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({"length_s": 3.0}, 0.5),
        ({"ratio_db": 17.5}, 0.5),
        ({"level_db": -45.0}, 0.5),
        ({"clipped": 0.0005}, 0.5),
        ({"pauses": 0.6}, 0.5),
        ({"distance_s": 0.0}, 0.8),
        ({"cut_sentences": 2}, 0.81),
        ({"similarity": 0.5}, 0.5),
        ({"similarity": -0.5}, 0.0),
        ({"distance_s": None, "cut_sentences": None, "similarity": None}, 1.0),
    ],
)
def test_each_fault_of_a_clip_costs_what_it_says(
    change: dict[str, float | None], factor: float
) -> None:
    assert GOOD.value == pytest.approx(1.0)
    assert replace(GOOD, **change).value == pytest.approx(factor)  # type: ignore[arg-type]


def test_a_clip_without_words_has_no_text() -> None:
    assert VoiceClip("A", "m", 0.0, 3.0, np.zeros(3, np.float32), 1, GOOD).text == ""
