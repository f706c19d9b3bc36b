"""Laws that every architecture obeys, whatever its pooling."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from diarspk.encoders.architectures.campplus import CamPlusPlus
from diarspk.encoders.architectures.ecapa import (
    ESPNET_ECAPA,
    SPEECHBRAIN_ECAPA,
    WESPEAKER_ECAPA,
    EcapaTdnn,
    SqueezeExcitation,
)
from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.architectures.mfa_conformer import (
    MfaConformer,
    MfaConformerConfig,
    RelativeAttention,
    relative_positions,
)
from diarspk.encoders.architectures.pooling import POOLINGS
from diarspk.encoders.architectures.rawnet3 import RawNet3, RawNet3Config, SincFilters
from diarspk.encoders.architectures.redimnet import REDIMNET, ReDimNet, Stage
from diarspk.encoders.architectures.resnet import RESNET18, RESNET50, ResNet
from diarspk.encoders.architectures.se_resnet import SeResNet, SeResNetConfig
from diarspk.encoders.architectures.ska_tdnn import SkaTdnn, SkaTdnnConfig
from diarspk.encoders.architectures.xvector import (
    ESPNET_XVECTOR,
    SPEECHBRAIN_XVECTOR,
    WESPEAKER_XVECTOR,
    XVector,
)
from tests.diarspk.encoders.architectures.test_campplus import SMALL as SMALL_CAMPPLUS
from tests.diarspk.encoders.local.test_network import trained_looking

MELS = 16
TINY_ECAPA = {"mels": MELS, "channels": 16, "dimension": 5, "aggregated": 12, "bottleneck": 4}
TINY_XVECTOR = {"mels": MELS, "dimension": 5, "channels": (8, 8, 8, 8, 12)}
TINY_RESNET = {"mels": MELS, "channels": 2, "dimension": 5}
TINY_REDIMNET = {
    "mels": MELS,
    "dimension": 5,
    "channels": 4,
    "stages": (Stage(1, 1, 2, 4), Stage(2, 1, 1, None), Stage(2, 1, 1, 4)),
}

TINY = {
    "x-vector": (XVector, replace(WESPEAKER_XVECTOR, **TINY_XVECTOR)),
    "x-vector padded": (XVector, replace(ESPNET_XVECTOR, **TINY_XVECTOR)),
    "x-vector mirrored": (XVector, replace(SPEECHBRAIN_XVECTOR, **TINY_XVECTOR)),
    "se-resnet": (SeResNet, SeResNetConfig(MELS, 5, (1, 1, 1, 1), (4, 4, 8, 8), 2)),
    "ecapa espnet": (EcapaTdnn, replace(ESPNET_ECAPA, **TINY_ECAPA)),
    "ecapa wespeaker": (EcapaTdnn, replace(WESPEAKER_ECAPA, **TINY_ECAPA)),
    "ecapa speechbrain": (EcapaTdnn, replace(SPEECHBRAIN_ECAPA, **TINY_ECAPA)),
    "resnet": (ResNet, replace(RESNET18, **TINY_RESNET)),
    "resnet bottleneck": (ResNet, replace(RESNET50, blocks=(1, 1, 1, 1), **TINY_RESNET)),
    "campplus": (CamPlusPlus, replace(SMALL_CAMPPLUS, mels=MELS)),
    "rawnet3": (
        RawNet3,
        RawNet3Config(5, filters=8, kernel=31, channels=16, aggregated=12),
    ),
    "ska-tdnn": (SkaTdnn, SkaTdnnConfig(MELS, 5, front_channels=4, channels=16, aggregated=12)),
    "mfa-conformer": (
        MfaConformer,
        MfaConformerConfig(MELS, 5, width=8, blocks=2, heads=2, feed_forward=16),
    ),
    **{
        f"redimnet {size}": (ReDimNet, replace(REDIMNET[size], group=2, **TINY_REDIMNET))
        for size in ("b0", "b1", "b3")
    },
}


def build(name, **changes):
    network, config = TINY[name]
    torch.manual_seed(0)
    return trained_looking(network(replace(config, **changes)))


def random_inputs(network, frames, seed=0):
    """Features ``(1, frames, mels)``, or as many samples as give that many strides."""
    generator = torch.Generator().manual_seed(seed + frames)
    if isinstance(network, RawNet3):
        return torch.randn(1, frames * 40, generator=generator) / 10
    return torch.randn(1, frames, MELS, generator=generator) * 2


def padded_together(items):
    """Batch of items with something loud behind each, and its mask."""
    lengths = torch.tensor([item.shape[1] for item in items])
    batch = torch.full((len(items), int(lengths.max()), *items[0].shape[2:]), 1e3)
    for row, item in zip(batch, items, strict=True):
        row[: item.shape[1]] = item[0]
    return batch, length_mask(lengths, batch.shape[1])


@pytest.mark.parametrize(
    ("name", "pooling"),
    # Every network with its own pooling, and every pooling behind one network.
    [*((name, None) for name in TINY), *(("redimnet b1", pooling) for pooling in POOLINGS)],
)
@torch.inference_mode()
def test_padding_changes_nothing(name, pooling):
    network = build(name) if pooling is None else build(name, pooling=pooling)
    items = [random_inputs(network, frames) for frames in (23, 16, 37, 24)]
    together = network(*padded_together(items))
    alone = torch.cat([network(item) for item in items])
    assert together.shape == (4, network.dimension)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", TINY)
@torch.inference_mode()
def test_frame_features_do_not_see_padding_either(name):
    network = build(name)
    items = [random_inputs(network, frames) for frames in (23, 16, 38)]
    together, mask = network.encode(*padded_together(items))
    assert mask.shape == together.shape[:2]
    for row, row_mask, item in zip(together, mask, items, strict=True):
        alone, no_mask = network.encode(item)
        assert no_mask is None
        assert int(row_mask.sum()) == alone.shape[1]
        torch.testing.assert_close(row[row_mask], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", TINY)
@torch.inference_mode()
def test_the_least_input_is_enough_and_less_is_not_promised(name):
    network = build(name)
    least = torch.randn(2, network.minimum, *([] if name == "rawnet3" else [MELS]))
    assert network(least).isfinite().all()
    assert network.encode(least)[0].shape[1] == 1 or network.minimum in (4, 5)  # to be mirrored


@pytest.mark.parametrize("name", TINY)
@torch.inference_mode()
def test_frames_come_every_stride(name):
    network = build(name)
    counts = [network.encode(random_inputs(network, n))[0].shape[1] for n in (240, 480)]
    added = random_inputs(network, 240).shape[1] / network.stride
    assert counts[1] - counts[0] == pytest.approx(added, abs=1)


@pytest.mark.parametrize("name", TINY)
def test_every_parameter_is_trained(name):
    network = build(name, pooling="statistics").train()
    batch = torch.cat([random_inputs(network, 40, seed) for seed in range(3)])
    (
        network(batch)
        * torch.randn(3, network.dimension, generator=torch.Generator().manual_seed(1))
    ).sum().backward()
    idle = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not idle
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.requires_grad)


def test_sinc_filters_equal_asteroid():
    bank = pytest.importorskip("asteroid_filterbanks")
    original = bank.ParamSincFB(64, 251, stride=16)
    ours = SincFilters(32, 251, 16000)
    torch.testing.assert_close(ours.low_hz_, original.low_hz_, atol=2e-2, rtol=1e-5)
    torch.testing.assert_close(ours.band_hz_, original.band_hz_, atol=2e-2, rtol=1e-5)
    ours.load_state_dict({k: original.state_dict()[k] for k in ("low_hz_", "band_hz_")})
    torch.testing.assert_close(ours(), original.filters(), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_relative_attention_by_loops():
    torch.manual_seed(0)
    frames, width, heads = 5, 8, 2
    attention = RelativeAttention(width, heads)
    x = torch.randn(1, frames, width)
    positions = relative_positions(frames, width)
    query, key, value = (
        layer(x)[0].view(frames, heads, -1)
        for layer in (attention.linear_q, attention.linear_k, attention.linear_v)
    )
    distance = attention.linear_pos(positions).view(-1, heads, width // heads)
    attended = torch.zeros(frames, heads, width // heads)
    for head in range(heads):
        for i in range(frames):
            scores = torch.stack(
                [
                    (query[i, head] + attention.pos_bias_u[head]) @ key[j, head]
                    + (query[i, head] + attention.pos_bias_v[head])
                    @ distance[frames - 1 - (i - j), head]
                    for j in range(frames)
                ]
            )
            attended[i, head] = (scores / (width // heads) ** 0.5).softmax(0) @ value[:, head]
    expected = attention.linear_out(attended.flatten(1))
    torch.testing.assert_close(attention(x, positions, None)[0], expected)


def test_a_position_is_the_sine_of_its_distance():
    positions = relative_positions(4, 6)
    assert positions.shape == (7, 6)
    assert positions[3].tolist() == [0.0, 1.0] * 3  # no distance
    assert positions[0, 0].item() == pytest.approx(torch.tensor(3.0).sin().item())
    torch.testing.assert_close(positions[1, 0::2], -positions[5, 0::2])


def test_squeeze_excitation_by_hand():
    gate = SqueezeExcitation(1, 1, norm=False)
    for layer, weight in ((gate.linear1, 2.0), (gate.linear2, 0.5)):
        torch.nn.init.constant_(layer.weight, weight)
        torch.nn.init.zeros_(layer.bias)
    x = torch.tensor([[[1.0, 3.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    expected = 1 / (1 + torch.exp(torch.tensor(-2.0)))  # sigmoid(0.5 * relu(2 * mean 2))
    torch.testing.assert_close(gate(x, mask)[0, 0, :2], torch.tensor([1.0, 3.0]) * expected)
