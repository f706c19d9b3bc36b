"""When an enrolled voice talks in a live session: as in a recording, however it is cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import tse
from diarspk import Diarizer, load_encoder
from diarspk.errors import ArgumentError, ModelError
from tests.tiny_model import tone, write_tiny_model
from tests.tse.test_detection import RATE, call, cut, diarizer, in_noise  # noqa: F401
from tests.tse.test_extraction import unfit, voice, write_small
from tse.detection import STEP_S, likeliest_odds
from tse.enrolled_voice import EnrolledVoice
from tse.gating import keep_rest
from tse.live_detection import CONTEXT, STEP, LiveDetector, RunningOdds
from tse.loading import load_extractor

Samples = NDArray[np.float32]


@given(st.lists(st.floats(0, 1), max_size=14), st.lists(st.integers(0, 14), max_size=4))
def test_running_odds_are_those_of_the_likeliest_stretch(
    figures: list[float], places: list[int]
) -> None:
    frames, running = np.array(figures), RunningOdds()
    bounds = [0, *sorted(min(one, len(frames)) for one in places), len(frames)]
    before = -math.inf
    for first, last in pairwise(bounds):
        running.push(frames[first:last])
        if last >= 5:  # of less than a stretch of 0.4 s, each frame may lower the mean
            assert running.odds >= before
            before = running.odds
    assert running.odds == pytest.approx(float(likeliest_odds(frames)), abs=1e-9)
    running.end()
    assert running.odds == pytest.approx(float(likeliest_odds(frames)), abs=1e-9)


@pytest.fixture(scope="module")
def vector(call: Samples, diarizer: Diarizer) -> Samples:  # noqa: F811
    return diarizer.encoder.embed(cut(call, 21.8, 27.8), RATE)


def detect(detector: LiveDetector, pieces: Sequence[Samples]) -> list[tse.LiveDetection]:
    told = []
    for piece in pieces:
        detector.push(piece)
        told.append(detector.tell())
    detector.end_stretch()
    return [*told, detector.tell()]


def joined(told: Sequence[tse.LiveDetection]) -> Samples:
    return np.concatenate([one.probabilities for one in told])


def test_a_session_has_the_voice_where_the_recording_has_it(
    call: Samples,  # noqa: F811
    diarizer: Diarizer,  # noqa: F811
    vector: Samples,
) -> None:
    mixture = in_noise(cut(call, 14.6, 17.9), 4.0, 4.7)
    whole = tse.detect(mixture, vector, RATE, diarizer=diarizer)
    told = detect(LiveDetector(diarizer, vector), np.array_split(mixture, 30))
    found = joined(told)
    assert len(found) == len(whole.probabilities)
    assert np.abs(found - whole.probabilities).mean() < 0.05
    assert told[-1].is_present and not told[8].is_present  # 3.6 s: before the voice
    assert told[-1].seconds == pytest.approx(found.sum(dtype=np.float64) * STEP_S, rel=1e-5)
    assert [one.start for one in told[1:]] == pytest.approx([one.time for one in told[:-1]])
    behind = [12 / 30 * number - one.time for number, one in enumerate(told[:-1], 1)]
    assert max(behind) <= (STEP + CONTEXT) * STEP_S / 2 + 0.06  # and a frame, of 25 ms of sound

    noise = np.random.default_rng(0).normal(0, 0.01, 2 * RATE).astype(np.float32)
    (*_, end) = detect(LiveDetector(diarizer, vector), [noise])
    assert not end.is_present and end.seconds == 0.0 and end.latest == 0.0


def test_no_cut_no_pause_of_the_process_and_no_length_changes_a_bit(
    call: Samples,  # noqa: F811
    diarizer: Diarizer,  # noqa: F811
    vector: Samples,
) -> None:
    mixture = cut(call, 18.0, 21.1)
    whole = detect(LiveDetector(diarizer, vector), [mixture])
    detector, told, sizes = LiveDetector(diarizer, vector), [], []
    for first, last in pairwise([0, 1, 2, 700, 20000, 20001, 47000, len(mixture)]):
        again = LiveDetector(diarizer, vector)
        again.restore(detector.state())
        detector = again
        detector.push(mixture[first:last])
        told.append(detector.tell())
    assert math.isnan(told[0].latest) and told[0].presence == 0.0
    detector.end_stretch()
    told.append(detector.tell())
    np.testing.assert_array_equal(joined(told), joined(whole))
    assert (told[-1].presence, told[-1].seconds) == (whole[-1].presence, whole[-1].seconds)

    detector.begin(100.0)  # after a gap
    for _ in range(5):
        detector.push(mixture)
        sizes.append(sum(array.nbytes for array in arrays_of(detector.state())))
        last_told = detector.tell()
    assert last_told.start > 100.0
    assert max(sizes[3:]) <= sizes[3] + 4 * 640 * STEP  # what waits for a step


def arrays_of(state: object) -> list[NDArray[np.generic]]:
    if isinstance(state, dict):
        return [array for value in state.values() for array in arrays_of(value)]
    return [state] if isinstance(state, np.ndarray) else []


def test_a_stretch_may_be_too_short_for_a_frame(diarizer: Diarizer, vector: Samples) -> None:  # noqa: F811
    detector = LiveDetector(diarizer, vector)
    (first, end) = detect(detector, [np.zeros(100, np.float32)])
    assert len(first.probabilities) == 0 and end.probabilities.tolist() == [0.0]
    detector.begin(1.0)
    (nothing,) = detect(detector, [])
    assert len(nothing.probabilities) == 0 and nothing.start == 1.0


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> tse.Extractor:
    return load_extractor(write_small(tmp_path_factory.mktemp("causal"), causal=True))


def test_an_extractor_tells_it_with_every_push(
    call: Samples,  # noqa: F811
    diarizer: Diarizer,  # noqa: F811
    vector: Samples,
    extractor: tse.Extractor,
    tmp_path: Path,
) -> None:
    mixture = cut(call, 18.0, 19.4)
    options = {"extractor": extractor, "diarizer": diarizer}
    stream = tse.StreamingExtractor(vector, RATE, **options)
    told = [stream.detection]
    for piece in np.array_split(mixture, 4):
        stream.push(piece)
        told.append(stream.detection)
        stream.save(tmp_path / "session")
        stream = tse.StreamingExtractor.load_state(tmp_path / "session", **options)
        assert stream.detection.presence == told[-1].presence
    stream.push(None, gap_s=2.0)
    told.append(stream.detection)
    alone = detect(LiveDetector(diarizer, vector), [mixture])
    np.testing.assert_array_equal(joined(told), joined(alone))
    stream.push(mixture[:8000])
    stream.finish()
    assert stream.detection.time == pytest.approx(1.4 + 2.0 + 0.56)  # whole frames of 0.08 s
    assert np.isfinite(stream.presence().similarity)
    once = stream.presence()
    assert once == stream.presence()
    stream.reset()
    assert math.isnan(stream.detection.latest) and math.isnan(stream.presence().similarity)

    without = tse.StreamingExtractor(vector, RATE, extractor=extractor)
    without.push(mixture)
    assert without.detection is None and without.presence() is None
    other = Diarizer.load(write_tiny_model(tmp_path))
    with pytest.raises(ModelError, match=r"is of the diarizer .*pass that diarizer"):
        tse.StreamingExtractor.load_state(tmp_path / "session", extractor=extractor, diarizer=other)
    with pytest.raises(ArgumentError, match="`diarizer` must be"):
        tse.StreamingExtractor(vector, RATE, extractor=extractor, diarizer="yes")


def test_a_mask_leaves_in_the_rest_however_the_session_is_cut(
    call: Samples,  # noqa: F811
    vector: Samples,
    extractor: tse.Extractor,
) -> None:
    mixture = cut(call, 18.0, 18.5)

    def run(pieces: int, rate: int = RATE, **options: float) -> Samples:
        stream = tse.StreamingExtractor(vector, rate, extractor=extractor, **options)
        parts = [stream.push(piece) for piece in np.array_split(mixture, pieces)]
        return np.concatenate([*parts, stream.finish()])

    bare, masked = run(1), run(7, mask_db=12.0)
    np.testing.assert_array_equal(masked, keep_rest(bare, mixture, 12.0))
    np.testing.assert_array_equal(run(3, 8000, mask_db=12.0), run(5, 8000, mask_db=12.0))
    np.testing.assert_allclose(run(2, mask_db=0.0), mixture, atol=1e-6)
    with pytest.raises(ArgumentError, match="`mask_db` must be"):
        run(1, mask_db=-1.0)


@unfit
def test_a_voice_is_embedded_by_whatever_there_is_of_it(
    diarizer: Diarizer,  # noqa: F811
    extractor: tse.Extractor,
    tmp_path: Path,
) -> None:
    encoder = diarizer.encoder
    recorded = extractor.cue(voice(2.0, 5), RATE)
    expected = encoder.embed(voice(2.0, 5), RATE)
    of_another = EnrolledVoice(recorded, "another space")  # whose enrolment is embedded anew
    np.testing.assert_allclose(of_another.vector(encoder), expected, atol=1e-5)
    alone = EnrolledVoice(tse.Cue(vector=torch.ones(1, 8)), "another space")
    with pytest.raises(ArgumentError, match=r"must hold a recording, or an embedding"):
        alone.vector(encoder)
    by_recordings = EnrolledVoice(alone.cue, "another space", [tse.Reference(voice(2.0, 5))])
    np.testing.assert_allclose(by_recordings.vector(encoder), expected, atol=1e-5)
    tiny = load_encoder(write_tiny_model(tmp_path))
    assert by_recordings.vector(tiny).shape == tiny.embed(tone("ann"), RATE).shape
