"""The recipe's data and steps, on a handful of synthetic speakers."""

import csv

import numpy as np
import pytest
import torch

from diarspk.encoders import SpeakerNetworkConfig, TrunkConfig
from diarspk.features import gated_level
from diarspk.segmentation import ActivityHeadConfig, Powerset
from recipes.embedded import augmentation
from recipes.embedded.conversations import (
    ConversationConfig,
    Conversations,
    read_turns,
    speech_frames,
)
from recipes.embedded.data import CropConfig, SpeakerCrops, read_pool

VARIANTS = ("recorded", "room", "channel", "slow", "fast")


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Eight speakers with two utterances each, in every variant."""
    folder = tmp_path_factory.mktemp("packed")
    generator = np.random.default_rng(0)
    blocks, start = [], 0
    with (folder / "index.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, ["utterance", "variant", "start", "frames"])
        table.writeheader()
        for speaker in range(8):
            for number in range(2):
                for variant in VARIANTS:
                    frames = int(generator.integers(150, 300))
                    blocks.append(generator.normal(speaker, 1, (frames, 80)).astype(np.float16))
                    name = f"{speaker}-{number}"
                    table.writerow(
                        {"utterance": name, "variant": variant, "start": start, "frames": frames}
                    )
                    start += frames
    np.save(folder / "features.npy", np.concatenate(blocks))
    return read_pool(folder)


@pytest.fixture(scope="module")
def speakers(pool):
    return {utterance: utterance.split("-")[0] for utterance in pool.utterance}


def test_crops_are_whole_and_labelled(pool, speakers):
    config = CropConfig(frames_per_batch=1000, seconds=(1.0, 2.0), altered_speed_probability=0.5)
    crops = SpeakerCrops(pool, pool, speakers, config, seed=0)
    assert crops.classes == 24
    batch = next(iter(crops))
    assert len(batch["features"]) % config.multiple_of == 0
    assert torch.isfinite(batch["features"]).all()
    for label, row in zip(batch["label"].tolist(), batch["row"].tolist(), strict=True):
        kind = ("plain", "slow", "fast")[label // 8]
        assert crops.names[label % 8] == speakers[pool.utterance[row]]
        assert kind == (pool.variant[row] if pool.variant[row] in ("slow", "fast") else "plain")


def test_the_same_seed_gives_the_same_crops(pool, speakers):
    config = CropConfig(frames_per_batch=800, seconds=(1.0,))
    first, again, other = (
        next(iter(SpeakerCrops(pool, pool, speakers, config, seed=seed)))["features"]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_mixing_reaches_the_ratio():
    generator = np.random.default_rng(0)
    speech = generator.normal(3, 1, (2, 50, 80)).astype(np.float32)
    noise = generator.normal(-1, 1, (2, 50, 80)).astype(np.float32)
    mixed = augmentation.mix(speech, noise, np.array([0.0, 20.0]))
    added = np.log(np.exp(mixed) - np.exp(speech))
    ratio = (augmentation.level(speech) - augmentation.level(added))[:, 0, 0]
    np.testing.assert_allclose(ratio / augmentation.DECIBEL, [0.0, 20.0], atol=0.3)


def test_speech_frames_drop_long_pauses_only():
    features = np.zeros((200, 80), np.float16)
    features[60:70] = -12  # 0.1 s: kept
    features[100:150] = -12  # 0.5 s: dropped, but for the smoothing at its edges
    kept = speech_frames(features)
    assert kept[:98].all() and kept[152:].all()
    assert not kept[104:146].any()


def test_conversations_are_what_their_labels_say(pool, speakers):
    templates = [[[(0, 600, "a"), (500, 900, "b"), (900, 1000, "a")]]]
    config = ConversationConfig(
        windows_per_batch=4,
        empty_probability=0.0,
        invented_probability=0.0,
        noise_ratio_db=(60.0, 61.0),
        most_bursts=0,
    )
    batch = next(iter(Conversations(pool, pool, speakers, templates, config, seed=0)))
    assert batch["features"].shape == (4, 1000, 80)
    activity = batch["activity"]
    assert activity[:, :125, :2].sum(-1).eq(1).all()
    assert activity[:, 125:150, :2].sum(-1).eq(2).all()
    assert activity[:, 150:225].sum(-1).eq(1).all()
    assert activity[..., 2].eq(0).all()


def test_invented_windows_hold_silence_where_nobody_talks(pool, speakers):
    config = ConversationConfig(
        windows_per_batch=8,
        empty_probability=0.0,
        invented_probability=1.0,
        noise_ratio_db=(60.0, 61.0),
        most_bursts=0,
    )
    batch = next(iter(Conversations(pool, pool, speakers, [[[]]], config, seed=1)))
    energy = batch["features"].exp().mean(-1).log().unfold(1, 4, 4).mean(-1)
    silent = batch["activity"].sum(-1) == 0
    assert silent.any()
    assert energy[silent].median() < energy[~silent].median() - 4


def test_read_turns(tmp_path):
    file = tmp_path / "a.rttm"
    file.write_text(
        "SPEAKER a 1 2.50 1.00 <NA> <NA> y <NA> <NA>\n"
        ";; comment\nSPEAKER a 1 0.10 0.90 <NA> <NA> x <NA> <NA>\n"
    )
    assert read_turns(file) == [(10, 100, "x"), (250, 350, "y")]


SMALL = SpeakerNetworkConfig(
    trunk=TrunkConfig(front_channels=(4, 8), width=16, dilations=(1,)),
    pooled_channels=32,
    dimension=8,
    prefixes=(4,),
)


def test_encoder_training_lowers_its_loss(pool, speakers):
    pytest.importorskip("lightning")
    from recipes.embedded.train import EncoderTraining, TrainConfig

    torch.manual_seed(0)
    crops = SpeakerCrops(
        pool, pool, speakers, CropConfig(frames_per_batch=800, seconds=(1.0,)), seed=0
    )
    teacher = torch.randn(len(pool.start), 5)
    training = EncoderTraining(SMALL, TrainConfig(steps=60), classes=8, teacher=teacher)
    optimizer = torch.optim.AdamW(training.parameters(), lr=3e-3)
    losses = []
    for batch, _ in zip(crops, range(60), strict=False):
        embeddings = training.embed(batch["features"])
        loss = training.criterion(embeddings, batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def test_activity_loss_does_not_depend_on_the_order_of_speakers():
    pytest.importorskip("lightning")
    from diarspk.encoders import LocalTrunk
    from recipes.embedded.train_activity import ActivityTraining

    torch.manual_seed(0)
    head = ActivityHeadConfig(width=16, channels=8, layers=1, heads=2)
    training = ActivityTraining(LocalTrunk(SMALL.trunk), head, steps=10)
    logits = torch.randn(2, 30, 7)
    powerset = Powerset(3, 2)
    activity = powerset.members[torch.randint(7, (2, 30))]
    loss, error = training.loss(logits, activity)
    again, error_again = training.loss(logits, activity[..., [2, 0, 1]])
    assert loss.item() == pytest.approx(again.item(), rel=1e-6)
    assert error.item() == error_again.item()


def test_activity_loss_of_a_perfect_guess_is_zero():
    pytest.importorskip("lightning")
    from diarspk.encoders import LocalTrunk
    from recipes.embedded.train_activity import ActivityTraining

    head = ActivityHeadConfig(width=16, channels=8, layers=1, heads=2)
    training = ActivityTraining(LocalTrunk(SMALL.trunk), head, steps=10)
    powerset = Powerset(3, 2)
    classes = torch.arange(7).repeat(3)[None]
    renamed = powerset.members[classes][..., [1, 2, 0]]
    logits = 50.0 * torch.nn.functional.one_hot(powerset.encode(renamed), 7).float()
    loss, error = training.loss(logits, powerset.members[classes])
    assert loss.item() == pytest.approx(0.0, abs=1e-5)
    assert error.item() == 0.0


def test_levelled_crops_are_near_level_zero(pool, speakers):
    config = CropConfig(frames_per_batch=800, seconds=(1.0,), level_deviation_db=0.0)
    crops = SpeakerCrops(pool, pool, speakers, config, seed=0)
    batch = next(iter(crops))
    assert gated_level(batch["features"]).abs().max() < 1.0
