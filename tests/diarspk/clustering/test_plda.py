"""PLDA against multivariate normals written out, EM's law, and its files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from diarspk.clustering.plda import Plda, length_normalize, read_plda, write_plda
from diarspk.clustering.plda_training import fit_plda, plda_likelihoods
from diarspk.errors import ArgumentError, ModelError


def labelled(seed=0, speakers=40, dim=5, most=6):
    """Embeddings of speakers with unequal numbers of them, and who speaks."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(speakers), rng.integers(1, most + 1, size=speakers))
    mix = rng.normal(size=(dim, dim))
    means = rng.normal(size=(speakers, dim)) @ mix
    return means[classes] + 0.7 * rng.normal(size=(len(classes), dim)) + 0.5, classes


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dim=st.integers(2, 6))
def test_the_likelihood_never_falls(seed, dim):
    embeddings, classes = labelled(seed, dim=dim)
    likelihoods = [
        plda_likelihoods(embeddings, classes, fit_plda(embeddings, classes, iterations=steps))[0]
        for steps in range(6)
    ]
    assert (np.diff(likelihoods) > -1e-7 * np.abs(likelihoods[0])).all()


def test_log_likelihood_ratios_are_those_of_the_normal_distributions():
    embeddings, classes = labelled()
    plda = fit_plda(embeddings, classes)
    within = np.linalg.inv(plda.transform @ plda.transform.T)
    unmix = np.linalg.inv(plda.transform)
    between = unmix.T @ np.diag(plda.between) @ unmix
    total = within + between
    vectors = length_normalize(embeddings[:4], plda.origin) - plda.mean
    joint = multivariate_normal(np.zeros(10), np.block([[total, between], [between, total]]))
    alone = multivariate_normal(np.zeros(5), total)
    expected = [
        [joint.logpdf(np.concatenate([a, b])) - alone.logpdf(a) - alone.logpdf(b) for b in vectors]
        for a in vectors
    ]
    np.testing.assert_allclose(
        plda.log_likelihood_ratio(embeddings[:4], embeddings[:4]), expected, rtol=1e-9, atol=1e-9
    )


def test_the_likelihood_is_that_of_the_normal_distributions():
    embeddings, classes = labelled(speakers=4, most=3)
    plda = fit_plda(embeddings, classes, iterations=2)
    within = np.linalg.inv(plda.transform @ plda.transform.T)
    unmix = np.linalg.inv(plda.transform)
    between = unmix.T @ np.diag(plda.between) @ unmix
    vectors = length_normalize(embeddings, plda.origin) - plda.mean
    expected = 0.0
    for speaker in range(4):
        own = vectors[classes == speaker]
        covariance = np.kron(np.eye(len(own)), within) + np.kron(np.ones([len(own)] * 2), between)
        expected += multivariate_normal(np.zeros(own.size), covariance).logpdf(own.ravel())
    assert plda_likelihoods(embeddings, classes, plda)[0] == pytest.approx(expected, rel=1e-9)


def test_projections_have_white_noise_and_diagonal_speakers():
    embeddings, classes = labelled(speakers=3000, dim=8)
    plda = fit_plda(embeddings, classes)
    features = plda.project(embeddings)
    counts = np.bincount(classes)
    means = np.stack([np.bincount(classes, column) / counts for column in features.T], axis=1)
    noise = (features - means[classes])[counts[classes] > 1]
    free = (counts[counts > 1] - 1).sum()
    # One direction less: the sphere has none along the radius.
    assert np.allclose(noise.T @ noise / free, np.eye(8), atol=0.15)
    assert (np.diff(plda.between) <= 0).all()


def test_speakers_are_told_apart_and_scale_does_not_matter():
    embeddings, classes = labelled(speakers=60)
    plda = fit_plda(embeddings, classes)
    scores = plda.log_likelihood_ratio(embeddings, 7.0 * embeddings)
    same = classes[:, None] == classes
    np.fill_diagonal(same, False)
    assert scores[same].mean() > 1.0 > -1.0 > scores[classes[:, None] != classes].mean()
    assert np.allclose(scores, scores.T)


def test_the_same_speakers_by_other_names():
    embeddings, classes = labelled()
    names = [f"speaker {100 - speaker}" for speaker in classes]
    plda, other = fit_plda(embeddings, classes), fit_plda(embeddings, names)
    np.testing.assert_allclose(plda.between, other.between)
    scores = plda.log_likelihood_ratio(embeddings[:5], embeddings[5:9])
    np.testing.assert_allclose(scores, other.log_likelihood_ratio(embeddings[:5], embeddings[5:9]))


def test_truncation_keeps_what_tells_speakers_apart():
    plda = fit_plda(*labelled())
    embeddings = labelled()[0]
    short = plda.truncated(2)
    np.testing.assert_array_equal(short.project(embeddings), plda.project(embeddings)[:, :2])
    with pytest.raises(ArgumentError, match=r"within 1\.\.5, got 6"):
        plda.truncated(6)


def test_files(tmp_path):
    plda = fit_plda(*labelled(), fingerprint="abc")
    write_plda(tmp_path / "small.json", plda, {"recipe": "test"})
    again = read_plda(tmp_path / "small.json")
    assert again.fingerprint == "abc"
    for name in ("origin", "mean", "transform", "between"):
        np.testing.assert_allclose(getattr(again, name), getattr(plda, name), rtol=1e-6, atol=1e-7)
    (tmp_path / "small.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="sha256"):
        read_plda(tmp_path / "small.json")


def test_what_cannot_be_fitted_or_projected_is_named():
    embeddings, classes = labelled()
    with pytest.raises(ArgumentError, match="`speakers` must name each"):
        fit_plda(embeddings, classes[1:])
    with pytest.raises(ArgumentError, match="must be two or more"):
        fit_plda(embeddings, np.zeros(len(embeddings), dtype=int))
    plda = fit_plda(embeddings, classes)
    assert isinstance(plda, Plda)
    with pytest.raises(ArgumentError, match=r"shape \(n, 5\)"):
        plda.project(np.ones((2, 4)))
