"""CAM++ against the original implementation and weights, where those packages are installed."""

from __future__ import annotations

import pytest
import torch

from diarspk.encoders.architectures.campplus import (
    CAMPPLUS_FEATURES,
    CamPlusPlus,
    CamPlusPlusConfig,
)
from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.pretrained.campplus import find_campplus, load_campplus
from diarspk.errors import ModelError
from tests.diarspk.encoders.local.test_network import random_features, trained_looking

SMALL = CamPlusPlusConfig(
    dimension=6, front_channels=4, first_channels=8, growth=4, bottleneck=8, layers=(2, 2, 1)
)


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return trained_looking(CamPlusPlus(SMALL))


@pytest.fixture(scope="module")
def reference():
    module = pytest.importorskip("speakerlab.models.campplus.DTDNN", reason="needs speakerlab")
    torch.manual_seed(0)
    return trained_looking(module.CAMPPlus(embedding_size=192, memory_efficient=False))


@pytest.fixture(scope="module")
def published():
    try:
        return find_campplus()
    except ModelError as error:
        pytest.skip(str(error))


def test_the_parameters_are_the_published_ones():
    network = CamPlusPlus(CamPlusPlusConfig(dimension=512))
    assert sum(p.numel() for p in network.parameters()) == 7_176_224


@pytest.mark.parametrize("frames", [3, 99, 230])
@torch.inference_mode()
def test_it_equals_the_original(reference, frames):
    network = CamPlusPlus(CamPlusPlusConfig(dimension=192)).eval()
    network.load_state_dict(reference.state_dict())
    features = random_features(frames, batch=2)
    expected = reference(features)
    torch.testing.assert_close(network(features), expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_published_weights_load_and_agree(reference, published):
    network = load_campplus(published)
    reference.load_state_dict(torch.load(published, weights_only=True))
    features = random_features(300, batch=2) / 2
    features = features - features.mean(1, keepdim=True)
    assert network.dimension == 192
    torch.testing.assert_close(network(features), reference(features), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("frames", "padding"), [(1, 5), (60, 1), (230, 190), (401, 99)])
@torch.inference_mode()
def test_padding_changes_nothing(small, frames, padding):
    features = random_features(frames)
    other = random_features(frames + padding)
    padded = torch.cat([features, torch.full((1, padding, 80), torch.nan)], dim=1)
    batch = torch.cat([padded, other])
    mask = length_mask(torch.tensor([frames, frames + padding]), frames + padding)
    alone = torch.cat([small(features), small(other)])
    torch.testing.assert_close(small(batch, mask), alone, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_single_frame_has_an_embedding(small):
    assert small(random_features(1)).isfinite().all()


@torch.inference_mode()
def test_frames_come_every_second_feature(small):
    frames, mask = small.encode(random_features(31))
    assert frames.shape[:2] == (1, 16)
    assert mask is None


def test_a_round_trip_through_a_file_finds_the_dimensions(tmp_path):
    network = trained_looking(CamPlusPlus(CamPlusPlusConfig(mels=40, dimension=7)))
    state = {**network.state_dict(), "projection.weight": torch.ones(3, 7)}
    torch.save(state, tmp_path / "avg_model.pt")
    loaded = load_campplus(tmp_path / "avg_model.pt")
    assert (loaded.config.mels, loaded.dimension) == (40, 7)
    features = torch.randn(1, 50, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(loaded(features), network(features))


def test_another_network_is_refused(tmp_path):
    torch.save({"conv1.weight": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match=r"other\.pt: has no tensor .*no CAM\+\+"):
        load_campplus(tmp_path / "other.pt")


def test_the_features_are_of_the_bare_waveform():
    assert (CAMPPLUS_FEATURES.window, CAMPPLUS_FEATURES.scale) == ("povey", 1.0)
