"""Spectral clusterers against the package itself and against a plain reading of the paper."""

import copy

import numpy as np
import pytest
import spectralcluster
from spectralcluster import configs

from diarspk.clustering import (
    AUTO_TUNE,
    ICASSP2018,
    TURN_TO_DIARIZE,
    AgglomerativeClusterer,
    ClusteringInput,
    EigengapClusterer,
    MultiStageClusterer,
    SpectralClusterer,
)
from diarspk.clustering.clustering_input import validate
from diarspk.clustering.partition import separate
from diarspk.clustering.weighted_points import number_by_appearance
from diarspk.errors import ArgumentError

with_auto_tune = copy.deepcopy(configs.icassp2018_clusterer)
with_auto_tune.autotune = spectralcluster.AutoTune()

PAPERS = {
    "icassp2018": (ICASSP2018, configs.icassp2018_clusterer),
    "auto-tune": (AUTO_TUNE, with_auto_tune),
    "turn-to-diarize": (TURN_TO_DIARIZE, configs.turntodiarize_clusterer),
}

every_paper = pytest.mark.parametrize(("settings", "package"), PAPERS.values(), ids=PAPERS)


def conversation(speakers: int, seed: int, noise: float = 0.8):
    """Unit directions scattered around one direction a speaker, who talk in turns of six."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(16, speakers)))[0].T
    truth = np.arange(60) // 6 % speakers
    return directions[truth] + noise * rng.normal(size=(60, 16)) / 4


@every_paper
@pytest.mark.parametrize("seed", range(4))
def test_labels_are_those_of_the_package(settings, package, seed):
    embeddings = conversation(2 + seed, seed)
    # A copy, since the package's auto-tune narrows its own search range from call to call.
    expected = copy.deepcopy(package).predict(embeddings)
    labels = SpectralClusterer(settings)(embeddings, min_speakers=2, max_speakers=7)
    assert np.array_equal(labels, number_by_appearance(expected))
    assert np.array_equal(labels, SpectralClusterer(settings)(embeddings, min_speakers=2))


@every_paper
def test_settings_are_those_of_the_package(settings, package):
    ours = settings.build(2, 7)
    assert ours.refinement_options == package.refinement_options
    assert ours.constraint_options == package.constraint_options
    assert ours.row_wise_renorm == package.row_wise_renorm
    assert (ours.autotune and vars(ours.autotune)) == (package.autotune and vars(package.autotune))


def test_cannot_link_pairs_are_propagated_by_the_package_then_parted():
    embeddings = conversation(3, 5, noise=1.4)
    # Two turns of the first speaker are declared different speakers, against their similarity.
    pairs = np.array([(first, second) for first in range(6) for second in range(18, 24)])
    constraints = np.zeros((60, 60))
    constraints[pairs[:, 0], pairs[:, 1]] = constraints[pairs[:, 1], pairs[:, 0]] = -1.0
    package = copy.deepcopy(configs.turntodiarize_clusterer)
    points, _ = validate(ClusteringInput(embeddings, cannot_link=pairs))
    parted = separate(points, package.predict(embeddings, constraints))
    labels = SpectralClusterer()(embeddings, min_speakers=2, cannot_link=pairs)
    assert np.array_equal(labels, number_by_appearance(parted))
    assert (labels[pairs[:, 0]] != labels[pairs[:, 1]]).all()


def test_one_speaker_is_found_unless_two_are_asked_for():
    embeddings = conversation(1, 0, noise=0.4)
    assert SpectralClusterer()(embeddings).max() == 0
    assert SpectralClusterer()(embeddings, min_speakers=2).max() >= 1


@pytest.mark.parametrize("speakers", [9, 12])
def test_more_speakers_than_the_paper_looks_for_can_be_asked_for(speakers):
    embeddings = conversation(speakers, 1, noise=0.3)
    for clusterer in (SpectralClusterer(), EigengapClusterer()):
        assert clusterer(embeddings, min_speakers=speakers).max() + 1 >= speakers
        assert clusterer(embeddings, num_speakers=speakers).max() + 1 == speakers


@pytest.mark.parametrize(("seed", "speakers"), [(254, 4), (3573, 7)])
def test_a_graph_of_many_pieces_is_decomposed(seed, speakers):
    """LAPACK's default driver for some of the eigenvectors gives these up."""
    embeddings = np.random.default_rng(seed).normal(size=(22, 8))
    labels = EigengapClusterer()(embeddings, num_speakers=speakers)
    assert labels.max() + 1 == speakers


@pytest.mark.parametrize("seed", range(6))
def test_eigengap_counts_as_the_paper_says(seed):
    embeddings = conversation(1 + seed, seed)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    affinity = unit @ unit.T
    scores = {}
    for p in {round(p) for p in np.linspace(1, 15, 20)}:
        graph = np.zeros((60, 60))
        for row, similarity in enumerate(affinity):
            graph[row, np.argsort(similarity)[-p:]] = 1.0
        graph = (graph + graph.T) / 2
        values = np.linalg.eigvalsh(np.diag(graph.sum(axis=0)) - graph)
        gaps = values[1:9] - values[:8]
        if gaps.max() > 1e-9:
            scores[(p / 60) / (gaps.max() / values[-1])] = gaps.argmax() + 1
    assert EigengapClusterer()(embeddings).max() + 1 == scores[min(scores)]


def test_few_windows_go_to_the_fallback_and_more_to_the_main_clusterer():
    never = AgglomerativeClusterer(0.0)
    always = AgglomerativeClusterer(2.0)
    stages = MultiStageClusterer(always, never, min_windows=20, exact_up_to=30)
    embeddings = np.concatenate([conversation(3, seed) for seed in range(2)])
    assert stages(embeddings[:19]).max() == 18
    for count in (20, 30, 31, 120):
        assert stages(embeddings[:count]).max() == 0


def test_the_first_stage_ends_before_the_second():
    with pytest.raises(ArgumentError, match=r"within 1\.\.exact_up_to=40, got 50"):
        MultiStageClusterer(EigengapClusterer(), exact_up_to=40)
