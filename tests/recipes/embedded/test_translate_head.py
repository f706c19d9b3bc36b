"""Heads of one embedding space in another: exact where the spaces differ by a linear map."""

import pytest
import torch

from diarspk.encoders.local.frame_head import FrameHead, FrameHeadConfig
from diarspk.errors import ArgumentError
from diarspk.segmentation.target_speaker_vad import TargetSpeakerVadConfig, TargetSpeakerVadHead
from recipes.embedded.translate_head import (
    explained,
    fit_map,
    translate_frame_head,
    translate_vad_head,
)

DIMENSION = 6


@pytest.fixture
def spaces():
    generator = torch.Generator().manual_seed(0)
    before = torch.randn(40, DIMENSION, generator=generator)
    turned = torch.linalg.qr(torch.randn(DIMENSION, DIMENSION, generator=generator))[0]
    return before, before @ turned


def test_a_map_between_spaces_is_found_and_explains_everything(spaces):
    before, after = spaces
    matrix = fit_map(before, after)
    torch.testing.assert_close(before.double() @ matrix, after.double())
    assert explained(before, after, matrix) == pytest.approx(1.0)
    unlike = torch.randn(40, DIMENSION, generator=torch.Generator().manual_seed(1))
    assert explained(before, unlike, fit_map(before, unlike)) < 0.6


def test_a_map_of_fewer_crops_than_dimensions_is_refused(spaces):
    with pytest.raises(ArgumentError, match="of the same 6 crops or more, got 5 and 5"):
        fit_map(spaces[0][:5], spaces[1][:5])


def test_a_vad_head_says_of_new_centroids_what_it_said_of_the_old_ones(spaces):
    before, after = spaces
    config = TargetSpeakerVadConfig(width=8, channels=8, layers=1, heads=2, dimension=DIMENSION)
    torch.manual_seed(0)
    head = TargetSpeakerVadHead(config).eval()
    torch.nn.init.normal_(head.correct.weight)  # zeros say the prior alone
    features, prior = torch.randn(1, 30, 8), torch.full((1, 30, 2), 0.3)
    similarity = torch.zeros(1, 30, 2)
    right = head(features, before[None, :2], similarity, prior)
    assert translate_vad_head(head, before, after) == pytest.approx(1.0)
    torch.testing.assert_close(head(features, after[None, :2], similarity, prior), right)
    assert not torch.allclose(head(features, before[None, :2], similarity, prior), right)


def test_a_frame_head_corrects_in_the_new_space(spaces):
    before, after = spaces
    head = FrameHead(FrameHeadConfig(width=8, channels=8, layers=1, heads=2, dimension=DIMENSION))
    torch.nn.init.normal_(head.correct.weight)
    torch.nn.init.normal_(head.correct.bias)
    hidden = torch.randn(5, 8)
    was = head.correct(hidden)
    assert translate_frame_head(head, before, after) == pytest.approx(1.0)
    turn = fit_map(before, after).float()
    torch.testing.assert_close(head.correct(hidden), was @ turn, atol=1e-4, rtol=1e-4)
