import math

import pytest
import torch

from diarspk.encoders.losses import (
    AngularMarginSoftmax,
    GeneralizedEndToEnd,
    MarginSchedule,
    Softmax,
    SubcentreAngularMarginSoftmax,
    add_margin,
    subtract_angle,
)
from diarspk.errors import ArgumentError


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
    torch.manual_seed(0)
    embeddings = torch.randn(4, 8, requires_grad=True)
    criterion = AngularMarginSoftmax(8, 5, prefixes=(2,), prefix_weight=1.0, scale=1.0)
    nested = criterion(embeddings, torch.arange(4)) - criterion.classify(
        embeddings, criterion.weight, torch.arange(4)
    )
    (gradient,) = torch.autograd.grad(nested, embeddings)
    assert gradient[:, :2].abs().min() > 0
    assert gradient[:, 2:].abs().max() < 1e-6


def vector(angle: float) -> torch.Tensor:
    return torch.tensor([[math.cos(angle), math.sin(angle)]])


def test_subcentres_and_penalty_by_hand():
    criterion = SubcentreAngularMarginSoftmax(
        2, 3, centres=2, margin=0.3, penalty=0.1, top=1, scale=10.0
    )
    # centres at these angles; the embedding lies at 0.4 and is of speaker 0
    angles = torch.tensor([[0.0, 2.0], [1.0, 3.0], [-2.0, -1.5]])
    criterion.weight.data = torch.stack([angles.cos(), angles.sin()], dim=-1)
    loss = criterion(5 * vector(0.4), torch.tensor([0]))
    own = 10 * math.cos(0.4 + 0.3)  # its nearer centre, at 0
    nearest = 10 * math.cos(0.6 - 0.1)  # speaker 1 at 1.0
    other = 10 * math.cos(1.9)  # speaker 2 at -1.5, not among the top one
    total = math.exp(own) + math.exp(nearest) + math.exp(other)
    assert loss.item() == pytest.approx(math.log(total) - own, rel=1e-4)


def test_the_penalty_changes_loss_and_gradient():
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(8, 16, generator=generator, requires_grad=True)
    labels = torch.arange(8)
    criterion = SubcentreAngularMarginSoftmax(16, 10, penalty=0.06, top=5)
    losses, gradients = {}, {}
    for penalty in (0.0, 0.06):
        criterion.penalty = penalty
        losses[penalty] = criterion(embeddings, labels)
        (gradients[penalty],) = torch.autograd.grad(losses[penalty], embeddings)
    assert losses[0.06] > losses[0.0]
    assert (gradients[0.06] - gradients[0.0]).abs().max() > 1e-3


def test_only_the_top_others_are_penalised():
    criterion = SubcentreAngularMarginSoftmax(2, 3, centres=1, margin=0.0, penalty=0.1, top=1)
    angles = torch.tensor([[0.0], [1.0], [2.5]])
    criterion.weight.data = torch.stack([angles.cos(), angles.sin()], dim=-1)
    criterion.scale = 1.0
    first = []
    for top in (0, 1, 2):
        criterion.top = top
        first.append(criterion(vector(0.2), torch.tensor([0])).item())
    logits = [math.cos(0.2), math.cos(0.8), math.cos(2.3)]
    nearer = [math.cos(0.2), math.cos(0.7), math.cos(2.2)]
    expected = []
    for chosen in (logits, [*nearer[:2], logits[2]], nearer):
        expected.append(math.log(sum(map(math.exp, chosen))) - chosen[0])
    assert first == pytest.approx(expected, rel=1e-5)


def test_more_top_speakers_than_there_are_is_an_error():
    with pytest.raises(ArgumentError, match="`top` must be from 0 to classes - 1 = 3, got 4"):
        SubcentreAngularMarginSoftmax(8, 4, top=4)


def test_a_single_centre_without_penalty_is_the_plain_margin():
    plain = AngularMarginSoftmax(6, 4, margin=0.2, scale=20.0)
    other = SubcentreAngularMarginSoftmax(6, 4, centres=1, margin=0.2, top=0, scale=20.0)
    other.weight.data = plain.weight.data[:, None]
    embeddings = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 0])
    torch.testing.assert_close(other(embeddings, labels), plain(embeddings, labels))


def test_shifted_angles_go_on_rising():
    cosine = torch.linspace(-1, 1, 401)
    for shifted in (add_margin(cosine, 0.4), subtract_angle(cosine, 0.4)):
        assert (shifted.diff() > 0).all()
        assert shifted.diff().max() < 0.1  # no jump
    assert (add_margin(cosine, 0.4) <= cosine).all()
    assert (subtract_angle(cosine, 0.4) >= cosine - 1e-5).all()


def test_softmax_by_hand():
    criterion = Softmax(2, 2)
    criterion.affine.weight.data, criterion.affine.bias.data = (
        torch.eye(2),
        torch.tensor([0.0, 1.0]),
    )
    loss = criterion(torch.tensor([[3.0, 1.0]]), torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(2.0 - 3.0)))


def test_end_to_end_by_hand():
    # speaker 7 at angles 0 and 0.2, speaker 3 at 2.0 and 2.6; each is compared with the other of
    # its own speaker, and with the middle of the other speaker
    embeddings = torch.cat([vector(0.0), 4 * vector(2.0), vector(0.2), vector(2.6)])
    labels = torch.tensor([7, 3, 7, 3])
    pairs = [(0.2, 2.3), (0.6, 1.9), (0.2, 2.1), (0.6, 2.5)]
    expected = [
        math.log(1 + math.exp(2 * (math.cos(other) - math.cos(own)))) for own, other in pairs
    ]
    loss = GeneralizedEndToEnd(scale=2.0)(embeddings, labels)
    assert loss.item() == pytest.approx(sum(expected) / 4, rel=1e-4)


def test_end_to_end_needs_two_of_each():
    with pytest.raises(ArgumentError, match="every speaker at least twice"):
        GeneralizedEndToEnd()(torch.eye(3), torch.tensor([0, 0, 1]))


def test_end_to_end_trains_its_scale():
    criterion = GeneralizedEndToEnd()
    embeddings = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    criterion(embeddings, torch.tensor([0, 0, 1, 1, 2, 2])).backward()
    assert criterion.scale.grad.abs() > 0


@pytest.mark.parametrize(
    ("shape", "time", "expected"),
    [
        ("linear", 0.0, 0.1),
        ("linear", 19.9, 0.1),
        ("linear", 25.0, 0.15),
        ("linear", 30.0, 0.2),
        ("exponential", 25.0, 0.1 + 0.2 * (1 - math.sqrt(1e-3))),
        ("exponential", 40.0, 0.3),
        ("exponential", 1000.0, 0.3),
    ],
)
def test_margin_schedule_by_hand(shape, time, expected):
    end = 40.0 if shape == "linear" else 30.0
    schedule = MarginSchedule(20.0, end, initial=0.1, final=0.3, shape=shape)
    assert schedule.margin(time) == pytest.approx(expected)


def test_a_schedule_without_length_steps():
    schedule = MarginSchedule(5.0, 5.0)
    assert (schedule.margin(4.9), schedule.margin(5.0)) == (0.0, 0.2)
    with pytest.raises(ArgumentError, match="`end` must be at least start"):
        MarginSchedule(5.0, 4.0)
