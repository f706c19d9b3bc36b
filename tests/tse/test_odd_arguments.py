"""Whatever is passed to target speech extraction, an error of this package says what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import diarspk
import tse
from diarspk.errors import SpeechWarning
from tests.odd_arguments import Call, raw_errors
from tests.tiny_model import tone, write_tiny_model
from tse.loading import load_extractor, write_extractor
from tse.models.architectures import build_network
from tse.models.band_split import BandSplitConfig
from tse.models.conditioning import ConditioningConfig

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{SpeechWarning.__module__}.{SpeechWarning.__name__}"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

RATE = 16000
SMALL = BandSplitConfig(
    channels=4,
    hidden=4,
    bottleneck=4,
    mask_hidden=4,
    blocks=1,
    conditioning=ConditioningConfig(vector_size=8),
)
NAMES = ("extract", "extractor", "cue", "presence", "similarity", "load_extractor", "Reference")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Call]:
    """Functions of the package, on a tiny extractor, with arguments that are right."""
    folder = tmp_path_factory.mktemp("odd")
    torch.manual_seed(0)
    encoder = diarspk.load_encoder(write_tiny_model(folder))
    card = folder / "small.json"
    write_extractor(
        card,
        build_network(SMALL),
        "utterance+map",
        encoder=encoder,
        encoder_name=str(folder / "tiny.json"),
    )
    extractor = load_extractor(card)
    mixture, enrolment = tone("ann", 0.5) + tone("eve", 0.5), tone("ann", 1.0)
    cue = extractor.cue(enrolment, RATE)
    shared = {"sample_rate": RATE}
    return {
        "extract": (
            tse.extract,
            {
                "mixture": mixture,
                "enrolment": enrolment,
                "enrolment_sample_rate": RATE,
                "channel": None,
                "extractor": extractor,
                **shared,
            },
        ),
        "extractor": (extractor, {"mixture": mixture, "cue": cue, **shared}),
        "cue": (extractor.cue, {"enrolment": [enrolment], "speaker": "", **shared}),
        "presence": (
            extractor.presence,
            {"voice": mixture, "cue": cue, "mixture": mixture, **shared},
        ),
        "similarity": (extractor.similarity, {"voice": mixture, "cue": cue, **shared}),
        "load_extractor": (load_extractor, {"name": card}),
        "Reference": (tse.Reference, {"waveform": enrolment, "speaker": "ann"}),
    }


@pytest.mark.parametrize("name", NAMES)
def test_odd_arguments(
    calls: dict[str, Call], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(calls) == sorted(NAMES)
    monkeypatch.chdir(tmp_path)
    with np.errstate(all="ignore"):
        raw = raw_errors(calls[name])
    assert not raw, "\n".join(raw)
