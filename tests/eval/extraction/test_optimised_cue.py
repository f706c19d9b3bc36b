"""The headroom of the cue, on tones and a small untrained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from diarspk import load_encoder
from eval.extraction.mixtures import Trial
from eval.extraction.optimised_cue import measure_headroom, optimised_extraction
from tests.tiny_model import tone, write_tiny_model
from tse.cue_sources import MultiLevelCue
from tse.extractor import Extractor
from tse.losses import thresholded_snr_loss
from tse.mixing import Mixture
from tse.models import BandSplitConfig, build_network
from tse.models.conditioning import ConditioningConfig
from tse.optimised_cue import OptimisationConfig

pytest.importorskip("torchmetrics")


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> Extractor:
    encoder = load_encoder(write_tiny_model(tmp_path_factory.mktemp("tiny")))
    torch.manual_seed(0)
    config = BandSplitConfig(
        channels=4,
        hidden=4,
        bottleneck=4,
        mask_hidden=4,
        blocks=1,
        conditioning=ConditioningConfig(encoder.dimension, 0, 8),
    )
    network = build_network(config).eval().requires_grad_(False)
    return Extractor(network, MultiLevelCue(encoder, frames=False))


def trial() -> Trial:
    own, other = tone("ann", 1.0), tone("eve", 1.0)
    silence = np.zeros_like(own)
    return Trial(Mixture(own + other, own, (other,), silence, True), "ann", own, other)


def test_the_optimised_cue_never_extracts_worse_than_the_enrolled_one(
    extractor: Extractor,
) -> None:
    losses = []
    for iterations in (0, 20):
        voice = optimised_extraction(extractor, OptimisationConfig(iterations, 0.1))(trial())
        target = torch.from_numpy(trial().made.target)[None]
        losses.append(float(thresholded_snr_loss(torch.from_numpy(voice)[None], target)))
    assert losses[1] < losses[0]


def test_both_cues_are_evaluated_on_the_same_mixtures(extractor: Extractor) -> None:
    runs = measure_headroom(
        [trial(), trial()],
        extractor,
        OptimisationConfig(2),
        condition="clean-2",
        enrolment_s=1.0,
    )
    assert [run.condition for run in runs] == ["clean-2, enrolled cue", "clean-2, optimised cue"]
    assert [run.summary.mixtures for run in runs] == [2, 2]
    assert runs[0].summary.input_db == runs[1].summary.input_db


def test_the_command_names_the_data_that_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from eval.extraction.optimised_cue import main

    assert main(["--data", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line
