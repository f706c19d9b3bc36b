"""Test-time ensembling: shifted passes, two cue variants and their verification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import diarspk
from tse.cues import Cue
from tse.ensemble import LEAD_SAMPLES, Ensemble
from tse.models import BandSplitConfig, build_network
from tse.models.conditioning import ConditioningConfig
from tse.models.spectrum import Framing

RATE = 16000
TIME = torch.arange(2 * RATE) / RATE
OWN, OTHER = (torch.sin(2 * torch.pi * tone * TIME)[None] for tone in (200.0, 1000.0))
CUE = Cue(vector=torch.tensor([[1.0, 0.0]]), enrolment=OWN)


def share(voice: Tensor, tone: Tensor) -> Tensor:
    """What of a voice is a tone."""
    found: Tensor = (voice @ tone.T) / (tone @ tone.T) * tone
    return found


@dataclass
class Finder:
    """Extracts by one rule with the whole cue, and by another with the enrolment alone."""

    whole: Callable[[Tensor], Tensor]
    enrolled: Callable[[Tensor], Tensor]
    framing: Framing = field(default_factory=lambda: Framing(64, 32))
    leads: list[int] = field(default_factory=list)

    def condition(self, cue: Cue) -> Cue:
        return cue

    def extract(self, mixture: Tensor, cue: Cue, *, lead_samples: int) -> Tensor:
        self.leads.append(lead_samples)
        return (self.enrolled if cue.vector is None else self.whole)(mixture)


class TwoTones:
    """Embeds by how much there is of two tones."""

    def embed_batch(self, batch: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        assert sample_rate == RATE
        voices = torch.from_numpy(np.stack(batch))
        parts = torch.stack([(voices @ tone[0]).abs() for tone in (OWN, OTHER)], dim=1)
        return torch.nn.functional.normalize(parts + 1e-6).numpy()


def extract(network: object, mixture: Tensor, cue: Cue = CUE, passes: int = 1) -> Tensor:
    return Ensemble(network, passes, TwoTones())(mixture, cue)  # type: ignore[arg-type]


def own(mixture: Tensor) -> Tensor:
    return share(mixture, OWN)


def other(mixture: Tensor) -> Tensor:
    return share(mixture, OTHER)


def likely(mixture: Tensor) -> Tensor:
    """Find the other voice where there is one, and else the speaker's."""
    found = other(mixture)
    return found if found.abs().max() > 0.1 else own(mixture)


@pytest.mark.parametrize(("whole", "enrolled"), [(own, other), (other, own), (own, own)])
def test_the_cue_variant_that_is_verified_is_taken(
    whole: Callable[[Tensor], Tensor], enrolled: Callable[[Tensor], Tensor]
) -> None:
    found = extract(Finder(whole, enrolled), 0.5 * OWN + 0.5 * OTHER)
    assert torch.allclose(found, 0.5 * OWN, atol=1e-4)


def test_variants_with_equal_scores_are_averaged() -> None:
    network = Finder(lambda mixture: 0.8 * own(mixture), lambda mixture: 1.2 * own(mixture))
    assert torch.allclose(extract(network, OWN + OTHER), OWN, atol=1e-4)


def test_the_residual_of_an_interferer_is_extracted_from() -> None:
    network = Finder(likely, likely)
    found = extract(network, 0.5 * OWN + 0.5 * OTHER)
    assert torch.allclose(found, 0.5 * OWN, atol=1e-4)
    assert len(network.leads) == 4
    unverified = Ensemble(network)  # type: ignore[arg-type]
    assert torch.allclose(unverified(OWN + OTHER, CUE), OTHER, atol=1e-4)


@pytest.mark.parametrize(
    ("mixture", "cue"),
    [
        (OWN + OTHER, replace(CUE, enrolment=None)),
        (OWN + OTHER, replace(CUE, vector=None)),
        ((OWN + OTHER)[:, : RATE - 1], CUE),
        (torch.zeros(1, 2 * RATE), CUE),
    ],
    ids=["no enrolment", "no vector", "too short", "silent"],
)
def test_what_cannot_be_verified_takes_one_pass(mixture: Tensor, cue: Cue) -> None:
    network = Finder(lambda mixture: 0.5 * mixture, lambda mixture: 0.5 * mixture)
    assert torch.equal(extract(network, mixture, cue), 0.5 * mixture)
    assert len(network.leads) == 1


@given(passes=st.integers(1, 4), verified=st.booleans())
@settings(deadline=None)
def test_passes_divide_a_hop(passes: int, verified: bool) -> None:
    network = Finder(own, own)
    cue = CUE if verified else replace(CUE, enrolment=None)
    extract(network, OWN, cue, passes)
    count = passes * (1 + verified)
    assert sorted(network.leads) == [LEAD_SAMPLES + 32 * n // count for n in range(count)]


def test_silence_comes_before_the_mixture() -> None:
    torch.manual_seed(0)
    config = BandSplitConfig(blocks=1, conditioning=ConditioningConfig(2))
    network = build_network(config).eval().requires_grad_(False)
    mixture = OWN + OTHER
    later = torch.nn.functional.pad(mixture, (LEAD_SAMPLES, 0))
    found = Ensemble(network)(mixture, CUE)
    assert torch.allclose(found, network(later, CUE)[:, LEAD_SAMPLES:], atol=1e-6)
    assert not torch.allclose(found, network(mixture, CUE), atol=1e-6)


def test_volume_changes_nothing_but_the_volume() -> None:
    encoder = diarspk.load_encoder()
    torch.manual_seed(0)
    network = build_network(BandSplitConfig(blocks=1)).eval().requires_grad_(False)
    generator = np.random.default_rng(0)
    voice, mixture = ((0.1 * generator.normal(size=2 * RATE)).astype(np.float32) for _ in range(2))
    vector = torch.from_numpy(encoder.embed(voice, RATE))[None]
    cue = Cue(vector=vector, enrolment=torch.from_numpy(voice)[None])
    verified = Ensemble(network, verifier=encoder)
    loud = verified(torch.from_numpy(mixture)[None], cue)
    quiet = verified(torch.from_numpy(0.1 * mixture)[None], cue)
    assert torch.allclose(quiet, 0.1 * loud, atol=1e-3 * float(loud.abs().max()))
