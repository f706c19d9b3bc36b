import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.encoders import GatedStatisticsPooling, LocalTrunk, SpeakerNetwork, TrunkConfig
from diarspk.encoders.folding import fold_norms
from diarspk.encoders.network import SpeakerNetworkConfig
from diarspk.encoders.trunk import sliding_mean

SMALL = TrunkConfig(front_channels=(4, 8), width=16, dilations=(1, 2))


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


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 90), st.integers(0, 40))
def test_padding_changes_nothing(frames, padding):
    trunk = trained_looking(LocalTrunk(SMALL))
    features = random_features(frames)
    padded = torch.cat([features, torch.full((1, padding, 80), 50.0)], dim=1)
    mask = torch.arange(frames + padding)[None] < frames
    with torch.inference_mode():
        alone, masked = trunk(features), trunk(padded, mask)
    assert torch.allclose(alone, masked[:, : alone.shape[1]], atol=1e-5)


def test_a_frame_depends_on_its_context_only():
    trunk = trained_looking(LocalTrunk(SMALL))
    features = random_features(800)
    changed = features.clone()
    changed[:, 400] += 10.0
    with torch.inference_mode():
        difference = (trunk(features) - trunk(changed)).abs().amax(-1)[0]
    touched = (difference > 1e-5).nonzero()[:, 0] - 400 // SMALL.stride
    assert len(touched)
    assert touched.abs().max() <= SMALL.context


def test_shifting_by_a_stride_shifts_the_frames():
    trunk = trained_looking(LocalTrunk(SMALL))
    features = random_features(600)
    with torch.inference_mode():
        whole, shifted = trunk(features), trunk(features[:, 4 * 5 :])
    inner = slice(SMALL.context, -SMALL.context)
    assert torch.allclose(whole[:, 5:][:, inner], shifted[:, inner], atol=1e-5)


def test_sliding_mean_by_hand():
    x = torch.tensor([[[1.0], [2.0], [6.0], [100.0]]])
    mask = torch.tensor([[True, True, True, False]])
    assert sliding_mean(x, 1, mask)[0, :3, 0].tolist() == [1.5, 3.0, 4.0]
    assert sliding_mean(x, 1)[0, :, 0].tolist() == [1.5, 3.0, 36.0, 53.0]


def test_a_channel_changes_little():
    """A filter shifts each mel bin: the sliding mean takes off all but a bend of the soft floor."""
    trunk = trained_looking(LocalTrunk(SMALL))
    features = random_features(200).abs()
    channel = torch.linspace(-1, 1, 80)
    with torch.inference_mode():
        plain, filtered = trunk(features), trunk(features + channel)
    assert (plain - filtered).norm() < 0.05 * plain.norm()


def test_batching_changes_nothing():
    network = SpeakerNetwork(SpeakerNetworkConfig(trunk=SMALL, pooled_channels=32, dimension=8))
    trained_looking(network)
    features = random_features(60, batch=3)
    with torch.inference_mode():
        together = network(features)
        apart = torch.cat([network(item[None]) for item in features])
    assert torch.allclose(together, apart, atol=1e-5)


def test_folding_norms_changes_nothing():
    config = SpeakerNetworkConfig(trunk=SMALL, pooled_channels=32, dimension=8)
    network = trained_looking(SpeakerNetwork(config))
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
