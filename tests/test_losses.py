import math

import pytest
import torch

from diarspk.losses import AngularMarginSoftmax


def test_margin_by_hand():
    criterion = AngularMarginSoftmax(2, 2, margin=0.3, scale=10.0)
    criterion.weight.data = torch.eye(2)
    angle = 0.5
    embedding = torch.tensor([[math.cos(angle), math.sin(angle)]]) * 7  # length must not matter
    own, other = 10 * math.cos(angle + 0.3), 10 * math.sin(angle)
    expected = math.log(1 + math.exp(other - own))
    assert criterion(embedding, torch.tensor([0])).item() == pytest.approx(expected, rel=1e-5)


def test_a_margin_makes_it_harder():
    embeddings = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8)
    criterion = AngularMarginSoftmax(16, 10, margin=0.0)
    easy = criterion(embeddings, labels)
    criterion.margin = 0.2
    assert criterion(embeddings, labels) > easy


def test_the_loss_keeps_falling_towards_the_class_beyond_the_margin():
    criterion = AngularMarginSoftmax(3, 2, margin=0.5)
    criterion.weight.data = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    label = torch.tensor([0])
    losses = [
        criterion(torch.tensor([[math.cos(a), math.sin(a), 0.0]]), label).item()
        for a in (math.pi - 0.01, math.pi - 0.4, math.pi - 0.6, 2.0, 1.0)
    ]
    assert losses == sorted(losses, reverse=True)


def test_prefixes_get_gradients_of_their_own():
    embeddings = torch.randn(4, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    criterion = AngularMarginSoftmax(8, 5, prefixes=(2,), prefix_weight=1.0)
    nested = criterion(embeddings, torch.arange(4)) - criterion.classify(
        embeddings, criterion.weight, torch.arange(4)
    )
    (gradient,) = torch.autograd.grad(nested, embeddings)
    assert gradient[:, :2].abs().min() > 0
    assert gradient[:, 2:].abs().max() < 1e-6
