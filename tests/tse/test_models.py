"""Laws that every extraction network keeps: scale, batching, padding, causality, streams."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.errors import ArgumentError, ModelError
from tse.cues import Cue
from tse.models import (
    BandSplitConfig,
    CrossAttentionConfig,
    ExtractionNetwork,
    TimeDomainConfig,
    build_network,
    describe_network,
)
from tse.models.architectures import ARCHITECTURES, read_network
from tse.models.conditioning import Conditioning, ConditioningConfig
from tse.models.fusion import FUSIONS
from tse.models.layers import FrameAttention
from tse.models.spectrum import Framing, SpectralMap, SpectralTransform
from tse.streaming import ExtractionStream

SIZES = ConditioningConfig(vector_size=6, sequence_size=5, width=8)
BANDS = BandSplitConfig(
    window_samples=64,
    hop_samples=32,
    bands=(4, 4, 8, 16),
    channels=8,
    hidden=12,
    bottleneck=8,
    mask_hidden=8,
    blocks=2,
    dilations=(1, 2),
    conditioning=SIZES,
)
SMALL = {
    "spliced": BANDS,
    "attentive": replace(BANDS, attention_heads=2),
    "recurrent": replace(BANDS, block="recurrent"),
    "time-domain": TimeDomainConfig(
        filters=12, bottleneck=8, hidden=12, blocks=3, repeats=2, fuse="every", conditioning=SIZES
    ),
    "cross-attention": CrossAttentionConfig(replace(BANDS, spectral_map=False), 8, 2),
}
CAUSAL = {
    name: replace(config, backbone=replace(config.backbone, causal=True))
    if isinstance(config, CrossAttentionConfig)
    else replace(config, causal=True)
    for name, config in SMALL.items()
    if name != "attentive"
}


def make(config: object, seed: int = 0) -> ExtractionNetwork:
    torch.manual_seed(seed)
    return build_network(config).eval().requires_grad_(False)  # type: ignore[arg-type]


def make_cue(batch: int = 2, seed: int = 1) -> Cue:
    generator = torch.Generator().manual_seed(seed)
    return Cue(
        vector=torch.randn(batch, 6, generator=generator),
        sequence=torch.randn(batch, 9, 5, generator=generator),
        enrolment=torch.randn(batch, 700, generator=generator),
    )


def noise(batch: int, time: int, seed: int = 2) -> torch.Tensor:
    return torch.randn(batch, time, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", SMALL)
def test_as_long_as_the_mixture_and_led_by_the_cue(name: str) -> None:
    network, mixture = make(SMALL[name]), noise(2, 777)
    first, second = network(mixture, make_cue(seed=1)), network(mixture, make_cue(seed=5))
    assert first.shape == (2, 777)
    assert first.isfinite().all()
    assert not torch.allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_output_scales_with_the_mixture(name: str) -> None:
    network, mixture, cue = make(SMALL[name]), noise(2, 640), make_cue()
    loud, quiet = network(mixture, cue), network(mixture * 0.02, cue)
    assert torch.allclose(quiet, loud * 0.02, atol=1e-5 * float(loud.abs().max()))


@pytest.mark.parametrize("name", SMALL)
def test_silence_gives_silence(name: str) -> None:
    output = make(SMALL[name])(torch.zeros(2, 500), make_cue())
    assert torch.equal(output, torch.zeros(2, 500))


@pytest.mark.parametrize("name", SMALL)
def test_silence_in_front_is_processed_and_cut_off(name: str) -> None:
    network, mixture, cue = make(SMALL[name]), noise(2, 500), make_cue()
    padded = torch.nn.functional.pad(mixture, (90, 0))
    found = network.extract(mixture, network.condition(cue), lead_samples=90)
    assert torch.equal(found, network(padded, cue)[:, 90:])


@pytest.mark.parametrize("name", SMALL)
def test_an_item_does_not_depend_on_its_batch(name: str) -> None:
    network, mixture, cue = make(SMALL[name]), noise(2, 600), make_cue()
    alone = network(mixture[1:], cue.map(lambda level: level[1:]))
    assert torch.allclose(network(mixture, cue)[1:], alone, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_padding_of_a_cue_changes_nothing(name: str) -> None:
    network, mixture, cue = make(SMALL[name]), noise(1, 600), make_cue(1)
    padded = Cue(
        cue.vector,
        torch.nn.functional.pad(cue.sequence, (0, 0, 0, 4), value=3.0),
        torch.tensor([9]),
        torch.nn.functional.pad(cue.enrolment, (0, 333), value=2.0),
        torch.tensor([700]),
    )
    assert torch.allclose(network(mixture, cue), network(mixture, padded), atol=1e-5)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_causal_network_does_not_depend_on_the_future(name: str) -> None:
    network, mixture, cue = make(CAUSAL[name]), noise(1, 960), make_cue(1)
    changed = mixture.clone()
    changed[:, 640:] = 5 * noise(1, 320, seed=9)
    reach = network.framing.window_samples
    before, after = network(mixture, cue), network(changed, cue)
    assert torch.allclose(before[:, : 640 - reach], after[:, : 640 - reach], atol=1e-5)
    assert not torch.allclose(before[:, 640:], after[:, 640:], atol=1e-3)


@pytest.mark.parametrize("name", CAUSAL)
@settings(deadline=None, max_examples=8)
@given(cuts=st.lists(st.integers(0, 350), min_size=1, max_size=6), rest=st.integers(0, 90))
def test_a_stream_equals_the_offline_output(name: str, cuts: list[int], rest: int) -> None:
    network, cue = make(CAUSAL[name]), make_cue(1)
    time = sum(cuts) + rest + 1
    mixture = noise(1, time)
    stream = ExtractionStream(network, cue)
    given_out, parts, received = 0, [], 0
    for block in mixture[0].split([*cuts, rest + 1]):
        parts.append(stream.push(block))
        received, given_out = received + len(block), given_out + len(parts[-1])
        assert given_out > received - stream.latency_samples
    parts.append(stream.flush())
    assert torch.allclose(torch.cat(parts), network(mixture, cue)[0], atol=1e-4)


def test_only_a_causal_network_streams() -> None:
    with pytest.raises(ArgumentError, match="causal"):
        ExtractionStream(make(SMALL["spliced"]), make_cue(1))
    with pytest.raises(ArgumentError, match="one speaker"):
        ExtractionStream(make(CAUSAL["spliced"]), make_cue(2))


@pytest.mark.parametrize("fuse", ["once", "every"])
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("level", ["vector", "sequence"])
def test_every_fusion_takes_every_cue(fusion: str, fuse: str, level: str) -> None:
    cue = make_cue()
    alone = Cue(**{level: getattr(cue, level)})
    other = Cue(**{level: getattr(make_cue(seed=7), level)})
    for base in (BANDS, SMALL["time-domain"]):
        network = make(replace(base, fusion=fusion, fuse=fuse))  # type: ignore[type-var]
        outputs = [network(noise(2, 400), one) for one in (alone, other)]
        assert not torch.allclose(*outputs, atol=1e-6)


def test_a_missing_level_is_as_good_as_none() -> None:
    network, cue = make(BANDS), make_cue()
    with_map = network(noise(2, 400), cue)
    without = network(noise(2, 400), replace(cue, enrolment=None))
    assert without.isfinite().all()
    assert not torch.allclose(with_map, without)


def test_frames_attend_to_each_other_and_to_the_enrolment() -> None:
    """By hand, with one head: the softmax of products over both, and what they answer."""
    layer = FrameAttention(4, 3, 1)
    x, sequence = torch.randn(1, 2, 4), torch.randn(1, 3, 3)
    mask = torch.tensor([[True, True, False]])
    found = layer(x, Conditioning(sequence[:, 0], sequence, mask, make_cue(1)))
    normed = layer.norm(x[0])
    keys, values = torch.cat([layer.key_value(normed), layer.cue(sequence[0, :2])]).chunk(2, dim=1)
    weights = (layer.query(normed) @ keys.T / 4**0.5).softmax(1)
    torch.testing.assert_close(found[0], x[0] + layer.output(weights @ values))


def test_wrong_sizes_are_told() -> None:
    network = make(BANDS)
    with pytest.raises(ArgumentError, match="6 values"):
        network(noise(2, 400), Cue(vector=torch.zeros(2, 7)))
    with pytest.raises(ArgumentError, match="a cue for each"):
        network(noise(3, 400), make_cue(2))
    with pytest.raises(ArgumentError, match="enrolment"):
        make(SMALL["cross-attention"])(noise(2, 400), Cue(vector=torch.zeros(2, 6)))
    with pytest.raises(ArgumentError, match="`attention_heads` must be 0"):
        replace(SMALL["attentive"], causal=True)
    with pytest.raises(ArgumentError, match="bins"):
        replace(BANDS, bands=(4, 4))
    with pytest.raises(ArgumentError, match="multiple"):
        Framing(10, 3)


@given(time=st.integers(1, 200), overlap=st.integers(1, 4), hop=st.integers(1, 16))
@settings(deadline=None, max_examples=30)
def test_frames_join_to_what_they_were_cut_from(time: int, overlap: int, hop: int) -> None:
    framing, waveform = Framing(overlap * hop, hop), noise(2, time)
    joined = framing.join(framing.split(waveform) / overlap, time)
    assert torch.allclose(joined, waveform, atol=1e-5)


@pytest.mark.parametrize("hop", [16, 32])
def test_a_spectrum_is_inverted_but_for_its_highest_bin(hop: int) -> None:
    framing = Framing(64, hop)
    transform = SpectralTransform(framing)
    tone = torch.sin(torch.arange(500) * 0.7)[None]  # far below the Nyquist bin
    found = framing.join(transform.inverse(transform(framing.split(tone))), 500)
    assert torch.allclose(found[:, 64:-64], tone[:, 64:-64], atol=1e-3)


def test_a_spectral_map_finds_the_frame_that_was_enrolled() -> None:
    torch.manual_seed(0)
    enrolment = torch.rand(1, 6, 40)
    mixture = enrolment[:, [4, 1]] * torch.tensor([2.0, 0.5])[:, None]
    expected = SpectralMap(sharpness=200.0)(mixture, enrolment, torch.ones(1, 6, dtype=torch.bool))
    assert torch.allclose(expected, mixture, atol=1e-3)
    hidden = torch.tensor([[True, True, True, True, False, True]])
    other = SpectralMap(sharpness=200.0)(mixture, enrolment, hidden)
    assert torch.allclose(other[:, 1], mixture[:, 1], atol=1e-3)
    assert not torch.allclose(other[:, 0], mixture[:, 0], atol=1e-2)


@pytest.mark.parametrize("name", SMALL)
def test_a_network_is_rebuilt_from_its_description(name: str) -> None:
    import json

    network = make(SMALL[name])
    settings_ = json.loads(json.dumps(describe_network(network.config)))
    again = read_network(settings_)
    again.load_state_dict(network.state_dict())
    again.eval().requires_grad_(False)
    assert again.config == network.config
    mixture, cue = noise(2, 300), make_cue()
    assert torch.equal(network(mixture, cue), again(mixture, cue))


def test_an_unknown_description_is_told() -> None:
    with pytest.raises(ModelError, match="family"):
        read_network({"family": "nothing"})
    settings_ = {**describe_network(BANDS), "nonsense": 1}
    with pytest.raises(ModelError, match="nonsense"):
        read_network(settings_)


def test_the_default_is_small_enough_to_ship() -> None:
    network = build_network(ARCHITECTURES["band-split"])
    assert 2 * sum(p.numel() for p in network.parameters()) <= 12e6  # bytes in half precision
