"""Multi-stage clustering: which stage decides, and what its settings may be."""

import pytest

from diarspk.clustering import AgglomerativeClusterer, EigengapClusterer, MultiStageClusterer
from diarspk.errors import ArgumentError
from tests.diarspk.clustering.test_clusterers import conversation


def test_few_windows_go_to_the_fallback_and_more_to_the_main_clusterer():
    never = AgglomerativeClusterer(0.0)
    always = AgglomerativeClusterer(2.0)
    stages = MultiStageClusterer(always, never, min_windows=20, exact_up_to=30)
    embeddings, _ = conversation(3)
    assert stages(embeddings[:19]).max() == 18
    for count in (20, 30, 31, 120):
        assert stages(embeddings[:count]).max() == 0


def test_the_first_stage_ends_before_the_second():
    with pytest.raises(ArgumentError, match=r"within 1\.\.exact_up_to=40, got 50"):
        MultiStageClusterer(EigengapClusterer(), exact_up_to=40)
