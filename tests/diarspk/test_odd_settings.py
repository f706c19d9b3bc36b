"""Settings with a value that makes no sense are refused where they are made, by their name."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from diarspk import clustering, diarization, transcripts
from diarspk.clustering import adaptation, spectral, variational
from diarspk.clustering.clusterer import SingleSpeakerTest
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.clustering.plda import Plda
from diarspk.diarization import confidence, config, reconstruction, resegmentation
from diarspk.diarization.spurious_speakers import SpuriousSpeakerPolicy
from diarspk.embeddings.reduction import AutoEncoder, Prefix, PrincipalComponents
from diarspk.encoders.clips import WindowConfig
from diarspk.encoders.losses import MarginSchedule
from diarspk.errors import ArgumentError
from diarspk.transcripts.smoothing import SnippetSmoothing
from diarspk.verification.alignment.training import MlpConfig, TrainingConfig
from tests.odd_arguments import raw_errors
from tse.enrolment import EnrolmentConfig
from tse.streaming import BlockConfig

PLDA = Plda(np.zeros(4), np.zeros(4), np.eye(4), np.ones(4))
SHORT = clustering.AgglomerativeClusterer(0.6)
REQUIRED: dict[type, dict[str, Any]] = {
    CountingClusterer: {
        "short": SHORT,
        "long": clustering.PldaClusterer(PLDA),
        "max_short": 8,
    },
    clustering.VBxClusterer: {"plda": PLDA},
    spectral.SpectralSettings: {"refinements": ("RowWiseThreshold", "Symmetrize")},
    variational.VBxSettings: {"acoustic_scale": 0.3, "speaker_regularization": 17.0},
}
"""Settings without a default."""

SETTINGS: tuple[type, ...] = (
    *(adaptation.Adaptation, adaptation.AttentionAggregation, adaptation.NonSpeechCluster),
    *(clustering.AgglomerativeClusterer, SingleSpeakerTest, CountingClusterer),
    *(clustering.VBxClusterer, variational.VBxSettings, clustering.SpectralClusterer),
    *(spectral.AutoTune, spectral.SpectralSettings, clustering.MultiStageClusterer),
    *(AutoEncoder, PrincipalComponents, Prefix, WindowConfig, MarginSchedule),
    *(diarization.DiarizerConfig, config.LinkingConfig, reconstruction.ReconstructionConfig),
    *(resegmentation.Resegmentation, confidence.Calibration, SpuriousSpeakerPolicy),
    *(transcripts.AssignmentConfig, SnippetSmoothing, MlpConfig, TrainingConfig),
    *(EnrolmentConfig, BlockConfig),
)


@pytest.mark.parametrize("settings", SETTINGS)
def test_odd_settings(settings: Any) -> None:
    made = settings(**REQUIRED.get(settings, {}))
    right = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    raw = raw_errors((settings, right))
    assert not raw, "\n".join(raw)
    for name in right:
        for odd in (object(), np.zeros((2, 3, 4)), "no such choice"):
            with pytest.raises(ArgumentError, match=rf"`{name}` must be"):
                settings(**{**right, name: odd})
