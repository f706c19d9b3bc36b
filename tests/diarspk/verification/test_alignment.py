"""Alignments of toy encoders whose true relation is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, ModelError
from diarspk.verification.alignment import (
    METHODS,
    Alignment,
    JointAlignment,
    LinearAlignment,
    LogitAlignment,
    MlpAlignment,
    TrainingConfig,
    make_alignment,
    read_alignment,
    write_alignment,
)
from diarspk.verification.alignment.training import Mlp, MlpConfig, contrastive_loss, squared_error

X, Y = Space("enroll", 12, "old"), Space("run", 10, "new")
QUICK = TrainingConfig(epochs=30, batch=64)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def paired(
    speakers: int = 40, each: int = 8, seed: int = 0, bend: float = 0.0
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The second encoder sees a rotation of the first ten axes, bent by ``bend``."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(99).normal(size=(10, 10)))[0]
    centres = np.repeat(random.normal(size=(speakers, 10)), each, axis=0)
    first = np.zeros((speakers * each, 12))
    first[:, :10] = centres + 0.3 * random.normal(size=(speakers * each, 10))
    second = first[:, :10] @ turn
    second = second + bend * np.abs(second)
    names = [f"s{number}" for number in range(speakers) for _ in range(each)]
    return unit(first).astype("f4"), unit(second).astype("f4"), names


def agreement(alignment: Alignment, seed: int = 1, bend: float = 0.0) -> float:
    """Mean cosine of held-out pairs after the alignment."""
    first, second, _ = paired(10, seed=seed, bend=bend)
    left = alignment.transform(first, side="enrolment")
    right = alignment.transform(second, side="runtime")
    return float(np.sum(left * right, axis=1).mean())


@pytest.mark.parametrize("toward", ["enrolment", "runtime"])
@pytest.mark.parametrize("kind", ["procrustes", "least_squares"])
def test_linear_maps_undo_a_rotation(toward: str, kind: str) -> None:
    alignment = LinearAlignment(X, Y, toward=toward, kind=kind)  # type: ignore[arg-type]
    alignment.fit(*paired())
    assert agreement(alignment) > 0.999
    assert alignment.output == (X if toward == "enrolment" else Y)


def test_procrustes_is_orthogonal_and_the_best_of_them() -> None:
    first, second, _ = paired(bend=0.5)
    alignment = LinearAlignment(X, Y, toward="enrolment").fit(first, second)
    matrix = alignment.arrays()["matrix"]
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(10), atol=1e-5)
    found = np.sum((second @ matrix) * first)
    random = np.random.default_rng(0)
    for _ in range(20):
        other = np.linalg.qr(random.normal(size=(12, 10)))[0].T
        assert np.sum((second @ other) * first) < found


def test_a_network_learns_what_no_matrix_can() -> None:
    data = paired(120, bend=0.9)
    linear = LinearAlignment(X, Y, toward="enrolment", kind="least_squares").fit(*data)
    config = TrainingConfig(epochs=80, batch=64, learning_rate=3e-3)
    mlp = MlpAlignment(X, Y, toward="enrolment", training=config).fit(*data)
    assert 1 - agreement(mlp, bend=0.9) < 0.7 * (1 - agreement(linear, bend=0.9))


@pytest.mark.parametrize("loss", ["mse", "contrastive", "both"])
def test_every_loss_brings_the_sides_together(loss: str) -> None:
    config = TrainingConfig(loss=loss, epochs=30, batch=64)  # type: ignore[arg-type]
    assert agreement(MlpAlignment(X, Y, toward="runtime", training=config).fit(*paired())) > 0.8


def test_both_networks_meet_in_a_new_space_near_the_reference() -> None:
    alignment = JointAlignment(X, Y, reference="runtime", training=QUICK).fit(*paired())
    assert agreement(alignment) > 0.8
    assert alignment.output.dimension == 10
    assert alignment.output.fingerprint not in (X.fingerprint, Y.fingerprint)
    _, second, _ = paired(10, seed=1)
    stayed = np.sum(alignment.transform(second, side="runtime") * second, axis=1)
    assert stayed.mean() > 0.8


def test_logits_are_cosines_with_common_speakers() -> None:
    first, second, names = paired(5, 3)
    alignment = LogitAlignment(X, Y).fit(first, second, names)
    means = unit(np.stack([first[start : start + 3].sum(0) for start in range(0, 15, 3)]))
    expected = unit(first @ means.T)
    np.testing.assert_allclose(alignment.transform(first, side="enrolment"), expected, atol=1e-5)
    assert alignment.output.dimension == 5
    with pytest.raises(ArgumentError, match="`speakers` must be given"):
        LogitAlignment(X, Y).fit(first, second)


@pytest.mark.parametrize("method", METHODS)
def test_written_and_read_again_it_is_the_same(method: str, tmp_path: Path) -> None:
    first, second, names = paired(12, 3)
    alignment = make_alignment(method, X, Y)
    if isinstance(alignment, MlpAlignment | JointAlignment):
        alignment.training = TrainingConfig(epochs=2)
    alignment.fit(first, second, names)
    write_alignment(alignment, tmp_path / "a.json")
    again = read_alignment(tmp_path / "a.safetensors")
    assert (again.enrolment, again.runtime, again.output) == (X, Y, alignment.output)
    assert again.settings() == alignment.settings()
    for side, rows in (("enrolment", first), ("runtime", second)):
        np.testing.assert_array_equal(
            again.transform(rows, side=side),  # type: ignore[arg-type]
            alignment.transform(rows, side=side),  # type: ignore[arg-type]
        )


def test_a_map_goes_by_fingerprint() -> None:
    first, second, _ = paired()
    alignment = LinearAlignment(X, Y, toward="runtime").fit(first, second)
    mapping = alignment.map_from("enroll")
    assert (mapping.source, mapping.output) == (X, Y)
    np.testing.assert_array_equal(
        mapping.transform(first), alignment.transform(first, side="enrolment")
    )
    np.testing.assert_allclose(alignment.map_from("run").transform(second), second, atol=1e-6)
    with pytest.raises(ModelError, match="enroll and run, got other"):
        alignment.map_from("other")


def test_training_is_repeatable_and_leaves_the_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    first = MlpAlignment(X, Y, training=QUICK).fit(*paired()).arrays()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    second = MlpAlignment(X, Y, training=QUICK).fit(*paired()).arrays()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_ill_formed(tmp_path: Path) -> None:
    first, second, names = paired(4, 2)
    with pytest.raises(ArgumentError, match="8, 7"):
        LinearAlignment(X, Y).fit(first, second[:-1])
    with pytest.raises(ArgumentError, match=r"\(n, 12\), got \(8, 10\)"):
        LinearAlignment(X, Y).fit(second, second)
    with pytest.raises(ArgumentError, match="`fit`"):
        LinearAlignment(X, Y).transform(first, side="enrolment")
    with pytest.raises(ArgumentError, match="among m1"):
        make_alignment("m9", X, Y)
    with pytest.raises(ArgumentError, match="three or more"):
        MlpAlignment(X, Y).fit(first[:4], second[:4], names[:4])
    write_alignment(LinearAlignment(X, Y).fit(first, second), tmp_path / "a.json")
    card = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps({**card, "kind": "other"}))
    with pytest.raises(ModelError, match="not an alignment"):
        read_alignment(tmp_path / "a.json")


def test_the_network_begins_as_its_linear_part_and_gives_unit_vectors() -> None:
    torch.manual_seed(0)
    network, rows = Mlp(6, 4, MlpConfig(hidden=(8,))), torch.randn(5, 6)
    expected = torch.nn.functional.normalize(network.linear(rows), dim=-1)
    torch.testing.assert_close(network(rows), expected)
    torch.testing.assert_close(network(rows).norm(dim=-1), torch.ones(5))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=6), st.integers(0, 100))
def test_contrastive_loss_equals_its_definition(speakers: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = (unit(random.normal(size=(len(speakers), 3))) for _ in range(2))

    def one_way(left: np.ndarray, right: np.ndarray) -> float:
        losses = []
        for row, own in zip(left, speakers, strict=True):
            scores = np.exp(right @ row / 0.2)
            shares = [scores[j] / scores.sum() for j, name in enumerate(speakers) if name == own]
            losses.append(-np.mean(np.log(shares)))
        return float(np.mean(losses))

    found = contrastive_loss(
        torch.from_numpy(first), torch.from_numpy(second), torch.tensor(speakers), temperature=0.2
    )
    assert float(found) == pytest.approx((one_way(first, second) + one_way(second, first)) / 2)


def test_squared_error_of_unit_vectors_is_two_less_two_cosines() -> None:
    left, right = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, 0.8]])
    assert float(squared_error(left, right)) == pytest.approx(2 - 2 * 0.6)
