"""What is measured is what users of pyannote.audio run."""

import pytest

pytest.importorskip("pyannote.audio")

from eval.systems.pyannote_architecture import PyannoteArchitecture


@pytest.fixture(scope="module")
def pipeline():
    return PyannoteArchitecture()._pipeline


def count_parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_networks_have_the_published_sizes(pipeline):
    assert count_parameters(pipeline._segmentation.model) == 1_473_265
    assert count_parameters(pipeline._embedding.model_) == 6_634_336


def test_windows_and_steps_are_the_defaults(pipeline):
    assert (pipeline._segmentation.duration, pipeline._segmentation.step) == (10.0, 1.0)
