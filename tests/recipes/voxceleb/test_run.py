"""Crops from lhotse's manifests, of recordings that the tests write."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from diarspk.encoders import build_encoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig
from tests.recipes.zoo.test_run import PHASE

pytest.importorskip("lhotse")
pytestmark = pytest.mark.filterwarnings("ignore")

from recipes.voxceleb import run  # noqa: E402
from recipes.zoo.checks import check_data  # noqa: E402
from recipes.zoo.cut_crops import SPEEDS, mix, reverberate  # noqa: E402
from recipes.zoo.cut_embeddings import embed_test  # noqa: E402
from recipes.zoo.manifests import read_cut_trials, read_cuts, speaker_of  # noqa: E402
from recipes.zoo.settings import DataSettings, Settings, write_settings  # noqa: E402
from recipes.zoo.sources import open_source  # noqa: E402
from recipes.zoo.stages import SETTINGS  # noqa: E402

RATE = 16000


def write_manifest(path, recordings):
    """One cut for each ``(name, speaker, samples)``."""
    from lhotse import CutSet, Recording, SupervisionSegment
    from lhotse.cut import MonoCut

    cuts = []
    for name, speaker, samples in recordings:
        file = path.parent / f"{name}.wav"
        soundfile.write(file, samples, RATE, subtype="FLOAT")
        recording = Recording.from_file(file, recording_id=name)
        duration = recording.duration
        said = SupervisionSegment(name, name, 0.0, duration, speaker=speaker)
        cuts.append(MonoCut(name, 0.0, duration, 0, recording=recording, supervisions=[said]))
    CutSet.from_cuts(cuts).to_file(path)
    return str(path)


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    """Each speaker is a constant level, so that a crop tells whose it is."""
    folder = tmp_path_factory.mktemp("corpus")
    tone = np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)
    train = [
        (f"{speaker}-{number}", speaker, 0.1 * (index + 1) * tone[: 4000 + 6000 * number])
        for index, speaker in enumerate("abcde")
        for number in range(2)
    ]
    rooms = [("room", "r", np.r_[np.zeros(50), 1.0, np.zeros(200), 0.5])]
    noise = [("noise", "n", np.random.default_rng(0).normal(0, 0.01, 3000))]
    return {
        "train": write_manifest(folder / "train.jsonl.gz", train),
        "test": write_manifest(folder / "test.jsonl.gz", train[:4]),
        "noise": write_manifest(folder / "noise.jsonl.gz", noise),
        "rooms": write_manifest(folder / "rooms.jsonl.gz", rooms),
    }


@pytest.fixture
def settings(manifests):
    phase = replace(PHASE, altered_speed=0.5)
    return Settings("x-vector", DataSettings("lhotse", **manifests), phase, phase, workers=0)


def test_a_batch_is_of_different_speakers(settings):
    source = open_source(settings, settings.train, FeatureConfig())
    assert source.classes == 15
    batch = source.batch(np.random.default_rng(0))
    assert batch["features"].shape == (4, 60, 80)
    assert len({label % 5 for label in batch["label"].tolist()}) == 4
    again = source.batch(np.random.default_rng(0))
    assert torch.equal(batch["features"], again["features"])


def test_labels_tell_the_speaker_and_the_speed(settings, manifests):
    plain = replace(settings, data=replace(settings.data, noise="", rooms=""))
    source = open_source(plain, plain.train, None)  # the waveform itself
    seen = set()
    for seed in range(8):
        batch = source.batch(np.random.default_rng(seed))
        for waveform, label in zip(batch["features"], batch["label"].tolist(), strict=True):
            kind, speaker = divmod(label, 5)
            loudest = float(waveform.abs().max())
            assert loudest == pytest.approx(0.1 * (speaker + 1), rel=0.1)
            part = waveform[200:3000].numpy()
            crossings = np.count_nonzero(np.diff(np.sign(part))) / len(part) * RATE / 2
            assert crossings == pytest.approx(500 * SPEEDS[kind], rel=0.03)
            seen.add(kind)
    assert seen == {0, 1, 2}


def test_noise_keeps_its_ratio():
    generator = np.random.default_rng(0)
    audio, noise = generator.normal(0, 0.1, (2, 20000)).astype(np.float32)
    ratios = [
        10 * np.log10(np.mean(audio**2) / np.mean((mix(audio, noise, generator) - audio) ** 2))
        for _ in range(20)
    ]
    assert min(ratios) >= -0.01 and max(ratios) <= 15.01
    assert max(ratios) - min(ratios) > 5


def test_a_room_keeps_the_power_and_the_start():
    audio = np.zeros(1000, np.float32)
    audio[100] = 1.0
    response = np.zeros(300, np.float32)
    response[[50, 150]] = 1.0, 0.5
    wet = reverberate(audio, response)
    assert np.flatnonzero(np.abs(wet) > 0.1).tolist() == [100, 200]
    assert np.sum(wet**2) == pytest.approx(1.0, rel=1e-4)


def test_too_few_speakers_are_an_error(settings):
    phase = replace(settings.train, crops=6)
    with pytest.raises(ArgumentError, match="`crops` must be at most 5"):
        open_source(settings, phase, FeatureConfig())


def test_a_cut_without_a_speaker_is_an_error(settings, manifests):
    cut = read_cuts(manifests["train"])[0]
    with pytest.raises(ArgumentError, match="mine: must name one speaker per cut, got none in x"):
        speaker_of(cut.with_id("x").drop_supervisions(), "mine")


def test_lists_are_checked_before_anything_is_stored(manifests, tmp_path, capsys):
    trials = tmp_path / "trials.txt"
    arguments = [tmp_path / "run", "--train", manifests["train"], "--test", manifests["test"]]
    arguments += ["--trials", trials, "--crops", "4", "--architecture", "x-vector"]

    def fault(*more):
        assert run.main([*map(str, arguments), *more]) == 1
        assert not (tmp_path / "run").exists()
        return capsys.readouterr().err

    trials.write_text("1 a-0.wav a-1.wav\n0 a-0.wav c-0.wav\n")
    assert "1 of the 3 recordings of the list are in no cut" in fault()
    assert "the first is 'c-0.wav'" in fault()
    trials.write_text("1 a-0.wav b-1.wav\n0 a-0.wav b-0.wav\n")
    assert "1 of 2 trials contradict the speakers" in fault()
    trials.write_text("1 a-0.wav a-1.wav\n")
    assert "must hold trials of one speaker and of two" in fault()
    trials.write_text("1 a-0.wav a-1.wav\n0 a-0.wav b-0.wav\n")
    assert "`crops` must be at most 5" in fault("--crops", "6")
    assert "nowhere.jsonl.gz: no such file" in fault("--noise", "nowhere.jsonl.gz")


def test_trials_name_cuts_and_the_rest_is_not_embedded(settings, tmp_path):
    (tmp_path / "trials.txt").write_text("1 a-0.wav a-1.wav\n0 a-0.wav b-0.wav\n")
    listed = replace(settings.data, trials=str(tmp_path / "trials.txt"))
    settings = replace(settings, data=listed)
    assert check_data(settings).describe() == (
        "10 utterances of 5 speakers to train on, 4 of 2 to test, 2 trials, 1 of one speaker"
    )
    assert check_data(settings).shared_speakers == 2
    found = embed_test(settings, build_encoder("x-vector", dimension=6))
    assert found.names == ["a-0", "a-1", "b-0"]
    assert [trial.target for trial in read_cut_trials(settings)] == [True, False]


def test_a_recording_that_is_gone_is_named(settings, tmp_path, manifests):
    cuts = deepcopy(read_cuts(manifests["train"]))
    cuts[3].recording.sources[0].source = str(tmp_path / "gone.wav")
    path = tmp_path / "cuts.jsonl.gz"
    from lhotse import CutSet

    CutSet.from_cuts(cuts).to_file(path)
    broken = replace(settings, data=replace(settings.data, train=str(path)))
    with pytest.raises(ArgumentError, match=r"gone.wav of the cut b-1 is not there"):
        check_data(broken)


def test_other_settings_are_of_another_run(settings, manifests, tmp_path, capsys):
    write_settings(settings, tmp_path / SETTINGS)
    arguments = [str(tmp_path), "--train", manifests["train"], "--test", manifests["test"]]
    assert run.main([*arguments, "--architecture", "x-vector", "--crops", "4"]) == 1
    assert "holds a run with other settings (data, train, large_margin" in capsys.readouterr().err


def test_test_cuts_are_embedded_under_their_ids(settings):
    encoder = build_encoder("x-vector", dimension=6)
    found = embed_test(settings, encoder)
    assert found.names == ["a-0", "a-1", "b-0", "b-1"]
    assert found.speakers == ["a", "a", "b", "b"]
    assert (found.vectors.shape, found.cohort.shape) == ((4, 6), (5, 6))
