"""A training begins with the weights of another, whose trunk may be smaller."""

from dataclasses import replace

import pytest
import torch

from diarspk.checkpoints.checkpoint import write_checkpoint
from diarspk.encoders import SpeakerNetwork, SpeakerNetworkConfig, TrunkConfig
from diarspk.errors import ArgumentError
from recipes.embedded.trunk.net2net import FADED, grow, load_warm_start
from recipes.training.warm_start import read_warm_start
from tests.diarspk.encoders.local.test_network import random_features, trained_looking

SMALL = TrunkConfig(
    front_channels=(4, 6),
    front_pairs=(1, 1),
    coarse_channels=0,
    width=16,
    dilations=(1, 2),
    profile=False,
)
EXACT = {
    "the same": SMALL,
    "wider front": replace(SMALL, front_channels=(7, 9)),
    "wider first stage": replace(SMALL, front_channels=(8, 6)),
    "more pairs": replace(SMALL, front_pairs=(2, 3)),
    "coarse stage": replace(SMALL, coarse_channels=5, coarse_pairs=2),
    "coarse stage without pairs": replace(SMALL, coarse_channels=5, coarse_pairs=0),
    "profile": replace(SMALL, profile=True),
    "profile and coarse stage": replace(SMALL, coarse_channels=5, profile=True),
    "all": TrunkConfig(
        front_channels=(8, 9),
        front_pairs=(1, 2),
        coarse_channels=5,
        coarse_pairs=2,
        width=16,
        dilations=(1, 2),
    ),
}
LARGEST = replace(EXACT["all"], dilations=(1, 2, 1, 3))


def make_training(trunk, seed=0):
    """Network, head, and a classifier that no model has, with weights of chance."""
    torch.manual_seed(seed)
    training = torch.nn.Module()
    training.network = SpeakerNetwork(
        SpeakerNetworkConfig(trunk=trunk, pooled_channels=32, dimension=8)
    )
    training.head, training.criterion = torch.nn.Linear(16, 3), torch.nn.Linear(8, 4)
    return training


def make_trained(trunk=SMALL):
    """A training whose batch norms all do something."""
    training = trained_looking(make_training(trunk, seed=1))
    for name, parameter in training.named_parameters():
        if "norm" in name:
            with torch.no_grad():
                parameter.add_(0.2 * torch.randn(parameter.shape))
    return training


def model_state(training):
    return {name: value for name, value in training.state_dict().items() if "criterion" not in name}


def in_old_names(state):
    return {name.replace(".pairs.0.", "."): value for name, value in state.items()}


def frames_of(training):
    """What is learned of frames; the spectral shape behind it is no weight's doing."""
    with torch.inference_mode():
        return training.eval().network.trunk(random_features(120, batch=2))[..., : SMALL.width]


def embeddings_of(training):
    with torch.inference_mode():
        return training.eval().network(random_features(120, batch=2))


@pytest.mark.parametrize("rename", [dict, in_old_names], ids=["new names", "old names"])
@pytest.mark.parametrize("trunk", EXACT.values(), ids=EXACT)
def test_a_larger_trunk_computes_what_the_smaller_one_does(trunk, rename):
    trained, training = make_trained(), make_training(trunk)
    before = training.criterion.weight.clone()
    load_warm_start(training, rename(model_state(trained)))
    torch.testing.assert_close(frames_of(training), frames_of(trained), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        embeddings_of(training), embeddings_of(trained), atol=1e-5, rtol=1e-5
    )
    assert torch.equal(training.head.weight, trained.head.weight)
    assert torch.equal(training.criterion.weight, before)  # a model has none


@pytest.mark.parametrize("trunk", [replace(SMALL, dilations=(1, 2, 1, 3)), LARGEST])
def test_new_layers_add_next_to_nothing(trunk):
    trained, training = make_trained(), make_training(trunk)
    load_warm_start(training, model_state(trained))
    before, after = frames_of(trained), frames_of(training)
    difference = (before - after).norm() / before.norm()
    assert 0 < difference < 0.1
    layers = training.network.trunk.layers
    assert all(layer.norm.weight.eq(FADED).all() for layer in layers[2:])
    assert torch.equal(layers[1].norm.weight, trained.network.trunk.layers[1].norm.weight)


def test_what_is_given_is_left_as_it_is():
    trained, training = model_state(make_trained()), make_training(LARGEST)
    copies = [{n: v.clone() for n, v in each.items()} for each in (trained, training.state_dict())]
    grow(training.state_dict(), trained)
    for own, copy in zip((trained, training.state_dict()), copies, strict=True):
        assert own.keys() == copy.keys()
        assert all(torch.equal(own[name], copy[name]) for name in copy)


def test_the_smaller_weights_lie_in_the_larger():
    trained = model_state(make_trained())
    grown = grow(make_training(LARGEST).state_dict(), trained)
    for name, given in trained.items():
        assert torch.equal(grown[name][tuple(map(slice, given.shape))], given)


def misfits():
    """States that no training of a larger trunk can begin with, by what is wrong."""
    state = model_state(make_trained())
    layer = "network.trunk.layers.1."
    pair = "network.trunk.front.1.pairs.0."
    return {
        "strange": {**state, "network.other.weight": torch.zeros(2)},
        "wider": model_state(make_trained(replace(SMALL, front_channels=(4, 20)))),
        "deeper": model_state(make_trained(replace(SMALL, dilations=(1,) * 6))),
        "more pairs": model_state(make_trained(replace(SMALL, front_pairs=(1, 3)))),
        "wider coarse stage": model_state(make_trained(replace(SMALL, coarse_channels=6))),
        "other width": {
            name: value[:12] if name.startswith(layer) and value.dim() else value
            for name, value in state.items()
        },
        "other kernel": {**state, f"{pair}conv1.weight": torch.zeros(6, 6, 1, 1)},
        "other head": {**state, "head.weight": torch.zeros(3, 15)},
        "narrower head": {**state, "head.weight": torch.zeros(2, 16), "head.bias": torch.zeros(2)},
        "no head": {n: v for n, v in state.items() if not n.startswith("head.")},
        "no utterance head": {n: v for n, v in state.items() if ".utterance." not in n},
        "half a layer": {n: v for n, v in state.items() if n != f"{layer}norm.bias"},
        "half a pair": {n: v for n, v in state.items() if n != f"{pair}conv2.weight"},
        "no projection": {n: v for n, v in state.items() if ".projection." not in n},
    }


@pytest.mark.parametrize("fault", misfits())
def test_what_does_not_fit_is_refused_and_nothing_changed(fault):
    training = make_training(LARGEST)
    before = {name: value.clone() for name, value in training.state_dict().items()}
    with pytest.raises(ArgumentError, match=r"do not fit this training \(.*\); give"):
        load_warm_start(training, misfits()[fault])
    after = training.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize("trunk", [*EXACT.values(), LARGEST], ids=[*EXACT, "largest"])
def test_nothing_that_is_new_stays_dead(trunk):
    """Two steps of descent wake up what was read by nobody, every weight of it."""
    torch.manual_seed(0)
    trained, training = make_trained(), make_training(trunk)
    load_warm_start(training, model_state(trained))
    training.train()
    optimizer = torch.optim.SGD(training.network.parameters(), lr=0.05)
    target = torch.randn(8, 8)
    awake = {
        name: torch.zeros_like(value, dtype=torch.bool)
        for name, value in training.network.trunk.named_parameters()
    }
    for _ in range(3):
        optimizer.zero_grad()
        features = torch.randn(8, 60, 80) * 3
        (training.network(features) - target).square().mean().backward()
        for name, value in training.network.trunk.named_parameters():
            awake[name] |= value.grad != 0
        optimizer.step()
    assert all(found.all() for found in awake.values())


def test_training_begins_with_the_weights_of_a_model(tmp_path):
    trained, training = make_trained(), make_training(SMALL)
    tensors = {
        name.replace("head.", "activity."): value for name, value in model_state(trained).items()
    }
    write_checkpoint(tmp_path / "model.json", tensors, {"name": "model"})
    state = read_warm_start(tmp_path / "model.json", part="activity.", name="head.")
    load_warm_start(training, state)
    torch.testing.assert_close(training.head.weight, trained.head.weight, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        training.network.trunk.projection.affine.weight,
        trained.network.trunk.projection.affine.weight,
        atol=1e-3,
        rtol=0,
    )
