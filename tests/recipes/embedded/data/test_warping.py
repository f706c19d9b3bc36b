"""Changed voices: pitch and formants apart, and what is packed and drawn of them."""

from itertools import islice

import numpy as np
import pytest
import torch

from diarspk.audio import SAMPLE_RATE
from recipes.embedded.data.crops import CropConfig, SpeakerCrops
from recipes.embedded.data.pool import WARPED, WARPED_VARIANTS, JoinedPool, read_pool, speed_of
from recipes.embedded.data.prepare import Packed, Packer, write
from recipes.embedded.data.teacher_frames import FrameTargets, JoinedFrameTargets, Piece
from recipes.embedded.data.teacher_targets import read_targets
from recipes.embedded.data.warping import Warp, draw_warp, stretch_envelope, warp_voice
from tests.recipes.synthetic_voices import eight_talkers

FORMANT = 1500.0


def vowel(pitch, seconds=1.0):
    """Harmonics of a pitch under one formant at 1500 Hz."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = np.arange(pitch, 7500.0, pitch)
    levels = np.exp(-(((harmonics - FORMANT) / 400.0) ** 2)) + 0.003
    tones = levels[:, None] * np.cos(2 * np.pi * harmonics[:, None] * time + harmonics[:, None])
    return (0.1 * tones.sum(0)).astype(np.float32)


def pitch_and_formant(audio):
    """Spacing of the harmonics, and the centre of the power above a hundredth of the peak."""
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    hertz = np.arange(len(power)) * SAMPLE_RATE / len(audio)
    lags = np.fft.irfft(power)
    first, last = int(SAMPLE_RATE / 260), int(SAMPLE_RATE / 80)
    pitch = SAMPLE_RATE / (first + int(np.argmax(lags[first:last])))
    high = power > 0.01 * power.max()
    return pitch, float(np.average(hertz[high], weights=power[high]))


@pytest.mark.parametrize(
    ("warp", "pitch", "formant"),
    [
        (Warp(1.0, 1.0), 120.0, 1500.0),
        (Warp(1.2, 1.2), 144.0, 1800.0),  # a speed
        (Warp(1.25, 1.0), 150.0, 1500.0),
        (Warp(0.8, 1.1), 96.0, 1650.0),
    ],
)
def test_pitch_and_formants_are_moved_apart(warp, pitch, formant):
    changed = warp_voice(vowel(120.0), warp)
    assert len(changed) == pytest.approx(SAMPLE_RATE / warp.pitch, abs=2)
    found = pitch_and_formant(changed)
    assert found[0] == pytest.approx(pitch, rel=0.02)
    assert found[1] == pytest.approx(formant, rel=0.03)


def test_an_envelope_that_is_not_stretched_leaves_the_voice():
    voice = vowel(180.0, 0.7)
    np.testing.assert_allclose(stretch_envelope(voice, 1.0), voice, atol=1e-5)
    short = voice[:100]
    assert stretch_envelope(short, 1.1) is short


def test_drawn_formants_follow_the_pitch_by_half():
    generator = np.random.default_rng(0)
    pitch, formants = np.log([draw_warp(generator) for _ in range(4000)]).T
    assert np.abs(pitch).max() < 0.29
    slope, _ = np.polyfit(pitch, formants, 1)
    assert slope == pytest.approx(0.5, abs=0.03)
    assert np.std(formants - 0.5 * pitch) == pytest.approx(0.07, rel=0.05)


@pytest.fixture(scope="module")
def talkers(tmp_path_factory):
    return eight_talkers(tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def warped(tmp_path_factory, talkers):
    """Both copies of every utterance: constant features that name the row."""
    names = sorted(set(talkers.pool.utterance))
    rows = [(name, variant) for name in names for variant in WARPED_VARIANTS]
    blocks = [np.full((30 + row, 80), row / 8, np.float16) for row in range(len(rows))]
    packed = Packed(
        np.concatenate(blocks),
        [
            {"utterance": name, "variant": variant, "frames": len(block)}
            for (name, variant), block in zip(rows, blocks, strict=True)
        ],
    )
    folder = tmp_path_factory.mktemp("warped")
    write([packed], folder)
    return read_pool(folder)


def test_a_joined_pool_has_the_rows_of_both(talkers, warped):
    joined, count = JoinedPool(talkers.pool, warped), len(talkers.pool.start)
    assert joined.variant == [*talkers.pool.variant, *warped.variant]
    for row in (0, count - 1):
        piece = Piece(row, 2, 9)
        np.testing.assert_array_equal(joined.read(piece), talkers.pool.read(piece))
    for row in (0, len(warped.start) - 1):
        piece = Piece(row, 2, 9)
        np.testing.assert_array_equal(joined.read(Piece(count + row, 2, 9)), warped.read(piece))


def test_joined_targets_are_those_of_the_part():
    def targets(value, rows):
        vectors = value + np.arange(4 * rows, dtype=np.float16)[:, None]
        return FrameTargets(vectors, 4 * np.arange(rows), np.full(rows, 4), stride=4)

    joined = JoinedFrameTargets(targets(0, 3), targets(100, 2))
    assert joined.read([Piece(1, 0, 8)])[:, 0].tolist() == [4, 5]
    assert joined.read([Piece(4, 0, 8)])[:, 0].tolist() == [104, 105]


def test_a_changed_voice_has_no_class_and_nothing_but_its_utterance(talkers, warped):
    joined, count = JoinedPool(talkers.pool, warped), len(talkers.pool.start)
    speakers = {name: name.split("-")[0] for name in talkers.pool.utterance}
    config = CropConfig(
        frames_per_batch=800,
        seconds=(1.0,),
        warped_probability=0.5,
        tilt_probability=0.0,
        band_probability=0.0,
        noise_probability=0.0,
        speech_probability=0.0,
        mask_probability=0.0,
    )
    usable = np.ones(len(joined.start), bool)
    crops = SpeakerCrops(joined, talkers.pool, speakers, config, usable=usable, seed=0)
    assert crops.classes == 8 * len(crops.speeds) and WARPED not in crops.speeds
    changed = 0
    for batch in islice(crops, 6):
        for label, row, features in zip(
            batch["label"].tolist(), batch["row"].tolist(), batch["features"], strict=True
        ):
            assert (label < 0) == (row >= count)
            if row >= count:  # one row only, repeated: constant
                changed += 1
                assert features.std() < 1e-3
    assert 10 < changed < 38
    labels = crops.labels()
    assert (labels[count:] == -1).all() and (labels[:count] >= 0).all()


def test_the_target_of_a_changed_voice_is_that_of_its_utterance_alone(tmp_path, warped):
    names = sorted(set(warped.utterance))
    vectors = np.random.default_rng(0).normal(size=(len(names), 5))
    np.savez(
        tmp_path / "teacher.npz",
        utterance=names,
        speed=[WARPED] * len(names),
        vector=vectors.astype(np.float16),
    )
    target = read_targets(
        tmp_path / "teacher.npz", warped, dict.fromkeys(names, "one"), torch.eye(5)
    )
    expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for name, row in zip(warped.utterance, target.numpy(), strict=True):
        np.testing.assert_allclose(row, expected[names.index(name)], atol=2e-3)
    assert {speed_of(variant) for variant in warped.variant} == {WARPED}


def test_the_command_packs_voices_and_what_the_teacher_makes_of_them(
    tmp_path, talkers, monkeypatch
):
    from recipes.embedded.data import warped as command

    class Output:
        def __init__(self, audio):
            self.vector = torch.full((6,), float(len(audio)))
            self.frames = torch.ones(3, 4) * len(audio)

    class Teacher:
        def forward(self, waveforms):
            return [Output(audio) for audio in waveforms]

    monkeypatch.setattr(command, "load_teacher", Teacher)
    monkeypatch.setattr(command, "read_sources", lambda folder: talkers.sources)
    command.open_sounds.cache_clear()
    names = talkers.sources.voices.names[:3]
    part = command.Part(names, tmp_path / "part.npz")
    axes = np.zeros(4, np.float32), np.eye(4, 2, dtype=np.float32)
    command.work(tmp_path, axes, part)
    packed, outputs = part.packed(), part.outputs()
    assert [row["variant"] for row in packed.rows] == [*WARPED_VARIANTS] * 3
    assert sum(int(row["frames"]) for row in packed.rows) == len(packed.features)
    for name, one in zip(names, outputs, strict=True):
        audio, degraded = command.change(
            talkers.sources.voices.read(name), name, command.open_sounds(tmp_path)
        )
        assert len(degraded) == len(audio)
        assert one.vector.tolist() == np.full(6, len(audio), np.float16).tolist()
        assert one.frames.shape == (3, 2)
    packer = Packer()
    packer.add(
        command.change(
            talkers.sources.voices.read(names[0]), names[0], command.open_sounds(tmp_path)
        )[0]
    )
    own = packer.finish().features
    np.testing.assert_array_equal(packed.features[: len(own)], own)
    before = part.file.stat().st_mtime_ns
    command.work(tmp_path, axes, part)  # done already
    assert part.file.stat().st_mtime_ns == before
    command.open_sounds.cache_clear()
