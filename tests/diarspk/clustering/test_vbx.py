"""VBx against enumeration, against pyannote.audio's own, and its laws."""

from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from diarspk.clustering import (
    AMI_MIX_HEADSET,
    CALLHOME,
    COMMUNITY_1,
    DIHARD2,
    AgglomerativeClusterer,
    ClusteringInput,
    VBxClusterer,
    VBxSettings,
)
from diarspk.clustering.clustering_input import validate
from diarspk.clustering.markov import forward_backward
from diarspk.clustering.plda_training import fit_plda
from diarspk.clustering.variational import infer, lower_bound, smooth_labels
from diarspk.errors import ArgumentError

every_form = pytest.mark.parametrize("loop", [None, 0.0, 0.65], ids=["gmm", "no loop", "hmm"])


def rows(seed, count=40, dim=4, speakers=3):
    """Features in a PLDA's diagonal space, its speaker variances, and who speaks."""
    rng = np.random.default_rng(seed)
    between = np.sort(rng.uniform(0.1, 8.0, size=dim))[::-1]
    truth = np.repeat(rng.integers(speakers, size=-(-count // 4)), 4)[:count]
    means = rng.normal(size=(speakers, dim)) * np.sqrt(between)
    return means[truth] + rng.normal(size=(count, dim)), between, truth


@every_form
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.05, 1.0),
    regularization=st.floats(0.1, 70.0),
    weighted=st.booleans(),
)
def test_the_bound_never_falls(loop, seed, scale, regularization, weighted):
    features, between, _ = rows(seed)
    rng = np.random.default_rng(seed)
    start = rng.dirichlet(np.ones(6), size=len(features))
    weights = rng.integers(1, 5, size=len(features)).astype(float) if weighted else None
    options = VBxSettings(scale, regularization, loop, tolerance=-np.inf)
    bounds = infer(features, between, start, options, weights).bounds
    assert len(bounds) == 40
    assert (np.diff(bounds) > -1e-9 * np.abs(bounds).max()).all()


@pytest.mark.parametrize("loop", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_forward_backward_equals_a_sum_over_all_paths(loop, seed):
    rng = np.random.default_rng(seed)
    scores, priors = 3 * rng.normal(size=(6, 3)), rng.dirichlet(np.ones(3))
    paths, weights, draws = list(product(range(3), repeat=6)), [], []
    for path in paths:
        weight, drawn = np.log(priors[path[0]]) + scores[0, path[0]], np.eye(3)[path[0]]
        for row in range(1, 6):
            fresh = (1 - loop) * priors[path[row]]
            step = fresh + loop * (path[row] == path[row - 1])
            weight += np.log(step) + scores[row, path[row]]
            drawn = drawn + fresh / step * np.eye(3)[path[row]]
        weights.append(weight)
        draws.append(drawn)
    likelihood = logsumexp(weights)
    chances = np.exp(np.array(weights) - likelihood)
    found, used, total = forward_backward(scores, priors, loop)
    assert total == pytest.approx(likelihood, rel=1e-12)
    expected = np.einsum("p,pts->ts", chances, np.eye(3)[np.array(paths)])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(used, chances @ np.array(draws), atol=1e-12)


def plain_forward_backward(scores, priors, loop):
    """Row by row, in logarithms."""
    with np.errstate(divide="ignore"):
        step = np.log((1 - loop) * np.tile(priors, (len(priors), 1)) + loop * np.eye(len(priors)))
        forward, backward = [np.log(priors) + scores[0]], [np.zeros(len(priors))]
    for row in scores[1:]:
        forward.append(logsumexp(forward[-1][:, None] + step, axis=0) + row)
    for row in scores[:0:-1]:
        backward.append(logsumexp(step + row + backward[-1], axis=1))
    forward, backward = np.array(forward), np.array(backward[::-1])
    total = logsumexp(forward[-1])
    with np.errstate(divide="ignore"):
        fresh = np.log1p(-loop) + np.log(priors)
    ahead = scores[1:] + backward[1:]
    draws = np.exp(logsumexp(forward[:-1], axis=1)[:, None] + fresh + ahead - total).sum(0)
    gamma = np.exp(forward + backward - total)
    return gamma, draws + gamma[0], total


@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 100, 101, 700])
@pytest.mark.parametrize("scale", [0.5, 10.0, 100.0])
def test_blocks_of_rows_equal_the_plain_recursion(count, scale):
    rng = np.random.default_rng(count)
    scores = scale * rng.normal(size=(count, 5)) - 50
    priors = np.array([0.6, 0.3, 0.1 - 1e-9, 1e-9, 0.0])
    found = forward_backward(scores, priors, 0.8)
    expected = plain_forward_backward(scores, priors, 0.8)
    for ours, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-9, atol=1e-9)


def exact_log_joint(features, between, path, priors, loop):
    """Log p(features, path) with the speakers integrated out, from normal densities."""
    dim = features.shape[1]
    total = np.log(priors[path[0]])
    for before, after in pairwise(path):
        total += np.log((1 - (loop or 0)) * priors[after] + (loop or 0) * (before == after))
    for speaker in set(path):
        own = features[[state == speaker for state in path]]
        covariance = np.eye(own.size) + np.kron(np.ones([len(own)] * 2), np.diag(between))
        total += multivariate_normal(np.zeros(len(own) * dim), covariance).logpdf(own.ravel())
    return total


@every_form
@pytest.mark.parametrize("seed", range(3))
def test_the_lower_bound_of_a_partition_is_its_exact_probability(loop, seed):
    features, between, truth = rows(seed, count=8, dim=2)
    truth = np.unique(truth, return_inverse=True)[1]
    priors = np.bincount(truth) / len(truth)
    expected = exact_log_joint(features, between, truth.tolist(), priors, loop)
    found = lower_bound(features, between, truth, VBxSettings(1.0, 1.0, loop))
    assert found == pytest.approx(expected, rel=1e-10)


@every_form
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_is_below_the_exact_likelihood_and_near_it(loop, seed):
    features, between, truth = rows(seed, count=6, dim=2, speakers=2)
    truth[0], truth[-1] = 0, 1
    options = VBxSettings(1.0, 1.0, loop, iterations=500, tolerance=1e-12)
    posterior = infer(features, 3 * between, smooth_labels(truth, 7.0), options)
    exact = logsumexp(
        [
            exact_log_joint(features, 3 * between, path, np.maximum(posterior.priors, 1e-300), loop)
            for path in product(range(2), repeat=6)
        ]
    )
    assert posterior.bounds[-1] <= exact + 1e-9
    assert posterior.bounds[-1] > exact - 2.0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_hmm_that_never_loops_is_the_gmm(seed):
    features, between, truth = rows(seed)
    start = smooth_labels(np.unique(truth, return_inverse=True)[1], 3.0)
    gmm = infer(features, between, start, VBxSettings(0.3, 2.0, None))
    hmm = infer(features, between, start, VBxSettings(0.3, 2.0, 0.0))
    np.testing.assert_allclose(gmm.responsibilities, hmm.responsibilities, atol=1e-9)
    np.testing.assert_allclose(gmm.bounds, hmm.bounds, rtol=1e-9)


def test_speakers_may_be_permuted():
    features, between, _ = rows(3)
    start = np.random.default_rng(0).dirichlet(np.ones(4), size=len(features))
    order = np.array([2, 0, 3, 1])
    one = infer(features, between, start, CALLHOME)
    other = infer(features, between, start[:, order], CALLHOME)
    np.testing.assert_allclose(one.responsibilities[:, order], other.responsibilities, atol=1e-9)
    np.testing.assert_allclose(one.bounds, other.bounds, rtol=1e-12)


def test_a_speaker_who_is_gone_is_out_of_the_way(monkeypatch):
    features, between, _ = rows(1)
    labels = np.arange(len(features)) % 9  # far too many, so that most of them die
    start = smooth_labels(labels, 7.0)
    options = VBxSettings(0.3, 4.0, 0.6, iterations=30)
    found = infer(features, between, start, options)
    assert (found.priors < 1e-12).any()
    monkeypatch.setattr("diarspk.clustering.variational.MIN_ACTIVE_PRIOR", 0.0)
    kept = infer(features, between, start, options)
    np.testing.assert_allclose(found.bounds, kept.bounds, rtol=1e-9)
    for name in ("responsibilities", "priors", "means", "variances"):
        np.testing.assert_allclose(getattr(found, name), getattr(kept, name), atol=1e-6)


@cache
def pyannote():
    """Only the file, since importing pyannote.audio as a whole takes seconds."""
    spec = find_spec("pyannote")
    places = list(spec.submodule_search_locations or []) if spec else []
    files = [Path(place) / "audio" / "utils" / "vbx.py" for place in places]
    files = [file for file in files if file.is_file()]
    if not files:
        pytest.skip("pyannote.audio 4, which carries a VBx, is not installed")
    location = spec_from_file_location("pyannote_vbx", files[0])
    module = module_from_spec(location)
    location.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("regularization", [0.8, 17.0])
def test_agrees_with_pyannote(seed, regularization):
    features, between, _ = rows(seed, count=80, dim=6)
    start = np.random.default_rng(seed).dirichlet(np.ones(5), size=len(features))
    options = VBxSettings(0.07, regularization, iterations=20, tolerance=1e-4)
    found = infer(features, between, start, options)
    gamma, priors, bounds, means, variances = pyannote().VBx(
        features, between, options.acoustic_scale, regularization, 5, start.copy(), 20, 1e-4,
        return_model=True,
    )  # fmt: skip
    # It adds 1e-8 to the priors inside the logarithm.
    np.testing.assert_allclose(found.responsibilities, gamma, atol=1e-5)
    np.testing.assert_allclose(found.priors, priors, atol=1e-6)
    np.testing.assert_allclose(found.bounds, np.array(bounds)[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found.means, means, atol=1e-4)
    np.testing.assert_allclose(found.variances, variances, atol=1e-5)


def test_starts_as_pyannote_does():
    labels = np.array([0, 1, 2, 1, 0])
    features, between, _ = rows(0, count=5)
    gamma, priors = pyannote().cluster_vbx(labels, features, between, 0.07, 0.8, maxIters=20)
    found = infer(features, between, smooth_labels(labels, 7.0), COMMUNITY_1)
    np.testing.assert_allclose(found.responsibilities, gamma, atol=1e-5)
    np.testing.assert_allclose(found.priors, priors, atol=1e-6)


@cache
def trained():
    """A PLDA of many speakers, and a session of other speakers of the same kind."""
    rng = np.random.default_rng(5)
    mix = rng.normal(size=(16, 16)) / 4

    def speak(directions, turns):
        return directions[turns] @ mix + 0.25 * rng.normal(size=(len(turns), 16))

    classes = np.repeat(np.arange(300), 5)
    plda = fit_plda(speak(rng.normal(size=(300, 16)), classes), classes)
    truth = np.arange(120) // 10 % 3
    return plda, speak(rng.normal(size=(3, 16)), truth), truth


@pytest.mark.parametrize(
    "options", [COMMUNITY_1, CALLHOME, DIHARD2, AMI_MIX_HEADSET, VBxSettings(0.3, 2.0, 0.5)]
)
def test_finds_the_speakers_of_a_session_where_too_many_were_started(options):
    plda, embeddings, truth = trained()
    start = AgglomerativeClusterer(0.3, "centroid")
    assert start(embeddings).max() > 3
    found = VBxClusterer(plda, options, start).cluster(ClusteringInput(embeddings))
    assert max(found.count_scores, key=found.count_scores.get) == found.labels.max() + 1
    if options.speaker_regularization <= 17:
        assert np.array_equal(found.labels, truth)


@pytest.mark.parametrize("loop", [None, 0.4])
@pytest.mark.parametrize("windows", [37, 300, 2400])
def test_what_a_speaker_costs_grows_with_the_recording(loop, windows):
    growing = VBxSettings(0.3, 4.0, loop, growth=1 / 3)
    factor = {37: (37 / 300) ** (1 / 3), 300: 1.0, 2400: 2.0}[windows]
    fixed = VBxSettings(0.3, 4.0 * factor, loop)
    assert growing.suited_to(windows).speaker_regularization == pytest.approx(4.0 * factor)
    assert growing.suited_to(windows).suited_to(10).speaker_regularization == pytest.approx(
        4.0 * factor
    )
    features, between, labels = rows(0, count=40)
    weights = np.full(40, windows / 40)  # rows that stand for several windows count as so many
    start = smooth_labels(labels, 7.0)
    found = infer(features, between, start, growing, weights)
    np.testing.assert_allclose(found.bounds, infer(features, between, start, fixed, weights).bounds)
    assert lower_bound(features, between, labels, growing, weights) == pytest.approx(
        lower_bound(features, between, labels, fixed, weights)
    )


def test_initial_labels_are_starts_like_any_other():
    plda, embeddings, truth = trained()
    everybody = AgglomerativeClusterer(2.0)  # one cluster, which inference cannot part
    fixed = VBxClusterer(plda, DIHARD2, everybody)
    assert not fixed(embeddings, initial_labels=[truth]).any()
    guided = VBxClusterer(plda, DIHARD2, everybody, use_initial_labels=True)
    assert not guided(embeddings).any()
    assert guided(embeddings, initial_labels=[truth]).tolist() == truth.tolist()
    shuffled = (truth + 1) % 3 * 7  # names mean nothing
    assert (
        guided.cluster(ClusteringInput(embeddings, initial_labels=[shuffled])).labels.tolist()
        == truth.tolist()
    )
    bounded = guided(embeddings, initial_labels=[truth], max_speakers=2)
    assert bounded.max() <= 1  # three are above the maximum
    # An uninformative start takes nothing away.
    usual = VBxClusterer(
        plda, DIHARD2, AgglomerativeClusterer(0.3, "centroid"), use_initial_labels=True
    )
    empty = np.zeros(len(truth), int)
    assert usual(embeddings, initial_labels=[empty]).tolist() == truth.tolist()


def test_what_a_session_has_in_common_merges_nobody_at_the_start():
    """A channel that all voices share makes one cluster of them, unless it is taken off before."""
    plda, embeddings, truth = trained()
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    session = unit + 1.5 * np.eye(16)[0]
    start = AgglomerativeClusterer(0.5)
    one, several = (
        VBxClusterer(plda, VBxSettings(0.3, 0.5), start, centring=share) for share in (0.0, 0.9)
    )
    assert not one.cluster(ClusteringInput(session)).labels.any()
    assert (several.cluster(ClusteringInput(session)).labels == truth).mean() > 0.9


def test_centring_by_hand():
    points = validate(ClusteringInput([[2.0, 0.0], [0.0, 3.0]]))[0]
    found = points.centred(0.5)
    # unit rows (1, 0) and (0, 1), their mean (0.5, 0.5): (0.75, -0.25) and (-0.25, 0.75)
    expected = np.array([[3.0, -1.0], [-1.0, 3.0]]) / np.sqrt(10)
    np.testing.assert_allclose(found.means, expected)
    assert found.bounded(1, 2).max_speakers == points.bounded(1, 2).max_speakers
    np.testing.assert_allclose(points.centred(0.0).means, np.eye(2))
    opposite = validate(ClusteringInput([[1.0, 0.0], [-1.0, 0.0]]))[0].merged(np.array([0, 0]))
    assert np.isfinite(opposite.centred(0.5).means).all()  # a row without a direction


def test_an_exact_count_has_a_bound_no_lower_than_merging_the_automatic_one():
    plda, embeddings, truth = trained()
    options = VBxSettings(0.3, 2.0)
    clusterer = VBxClusterer(plda, options, AgglomerativeClusterer(0.3, "centroid"))
    features = plda.project(embeddings)
    two = clusterer(embeddings, num_speakers=2)
    score = lower_bound(features, plda.between, two, options)
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        merged = np.unique(np.where(truth == other, one, truth), return_inverse=True)[1]
        assert score >= lower_bound(features, plda.between, merged, options) - 1e-9


def test_impossible_settings_are_named():
    with pytest.raises(ArgumentError, match="`acoustic_scale` must be a finite number above 0"):
        VBxSettings(0.0, 1.0)
    with pytest.raises(ArgumentError, match="`loop_probability` must be"):
        VBxSettings(1.0, 1.0, 1.0)
    with pytest.raises(ArgumentError, match="`centring` must be a finite number from 0 below 1"):
        VBxClusterer(trained()[0], centring=1.0)
    with pytest.raises(ArgumentError, match="`iterations` must be a whole number from 1"):
        VBxSettings(1.0, 1.0, iterations=0)
