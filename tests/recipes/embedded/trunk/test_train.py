"""The recipe's data and steps, on a handful of synthetic speakers."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from diarspk.encoders import SpeakerNetwork, SpeakerNetworkConfig, TrunkConfig
from diarspk.features.log_mel import gated_level
from diarspk.segmentation import Powerset, SegmentationHeadConfig
from diarspk.verification.metrics import equal_error_rate
from recipes.embedded.data import augmentation
from recipes.embedded.data.augmentation import DECIBEL, mel_frequencies, pass_telephone
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.data.crops import CropConfig, SpeakerCrops, speaker_weights
from recipes.embedded.data.degradation import SPEED
from recipes.embedded.data.pool import SPEEDS
from recipes.embedded.data.teacher_frames import FrameTargets, Piece, read_frame_targets
from recipes.embedded.data.teacher_targets import principal_axes, read_targets
from recipes.embedded.trunk.objectives import (
    clean_speech,
    frame_distance,
    relation_distance,
    segmentation_loss,
)
from recipes.embedded.trunk.whitening import WhiteningConfig, draw_crops, embed_crops, fit_whitening
from recipes.training.sharing import Share
from tests.recipes.synthetic_voices import eight_talkers

TEMPLATES = [[[(0, 600, "a"), (500, 900, "b"), (900, 1000, "a")]]]
"""One corpus of one conversation of two speakers who overlap for a second."""


@pytest.fixture(scope="module")
def talkers(tmp_path_factory):
    return eight_talkers(tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def pool(talkers):
    return talkers.pool


@pytest.fixture(scope="module")
def speakers(talkers):
    return talkers.speakers


@pytest.fixture(scope="module")
def usable(talkers):
    return talkers.usable


def test_crops_are_whole_and_labelled(pool, speakers, usable):
    config = CropConfig(frames_per_batch=1000, seconds=(1.0, 2.0), altered_speed_probability=0.5)
    crops = SpeakerCrops(pool, pool, speakers, config, usable=usable, seed=0)
    assert crops.classes == 8 * len(SPEEDS)
    batch = next(iter(crops))
    assert torch.isfinite(batch["features"]).all()
    for label, row in zip(batch["label"].tolist(), batch["row"].tolist(), strict=True):
        speed, speaker = divmod(label, 8)
        assert crops.names[speaker] == speakers[pool.utterance[row]]
        variant = pool.variant[row]
        assert variant == SPEEDS[speed] if speed else variant not in SPEED


def test_a_speaker_without_copies_at_a_speed_is_drawn_plain(pool, speakers, usable):
    config = CropConfig(frames_per_batch=800, seconds=(1.0,), altered_speed_probability=1.0)
    kept = [
        speakers[name] != "0" or variant not in SPEED
        for name, variant in zip(pool.utterance, pool.variant, strict=True)
    ]
    crops = SpeakerCrops(pool, pool, speakers, config, usable=usable & np.array(kept), seed=0)
    labels = torch.cat([batch["label"] for batch in islice(crops, 4)])
    speed, speaker = labels // 8, labels % 8
    assert (speed[speaker == 0] == 0).all() and (speaker == 0).sum() == 4
    assert (speed[speaker != 0] > 0).all()


def test_only_usable_rows_are_drawn(pool, speakers):
    usable = np.array([not name.endswith("-1") for name in pool.utterance])
    config = CropConfig(frames_per_batch=600, seconds=(1.0,))
    crops = SpeakerCrops(pool, pool, speakers, config, usable=usable, seed=0)
    drawn = {
        row for batch, _ in zip(crops, range(5), strict=False) for row in batch["row"].tolist()
    }
    assert drawn and usable[list(drawn)].all()


def test_resuming_goes_on_with_the_same_batches(talkers, pool, speakers, usable):
    pytest.importorskip("lightning")
    from recipes.embedded.trunk.train import Pairs

    def batches(first):
        order = {"seed": 3, "share": Share(first)}
        crop = CropConfig(frames_per_batch=400)
        config = ConversationConfig(windows_per_batch=1)
        return Pairs(
            SpeakerCrops(pool, pool, speakers, crop, usable=usable, **order),
            talkers.conversations(TEMPLATES, config, teacher=np.eye(8)[talkers.numbers], **order),
        )

    whole = [*islice(batches(0), 4)]
    for one, again in zip(whole[2:], islice(batches(2), 2), strict=True):
        for kind in ("crops", "conversations"):
            assert torch.equal(one[kind]["features"], again[kind]["features"])
    windows = [pair["conversations"]["features"] for pair in whole]
    assert not torch.equal(windows[0], windows[1])


def test_some_steps_have_crops_alone(talkers, pool, speakers, usable):
    """Every third step of two processes; resumed after the fourth, with the same windows."""
    pytest.importorskip("lightning")
    from recipes.embedded.trunk.train import Pairs

    def batches(first):
        share = Share(first, 2)
        config = ConversationConfig(windows_per_batch=1)
        windows = talkers.conversations(
            TEMPLATES,
            config,
            teacher=np.eye(8)[talkers.numbers],
            seed=3,
            share=share.thinned(3),
        )
        crop = CropConfig(frames_per_batch=400)
        return Pairs(
            SpeakerCrops(pool, pool, speakers, crop, usable=usable, seed=3, share=share), windows
        )

    whole = [*islice(batches(1), 7)]
    assert ["conversations" in pair for pair in whole] == [True, False, False] * 2 + [True]
    resumed = [*islice(batches(9), 3)]
    for one, again in zip(whole[4:], resumed, strict=True):
        assert one.keys() == again.keys()
        for kind in one:
            assert torch.equal(one[kind]["features"], again[kind]["features"])


def test_a_batch_is_of_one_group_where_it_has_enough(pool, speakers, usable):
    config = CropConfig(frames_per_batch=300, seconds=(1.0,), group_probability=1.0)
    groups = {name: "even" if int(name) % 2 == 0 else "odd" for name in speakers.values()}
    crops = SpeakerCrops(pool, pool, speakers, config, usable=usable, seed=0, groups=groups)
    drawn = [batch["label"] % 8 % 2 for batch in islice(crops, 12)]
    assert {tuple(numbers.tolist()) for numbers in drawn} == {(0, 0, 0), (1, 1, 1)}
    wide = replace(config, frames_per_batch=600)  # six speakers, but a group has four
    crops = SpeakerCrops(pool, pool, speakers, wide, usable=usable, seed=0, groups=groups)
    assert all(len(set((b["label"] % 8 % 2).tolist())) == 2 for b in islice(crops, 6))


def test_groups_are_balanced():
    utterances = np.array([1, 1, 1, 40])
    groups = ["few", "many", "many", "many"]
    plain = speaker_weights(utterances, groups, 0.0)
    assert plain / plain[0] == pytest.approx([1, 1, 1, 12**0.7])
    even = speaker_weights(utterances, groups, 1.0)
    assert even[0] == pytest.approx(0.5) and even.sum() == pytest.approx(1)
    assert even[1:] / even[1] == pytest.approx(plain[1:] / plain[1])
    half = speaker_weights(utterances, groups, 0.5)
    total = plain[1:].sum() / plain[0]
    assert half[1:].sum() / half[0] == pytest.approx(total**0.5)


def test_labels_are_those_of_batches(pool, speakers, usable):
    config = CropConfig(frames_per_batch=700, seconds=(1.0,))
    usable = usable & (np.array(pool.variant) != "slow")
    crops = SpeakerCrops(pool, pool, speakers, config, usable=usable, seed=0)
    labels = crops.labels()
    assert ((labels >= 0) == usable).all()
    for batch in islice(crops, 3):
        np.testing.assert_array_equal(labels[batch["row"].numpy()], batch["label"].numpy())


def test_the_same_seed_gives_the_same_crops(pool, speakers, usable):
    config = CropConfig(frames_per_batch=800, seconds=(1.0,))
    first, again, other = (
        next(iter(SpeakerCrops(pool, pool, speakers, config, usable=usable, seed=seed)))["features"]
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


def test_a_band_limit_spares_what_lies_inside():
    features = np.zeros((40, 3, 80), np.float32)
    limited = augmentation.band_limit(features, np.random.default_rng(0))
    frequency = augmentation.mel_frequencies(80)
    inside = (frequency > 300) & (frequency < 3400)
    assert np.abs(limited[..., inside]).max() == 0.0
    telephone = limited[:, 0, -1] < -35 * augmentation.DECIBEL
    assert telephone.sum() > 10
    assert limited.min() >= -70.01 * augmentation.DECIBEL


def test_mel_frequencies_are_kaldis():
    kaldi = pytest.importorskip("torchaudio.compliance.kaldi")
    _, centres = kaldi.get_mel_banks(80, 512, 16000.0, 20.0, 8000.0, 100.0, -500.0, 1.0)
    assert augmentation.mel_frequencies(80) == pytest.approx(centres[:, 0].numpy(), rel=1e-4)


SMALL = SpeakerNetworkConfig(
    trunk=TrunkConfig(
        front_channels=(4, 8), coarse_channels=4, coarse_pairs=1, width=16, dilations=(1,)
    ),
    pooled_channels=32,
    dimension=8,
    prefixes=(4,),
)


def test_frame_targets_are_the_teachers_nearest_frames(tmp_path):
    """Frames of the teacher, numbered from 0 to 4: three and two of two utterances, none of one."""
    np.savez(
        tmp_path / "teacher.npz",
        utterance=["a", "b"],
        speed=["recorded", "slow"],
        frames=[3, 2],
        stride=4,
    )
    np.save(tmp_path / "teacher-frames.npy", 1 + np.arange(5, dtype=np.float16)[:, None])
    keys = [("b", "slow"), ("a", "recorded"), ("b", "recorded")]
    targets = read_frame_targets(tmp_path, keys)

    def read(*pieces):
        return targets.read([Piece(*piece) for piece in pieces])[:, 0].tolist()

    assert targets.dimension == 1
    assert read((1, 0, 12)) == [1, 2, 3]
    assert read((1, 1, 12)) == [1, 2, 3]  # the frames 1, 5 and 9 are nearest to 0, 4 and 8
    assert read((1, 2, 12)) == [2, 3, 3]  # there is none for 12
    assert read((0, 4, 8), (1, 0, 8)) == [5, 1, 2]
    assert read((2, 0, 8)) == [0, 0]  # that utterance was embedded at another speed only


def test_relations_are_those_of_pairs():
    """Turned together they are as before; one pair of three that is nearer counts by its square."""
    vectors = torch.eye(3)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))
    assert relation_distance(2 * vectors @ turn, vectors).item() == pytest.approx(0, abs=1e-9)
    nearer = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    assert relation_distance(nearer, vectors).item() == pytest.approx(0.6**2 / 3)
    assert relation_distance(vectors[:1], vectors[1:2]).item() == 0


def test_unknown_frames_do_not_count():
    target = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]])
    frames = torch.tensor([[[3.0, 0.0], [5.0, 1.0], [1.0, 0.0]]])
    assert frame_distance(frames, target).item() == pytest.approx(0.5)
    assert frame_distance(frames, torch.zeros_like(target)).item() == 0


def test_crops_come_with_the_teachers_frames(pool, speakers, usable):
    """The pool's frames are numbered; the teacher's are every fourth of them."""
    numbers = np.concatenate([np.arange(frames) for frames in pool.frames])
    numbered = replace(
        pool, features=np.repeat(numbers[:, None] / 100, 80, axis=1).astype(np.float16)
    )
    counts = -(-pool.frames // 4)
    vectors = np.concatenate([4.0 * np.arange(count) for count in counts])
    targets = FrameTargets(
        1 + vectors[:, None].astype(np.float16), np.cumsum(counts) - counts, counts, stride=4
    )
    config = CropConfig(frames_per_batch=600)
    crops = SpeakerCrops(numbered, pool, speakers, config, usable=usable, seed=0, targets=targets)
    generator = np.random.default_rng(0)
    pieces = crops.fill(0, crops.rows[0, "plain"], 700, generator)
    assert len(pieces) > 1
    drawn = np.concatenate([numbered.read(piece) for piece in pieces])[::4, 0] * 100
    read = targets.read(pieces)[:, 0] - 1
    assert len(drawn) == 175
    assert np.abs(drawn - read).max() < 4
    batch = crops.batch(generator)
    assert batch["teacher_frames"].shape == (
        len(batch["features"]),
        -(-batch["features"].shape[1] // 4),
        1,
    )


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_encoder_training_lowers_its_losses(talkers, pool, speakers, usable):
    lightning = pytest.importorskip("lightning")
    from recipes.embedded.trunk.train import Pairs
    from recipes.embedded.trunk.training import EncoderTraining, TrainConfig

    lightning.seed_everything(0)
    crop = CropConfig(
        frames_per_batch=800, seconds=(1.0,), noise_probability=0.0, speech_probability=0.0
    )
    windows = ConversationConfig(windows_per_batch=1)
    followed = FrameTargets(
        np.eye(8, dtype=np.float16),  # a speaker's frames are all alike
        talkers.numbers,
        np.ones(len(pool.start), np.int64),
        stride=4,
    )
    data = Pairs(
        SpeakerCrops(pool, pool, speakers, crop, usable=usable, seed=0, targets=followed),
        talkers.conversations(TEMPLATES, windows, teacher=np.eye(8)[talkers.numbers]),
    )
    training = EncoderTraining(
        SMALL,
        SegmentationHeadConfig(width=16, channels=8, layers=1, heads=2),
        TrainConfig(steps=120, learning_rate=5e-3, warmup_steps=5, norm_batches_each=4),
        classes=data.crops.classes,
        teacher=torch.eye(8)[talkers.numbers],  # of the speaker
        norm_batches=data,
        frame_dimension=8,
    )
    logged = []
    training.log_dict = lambda values, **_: logged.append(values)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=120,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(training, torch.utils.data.DataLoader(data, batch_size=None))
    for name in ("teacher", "activity", "frames"):
        losses = [float(values[name]) for values in logged if name in values]
        assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])
    norms = [m for m in training.network.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    assert not any(norm.training for norm in norms)  # fixed for the last part of the run


def make_training(**settings):
    """A small training of one step, without batches for its norms."""
    from recipes.embedded.trunk.training import EncoderTraining, TrainConfig

    head = SegmentationHeadConfig(width=16, channels=8, layers=1, heads=2)
    return EncoderTraining(SMALL, head, TrainConfig(steps=1), norm_batches=[], **settings)


def draw_four(pool, speakers, usable):
    """Four batches of crops of a second."""
    config = CropConfig(frames_per_batch=800, seconds=(1.0,))
    drawn = SpeakerCrops(pool, pool, speakers, config, usable=usable, seed=0)
    return [{"crops": batch} for batch in islice(drawn, 4)]


def test_embeddings_join_a_teacher_with_other_axes(pool, speakers, usable):
    """The teacher is the network itself, in a mirror and turned; so both then agree."""
    pytest.importorskip("lightning")
    from recipes.embedded.trunk.joining import join_teacher

    torch.manual_seed(0)
    turn, _ = torch.linalg.qr(torch.randn(8, 8))
    training = make_training(classes=2, teacher=torch.zeros(len(pool.start), 8))
    crops = draw_four(pool, speakers, usable)
    for number, batch in enumerate(crops):  # a row of the teacher's for every crop
        rows = 8 * number + torch.arange(8)
        features, batch["crops"]["row"] = batch["crops"]["features"], rows
        with torch.no_grad():
            own = training.network.eval()(features)
        training.teacher[rows] = torch.nn.functional.normalize(own @ turn, dim=-1)
    training.teacher[32:] = torch.nan
    training.network.utterance.whitening.matrix.mul_(3.0)
    join_teacher(training, crops)
    assert training.network.training
    mean = training.teacher[:32].mean(0)
    training.network.eval()
    for batch in crops:
        embeddings, _ = training.embed_crops(batch["crops"])
        target = training.teacher[batch["crops"]["row"]] - mean
        torch.testing.assert_close(embeddings, target, atol=2e-5, rtol=0)
        assert training.distance(embeddings, batch["crops"]["row"]).item() < 1e-3


def test_the_map_to_the_teachers_frames_begins_where_it_fits(pool, speakers, usable):
    """The teacher's frames are a linear function of the trunk's, but for those it has not."""
    pytest.importorskip("lightning")
    from recipes.embedded.trunk.joining import fit_teacher_frames

    torch.manual_seed(0)
    training = make_training(classes=2, teacher=torch.zeros(len(pool.start), 8), frame_dimension=5)
    crops = draw_four(pool, speakers, usable)
    weight, bias = torch.randn(5, 16), torch.randn(5)
    training.network.eval()
    for batch in crops:
        with torch.no_grad():
            _, frames = training.embed_crops(batch["crops"])
        batch["crops"]["teacher_frames"] = frames[..., :16] @ weight.T + bias
        batch["crops"]["teacher_frames"][:, ::3] = 0.0
    fit_teacher_frames(training, crops)
    assert training.network.training
    training.network.eval()
    for batch in crops:
        _, frames = training.embed_crops(batch["crops"])
        target = batch["crops"]["teacher_frames"]
        assert frame_distance(training.mimic(frames[..., :16]), target).item() < 1e-3


def test_classes_begin_at_the_teachers_means(pool, speakers, usable):
    pytest.importorskip("lightning")
    from recipes.embedded.trunk.joining import initialize_classes

    teacher = torch.randn(len(pool.start), 8, generator=torch.Generator().manual_seed(0))
    training = make_training(classes=3, teacher=teacher)
    before = training.criterion.weight[2].clone()
    labels = torch.full((len(teacher),), -1)
    labels[:2], labels[4] = 0, 1
    initialize_classes(training, labels)
    first, second, third = training.criterion.weight.detach()
    unit = torch.nn.functional.normalize
    torch.testing.assert_close(first, unit(unit(teacher[:2], dim=-1).sum(0), dim=0))
    torch.testing.assert_close(second, unit(teacher[4], dim=0))
    assert torch.equal(third, before)


def test_fixed_norms_have_the_plain_mean_over_batches(talkers, pool, speakers, usable):
    pytest.importorskip("lightning")
    from torch.optim.swa_utils import update_bn

    from recipes.embedded.trunk.train import Pairs

    training = make_training(classes=2, teacher=torch.zeros(len(pool.start), 8))
    crop = CropConfig(frames_per_batch=400, seconds=(1.0,))
    data = Pairs(
        SpeakerCrops(pool, pool, speakers, crop, usable=usable, seed=0),
        talkers.conversations(
            TEMPLATES, ConversationConfig(windows_per_batch=1), teacher=np.eye(8)[talkers.numbers]
        ),
    )
    norm = next(m for m in training.network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    means = []
    norm.register_forward_pre_hook(lambda _, inputs: means.append(inputs[0].mean((0, 2, 3))))
    norm.running_mean += 100.0  # of earlier steps, to be forgotten
    update_bn(islice(data, 2), training)
    training.fix_norms()
    assert len(means) == 4  # two kinds of batches
    torch.testing.assert_close(norm.running_mean, torch.stack(means).mean(0))
    assert not norm.training and norm.momentum == 0.1
    assert training.network.training


def test_batch_norms_are_fixed_within_the_decay():
    pytest.importorskip("lightning")
    from recipes.embedded.trunk.training import TrainConfig

    assert TrainConfig(steps=1000).fixed_norms_steps == 150
    assert TrainConfig(steps=9000).fixed_norms_steps == 500
    assert TrainConfig(steps=9000, decay_steps=2000).fixed_norms_steps == 500
    assert TrainConfig(steps=9000, decay_steps=400).fixed_norms_steps == 200


def test_segmentation_loss_does_not_depend_on_the_order_of_speakers():
    torch.manual_seed(0)
    logits, powerset = torch.randn(2, 30, 7), Powerset(3, 2)
    activity = powerset.members[torch.randint(7, (2, 30))]
    loss, error = segmentation_loss(powerset, logits, activity)
    again, error_again = segmentation_loss(powerset, logits, activity[..., [2, 0, 1]])
    assert loss.item() == pytest.approx(again.item(), rel=1e-6)
    assert error.item() == error_again.item()


def test_segmentation_loss_of_a_perfect_guess_is_zero():
    powerset = Powerset(3, 2)
    classes = torch.arange(7).repeat(3)[None]
    renamed = powerset.members[classes][..., [1, 2, 0]]
    logits = 50.0 * torch.nn.functional.one_hot(powerset.encode(renamed), 7).float()
    loss, error = segmentation_loss(powerset, logits, powerset.members[classes])
    assert loss.item() == pytest.approx(0.0, abs=1e-5)
    assert error.item() == 0.0


def test_clean_speech_is_that_of_one_speaker():
    activity = torch.tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 1.0]]])
    assert clean_speech(activity)[0].tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]


def test_principal_axes_turn_and_sort():
    torch.manual_seed(0)
    vectors = torch.randn(50, 4, dtype=torch.float64) * torch.tensor([1.0, 3.0, 0.1, 2.0])
    axes = principal_axes(vectors)
    assert torch.allclose(axes.T @ axes, torch.eye(4, dtype=torch.float64), atol=1e-9)
    power = (vectors @ axes).square().sum(0)
    assert torch.equal(power, power.sort(descending=True).values)
    assert torch.equal(axes, principal_axes(vectors))


def test_targets_lie_between_utterance_and_speaker(pool, speakers, tmp_path):
    generator = np.random.default_rng(0)
    names = sorted(set(pool.utterance))
    vectors = generator.normal(size=(len(names), 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.savez(
        tmp_path / "teacher.npz", utterance=names, speed=["recorded"] * len(names), vector=vectors
    )
    targets = read_targets(tmp_path / "teacher.npz", pool, speakers)
    known = targets.isfinite().all(1)
    assert [variant in SPEED for variant in pool.variant] == (~known).tolist()
    rows = [pool.utterance.index("0-0"), pool.utterance.index("0-1"), pool.utterance.index("3-1")]
    both = vectors[names.index("0-0")] + vectors[names.index("0-1")]
    mean = both / np.linalg.norm(both)
    expected = [vectors[names.index("0-0")] + mean, vectors[names.index("0-1")] + mean]
    cosine = expected[0] @ expected[1] / np.prod([np.linalg.norm(v) for v in expected])
    assert (targets[rows[0]] @ targets[rows[1]]).item() == pytest.approx(cosine, abs=1e-5)
    assert targets[known].norm(dim=1).allclose(torch.ones(int(known.sum())))
    axes, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)))
    rotated = read_targets(tmp_path / "teacher.npz", pool, speakers, axes)[rows]
    torch.testing.assert_close(rotated @ rotated.T, targets[rows] @ targets[rows].T)
    unit = expected[0] / np.linalg.norm(expected[0])
    torch.testing.assert_close(rotated[0], torch.from_numpy(unit).float() @ axes)


def test_levelled_crops_are_near_level_zero(pool, speakers, usable):
    config = CropConfig(frames_per_batch=800, seconds=(1.0,), level_deviation_db=0.0)
    crops = SpeakerCrops(pool, pool, speakers, config, usable=usable, seed=0)
    batch = next(iter(crops))
    assert gated_level(batch["features"]).abs().max() < 1.0


def voices_with_channels(speakers=60, each=8, dimension=12, seed=0):
    """Unit vectors around a common mean; the first axes are mostly channel, the rest voice."""
    generator = torch.Generator().manual_seed(seed)
    channel = torch.cat([torch.full((4,), 1.0), torch.full((dimension - 4,), 0.1)])
    voice = torch.randn(speakers, dimension, generator=generator).repeat_interleave(each, 0)
    noise = torch.randn(speakers * each, dimension, generator=generator)
    mean = torch.eye(dimension)[5] * 2
    vectors = torch.nn.functional.normalize(mean + 0.3 * voice + channel * noise, dim=-1)
    return vectors, np.arange(speakers).repeat(each)


def test_whitening_separates_speakers_it_has_not_seen():
    embeddings, speakers = voices_with_channels()
    whitening = fit_whitening(embeddings, speakers, shrinkage=0.1)
    unseen, names = voices_with_channels(seed=1)
    same = (names[:, None] == names)[np.triu_indices(len(names), 1)]

    def error(vectors):
        unit = torch.nn.functional.normalize(vectors, dim=-1).numpy()
        return equal_error_rate((unit @ unit.T)[np.triu_indices(len(unit), 1)], same)

    whole = whitening(unseen)
    assert error(whole) < 0.6 * error(unseen)
    assert error(whole[:, :6]) < error(whole[:, 6:])  # the best axes come first


def test_whitening_makes_the_variance_within_speakers_white():
    embeddings, speakers = voices_with_channels()
    white = fit_whitening(embeddings, speakers, shrinkage=0.0)(embeddings).double()
    means = torch.stack([white[speakers == name].mean(0) for name in np.unique(speakers)])
    residual = white - means[speakers]
    within = residual.T @ residual / (len(white) - len(means))
    torch.testing.assert_close(
        within / within.diag().mean(), torch.eye(12).double(), atol=1e-4, rtol=0
    )
    between = means.T.cov()
    off = between - torch.diag(between.diag())
    assert off.abs().max() < 1e-3 * between.diag().max()
    assert (between.diag().diff() <= 1e-6).all()


def test_full_shrinkage_centres_and_rotates_only():
    embeddings, speakers = voices_with_channels()
    whitened = fit_whitening(embeddings, speakers, shrinkage=1.0)(embeddings)
    centred = embeddings - embeddings.mean(0)
    torch.testing.assert_close(whitened @ whitened.T, centred @ centred.T, atol=1e-5, rtol=0)


def test_spectral_shape_counts_as_far_as_it_tells_voices_apart():
    """What lies behind the vectors is used where it helps, and the dimensions stay as many."""
    vectors, speakers = voices_with_channels()
    generator = torch.Generator().manual_seed(3)

    def behind(voice):
        noise = torch.randn(len(vectors), 4, generator=generator)
        shape = torch.randn(60, 4, generator=generator).repeat_interleave(8, 0)
        return torch.cat([vectors, 0.3 * (voice * shape + noise)], dim=1)

    def share(joint):
        whitening = fit_whitening(joint, speakers, shrinkage=0.1, mels=4)
        assert whitening(joint).shape == vectors.shape
        leading = whitening.matrix[:, :4].square().sum(1)
        return (leading[12:].sum() / leading.sum()).item()

    assert share(behind(3.0)) > 10 * share(behind(0.0))


def test_crops_for_whitening_are_of_speakers_with_several_utterances(pool, speakers):
    config = WhiteningConfig(seconds=(1.0,), variants=("recorded",), by_telephone=(), crops=3)
    generator = np.random.default_rng(0)
    drawn = draw_crops(pool, speakers, 100, "recorded", 3, generator)
    assert sorted({number for number, _ in drawn}) == list(range(8))
    assert all(crop.shape == (100, 80) for _, crop in drawn)
    alone = {name: name for name in pool.utterance}  # every utterance a speaker of its own
    assert draw_crops(pool, alone, 100, "recorded", 3, generator) == []
    network = SpeakerNetwork(SMALL).eval()
    vectors, numbers = embed_crops(network, pool, config, speakers)
    assert vectors.shape == (24, network.config.dimension + 80)
    assert numbers.tolist() == np.arange(8).repeat(3).tolist()
    called = replace(config, by_telephone=("recorded",))
    both, twice = embed_crops(network, pool, called, speakers)
    torch.testing.assert_close(both[:24], vectors)  # the same crops, then each by telephone
    assert twice.tolist() == np.tile(numbers, 2).tolist()
    shapes = both[:, network.config.dimension :].reshape(2, 24, 80).mean(1)
    assert (shapes[1] - shapes[0])[-10:].max() < 0 < (shapes[1] - shapes[0]).max()


def test_a_telephone_line_passes_the_band_and_raises_nothing_above_it():
    generator = np.random.default_rng(0)
    speech = generator.normal(0, 1, (6, 200, 80)).astype(np.float32)
    passed = pass_telephone(speech, generator)
    frequency = mel_frequencies(80)
    inside = (frequency > 600) & (frequency < 2500)
    change = (passed - speech).mean(1) / DECIBEL  # dB, of each item and bin
    assert np.abs(change[:, inside]).mean() < 12  # a handset's tilt
    assert change[:, frequency > 6000].max() < -25
    # A second line for the same voice is another one.
    assert not np.allclose(passed, pass_telephone(speech, generator), atol=0.1)


def test_the_teacher_embeds_voices_at_every_speed():
    from recipes.embedded.data.teacher import in_batches, stages

    speakers = {name: "one" for name in "abc"} | {"d": "two", "e": "?"}
    recorded, *others = stages(list("bacde"), speakers)
    assert recorded == [(name, "recorded") for name in "bacde"]
    assert others == [[(name, speed) for name in "bad"] for speed in SPEED]
    lengths = {"a": 3, "b": 1, "c": 2, "d": 5, "e": 4}
    assert in_batches(recorded, lengths.__getitem__) == [
        [(name, "recorded") for name in "bcaed"],
    ]


def test_stored_outputs_of_the_teacher_are_read_again(tmp_path):
    from recipes.embedded.data.teacher import Store, StoredOutput

    generator = np.random.default_rng(0)
    outputs = [
        StoredOutput(
            *(generator.normal(size=shape).astype(np.float16) for shape in ((6,), (count, 3)))
        )
        for count in (2, 5)
    ]
    axes = torch.randn(8), torch.randn(8, 3)
    store = Store(axes, [("a", "recorded"), ("b", "slow")], outputs)
    store.write(tmp_path)
    again = Store.read(tmp_path)
    assert again.keys == store.keys
    assert all(torch.equal(*pair) for pair in zip(again.axes, axes, strict=True))
    for one, other in zip(again.outputs, outputs, strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
        np.testing.assert_array_equal(one.frames, other.frames)


def test_the_teacher_embeds_every_utterance_as_if_alone():
    from diarspk.encoders.architectures.campplus import CamPlusPlus, CamPlusPlusConfig
    from recipes.embedded.data.teacher import Teacher

    torch.manual_seed(0)
    small = CamPlusPlusConfig(dimension=6, front_channels=4, first_channels=8, layers=(1, 1, 1))
    teacher = Teacher(CamPlusPlus(small).eval())
    generator = np.random.default_rng(0)
    waveforms = [generator.normal(0, 0.1, n).astype(np.float32) for n in (9000, 16000, 12345)]
    with torch.inference_mode():
        together = teacher.forward(waveforms)
        for one, waveform in zip(together, waveforms, strict=True):
            features = 1 + (len(waveform) - 400) // 160
            assert len(one.frames) == -(-features // 4)
            (alone,) = teacher.forward([waveform])
            torch.testing.assert_close(one.vector, alone.vector, atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(one.frames, alone.frames, atol=1e-4, rtol=1e-4)
