"""Cost of pyannote.audio's own pipeline on this machine, with random weights.

The networks of its speaker-diarization pipeline, PyanNet and WeSpeaker's ResNet34, at the windows
and steps that the pipeline has by default, with random weights: its weights are behind an agreement
and a token, and time and memory do not depend on them. What it says is noise.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pyannote.core import Annotation

from diarspk.audio import SAMPLE_RATE, load_audio

if TYPE_CHECKING:
    from pyannote.audio.models.segmentation import PyanNet
    from pyannote.audio.pipelines import SpeakerDiarization

__all__ = ["PyannoteArchitecture", "build_pyannet"]

BATCH = 32
"""Of both networks, as in the settings of pyannote/speaker-diarization-3.1."""

CLUSTERING = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799}
"""The same settings."""


class PyannoteArchitecture:
    """SpeakerDiarization of pyannote.audio 4 with random weights, clustering as in its 3.1."""

    def __init__(self, seed: int = 0) -> None:
        os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")  # it counts its users otherwise
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            torch.manual_seed(seed)
            self._pipeline = _build_pipeline()

    def __call__(self, audio: Path) -> Annotation:
        waveform = torch.from_numpy(load_audio(audio))[None]
        file = {"waveform": waveform, "sample_rate": SAMPLE_RATE, "uri": audio.stem}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: Any = self._pipeline(file)
        result: Annotation = found.speaker_diarization
        return result


def _build_pipeline() -> SpeakerDiarization:
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.models.embedding import WeSpeakerResNet34
    from pyannote.audio.pipelines import SpeakerDiarization

    segmentation = build_pyannet()
    with torch.no_grad():
        segmentation.classifier.bias[0] = -1e3  # were all of it silent, nothing would be done
    pipeline = SpeakerDiarization(
        segmentation=segmentation,
        embedding=WeSpeakerResNet34().eval(),
        plda=PLDA.__new__(PLDA),  # asked for, and not used by this clustering
        clustering="AgglomerativeClustering",
        segmentation_batch_size=BATCH,
        embedding_batch_size=BATCH,
        embedding_exclude_overlap=True,
    )
    pipeline.instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": CLUSTERING})
    return pipeline


def build_pyannet(width: int = 128, layers: int = 4) -> PyanNet:
    """Build pyannote.audio's PyanNet for three speakers, two at once, with random weights."""
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    network = PyanNet(
        sincnet={"stride": 10},
        lstm={
            "hidden_size": width,
            "num_layers": layers,
            "bidirectional": True,
            "monolithic": True,
        },
        linear={"hidden_size": width, "num_layers": 2},
    )
    network.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=10.0,
        classes=["speaker#1", "speaker#2", "speaker#3"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    network.build()  # type: ignore[no-untyped-call]
    return network.eval()
