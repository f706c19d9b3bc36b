"""The recipes of heads over a frozen encoder, on a handful of synthetic voices."""

import itertools
import json
import math

import numpy as np
import pytest
import torch

from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.diarization.first_pass import LocalSpeakers
from diarspk.encoders import (
    FrameHead,
    FrameHeadConfig,
    SpeakerNetwork,
    SpeakerNetworkConfig,
    TrunkConfig,
)
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FRAME_HEADS
from diarspk.errors import ModelError
from diarspk.features.recording import Recording
from diarspk.segmentation import ActivityHead, ActivityHeadConfig, ActivitySegmenter
from diarspk.segmentation.target_speaker_vad import TARGET_HEADS, TargetActivityConfig
from recipes.embedded.data.conversations import SHIFT, ConversationConfig
from recipes.embedded.data.crops import SPEEDS, speed_of
from recipes.embedded.frames.objectives import (
    FrameObjective,
    contrast,
    frame_losses,
    right_speakers,
)
from recipes.embedded.frames.voices import CleanVoices, number_voices
from recipes.embedded.targets.first_passes import FirstPassConfig, FirstPasses, add_common
from tests.recipes.synthetic_voices import MELS, PLAIN, VARIANTS, coloured_noise, make_talkers

SPEAKERS = 6
TEMPLATES = [[[(0, 500, "a"), (400, 800, "b"), (800, 1000, "a")]]]
"""One conversation of two speakers who overlap for a second."""
SMALL = SpeakerNetworkConfig(
    trunk=TrunkConfig(
        front_channels=(4, 8), coarse_channels=4, coarse_pairs=1, width=16, dilations=(1,)
    ),
    pooled_channels=32,
    dimension=8,
    prefixes=(4,),
)
HEAD = FrameHeadConfig(
    width=16, channels=16, layers=1, heads=2, kernel=5, reach=8, pooled_reach=10, dimension=8
)
SETTINGS = {
    **PLAIN,
    "windows_per_batch": 2,
    "noise_ratio_db": (0.0, 35.0),
    "equal_channel_probability": 0.0,
    "alike_probability": 0.0,
}


@pytest.fixture(scope="module")
def talkers(tmp_path_factory):
    """Two utterances of each speaker in every variant; a voice is a comb over the mel axis."""
    generator = np.random.default_rng(0)
    position = (np.arange(MELS) + 0.5) / MELS
    voices = {
        f"{speaker}-{number}": coloured_noise(
            3 * np.cos(np.pi * (speaker + 1) * position),
            int(generator.integers(24000, 40000)),
            generator,
        )
        for speaker in range(SPEAKERS)
        for number in range(2)
    }
    return make_talkers(tmp_path_factory.mktemp("packed"), voices)


@pytest.fixture(scope="module")
def make(talkers):
    """Conversations of the talkers, with settings changed by name."""

    def conversations(seed=0, **changes):
        return talkers.conversations(
            TEMPLATES,
            ConversationConfig(**{**SETTINGS, **changes}),
            teacher=np.eye(SPEAKERS)[talkers.numbers],
            seed=seed,
        )

    return conversations


def test_power_is_that_of_each_speaker_alone(make):
    conversations = make(noise_ratio_db=(90.0, 91.0), speaker_level_db=6.0, turn_level_db=0.0)
    batch = next(iter(conversations))
    activity, power = batch["activity"], batch["power"]
    assert power.shape == activity.shape
    assert (power[activity > 0] > 0).all()
    assert power[activity == 0].eq(0).all()
    # Of one who talks alone it is the power of the mixture, but for the common filter and level.
    laid = conversations.lay(TEMPLATES[0][0], None, np.random.default_rng(3))
    own = conversations.power(laid.lanes)
    (mixture,) = conversations.power(laid.lanes.sum(0, keepdims=True)).T
    # A filter smears over the ends of turns: frames there are left out.
    talking = conversations.label_frames(laid.activity)
    inner = talking[1:-1] == talking[:-2]
    inner &= talking[1:-1] == talking[2:]
    alone = np.pad(inner.all(1), 1) & (talking.sum(1) == 1)
    assert alone.sum() > 150
    np.testing.assert_allclose(own.sum(1)[alone], mixture[alone], rtol=1e-4)
    # Two at once beat, so that their powers add up over a while only.
    both = talking.sum(1) == 2
    assert own.sum(1)[both].sum() == pytest.approx(mixture[both].sum(), rel=0.05)
    frame = slice(40 * 4 * SHIFT, 41 * 4 * SHIFT)
    np.testing.assert_allclose(own[40], np.mean(laid.lanes[:, frame] ** 2, axis=1), rtol=1e-5)


def test_a_voice_is_a_speaker_at_a_speed(make, talkers):
    numbers = number_voices(make())
    assert sorted(set(numbers.tolist())) == list(range(len(SPEEDS) * SPEAKERS))
    speeds = map(speed_of, talkers.pool.variant)
    keys = set(zip(talkers.numbers.tolist(), speeds, numbers.tolist(), strict=True))
    assert len(keys) == len(SPEEDS) * SPEAKERS


def test_clean_voices_are_means_over_crops_and_do_not_depend_on_the_order(make):
    torch.manual_seed(0)
    network = SpeakerNetwork(SMALL).eval().requires_grad_(False)
    conversations = make()
    each = 2 * len(VARIANTS)  # rows of a speaker
    rows = torch.tensor([[0, each + 1], [3 * each, 0]])
    together = CleanVoices(conversations, network, crops=2, seconds=1.5)
    vectors = together(rows)
    assert vectors.shape == (2, 2, 8)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(2, 2))
    assert torch.equal(vectors[0, 0], vectors[1, 1])
    alone = CleanVoices(conversations, network, crops=2, seconds=1.5)
    torch.testing.assert_close(alone(rows[1]), vectors[1], atol=1e-5, rtol=0)
    voice = int(together.number(rows)[0, 1])
    crops = [
        torch.nn.functional.normalize(network(torch.from_numpy(crop)[None])[0], dim=-1)
        for crop in together.draw(voice)
    ]
    assert [len(crop) <= 150 for crop in together.draw(voice)] == [True, True]
    expected = torch.nn.functional.normalize(sum(crops), dim=-1)
    torch.testing.assert_close(vectors[0, 1], expected, atol=1e-5, rtol=0)


def test_the_right_speaker_is_the_loudest_or_nearly_so():
    activity = torch.tensor([[[1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]]]).float()
    power = torch.tensor(
        [[[1.0, 9.0, 0.0], [1.0, 4.0, 0.0], [1.0, 1.5, 0.0], [4.0, 1.0, 4.0], [0.0, 0.0, 0.0]]]
    )
    right = right_speakers(activity, power, FrameObjective(within_db=3.0, smoothing=0))
    expected = [[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert right[0].int().tolist() == expected


def test_the_loudest_is_so_over_a_moment():
    activity = torch.ones(1, 11, 2)
    power = torch.ones(1, 11, 2)
    power[0, :, 0] = 3.0
    power[0, 5] = torch.tensor([1.0, 4.0])  # a single frame
    right = right_speakers(activity, power, FrameObjective(within_db=1.0, smoothing=3))
    assert right[0].tolist() == [[True, False]] * 11


def test_contrast_is_an_additive_margin_softmax():
    own = torch.tensor([[0.5], [0.9], [0.1]])
    cosine = torch.tensor([[0.5, 0.3, 0.2], [0.9, 0.9, 0.0], [0.0, 0.0, 0.1]])
    negative = torch.tensor([[False, True, True], [False, False, True], [False] * 3])
    objective = FrameObjective(scale=10.0, margin=0.2)
    first = -math.log(math.exp(3) / (math.exp(3) + math.exp(3) + math.exp(2)))
    second = -math.log(math.exp(7) / (math.exp(7) + math.exp(0)))
    found = contrast(own, cosine, negative, objective)
    assert found.item() == pytest.approx((first + second) / 2, abs=1e-5)
    assert contrast(own[2:], cosine[2:], negative[2:], objective).item() == 0.0


def two_windows():
    """Voices on the axes; the second window has the first voice of the first, and another."""
    voices = torch.eye(4)[torch.tensor([[0, 1], [0, 2]])]
    numbers = torch.tensor([[7, 3], [7, 5]])
    activity = torch.zeros(2, 6, 2)
    activity[:, :3, 0] = 1
    activity[:, 2:5, 1] = 1  # frame 2 is overlapped, frame 5 silent
    return voices, numbers, activity, activity.clone()


def test_frames_at_their_voices_are_without_fault():
    voices, numbers, activity, power = two_windows()
    vectors = torch.stack([window[torch.tensor([0, 0, 1, 1, 1, 0])] for window in voices])
    losses = frame_losses(vectors, voices, numbers, activity, power, FrameObjective(smoothing=0))
    assert losses.distance.item() == pytest.approx(0.0, abs=1e-6)
    assert losses.accuracy.item() == 1.0
    assert losses.window_contrast.item() == pytest.approx(0.0, abs=1e-4)
    assert losses.batch_contrast.item() == pytest.approx(0.0, abs=1e-4)


def test_frames_at_the_other_voice_are_at_fault():
    voices, numbers, activity, power = two_windows()
    vectors = torch.stack([window[torch.tensor([1, 1, 0, 0, 0, 0])] for window in voices])
    objective = FrameObjective(smoothing=0, scale=10.0, margin=0.2)
    losses = frame_losses(vectors, voices, numbers, activity, power, objective)
    # Four frames of each window have cosine 0 to their own; the overlapped one is right either way.
    assert losses.distance.item() == pytest.approx(0.8)
    assert losses.accuracy.item() == pytest.approx(0.2)
    # Own 0 less the margin against 1, over the frames with a negative: not the overlapped ones.
    wrong = math.log(1 + math.exp(10 * 1.2))
    assert losses.window_contrast.item() == pytest.approx(wrong, abs=1e-4)


def test_a_voice_in_two_windows_is_not_its_own_negative():
    voices, numbers, activity, power = two_windows()
    activity[:, :, 1] = power[:, :, 1] = 0  # only voice 7 talks
    vectors = torch.stack([window[torch.ones(6).long()] for window in voices])
    losses = frame_losses(vectors, voices, numbers, activity, power, FrameObjective(smoothing=0))
    assert losses.batch_contrast.item() == 0.0
    assert losses.window_contrast.item() == 0.0
    assert losses.distance.item() == pytest.approx(1.0)


def test_silence_has_no_loss_but_a_gradient():
    voices, numbers, activity, power = two_windows()
    vectors = torch.ones(2, 6, 4, requires_grad=True)
    losses = frame_losses(vectors, voices, numbers, 0 * activity, power, FrameObjective())
    total = losses.distance + losses.window_contrast + losses.batch_contrast
    total.backward()
    assert total.item() == 0.0
    assert vectors.grad.eq(0).all()


def spread_voices(network, conversations):
    """Take off what the embeddings of an untrained network have in common, nearly all."""
    rows = torch.arange(0, len(conversations.pool.start), len(VARIANTS))
    vectors = CleanVoices(conversations, network)(rows)
    network.utterance.whitening.mean[: vectors.shape[1]].copy_(vectors.mean(0))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_training_lowers_its_loss_resumes_and_is_exported(make, tmp_path):
    lightning = pytest.importorskip("lightning")
    from recipes.embedded.export_head import export_head
    from recipes.embedded.frames.train import FrameTrainConfig, FrameTraining
    from recipes.embedded.trunk.warm_start import begin_with
    from recipes.training.trainer import steps_done
    from recipes.training.warm_start import read_start

    def training(encoder="here"):
        lightning.seed_everything(0)
        network = SpeakerNetwork(SMALL).eval()
        spread_voices(network, make())
        voices = CleanVoices(make(), network, crops=2, seconds=1.0)
        config = FrameTrainConfig(steps=120, learning_rate=5e-3, warmup_steps=5)
        return FrameTraining(network, voices, HEAD, config, encoder=encoder)

    def fit(module, steps, **options):
        trainer = lightning.Trainer(
            accelerator="cpu",
            max_steps=steps,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, torch.utils.data.DataLoader(make(), batch_size=None), **options)
        return trainer

    def mean_loss(module):
        """Of the same batches, before training or after it."""
        with torch.no_grad():
            batches = itertools.islice(make(), 8)
            return np.mean([float(module.training_step(batch, 0)) for batch in batches])

    module = training()
    module.log_dict = lambda values, **_: None
    frozen = {name: value.clone() for name, value in module.frozen[0].state_dict().items()}
    before = mean_loss(module)
    trainer = fit(module, 120)
    assert mean_loss(module) < 0.9 * before
    assert all(torch.equal(frozen[n], v) for n, v in module.frozen[0].state_dict().items())
    trainer.save_checkpoint(tmp_path / "final.ckpt")
    assert steps_done(tmp_path / "final.ckpt") == 120

    resumed = training()
    assert fit(resumed, 122, ckpt_path=tmp_path / "final.ckpt").global_step == 122

    card = export_head(tmp_path / "final.ckpt", FRAME_HEADS, tmp_path / "frames")
    assert card == tmp_path / "frames" / "here.json"
    stored = FRAME_HEADS.read(card, "here")
    frames = torch.rand(1, 60, 16)
    both = (head(frames, module.frozen[0].utterance) for head in (stored, module.head.eval()))
    assert torch.einsum("bfd,bfd->bf", *both).min() > 0.999
    with pytest.raises(ModelError, match="was trained over the encoder here"):
        export_head(tmp_path / "final.ckpt", FRAME_HEADS, tmp_path, "local-tdnn")

    begun = training()
    begin_with(begun, read_start(card, part="", name="head."))
    both = (head(frames, module.frozen[0].utterance) for head in (stored, begun.head.eval()))
    assert torch.equal(*both)

    nameless = training(encoder="")
    fit(nameless, 1).save_checkpoint(tmp_path / "nameless.ckpt")
    with pytest.raises(ModelError, match="give --model"):
        export_head(tmp_path / "nameless.ckpt", FRAME_HEADS, tmp_path)


def passes(make, **changes):
    torch.manual_seed(0)
    network = SpeakerNetwork(SMALL).eval().requires_grad_(False)
    spread_voices(network, make())
    encoder = LocalEncoder(network, "here", FrameHead(HEAD).requires_grad_(False))
    segmenter = ActivitySegmenter(
        ActivityHead(
            ActivityHeadConfig(width=16, channels=8, layers=1, heads=2, window_s=2.0)
        ).requires_grad_(False)
    )
    settings = {"steps_s": (1.0,), "clustered": 0.0, "common_probability": 0.0, **changes}
    config = FirstPassConfig(precision="single", **settings)
    return FirstPasses(make(frames=400, speakers=3), encoder, segmenter, config)


def test_first_passes_are_what_the_diarizer_has(make):
    found = passes(make)
    batch = next(iter(found))
    assert batch["frames"].shape == (2, 100, SMALL.trunk.channels)
    assert batch["directions"].shape == (2, 3, 8)
    assert batch["likeness"].shape == batch["prior"].shape == batch["activity"].shape == (2, 100, 3)
    torch.testing.assert_close(batch["directions"].norm(dim=-1), torch.ones(2, 3))
    assert batch["prior"].ge(0).all() and batch["prior"].le(1).all()
    again = next(iter(passes(make)))
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    (_, frames), *_ = found.encoder.trunk_blocks(
        Recording(
            "", next(iter(make(frames=400, speakers=3)))["features"][0].half().numpy(), 0, 4, 0.01
        )
    )
    torch.testing.assert_close(batch["frames"][0], frames)


def test_speakers_are_known_by_clean_speech_their_own_or_both(make):
    clean = next(iter(passes(make, own_share=(0.0, 0.0))))
    own = next(iter(passes(make, own_share=(1.0, 1.0))))
    found = passes(make)
    rows = next(iter(make(frames=400, speakers=3)))["row"]
    torch.testing.assert_close(clean["directions"], found.voices(rows), atol=1e-5, rtol=0)
    alone = own["activity"] * (own["activity"].sum(-1, keepdim=True) == 1)
    said = alone.sum(1) > 0
    weights = alone.transpose(1, 2)
    expected = found.encoder.network.utterance(own["frames"], weights)
    expected = torch.nn.functional.normalize(expected, dim=-1)
    torch.testing.assert_close(own["directions"][said], expected[said], atol=1e-4, rtol=0)
    torch.testing.assert_close(own["directions"][~said], clean["directions"][~said])


def test_speakers_of_a_window_are_those_that_clustering_finds(make):
    found, batch = passes(make, clustered=1.0), None
    for batch in itertools.islice(found, 4):
        there, right = batch["present"], batch["activity"]
        assert there.any(1).all()
        assert not right[~there[:, None].expand_as(right)].any()
        assert not batch["prior"][~there[:, None].expand_as(right)].any()
        norms = batch["directions"].norm(dim=-1)
        torch.testing.assert_close(norms[there], torch.ones(int(there.sum())))
        # Nobody is two speakers: whoever is found twice talks once.
        truth = right.transpose(1, 2)[right.any(1)]
        assert len(torch.unique(truth, dim=0)) == len(truth)
    assert batch is not None


def test_a_cluster_belongs_to_whom_it_shares_most_with(make, monkeypatch):
    from diarspk.diarization.linking import Linking
    from recipes.embedded.targets import first_passes

    found = passes(make)
    talk = np.zeros((1, 10, 3), np.float32)
    talk[0, :6, 0] = talk[0, 6:, 1] = talk[0, 4:5, 2] = 1
    local = LocalSpeakers(
        activity=talk,
        first=np.zeros(1, np.int64),
        embeddings=np.eye(8, dtype=np.float32)[None, :3],
        seconds=talk.sum(1) * 0.04,
        frames=10,
        hop=0.04,
        start=0.0,
    )
    labels = np.array([[2, 0, 1]])
    monkeypatch.setattr(first_passes, "link_session", lambda *_: Linking(labels))
    activity = np.zeros((10, 2), np.float32)
    activity[:5, 1] = activity[7:, 0] = 1
    known = found.cluster(local, activity, 0.4)
    assert known.labels.tolist() == [[0, 1, -1]]  # the third has no place left
    assert known.owner.tolist() == [1, 0]
    np.testing.assert_array_equal(known.directions, np.eye(8)[:2])
    monkeypatch.setattr(first_passes, "link_session", lambda *_: Linking(np.full((1, 3), -1)))
    assert found.cluster(local, activity, 0.4) is None


def test_what_voices_have_in_common_makes_them_alike():
    added = add_common(np.eye(3, dtype=np.float32)[:2], np.array([0, 0, 2], np.float32))
    np.testing.assert_allclose(added @ added.T, [[1, 0.8], [0.8, 1]], atol=1e-6)


def test_windows_have_something_in_common(make):
    plain, other = (next(iter(passes(make, common_probability=share))) for share in (0.0, 1.0))
    for name in ("frames", "prior", "activity", "present"):
        torch.testing.assert_close(plain[name], other[name])
    for name in ("directions", "likeness"):
        assert not torch.allclose(plain[name], other[name], atol=0.01)
    norms = other["directions"].norm(dim=-1)
    torch.testing.assert_close(norms[other["present"]], torch.ones(int(other["present"].sum())))


def test_frame_error_is_strict_der():
    from recipes.embedded.targets.train import frame_error

    right = torch.tensor([[1, 0], [1, 1], [0, 1], [0, 0]]).bool()
    found = torch.tensor([[0, 1], [1, 0], [0, 1], [1, 0]]).bool()
    assert frame_error(found, right).item() == pytest.approx((1 + 1 + 0 + 1) / 4)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_the_target_head_learns_to_correct(make, tmp_path):
    lightning = pytest.importorskip("lightning")
    from recipes.embedded.export_head import export_head
    from recipes.embedded.targets.train import TargetTraining
    from recipes.training.trainer import OptimizationConfig

    lightning.seed_everything(0)
    config = TargetActivityConfig(
        width=16, channels=16, layers=1, heads=2, kernel=5, dimension=8, window_s=4.0, speakers=3
    )
    train = OptimizationConfig(steps=50, learning_rate=5e-3, warmup_steps=3)
    module, logged = TargetTraining(config, train, encoder="here"), []
    module.log_dict = lambda values, **_: logged.append(values)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=50,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, torch.utils.data.DataLoader(passes(make), batch_size=None))
    assert logged[0]["loss"].item() == pytest.approx(logged[0]["loss_before"].item(), rel=1e-4)
    late = [(each["loss"] / each["loss_before"]).item() for each in logged[-8:]]
    assert np.mean(late) < 0.95
    trainer.save_checkpoint(tmp_path / "final.ckpt")
    card = export_head(tmp_path / "final.ckpt", TARGET_HEADS, tmp_path / "targets")
    stored, batch = TARGET_HEADS.read(card, "here"), next(iter(passes(make)))
    parts = (batch[name] for name in ("directions", "likeness", "prior", "present"))
    parts = tuple(parts)
    both = (head(head.listen(batch["frames"]), *parts) for head in (stored, module.head.eval()))
    torch.testing.assert_close(*both, atol=0.05, rtol=0)

    averaged = export_head(
        tmp_path / "final.ckpt", TARGET_HEADS, tmp_path / "mean", before=card, share_before=0.25
    )
    told = json.loads(averaged.read_text())
    assert (told["before"], told["share_before"]) == (read_checkpoint(card).fingerprint, 0.25)
    one, mean = (TARGET_HEADS.read(each, "here").state_dict() for each in (card, averaged))
    torch.testing.assert_close(one, mean, atol=1e-3, rtol=0)  # of a head and itself


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_the_trunk_is_a_cards():
    pytest.importorskip("lightning")
    from recipes.embedded.frames.train import read_trunk

    network, fingerprint = read_trunk(None)
    assert network.config.dimension == 192
    assert len(fingerprint) == 16
