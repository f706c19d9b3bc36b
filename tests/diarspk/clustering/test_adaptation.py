"""Session adaptation: laws of each part, and a plain reading of the formulas."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.clustering import partition
from diarspk.clustering.adaptation import (
    KWON2021,
    Adaptation,
    AttentionAggregation,
    NonSpeechCluster,
)
from diarspk.embeddings import AutoEncoder, Prefix, PrincipalComponents, project
from diarspk.errors import ArgumentError

QUICK = AutoEncoder(dimension=6, steps=300, learning_rate=1e-2)
every_part = pytest.mark.parametrize(
    "part",
    [QUICK, AutoEncoder(6, 300, 1e-2, "cosine"), PrincipalComponents(6), Prefix(6),
     AttentionAggregation()],
    ids=["mse", "cosine", "pca", "prefix", "aggregation"],
)  # fmt: skip


def session(seed=0, count=80, dim=24, speakers=4, noise=0.6):
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(dim, speakers)))[0].T
    truth = np.arange(count) % speakers
    vectors = directions[truth] + noise * rng.normal(size=(count, dim)) / np.sqrt(dim)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


def gap(embeddings, truth):
    """Mean cosine within speakers less that between them."""
    cosines = embeddings @ embeddings.T
    same = truth[:, None] == truth
    return cosines[same].mean() - cosines[~same].mean()


@every_part
def test_unit_norm_and_the_same_each_time(part):
    embeddings, _ = session()
    before = embeddings.copy()
    state = torch.get_rng_state(), np.random.get_state()[1].copy()
    adapted = part(embeddings)
    np.testing.assert_allclose(np.linalg.norm(adapted, axis=1), 1.0)
    np.testing.assert_array_equal(adapted, part(embeddings))
    np.testing.assert_array_equal(embeddings, before)
    assert torch.equal(state[0], torch.get_rng_state())
    assert np.array_equal(state[1], np.random.get_state()[1])


@pytest.mark.parametrize("part", [QUICK, PrincipalComponents(6), AttentionAggregation()])
def test_speakers_come_apart(part):
    embeddings, truth = session()
    assert gap(part(embeddings), truth) > gap(embeddings, truth)


@pytest.mark.parametrize("part", [PrincipalComponents(6), AttentionAggregation()])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_embeddings_does_not_matter(part, seed):
    embeddings, _ = session(seed)
    order = np.random.default_rng(seed).permutation(len(embeddings))
    np.testing.assert_allclose(part(embeddings)[order], part(embeddings[order]), atol=1e-7)


@pytest.mark.parametrize("part", [PrincipalComponents(6), AttentionAggregation()])
def test_rotating_all_embeddings_changes_no_cosine(part):
    embeddings, _ = session()
    rotation = np.linalg.qr(np.random.default_rng(9).normal(size=(24, 24)))[0]
    one, other = part(embeddings), part(embeddings @ rotation)
    np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-7)


@pytest.mark.parametrize("part", [AutoEncoder(20), PrincipalComponents(20)])
@pytest.mark.parametrize("shape", [(0, 24), (1, 24), (20, 24), (40, 20)])
def test_what_is_too_small_to_learn_from_stays(part, shape):
    vectors = np.random.default_rng(0).normal(size=shape)
    assert part(vectors) is vectors


def test_principal_components_keep_the_cosines_of_what_lies_in_them():
    rng = np.random.default_rng(0)
    low = rng.normal(size=(50, 4))
    low /= np.linalg.norm(low, axis=1, keepdims=True)
    basis = np.linalg.qr(rng.normal(size=(24, 4)))[0]
    adapted = PrincipalComponents(4)(low @ basis.T)
    np.testing.assert_allclose(adapted @ adapted.T, low @ low.T, atol=1e-9)


def test_a_trained_auto_encoder_restores_nearly_as_its_control_does():
    """Least squares from the codes: no linear code restores better than principal components."""
    embeddings, _ = session()

    def residual(weights):
        codes = embeddings @ weights.T
        restored = codes @ np.linalg.lstsq(codes, embeddings, rcond=None)[0]
        return ((embeddings - restored) ** 2).sum()

    best = residual(np.linalg.svd(embeddings)[2][:6])
    found = residual(AutoEncoder(6, 1000, 1e-2).fit(embeddings))
    start = residual(AutoEncoder(6, 1, 1e-9).fit(embeddings))
    assert best - 1e-9 <= found < best + 0.1 * (start - best)


def test_a_long_session_is_fitted_to_a_part_of_it():
    embeddings, truth = session(count=600)
    part = AutoEncoder(6, 300, 1e-2, max_rows=100)
    adapted = part(embeddings)
    assert adapted.shape == (600, 6)
    assert gap(adapted, truth) > gap(embeddings, truth)


def test_aggregation_as_the_formula_reads():
    embeddings, _ = session()
    expected = embeddings
    for _ in range(3):
        cosines = expected @ expected.T
        attention = np.exp(8.0 * cosines)
        expected = attention / attention.sum(axis=1, keepdims=True) @ expected
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = AttentionAggregation(8.0, 3)(embeddings)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_without_temperature_all_become_alike():
    embeddings, _ = session()
    adapted = AttentionAggregation(0.0, 1)(embeddings)
    np.testing.assert_allclose(adapted, np.broadcast_to(adapted[0], adapted.shape), atol=1e-12)


def test_aggregation_over_micro_clusters_is_near_that_over_all(monkeypatch):
    monkeypatch.setattr(partition, "BLOCK_POINTS", 100)
    embeddings, _ = session(count=400, noise=0.3)
    exact = AttentionAggregation()(embeddings)
    near = AttentionAggregation(max_keys=40)(embeddings)
    assert (exact * near).sum(axis=1).min() > 0.99


def test_a_prefix_is_the_first_dimensions():
    embeddings, _ = session()
    found = Prefix(5)(embeddings)
    expected = embeddings[:, :5] / np.linalg.norm(embeddings[:, :5], axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected)
    assert Prefix(99)(embeddings).shape == embeddings.shape


def test_parts_follow_each_other_and_each_has_a_switch():
    embeddings, _ = session()
    both = Adaptation(PrincipalComponents(6), AttentionAggregation())
    expected = AttentionAggregation()(PrincipalComponents(6)(embeddings))
    np.testing.assert_allclose(both(7.0 * embeddings), expected, atol=1e-9)
    np.testing.assert_allclose(Adaptation()(7.0 * embeddings), embeddings)
    assert KWON2021.reduction.dimension == 20


def test_non_speech_is_taken_evenly():
    rows = np.arange(1000, dtype=np.float32)[:, None]
    chosen = NonSpeechCluster(max_rows=5).choose(rows)
    assert chosen[:, 0].tolist() == [0, 250, 500, 749, 999]
    assert len(NonSpeechCluster().choose(rows[:3])) == 3
    assert len(NonSpeechCluster().choose(rows[:0])) == 0


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: AutoEncoder(0), "`dimension` must be a whole number from 1, got 0"),
        (lambda: PrincipalComponents(2.5), "`dimension`"),
        (lambda: Prefix(True), "`dimension`"),
        (lambda: AutoEncoder(loss="hinge"), "`loss` must be one of mse, cosine"),
        (lambda: AutoEncoder(steps=0), "`steps` must be a whole number from 1, got 0"),
        (lambda: AutoEncoder(learning_rate=0.0), "`learning_rate`"),
        (lambda: AttentionAggregation(-1.0), "`temperature`"),
        (lambda: AttentionAggregation(iterations=0), "`iterations` must be a whole number from 1"),
        (lambda: NonSpeechCluster(max_rows=0), "`max_rows`"),
        (lambda: NonSpeechCluster(min_non_speech_s=0.0), "`min_non_speech_s`"),
    ],
)
def test_impossible_settings_are_named(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


def session_vectors(rows, dimension=32):
    vectors = np.random.default_rng(0).standard_normal((rows, dimension))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("method", ["session", "principal", "trained"])
@pytest.mark.parametrize("rows", [1, 3, 20, 50])
def test_projections_have_the_dimension_asked_for(method, rows):
    projected = project(session_vectors(rows), 20, method)
    assert projected.shape == (rows, 20) and projected.dtype == np.float32
    assert np.linalg.norm(projected, axis=1) == pytest.approx(np.ones(rows), abs=1e-5)


def test_a_session_smaller_than_the_dimension_keeps_every_cosine():
    vectors = session_vectors(7)
    projected = project(vectors, 20)
    np.testing.assert_allclose(projected @ projected.T, vectors @ vectors.T, atol=1e-5)


def test_impossible_projections_are_refused():
    with pytest.raises(ArgumentError, match="at most that of the embeddings, 32, got 33"):
        project(session_vectors(4), 33)
    with pytest.raises(ArgumentError, match="`method` must be one of"):
        project(session_vectors(4), 3, "umap")
