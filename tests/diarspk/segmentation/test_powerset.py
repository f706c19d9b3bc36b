import torch
from hypothesis import given
from hypothesis import strategies as st

from diarspk.segmentation import Powerset


def test_three_speakers_two_at_once_make_seven_classes():
    members = Powerset(3, 2).members.tolist()
    assert members == [
        [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1],
    ]  # fmt: skip


@given(st.integers(1, 4), st.integers(1, 3))
def test_encoding_inverts_members(speakers, simultaneous):
    powerset = Powerset(speakers, min(simultaneous, speakers))
    assert powerset.encode(powerset.members).tolist() == list(range(len(powerset)))


def test_too_many_at_once_is_no_class():
    assert Powerset(3, 2).encode(torch.ones(3)).item() == -1


def test_marginals_add_up_the_sets():
    probabilities = torch.tensor([0.1, 0.2, 0.0, 0.1, 0.4, 0.1, 0.1])
    expected = torch.tensor([0.7, 0.5, 0.3])
    assert torch.allclose(Powerset(3, 2).marginals(probabilities), expected)


def test_orders_rename_classes():
    powerset = Powerset(3, 2)
    activity = (torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) > 0.6).float()
    activity[activity.sum(-1) > 2] = 0
    renamed = {tuple(order[powerset.encode(activity)].tolist()) for order in powerset.orders()}
    from itertools import permutations

    expected = {
        tuple(powerset.encode(activity[:, list(order)]).tolist())
        for order in permutations(range(3))
    }
    assert renamed == expected
