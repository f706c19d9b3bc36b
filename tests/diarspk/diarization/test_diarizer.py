"""The whole pipeline on the weights that ship with the package."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

import diarspk
from diarspk.audio import load_audio
from diarspk.errors import ArgumentError, AudioError, SpeechWarning
from diarspk.formats import read_rttm


@pytest.fixture(scope="module")
def diarizer():
    return diarspk.Diarizer()


@pytest.fixture(scope="module")
def sample():
    """A real recording of two people that pyannote.audio's package carries, and its reference."""
    spec = find_spec("pyannote.audio")
    if spec is None or spec.origin is None:
        pytest.skip("pyannote.audio is not installed")
    folder = Path(spec.origin).parent / "sample"
    return load_audio(folder / "sample.wav"), read_rttm(folder / "sample.rttm")["sample"]


@pytest.fixture(scope="module")
def result(diarizer, sample):
    return diarizer(sample[0], 16000)


def test_a_real_recording(result, sample):
    reference = sample[1].rename_tracks()
    reference.uri = result.uri
    errors = diarspk.score(reference, result.annotation).pooled
    assert errors.miss + errors.false_alarm < 0.2 * errors.total
    assert errors.der < 0.3
    assert len(result.speakers) >= 2


def test_loud_events_do_not_hide_quiet_speech(diarizer, sample):
    wave, generator = sample[0] * 0.02, np.random.default_rng(0)  # at -52 dBFS
    wave[8000:10400] += 0.3 * generator.normal(size=2400)  # a knock
    wave[32000:48000] += 0.7 * np.sin(2 * np.pi * 1000 / 16000 * np.arange(16000))  # a beep
    wave[70000] = 100.0  # a faulty sample
    found = diarizer(wave, 16000)
    errors = diarspk.score(sample[1], found.annotation).pooled
    assert errors.miss + errors.false_alarm < 0.2 * errors.total
    assert len(found.speakers) == 2
    beside, alone = (
        diarizer.encoder.embed(audio, 16000, [(6.5, 30.0)])[0] for audio in (wave, sample[0])
    )
    assert beside @ alone > 0.95


def test_the_parts_of_a_result_agree(result):
    labels = result.annotation.labels()
    assert labels == [f"SPEAKER_{number:02d}" for number in range(len(labels))]
    assert set(result.speakers) == set(labels)
    assert set(result.exclusive.labels()) <= set(labels)
    for vector in result.speakers.values():
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert set(result.confidence) == set(result.annotation.itertracks())
    assert all(0.0 <= value <= 1.0 for value in result.confidence.values())
    assert not result.exclusive.get_overlap()
    assert result.annotation.get_timeline().extent().end <= result.duration


def test_the_same_input_gives_the_same_result(diarizer, sample, result):
    assert diarizer(sample[0], 16000).annotation == result.annotation


def test_volume_does_not_matter(diarizer, sample, result):
    quiet = diarizer(sample[0] * np.float32(0.01), 16000)
    scores = diarspk.score(result.annotation, quiet.annotation)
    assert scores.der < 0.01


def test_repeating_the_recording_adds_no_speaker(diarizer, sample, result):
    twice = diarizer(np.concatenate([sample[0], sample[0]]), 16000)
    assert len(twice.annotation.labels()) <= len(result.annotation.labels())


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_an_exact_number_is_honoured(diarizer, sample, count):
    result = diarizer(sample[0], 16000, num_speakers=count)
    assert len(result.annotation.labels()) == count


@pytest.mark.parametrize("count", [2, 4])
def test_an_exact_number_is_honoured_in_a_few_seconds(diarizer, sample, count):
    few = sample[0][16000 * 7 : 16000 * 11]
    assert len(diarizer(few, 16000, num_speakers=count).annotation.labels()) == count


def test_bounds_are_honoured(diarizer, sample):
    assert len(diarizer(sample[0], 16000, max_speakers=1).annotation.labels()) == 1
    with pytest.warns(SpeechWarning, match="may be somebody else"):  # two people talk in it
        assert len(diarizer(sample[0], 16000, min_speakers=3).annotation.labels()) == 3


def test_bounds_that_contradict_each_other(diarizer, sample):
    with pytest.raises(ArgumentError, match="`min_speakers`"):
        diarizer(sample[0], 16000, min_speakers=3, max_speakers=2)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 30.0])
def test_silence_has_no_speaker(diarizer, seconds):
    with pytest.warns(SpeechWarning, match="no speech was found"):
        result = diarizer(np.zeros(round(seconds * 16000), np.float32), 16000)
    assert not result.annotation
    assert not result.exclusive
    assert result.speakers == {}
    assert result.confidence == {}
    assert result.duration == pytest.approx(seconds)


def test_progress_reaches_the_end_of_every_stage(diarizer, sample):
    seen: dict[str, list[float]] = {}
    diarizer(
        sample[0], 16000, progress=lambda stage, share: seen.setdefault(stage, []).append(share)
    )
    assert list(seen) == ["reading", "first pass"]
    for shares in seen.values():
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("rate", [8000, 96000])
def test_any_sample_rate(diarizer, sample, result, tmp_path, rate):
    import soxr

    file = tmp_path / "any.wav"
    audio = soxr.resample(sample[0], 16000, rate)
    soundfile.write(file, np.stack([audio] * 6, axis=1), rate)
    again = diarizer(file)
    assert again.uri == "any"
    scores = diarspk.score(_renamed(result.annotation, "any"), again.annotation)
    # A second of a turn that is as likely one's as the other's may change hands.
    assert scores.der < (0.15 if rate == 8000 else 0.05)


def test_not_a_number_is_an_error(diarizer):
    audio = np.zeros(16000, np.float32)
    audio[8000] = np.nan
    with pytest.raises(AudioError, match="NaN"):
        diarizer(audio, 16000)


def test_write(result, tmp_path):
    file = tmp_path / "audio.rttm"
    result.write(file)
    assert read_rttm(file)["audio"].labels() == result.annotation.labels()


def _renamed(annotation, uri):
    copy = annotation.copy()
    copy.uri = uri
    return copy


def test_clustering_again_equals_diarizing_so(diarizer, sample, result):
    again = result.recluster(num_speakers=3)
    assert again.annotation == diarizer(sample[0], 16000, num_speakers=3).annotation
    assert result.recluster().annotation == result.annotation
    assert sum(result.count_scores.values()) == pytest.approx(1.0)


def test_a_known_speaker_is_named(diarizer, sample):
    result = diarizer(sample[0], 16000, num_speakers=2)
    label = result.annotation.labels()[1]
    known = {"nora": result.speakers[label]}
    named = diarizer(sample[0], 16000, num_speakers=2, known_speakers=known)
    assert "nora" in named.annotation.labels()
    similarity = {name: vector @ result.speakers[label] for name, vector in named.speakers.items()}
    assert max(similarity, key=similarity.get) == "nora"


def test_a_known_speaker_of_another_encoder_is_told_before_the_work(diarizer):
    with pytest.raises(ArgumentError, match="as this encoder makes them"):
        diarizer("no such file.wav", known_speakers={"nora": np.ones(3)})


def test_spans_in_the_wrong_form_are_told_before_the_work(diarizer):
    with pytest.raises(ArgumentError, match="must be a list of pairs of spans"):
        diarizer("no such file.wav", same_speaker=[(1.0, 2.0)])


@pytest.mark.parametrize("argument", ["config", "encoder", "segmentation"])
def test_a_name_in_the_place_of_a_part_is_told_where_names_are_read(argument):
    with pytest.raises(ArgumentError, match=rf"`{argument}` must not be a name.*Diarizer\.load"):
        diarspk.Diarizer(**{argument: "silero"})


def test_a_cached_recording_is_not_read_again(diarizer, sample, tmp_path, monkeypatch):
    file = tmp_path / "a.wav"
    soundfile.write(file, sample[0], 16000)
    cached = diarspk.Diarizer(encoder=diarizer.encoder, cache=tmp_path / "cache")
    first = cached(file)
    assert first.annotation == diarizer(file).annotation
    three = diarizer(file, num_speakers=3)
    renamed = tmp_path / "b.wav"
    file.rename(renamed)

    def refuse(*arguments, **options):
        raise AssertionError("read again")

    monkeypatch.setattr("diarspk.diarization.recording_pass.analyse", refuse)
    again = cached(renamed)
    assert again.uri == "b"
    assert _renamed(again.annotation, "a") == first.annotation
    assert again.confidence == first.confidence
    assert _renamed(cached(renamed, num_speakers=3).annotation, "a") == three.annotation
    for other in (
        lambda: cached(renamed, channel=0),
        lambda: cached(sample[0] * np.float32(0.5), 16000),
        lambda: diarspk.Diarizer(
            encoder=diarizer.encoder,
            segmentation=cached.segmentation.halved(),
            cache=cached.cache.folder,
        )(renamed),
    ):
        with pytest.raises(AssertionError, match="read again"):
            other()


def test_non_speech_can_be_a_cluster(diarizer, sample):
    from dataclasses import replace

    from diarspk.clustering.adaptation import NonSpeechCluster

    linking = replace(diarizer.config.linking, non_speech=NonSpeechCluster())
    config = replace(diarizer.config, linking=linking)
    padded = np.concatenate([np.zeros(16000 * 12, np.float32), sample[0]])
    adapted = diarspk.Diarizer(config, diarizer.encoder, diarizer.segmentation)(padded, 16000)
    assert len(adapted.first_pass.non_speech) > 0
    local = replace(diarizer.config, units="local")  # as where non-speech takes part
    plain = diarspk.Diarizer(local, diarizer.encoder, diarizer.segmentation)(padded, 16000)
    assert 1 <= len(adapted.speakers) <= len(plain.speakers)


def test_a_recording_without_speech_says_so(diarizer):
    hum = 0.001 * np.sin(2 * np.pi * 50 / 16000 * np.arange(80000)).astype(np.float32)
    with pytest.warns(SpeechWarning, match=r"audio: no speech was found in 5\.0 s; .*mostly noise"):
        found = diarizer(hum, 16000)
    assert not found.annotation and len(found.warnings) == 1
    with pytest.warns(SpeechWarning, match="the recording is silent"):
        diarizer(np.zeros(16000, np.float32), 16000)


def test_a_clipped_recording_has_a_result_and_a_warning(diarizer, sample):
    with pytest.warns(SpeechWarning, match=r"clipped \(\d.*check the result"):
        found = diarizer(np.clip(sample[0] * 100, -1, 1), 16000)
    assert found.speakers


def test_different_speakers_contradict_a_single_one(diarizer):
    pairs = [((0.0, 1.0), (2.0, 3.0))]
    for bounds in ({"num_speakers": 1}, {"max_speakers": 1}):
        with pytest.raises(ArgumentError, match="`different_speakers` must not be given where"):
            diarizer(np.zeros(16000, np.float32), 16000, different_speakers=pairs, **bounds)
