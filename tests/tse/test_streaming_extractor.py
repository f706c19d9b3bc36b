"""One voice out of a live session: the same however it is cut, and as the whole recording."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import diarspk
import tse
from diarspk.errors import ArgumentError, AudioError, FormatError, ModelError
from diarspk.streaming.state import write_state
from tests.tse.test_extraction import RATE, voice, write_small
from tse.loading import CAUSAL, load_extractor
from tse.models.level import running_level

Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> tse.Extractor:
    return load_extractor(write_small(tmp_path_factory.mktemp("causal"), causal=True))


@pytest.fixture(scope="module")
def cue(extractor: tse.Extractor) -> tse.Cue:
    return extractor.cue(voice(1.0, 7), RATE)


def begin(extractor: tse.Extractor, cue: tse.Cue, rate: int | None = RATE, **options: object):
    return tse.StreamingExtractor(cue, rate, extractor=extractor, **options)  # type: ignore[arg-type]


def run(stream: tse.StreamingExtractor, pieces: Sequence[NDArray[np.generic]]) -> Samples:
    return np.concatenate([*[stream.push(piece) for piece in pieces], stream.finish()])


def below_3_khz(samples: Samples) -> Samples:
    return np.asarray(soxr.resample(soxr.resample(samples, RATE, 6000), 6000, RATE))


def cut(samples: NDArray[np.generic], places: Sequence[int]) -> list[NDArray[np.generic]]:
    """Pieces with an even number of samples: two channels of one sample may be one of two."""
    even = sorted(place % (samples.shape[-1] + 1) // 2 * 2 for place in places)
    return np.split(samples, even, axis=-1)


@given(
    places=st.lists(st.integers(0, 10**6), max_size=12),
    rate=st.sampled_from([16000, 8000, 44100, 48000]),
    channels=st.integers(1, 2),
    latency_s=st.sampled_from([None, 0.1]),
    length=st.integers(0, 4500).map(lambda half: 2 * half),
)
@settings(deadline=None, max_examples=25)
def test_how_it_is_cut_changes_no_bit(
    extractor: tse.Extractor,
    cue: tse.Cue,
    places: list[int],
    rate: int,
    channels: int,
    latency_s: float | None,
    length: int,
) -> None:
    mixture = np.random.default_rng(1).normal(0, 0.1, (channels, length)).astype(np.float32)
    whole = run(begin(extractor, cue, rate, latency_s=latency_s), [mixture])
    pieces = run(begin(extractor, cue, rate, latency_s=latency_s), cut(mixture, places))
    assert whole.shape == (length,) and whole.dtype == np.float32
    np.testing.assert_array_equal(pieces, whole)


@pytest.mark.parametrize("latency_s", [None, 0.06, 0.3])
def test_a_stream_is_what_the_extractor_makes_of_the_whole(
    extractor: tse.Extractor, cue: tse.Cue, latency_s: float | None
) -> None:
    mixture = voice(3.3, 3)
    mixture[10_000:20_000] = 0  # a pause
    found = run(begin(extractor, cue, latency_s=latency_s), np.array_split(mixture, 41))
    np.testing.assert_allclose(found, extractor(mixture, cue), atol=1e-5)
    np.testing.assert_allclose(
        found, extractor.network(torch.from_numpy(mixture)[None], cue)[0].numpy(), atol=1e-5
    )


@pytest.mark.parametrize(
    ("rate", "latency_s"), [(16000, 0.04), (8000, 0.08), (44100, 0.08), (48000, 0.08)]
)
def test_as_much_comes_out_as_went_in_within_the_latency(
    extractor: tse.Extractor, cue: tse.Cue, rate: int, latency_s: float
) -> None:
    stream, received, given = begin(extractor, cue, rate), 0, 0
    assert stream.latency_s == pytest.approx(latency_s)
    for piece in np.array_split(voice(1.0, 2)[: rate // 4], 20):
        received += len(piece)
        given += len(stream.push(piece))
        assert received - given <= round(latency_s * rate)
    assert given + len(stream.finish()) == received
    assert stream.time == pytest.approx(received / rate)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_another_rate_gives_nearly_the_same_voice(
    extractor: tse.Extractor, cue: tse.Cue, rate: int
) -> None:
    mixture = below_3_khz(voice(1.0, 3))
    expected = run(begin(extractor, cue), [mixture])
    found = run(begin(extractor, cue, rate), [soxr.resample(mixture, RATE, rate)])
    there = soxr.resample(found, rate, RATE)[:16000]
    expected, there = below_3_khz(expected), below_3_khz(there)
    fault = (there - expected)[1000:-1000]
    assert np.mean(fault**2) < 1e-4 * np.mean(expected**2)


def test_integers_and_channels_are_taken(extractor: tse.Extractor, cue: tse.Cue) -> None:
    exact = np.round(voice(0.5) * 32767).astype(np.int16)
    whole = run(begin(extractor, cue), [exact.astype(np.float32) / 32768])
    np.testing.assert_array_equal(run(begin(extractor, cue), [exact]), whole)
    np.testing.assert_array_equal(run(begin(extractor, cue), [np.stack([exact, exact])]), whole)
    pair = np.stack([np.zeros_like(exact), exact])
    np.testing.assert_array_equal(run(begin(extractor, cue, channel=1), [pair]), whole)
    tensor = torch.from_numpy(exact)
    np.testing.assert_array_equal(run(begin(extractor, cue), [tensor]), whole)  # type: ignore[list-item]


def test_silence_gives_silence_and_empty_pushes_nothing(
    extractor: tse.Extractor, cue: tse.Cue
) -> None:
    stream = begin(extractor, cue)
    assert stream.push(np.zeros(0, np.float32)).shape == (0,)
    assert not run(stream, [np.zeros(9000, np.float32)]).any()
    assert begin(extractor, cue).finish().shape == (0,)


def test_a_faulty_push_is_not_taken_in(extractor: tse.Extractor, cue: tse.Cue) -> None:
    mixture, stream = voice(0.5), begin(extractor, cue)
    found = [stream.push(mixture[:5000])]
    broken = mixture[5000:].copy()
    broken[17] = np.nan
    with pytest.raises(AudioError, match=r"NaN or infinite"):
        stream.push(broken)
    found += [stream.push(mixture[5000:]), stream.finish()]
    np.testing.assert_array_equal(np.concatenate(found), run(begin(extractor, cue), [mixture]))


def test_after_a_gap_it_begins_anew(extractor: tse.Extractor, cue: tse.Cue) -> None:
    first, second = voice(0.4, 1), voice(0.3, 2)
    stream = begin(extractor, cue)
    found = [stream.push(first), stream.push(None, gap_s=0.25), stream.push(second)]
    assert stream.time == pytest.approx(0.95)
    found.append(stream.finish())
    expected = [run(begin(extractor, cue), [part]) for part in (first, second)]
    expected.insert(1, np.zeros(4000, np.float32))
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(expected))
    stream.reset()
    np.testing.assert_array_equal(run(stream, [first]), expected[0])


def test_another_rate_goes_on_after_a_gap(extractor: tse.Extractor, cue: tse.Cue) -> None:
    stream = begin(extractor, cue, None)
    stream.push(voice(0.2), RATE)
    with pytest.raises(ArgumentError, match=r"must go on with 16000 Hz"):
        stream.push(voice(0.2), 8000)
    stream.push(None)
    assert len(stream.push(voice(0.2), 8000)) + len(stream.finish()) == 3200


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_a_session_goes_on_elsewhere_to_the_same_bytes(
    extractor: tse.Extractor, cue: tse.Cue, rate: int, tmp_path: Path
) -> None:
    mixture = voice(1.0, 4)
    whole = run(begin(extractor, cue, rate, latency_s=0.1), [mixture])
    stream, found = begin(extractor, cue, rate, latency_s=0.1), []
    for piece in np.array_split(mixture, 5):
        stream.save(tmp_path / "session")
        stream = tse.StreamingExtractor.load_state(tmp_path / "session", extractor=extractor)
        found.append(stream.push(piece))
    stream.save(tmp_path / "session")
    again = tse.StreamingExtractor.load_state(tmp_path / "session", extractor=extractor)
    assert again.time == stream.time and again.latency_s == stream.latency_s
    found.append(again.finish())
    np.testing.assert_array_equal(np.concatenate(found), whole)


def test_sessions_that_share_an_extractor_are_apart(extractor: tse.Extractor, cue: tse.Cue) -> None:
    others = [begin(extractor, cue) for _ in range(2)]
    parts: list[list[Samples]] = [[], []]
    for piece in np.array_split(voice(0.5), 9):
        for number, stream in enumerate(others):
            parts[number].append(stream.push(piece * (1 - number)))
    found = np.concatenate([*parts[0], others[0].finish()])
    np.testing.assert_array_equal(found, run(begin(extractor, cue), [voice(0.5)]))
    assert not np.concatenate(parts[1]).any()


def test_memory_does_not_grow(extractor: tse.Extractor, cue: tse.Cue) -> None:
    stream, sizes = begin(extractor, cue, 44100), []

    def size(value: object) -> int:
        if isinstance(value, dict):
            return sum(map(size, value.values()))
        return value.nbytes if isinstance(value, np.ndarray) else 0

    for _ in range(8):
        stream.push(voice(0.25))
        held = (stream._voice.state(), stream._trip.state())
        sizes.append(sum(map(size, held)))
    assert max(sizes[2:]) <= sizes[1] + 4 * 3 * 882  # what waits is of one block, more or less


def test_enrolments_are_what_extract_takes(extractor: tse.Extractor) -> None:
    reference = voice(2.0, 5)
    encoder = diarspk.load_encoder()
    with pytest.warns(Warning):  # noise that is no speech
        recorded = tse.StreamingExtractor(reference, RATE, extractor=extractor)
    vector = tse.StreamingExtractor(encoder.embed(reference, RATE), RATE, extractor=extractor)
    torch.testing.assert_close(recorded.cue.vector, vector.cue.vector, atol=1e-3, rtol=0)
    with pytest.raises(ArgumentError, match=r"one recording at least"):
        tse.StreamingExtractor([], RATE, extractor=extractor)
    with pytest.raises(ArgumentError, match=r"sample_rate"):
        tse.StreamingExtractor(reference, extractor=extractor)


def test_what_cannot_be_is_told(extractor: tse.Extractor, cue: tse.Cue, tmp_path: Path) -> None:
    ahead = load_extractor(write_small(tmp_path))
    with pytest.raises(ArgumentError, match=rf"must be causal .*take {CAUSAL}"):
        begin(ahead, cue)
    for latency_s in (0.01, 2.0, float("nan")):
        with pytest.raises(ArgumentError, match="latency_s"):
            begin(extractor, cue, latency_s=latency_s)
    stream = begin(extractor, cue, None)
    with pytest.raises(ArgumentError, match=r"`sample_rate` must be given"):
        stream.push(voice(0.1))
    with pytest.raises(ArgumentError, match=r"no rate is known"):
        stream.push(None, gap_s=1.0)
    with pytest.raises(ArgumentError, match=r"push the gap by itself"):
        stream.push(voice(0.1), RATE, gap_s=1.0)
    stream.finish()
    with pytest.raises(ArgumentError, match=r"before `finish`"):
        stream.push(voice(0.1), RATE)
    stream.save(tmp_path / "session")
    other = copy.copy(ahead)
    object.__setattr__(other, "network", extractor.network)
    with pytest.raises(ModelError, match=r"pass that extractor"):
        tse.StreamingExtractor.load_state(tmp_path / "session", extractor=other)
    with pytest.raises(FormatError, match=r"StreamingExtractor\.save has written it"):
        diarspk.StreamingDiarizer.load_state(tmp_path / "session")
    for writer in ("StreamingDiarizer.save", "StreamingExtractor.save"):
        write_state(tmp_path / "other", {"cue": {"voice": None}}, writer)
        with pytest.raises(FormatError, match=r"StreamingExtractor\.save writes one"):
            tse.StreamingExtractor.load_state(tmp_path / "other", extractor=extractor)


def test_the_embedded_causal_extractor_streams() -> None:
    extractor = load_extractor(CAUSAL)
    stream = tse.StreamingExtractor(extractor.cue(voice(2.0, 5), RATE), RATE)
    assert stream.latency_s <= 0.04
    found = run(stream, np.array_split(voice(1.0), 10))
    np.testing.assert_allclose(found, extractor(voice(1.0), stream.cue), atol=1e-5)


LOUD, QUIET = 0.1**2, 0.003**2


@pytest.mark.parametrize(("before_s", "power"), [(600.0, 0.0), (600.0, 1e-9), (60.0, QUIET)])
def test_a_level_is_found_again_after_a_pause(before_s: float, power: float) -> None:
    """Whoever goes on after a pause is neither too loud nor too quiet for the network."""
    memory: dict[str, torch.Tensor] = {}
    running_level(torch.full((1, 500, 1), LOUD), 50.0, memory)
    running_level(torch.full((1, round(50 * before_s), 1), power), 50.0, memory)
    levels = running_level(torch.full((1, 50, 1), LOUD), 50.0, memory)
    assert float(levels[0, 10, 0]) > 0.3 * 0.1
    assert float(levels[0, -1, 0]) <= 0.1001


def test_the_level_of_the_first_seconds_is_the_root_mean_square_so_far() -> None:
    power = torch.from_numpy(np.random.default_rng(0).uniform(0.5, 1.5, (2, 400, 1)))
    expected = (power.cumsum(1) / torch.arange(1, 401)[:, None]).sqrt()
    torch.testing.assert_close(running_level(power, 50.0), expected)


@given(places=st.lists(st.integers(0, 300), max_size=4))
@settings(deadline=None, max_examples=20)
def test_the_level_does_not_depend_on_the_cuts(places: list[int]) -> None:
    power = torch.from_numpy(np.random.default_rng(0).lognormal(0, 3, (2, 300, 1)))
    memory: dict[str, torch.Tensor] = {}
    bounds = [0, *sorted(places), 300]
    parts = [running_level(power[:, first:last], 50.0, memory) for first, last in pairwise(bounds)]
    assert torch.equal(torch.cat(parts, dim=1), running_level(power, 50.0))
