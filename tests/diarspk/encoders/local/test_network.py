from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.encoders import GatedStatisticsPooling, LocalTrunk, SpeakerNetwork, TrunkConfig
from diarspk.encoders.local.network import (
    SHAPE_SCALE,
    SpeakerNetworkConfig,
    UtteranceHead,
    fold_norms,
)
from diarspk.encoders.local.trunk import sliding_mean, stride_mean

SMALL = TrunkConfig(
    front_channels=(4, 8), front_pairs=(1, 1), coarse_channels=0, width=16, dilations=(1, 2)
)
CONFIGS = {
    "small": SMALL,
    "pairs": replace(SMALL, front_pairs=(2, 3)),
    "no pairs": replace(SMALL, front_pairs=(0, 0)),
    "coarse": replace(SMALL, coarse_channels=6, coarse_pairs=1),
    "both": replace(SMALL, front_pairs=(1, 2), coarse_channels=6, coarse_pairs=2),
    "one stage": replace(
        SMALL, front_channels=(4,), front_pairs=(2,), coarse_channels=3, coarse_pairs=1
    ),
    "three stages": replace(SMALL, front_channels=(4, 6, 8), front_pairs=(1, 0, 2)),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def trained_looking(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Give batch norms statistics that a fresh network lacks, so that they cannot hide a fault."""
    generator = torch.Generator().manual_seed(seed)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator) * 0.1)
        if name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module.eval()


def random_features(frames: int, batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, frames, 80, generator=torch.Generator().manual_seed(frames)) * 3


@every_config
@settings(deadline=None, max_examples=15)
@given(st.integers(1, 90), st.integers(0, 40))
def test_padding_changes_nothing(config, frames, padding):
    trunk = trained_looking(LocalTrunk(config))
    features = random_features(frames)
    padded = torch.cat([features, torch.full((1, padding, 80), 50.0)], dim=1)
    mask = torch.arange(frames + padding)[None] < frames
    with torch.inference_mode():
        alone, masked = trunk(features), trunk(padded, mask)
    assert alone.shape == (1, -(-frames // config.stride), config.channels)
    assert torch.allclose(alone, masked[:, : alone.shape[1]], atol=1e-5)


@every_config
@pytest.mark.parametrize("mean_reach", [150, 3])
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_a_frame_depends_on_its_context_only(config, mean_reach, offset):
    config = replace(config, mean_reach=mean_reach)
    features, place = random_features(500).double(), 240 + offset
    changed = features.clone()
    changed[:, place] += 20 * random_features(80)[0, 0]
    touched = set()
    for seed in range(3):  # rectifiers of a single network may hide what can influence a frame
        torch.manual_seed(seed)
        trunk = trained_looking(LocalTrunk(config), seed).double()
        with torch.inference_mode():
            difference = (trunk(features) - trunk(changed)).abs().amax(-1)[0]
        touched |= {*((difference > 1e-10).nonzero()[:, 0] - place // config.stride).tolist()}
    reach = max(-min(touched), max(touched))
    assert reach <= config.context
    assert reach >= config.context - 3  # and next to nothing is computed in vain
    assert touched == {*range(min(touched), max(touched) + 1)}


@every_config
def test_shifting_by_a_stride_shifts_the_frames(config):
    trunk = trained_looking(LocalTrunk(config))
    features = random_features(900)
    with torch.inference_mode():
        whole, shifted = trunk(features), trunk(features[:, config.stride * 5 :])
    inner = slice(config.context, -config.context)
    assert torch.allclose(whole[:, 5:][:, inner], shifted[:, inner], atol=1e-5)


def test_the_default_context_and_width_by_hand():
    config = TrunkConfig()
    # Feature frames: 1 and 2 * 2 in the first stage, 2 and 4 * 4 in the second; in the coarse one
    # 1 + 2 * 2 trunk frames. (5 + 18) / 4 + 5, rounded up, and 150 / 4, rounded up.
    assert config.context == 1 + 2 + 3 + 4 + 2 + 1 + 3 + 11 + 38
    assert config.flattened == 64 * 20 + 128 * 10 + 80


def test_a_front_written_before_it_could_have_several_pairs_is_read():
    torch.manual_seed(0)
    trunk, other = trained_looking(LocalTrunk(SMALL)), LocalTrunk(SMALL).eval()
    state = trunk.state_dict()
    old = {name.replace(".pairs.0.", "."): value for name, value in state.items()}
    assert "front.1.conv2.weight" in old and len(old) == len(state)
    names = list(old)
    other.load_state_dict(old)
    assert list(old) == names  # what was given is left as it is
    features = random_features(60)
    with torch.inference_mode():
        assert torch.equal(trunk(features), other(features))
    with pytest.raises(RuntimeError, match=r"front\.1\.pairs\.1"):
        LocalTrunk(replace(SMALL, front_pairs=(1, 2))).load_state_dict(old)


def test_stride_mean_by_hand():
    x = torch.tensor([[[1.0], [2.0], [6.0], [100.0], [7.0]]])
    mask = torch.tensor([[True, True, True, False, False]])
    assert stride_mean(x, 2)[0, :, 0].tolist() == [1.5, 53.0, 7.0]
    assert stride_mean(x, 2, mask)[0, :, 0].tolist() == [1.5, 6.0, 0.0]


def test_the_spectral_shape_lies_behind_what_is_learned():
    trunk = LocalTrunk(SMALL).eval()
    features = 4 + random_features(41).abs()  # far above the floor, which bends nothing there
    with torch.inference_mode():
        frames = trunk(features)
    power = features.double()
    shape = power - power.mean(-1, keepdim=True)
    expected = torch.stack([shape[0, i : i + trunk.config.stride].mean(0) for i in range(0, 41, 4)])
    assert frames.shape[-1] == trunk.config.channels == SMALL.width + 80
    torch.testing.assert_close(frames[0, :, -80:].double(), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("mels", [0, 12, 80])
def test_a_span_is_embedded_by_its_spectral_shape_too(mels):
    """Each mel bin is its head's gated mean; bins need not divide among the heads evenly."""
    torch.manual_seed(0)
    head = UtteranceHead(6, 32, 5, mels=mels).eval()
    head.whitening.matrix.normal_()
    head.whitening.mean.normal_()
    frames = torch.randn(2, 30, 6 + mels)
    weights = (torch.rand(2, 3, 30) > 0.5).float()
    with torch.inference_mode():
        found = head(frames, weights)
        wide = head.widen(frames)
        gates = head.pooling.gate(wide).sigmoid() + 1e-3  # (batch, frames, heads)
        vectors = torch.nn.functional.normalize(
            head.affine(head.norm(head.pooling(wide, weights).flatten(0, 1))), dim=-1
        ).view(2, 3, 5)
        shape = torch.zeros(2, 3, mels)
        for number in range(mels):
            gated = weights * gates[:, None, :, number // -(-mels // 8)]
            shape[..., number] = (gated * frames[:, None, :, 6 + number]).sum(-1) / gated.sum(-1)
        joint = torch.cat([vectors, SHAPE_SCALE * shape], dim=-1)
        expected = (joint - head.whitening.mean) @ head.whitening.matrix
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_until_a_whitening_is_fitted_spectral_shape_counts_for_nothing():
    torch.manual_seed(0)
    head = UtteranceHead(6, 32, 5, mels=16).eval()
    frames, weights = torch.randn(1, 30, 22), torch.ones(1, 1, 30)
    other = frames.clone()
    other[..., 6:] += torch.randn(16)
    with torch.inference_mode():
        assert torch.equal(head(frames, weights), head(other, weights))
        vectors = torch.nn.functional.normalize(torch.randn(3, 5), dim=-1)
        assert torch.equal(head.whitening(vectors), vectors)  # as a teacher's, which has no shape


def test_sliding_mean_by_hand():
    x = torch.tensor([[[1.0], [2.0], [6.0], [100.0]]])
    mask = torch.tensor([[True, True, True, False]])
    assert sliding_mean(x, 1, mask)[0, :3, 0].tolist() == [1.5, 3.0, 4.0]
    assert sliding_mean(x, 1)[0, :, 0].tolist() == [1.5, 3.0, 36.0, 53.0]


def test_a_channel_changes_little():
    """A filter shifts each mel bin: the sliding mean takes off all but a bend of the soft floor."""
    trunk = trained_looking(LocalTrunk(replace(SMALL, profile=False)))
    features = random_features(200).abs()
    channel = torch.linspace(-1, 1, 80)
    with torch.inference_mode():
        plain, filtered = trunk(features), trunk(features + channel)
    assert (plain - filtered).norm() < 0.05 * plain.norm()


def test_the_profile_is_the_shape_of_the_mean_and_not_its_level():
    """A lasting change of spectral slope enters the projection, a change of level does not."""
    trunk = LocalTrunk(SMALL).eval()
    inputs = []
    trunk.projection.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    bend = torch.linspace(-1, 1, 80)
    with torch.inference_mode():
        for features in (torch.full((1, 50, 80), 4.0), 4.0 + bend.expand(1, 50, 80)):
            trunk(features)
    flat, bent = (frames[0, :, -80:] for frames in inputs)
    assert flat.shape == (13, 80)  # one for each trunk frame
    assert flat.abs().max() < 1e-5
    assert (bent - bend).abs().max() < 1e-4  # far above the floor, which bends nothing there


@every_config
def test_batching_changes_nothing(config):
    network = SpeakerNetwork(SpeakerNetworkConfig(trunk=config, pooled_channels=32, dimension=8))
    trained_looking(network)
    features = random_features(60, batch=3)
    with torch.inference_mode():
        together = network(features)
        apart = torch.cat([network(item[None]) for item in features])
    assert torch.allclose(together, apart, atol=1e-5)


@every_config
def test_folding_norms_changes_nothing(config):
    network = SpeakerNetwork(SpeakerNetworkConfig(trunk=config, pooled_channels=32, dimension=8))
    trained_looking(network)
    features = random_features(80, batch=2)
    with torch.inference_mode():
        before = network(features)
        after = fold_norms(network)(features)
        again = fold_norms(network)(features)
    assert torch.allclose(before, after, atol=1e-5)
    assert torch.equal(after, again)
    kinds = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    left = [name for name, module in network.named_modules() if isinstance(module, kinds)]
    assert left == ["utterance.norm"]  # it comes before an affine map, not after


def test_pooling_by_hand():
    pooling = GatedStatisticsPooling(2, heads=1, bottleneck=3)
    torch.nn.init.zeros_(pooling.gate[2].weight)  # every gate is then the same
    frames = torch.tensor([[[1.0, 0.0], [3.0, 0.0], [100.0, 7.0]]])
    weights = torch.tensor([[[1.0, 1.0, 0.0]]])
    pooled = pooling(frames, weights)[0, 0]
    expected = torch.tensor([2.0, 0.0, 1.0, 1e-5**0.5])  # means, then deviations
    assert torch.allclose(pooled, expected, atol=1e-4)


def test_moments_of_parts_add_up():
    pooling = GatedStatisticsPooling(16, heads=4)
    frames = torch.randn(1, 30, 16, generator=torch.Generator().manual_seed(0))
    weights = torch.rand(1, 2, 30, generator=torch.Generator().manual_seed(1))
    parts = pooling.moments(frames[:, :11], weights[..., :11])
    parts = parts + pooling.moments(frames[:, 11:], weights[..., 11:])
    assert torch.allclose(pooling.statistics(parts), pooling(frames, weights), atol=1e-5)
