"""The recipe of the frame head, on a handful of synthetic voices."""

import itertools
import math

import numpy as np
import pytest
import torch

from diarspk.encoders import (
    SpeakerNetwork,
)
from diarspk.encoders.local.frame_head import FRAME_HEADS
from diarspk.errors import ModelError
from recipes.embedded.data.conversations import label_frames, label_power
from recipes.embedded.data.mixing import SHIFT
from recipes.embedded.data.pool import SPEEDS, speed_of
from recipes.embedded.frames.clean_voices import CleanVoices, number_voices
from recipes.embedded.frames.objectives import (
    FrameObjective,
    contrast,
    frame_losses,
    right_speakers,
)
from tests.recipes.embedded.small_model import HEAD, SMALL, SPEAKERS, TEMPLATES, spread_voices
from tests.recipes.synthetic_voices import VARIANTS


def test_power_is_that_of_each_speaker_alone(make):
    conversations = make(noise_ratio_db=(90.0, 91.0), speaker_level_db=6.0, turn_level_db=0.0)
    batch = next(iter(conversations))
    activity, power = batch["activity"], batch["power"]
    assert power.shape == activity.shape
    assert (power[activity > 0] > 0).all()
    assert power[activity == 0].eq(0).all()
    # Of one who talks alone it is the power of the mixture, but for the common filter and level.
    laid = conversations.render(TEMPLATES[0][0], None, np.random.default_rng(3))
    own = label_power(laid.lanes, 250, 4)
    (mixture,) = label_power(laid.lanes.sum(0, keepdims=True), 250, 4).T
    # A filter smears over the ends of turns: frames there are left out.
    talking = label_frames(laid.activity, 4)
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


def test_a_voice_is_a_speaker_at_a_speed(make, comb):
    numbers = number_voices(make().voices)
    assert sorted(set(numbers.tolist())) == list(range(len(SPEEDS) * SPEAKERS))
    speeds = map(speed_of, comb.pool.variant)
    keys = set(zip(comb.numbers.tolist(), speeds, numbers.tolist(), strict=True))
    assert len(keys) == len(SPEEDS) * SPEAKERS


def test_clean_voices_are_means_over_crops_and_do_not_depend_on_the_order(make):
    torch.manual_seed(0)
    network = SpeakerNetwork(SMALL).eval().requires_grad_(False)
    conversations = make()
    each = 2 * len(VARIANTS)  # rows of a speaker
    rows = torch.tensor([[0, each + 1], [3 * each, 0]])
    together = CleanVoices(conversations.voices, network, crops=2, seconds=1.5)
    vectors = together(rows)
    assert vectors.shape == (2, 2, 8)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(2, 2))
    assert torch.equal(vectors[0, 0], vectors[1, 1])
    alone = CleanVoices(conversations.voices, network, crops=2, seconds=1.5)
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


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_training_lowers_its_loss_resumes_and_is_exported(make, tmp_path):
    lightning = pytest.importorskip("lightning")
    from recipes.embedded.export_head import export_head
    from recipes.embedded.frames.train import FrameTrainConfig, FrameTraining
    from recipes.embedded.trunk.net2net import load_warm_start
    from recipes.training.trainer import steps_done
    from recipes.training.warm_start import read_warm_start

    def training(encoder="here"):
        lightning.seed_everything(0)
        network = SpeakerNetwork(SMALL).eval()
        spread_voices(network, make())
        voices = CleanVoices(make().voices, network, crops=2, seconds=1.0)
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
    load_warm_start(begun, read_warm_start(card, part="", name="head."))
    both = (head(frames, module.frozen[0].utterance) for head in (stored, begun.head.eval()))
    assert torch.equal(*both)

    nameless = training(encoder="")
    fit(nameless, 1).save_checkpoint(tmp_path / "nameless.ckpt")
    with pytest.raises(ModelError, match="give --encoder"):
        export_head(tmp_path / "nameless.ckpt", FRAME_HEADS, tmp_path)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_the_trunk_is_a_cards():
    pytest.importorskip("lightning")
    from recipes.embedded.frames.train import read_trunk

    network, fingerprint = read_trunk(None)
    assert network.config.dimension == 192
    assert len(fingerprint) == 16
