"""Whether an extracted voice is the enrolled one."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

import diarspk
import tse
from diarspk.errors import SpeechWarning
from diarspk.verification.cohort import Cohort
from diarspk.verification.score_normalization import adaptive_norm, cohort_statistics
from eval.extraction.mixtures import CONDITIONS
from eval.extraction.presence import report
from tests.tiny_model import tone, write_tiny_model
from tse import presence_meter
from tse.cohort_scores import TOP_COHORT
from tse.cues import Cue
from tse.extraction import extract_mixed
from tse.presence import (
    MIN_SCORE,
    MIN_SIMILARITY,
    SOLO_SCORE,
    SOLO_SIMILARITY,
    SURE_SCORE,
    Presence,
)
from tse.presence_meter import PresenceMeter, warn_of_absence

RATE = 16000
ROWS = np.random.default_rng(0).normal(size=(250, 8)).astype(np.float32)
COHORT = Cohort(ROWS, ROWS + np.float32(4))
ALONE = {"rest_db": -30.0, "by_telephone": (True, True)}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> diarspk.SpeakerEncoder:
    return diarspk.load_encoder(write_tiny_model(tmp_path_factory.mktemp("presence")))


def measure(meter: PresenceMeter | None, *blocks: NDArray[np.float32]) -> Presence:
    assert meter is not None
    for block in blocks:
        meter.push(block)
    return meter.finish()


def meter_of(encoder: diarspk.SpeakerEncoder, name: str) -> PresenceMeter | None:
    vector = torch.from_numpy(encoder.embed(tone(name), RATE))
    return PresenceMeter.for_cue(encoder, Cue(vector[None]))


def test_the_voice_itself_is_similar_and_another_is_not(encoder: diarspk.SpeakerEncoder) -> None:
    own = measure(meter_of(encoder, "ann"), tone("ann", 4.0, seed=1))
    other = measure(meter_of(encoder, "ann"), tone("eve", 4.0, seed=1))
    assert own.similarity > 0.9 > MIN_SIMILARITY > other.similarity
    assert own.doubt is None
    assert other.doubt is not None and "probably not there" in other.doubt
    assert math.isnan(own.score)  # the encoder has no cohort


def test_the_most_similar_stretch_counts_whatever_the_blocks(
    encoder: diarspk.SpeakerEncoder,
) -> None:
    voice = np.concatenate([tone("eve", 8.0), tone("ann", 4.0), np.zeros(80000, np.float32)])
    whole = measure(meter_of(encoder, "ann"), voice)
    parts = measure(meter_of(encoder, "ann"), *np.array_split(voice, 7))
    assert whole.similarity == pytest.approx(parts.similarity, abs=1e-6)
    assert whole.similarity > 0.9


def test_silence_has_no_similarity(encoder: diarspk.SpeakerEncoder) -> None:
    for blocks in ([np.zeros(100000, np.float32)], []):
        found = measure(meter_of(encoder, "ann"), *blocks)
        assert math.isnan(found.similarity)
        assert found.doubt is not None and "is silent" in found.doubt


def test_a_cue_without_an_embedding_has_no_meter(encoder: diarspk.SpeakerEncoder) -> None:
    assert PresenceMeter.for_cue(encoder, Cue(sequence=torch.zeros(1, 3, 8))) is None
    assert PresenceMeter.for_cue(encoder, Cue(torch.zeros(1, 5))) is None
    assert PresenceMeter.for_cue(None, Cue(torch.zeros(1, 8))) is None


def test_the_score_is_the_cosine_normalized_by_the_cohort(
    encoder: diarspk.SpeakerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_meter, "load_cohort", lambda fingerprint: COHORT)
    enrolled, voice = tone("ann"), tone("ben", 4.0)
    found = measure(meter_of(encoder, "ann"), voice)
    sides = [encoder.embed(audio, RATE) for audio in (enrolled, voice)]
    statistics = [cohort_statistics(side[None], COHORT.vectors, top=TOP_COHORT) for side in sides]
    assert found.score == pytest.approx(adaptive_norm([sides[0] @ sides[1]], *statistics)[0])
    assert found.by_telephone == (False, False)


def test_a_telephone_on_one_side_leaves_the_cosine(
    encoder: diarspk.SpeakerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_meter, "load_cohort", lambda fingerprint: COHORT)
    voice = tone("ben", 4.0)
    called = encoder.embed(voice, RATE)
    monkeypatch.setattr(Cohort, "is_telephone", lambda self, vector: bool(vector @ called > 0.99))
    found = measure(meter_of(encoder, "ann"), voice)
    assert math.isnan(found.score) and found.by_telephone == (False, True)


def test_the_rest_is_what_was_taken_away(encoder: diarspk.SpeakerEncoder) -> None:
    meter = meter_of(encoder, "ann")
    assert meter is not None
    voice = tone("ann", 4.0)
    for block in np.split(voice, 4):
        meter.push(block, 2 * block)  # half of the mixture, by amplitude, is left
    assert meter.finish().rest_db == pytest.approx(10 * math.log10(0.25))
    assert math.isnan(measure(meter_of(encoder, "ann"), voice).rest_db)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Presence(0.3, MIN_SCORE - 0.1), "probably not there; .* cosine of 0.30 .* score of 1.5"),
        (Presence(0.3, SURE_SCORE - 0.1), "may not be there; .* score of 2.0"),
        (Presence(0.3, SURE_SCORE), None),
        (Presence(0.66, 5.2, **ALONE), "nothing was taken away.* score of 5.2"),
        (Presence(0.66, 5.2, -10.0, (True, True)), None),
        (Presence(0.66, 5.2, -30.0, (False, False)), None),
        (Presence(SOLO_SIMILARITY, 5.2, **ALONE), None),
        (Presence(0.66, SOLO_SCORE, **ALONE), None),
        (Presence(MIN_SIMILARITY - 0.01), "probably not there; .* cosine of 0.24"),
        (Presence(0.1, by_telephone=(True, False)), "may not be there; .*only one of the two"),
        (Presence(MIN_SIMILARITY), None),
        (Presence(math.nan, math.nan), "is silent"),
    ],
)
def test_doubts_are_graded(
    encoder: diarspk.SpeakerEncoder,
    monkeypatch: pytest.MonkeyPatch,
    found: Presence,
    text: str | None,
) -> None:
    monkeypatch.setattr(PresenceMeter, "finish", lambda self: found)
    meter = meter_of(encoder, "ann")
    if text is None:
        warn_of_absence(meter, "v.wav")
    else:
        with pytest.warns(SpeechWarning, match=f"v.wav: .*{text}"):
            warn_of_absence(meter, "v.wav")
    warn_of_absence(None, "v.wav")


def test_each_block_comes_with_its_mixture() -> None:
    class Late:
        """Gives out blocks of other lengths than it reads."""

        def extract_blocks(
            self, blocks: Iterable[NDArray[np.float32]], cues: Any, *, talks: Any
        ) -> Iterator[NDArray[np.float32]]:
            whole = np.concatenate(list(blocks))
            for part in np.split(whole, [3, 3, 50, 51]):
                yield part[None]

    mixture = np.arange(100, dtype=np.float32)
    extractor: Any = Late()
    pairs = list(extract_mixed(extractor, np.array_split(mixture, 9), []))
    assert sum(len(part) for _, part in pairs) == len(mixture)
    for voices, part in pairs:
        np.testing.assert_array_equal(voices[0], part)


def test_a_report_counts_the_warnings_of_each_condition(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def spread(low: float, high: float) -> list[Presence]:
        return [Presence(score / 10, score, -5.0) for score in np.linspace(low, high, 11)]

    found = {"clean-2": spread(1.0, 11.0), "absent-2": [*spread(-9.0, 1.0), Presence(math.nan)]}
    assert set(found) <= set(CONDITIONS)
    made = report(found)
    assert made["detection_eer"]["absent-2"]["score"] == pytest.approx(0.09, abs=0.05)
    printed = capsys.readouterr().out
    cells = {
        row[0]: row[-4:-1]
        for row in (
            [cell.strip() for cell in line.strip("|").split("|")] for line in printed.split("\n")
        )
    }
    assert cells["clean-2"] == ["9", "9", "0"]
    assert cells["absent-2"] == ["100", "0", "0"]


def test_another_voice_of_one_call_is_doubted() -> None:
    """Fault: the other person of a telephone call came out at full level, without a word."""
    package = find_spec("pyannote.audio") if find_spec("pyannote") else None
    if package is None or package.origin is None:
        pytest.skip("pyannote.audio, with whose sample this is tried, is not installed")
    call, rate = soundfile.read(Path(package.origin).parent / "sample" / "sample.wav")
    one, other, again = (
        call[round(start * rate) : round(end * rate)].astype(np.float32)
        for start, end in ((14.5, 17.9), (18.2, 20.9), (22.0, 26.0))
    )
    extractor = tse.load_extractor()
    cue = extractor.cue(one, rate)
    with pytest.warns(SpeechWarning, match="nothing was taken away.* may be a similar one"):
        tse.extract(other, enrolment=cue, sample_rate=rate, extractor=extractor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tse.extract(again, enrolment=cue, sample_rate=rate, extractor=extractor)
