"""The recipe of the TS-VAD head, on a handful of synthetic voices."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_speakers import FirstPass, LocalSpeakers
from diarspk.encoders import FrameHead, SpeakerNetwork
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.features.recording import Recording
from diarspk.segmentation import EmbeddedSegmenter, SegmentationHead, SegmentationHeadConfig
from diarspk.segmentation.target_speaker_vad import TARGET_SPEAKER_VAD_HEADS, TargetSpeakerVadConfig
from recipes.embedded.target_speaker_vad.first_passes import (
    FirstPassConfig,
    FirstPasses,
    add_common,
)
from recipes.embedded.target_speaker_vad.known_speakers import cluster_speakers
from tests.recipes.embedded.small_model import HEAD, SMALL, spread_voices


def passes(make, **changes):
    torch.manual_seed(0)
    network = SpeakerNetwork(SMALL).eval().requires_grad_(False)
    spread_voices(network, make())
    encoder = LocalEncoder(network, "here", FrameHead(HEAD).requires_grad_(False))
    head = SegmentationHead(
        SegmentationHeadConfig(width=16, channels=8, layers=1, heads=2, window_s=2.0)
    ).requires_grad_(False)
    head.classify.weight.mul_(30)  # or untrained it would be sure of nobody
    segmenter = EmbeddedSegmenter(head)
    settings = {"steps_s": (1.0,), "clustered": 0.0, "common_probability": 0.0, **changes}
    config = FirstPassConfig(precision="single", **settings)
    return FirstPasses(make(frames=400, speakers=3), encoder, segmenter, config)


def test_first_passes_are_what_the_diarizer_has(make):
    found = passes(make)
    batch = next(iter(found))
    assert batch["frames"].shape == (2, 100, SMALL.trunk.channels)
    assert batch["centroids"].shape == (2, 3, 8)
    assert (
        batch["similarity"].shape == batch["prior"].shape == batch["activity"].shape == (2, 100, 3)
    )
    torch.testing.assert_close(batch["centroids"].norm(dim=-1), torch.ones(2, 3))
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
    torch.testing.assert_close(clean["centroids"], found.voices(rows), atol=1e-5, rtol=0)
    alone = own["activity"] * (own["activity"].sum(-1, keepdim=True) == 1)
    said = alone.sum(1) > 0
    weights = alone.transpose(1, 2)
    expected = found.encoder.network.utterance(own["frames"], weights)
    expected = torch.nn.functional.normalize(expected, dim=-1)
    torch.testing.assert_close(own["centroids"][said], expected[said], atol=1e-4, rtol=0)
    torch.testing.assert_close(own["centroids"][~said], clean["centroids"][~said])


def test_speakers_of_a_window_are_those_that_clustering_finds(make):
    found, batch = passes(make, clustered=1.0), None
    for batch in itertools.islice(found, 4):
        there, right = batch["present"], batch["activity"]
        assert there.any(1).all()
        assert not right[~there[:, None].expand_as(right)].any()
        assert not batch["prior"][~there[:, None].expand_as(right)].any()
        norms = batch["centroids"].norm(dim=-1)
        torch.testing.assert_close(norms[there], torch.ones(int(there.sum())))
        # Nobody is two speakers: whoever is found twice talks once.
        truth = right.transpose(1, 2)[right.any(1)]
        assert len(torch.unique(truth, dim=0)) == len(truth)
    assert batch is not None


def test_a_cluster_belongs_to_whom_it_shares_most_with():
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
    first = FirstPass("window", 0.4, "here", local)
    activity = np.zeros((10, 2), np.float32)
    activity[:5, 1] = activity[7:, 0] = 1

    def cluster(labels):
        linked = SimpleNamespace(link=lambda _: Linking(np.array([labels])))
        return cluster_speakers(first, linked, activity)

    known = cluster([2, 0, 1])
    assert known.labels.tolist() == [[0, 1, -1]]  # the third has no place left
    assert known.owner.tolist() == [1, 0]
    np.testing.assert_array_equal(known.centroids, np.eye(8)[:2])
    assert cluster([-1, -1, -1]) is None


def test_what_voices_have_in_common_makes_them_alike():
    added = add_common(np.eye(3, dtype=np.float32)[:2], np.array([0, 0, 2], np.float32))
    np.testing.assert_allclose(added @ added.T, [[1, 0.8], [0.8, 1]], atol=1e-6)


def test_windows_have_something_in_common(make):
    plain, other = (next(iter(passes(make, common_probability=share))) for share in (0.0, 1.0))
    for name in ("frames", "prior", "activity", "present"):
        torch.testing.assert_close(plain[name], other[name])
    for name in ("centroids", "similarity"):
        assert not torch.allclose(plain[name], other[name], atol=0.01)
    norms = other["centroids"].norm(dim=-1)
    torch.testing.assert_close(norms[other["present"]], torch.ones(int(other["present"].sum())))


def test_frame_error_is_strict_der():
    from recipes.embedded.target_speaker_vad.train import frame_error

    right = torch.tensor([[1, 0], [1, 1], [0, 1], [0, 0]]).bool()
    found = torch.tensor([[0, 1], [1, 0], [0, 1], [1, 0]]).bool()
    assert frame_error(found, right).item() == pytest.approx((1 + 1 + 0 + 1) / 4)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_the_target_head_learns_to_correct(make, tmp_path):
    lightning = pytest.importorskip("lightning")
    from recipes.embedded.export_head import export_head
    from recipes.embedded.target_speaker_vad.train import TargetSpeakerVadTraining
    from recipes.training.trainer import OptimizationConfig

    lightning.seed_everything(0)
    config = TargetSpeakerVadConfig(
        width=16, channels=16, layers=1, heads=2, kernel=5, dimension=8, window_s=4.0, speakers=3
    )
    train = OptimizationConfig(steps=50, learning_rate=5e-3, warmup_steps=3)
    module, logged = TargetSpeakerVadTraining(config, train, encoder="here"), []
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
    card = export_head(tmp_path / "final.ckpt", TARGET_SPEAKER_VAD_HEADS, tmp_path / "targets")
    stored, batch = TARGET_SPEAKER_VAD_HEADS.read(card, "here"), next(iter(passes(make)))
    parts = (batch[name] for name in ("centroids", "similarity", "prior", "present"))
    parts = tuple(parts)
    both = (head(head.features(batch["frames"]), *parts) for head in (stored, module.head.eval()))
    torch.testing.assert_close(*both, atol=0.05, rtol=0)

    averaged = export_head(
        tmp_path / "final.ckpt",
        TARGET_SPEAKER_VAD_HEADS,
        tmp_path / "mean",
        before=card,
        share_before=0.25,
    )
    told = json.loads(averaged.read_text())
    assert (told["before"], told["share_before"]) == (read_checkpoint(card).fingerprint, 0.25)
    one, mean = (
        TARGET_SPEAKER_VAD_HEADS.read(each, "here").state_dict() for each in (card, averaged)
    )
    torch.testing.assert_close(one, mean, atol=1e-3, rtol=0)  # of a head and itself
