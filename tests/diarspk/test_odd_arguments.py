"""Whatever is passed to a public function, an error of this package says what is wrong with it."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment

import diarspk
from diarspk import clustering, embeddings, formats, metrics, verification
from diarspk.audio import AudioStream, RawFormat, load_audio, open_audio
from diarspk.clustering import ClusteringInput, SpeakerBounds
from diarspk.diarization import combine
from diarspk.errors import DiarspkWarning
from diarspk.segmentation import load_segmenter
from tests.odd_arguments import Call, raw_errors
from tests.tiny_model import tone, write_tiny_model

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{DiarspkWarning.__module__}.{DiarspkWarning.__name__}"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

VOICE = tone("ann", 1.0)
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(12, 8))
LABELS = np.repeat([0, 1, 2], 4)
SCORES = RNG.normal(size=40)
TARGETS = np.arange(40) % 2 == 0
TURNS = Annotation(uri="a")
TURNS[Segment(0, 1), 0] = "A"
TURNS[Segment(1, 2), 1] = "B"


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Call]:
    """Public functions with arguments that are right."""
    folder = tmp_path_factory.mktemp("odd")
    card = write_tiny_model(folder)
    encoder = diarspk.load_encoder(card)
    diarizer = diarspk.Diarizer.load(card)
    voices = np.concatenate([tone("ann"), tone("eve")])
    result = diarizer(voices, 16000, num_speakers=2)
    wave, rttm, uem = folder / "a.wav", folder / "a.rttm", folder / "a.uem"
    trials = folder / "trials.txt"
    soundfile.write(wave, VOICE, 16000)
    rttm.write_text("SPEAKER a 1 0 1 <NA> <NA> A <NA> <NA>\n")
    uem.write_text("a 1 0 2\n")
    trials.write_text("1 a.wav b.wav\n")
    audio = {"audio": VOICE, "sample_rate": 16000, "channel": None}
    pair = {"scores": SCORES, "labels": TARGETS}
    counts = {"num_speakers": 1, "min_speakers": None, "max_speakers": None}
    known = {"known_speakers": None, "same_speaker": (), "different_speakers": ()}
    scored = {"reference": TURNS, "hypothesis": TURNS, "uem": None, "collar": 0.0}
    scored |= {"skip_overlap": False, "convention": "dscore"}
    both = {"reference": TURNS, "hypothesis": TURNS}
    costs = {"target_prior": 0.05, "miss_cost": 1.0, "false_alarm_cost": 1.0}
    return {
        "load_audio": (load_audio, audio),
        "open_audio": (open_audio, audio),
        "load_encoder": (diarspk.load_encoder, {"name": card}),
        "load_segmenter": (load_segmenter, {"name": card}),
        "Diarizer parts": (
            partial(diarspk.Diarizer, encoder=encoder, segmentation=diarizer.segmentation),
            {"config": None, "cache": None, "precision": "single"},
        ),
        "Diarizer.load": (
            diarspk.Diarizer.load,
            {
                "name": card,
                "segmentation": card,
                "threshold": 0.5,
                "engine": "torch",
                "device": "cpu",
                "cache": None,
                "precision": "auto",
            },
        ),
        "recluster": (result.recluster, {**counts, **known, "threshold": 0.5, "config": None}),
        "rename": (result.rename, {"names": {}}),
        "merge": (result.merge, {"speakers": list(result.speakers), "name": None}),
        "split": (result.split, {"speaker": next(iter(result.speakers)), "count": 1}),
        "embed": (encoder.embed, {**audio, "spans": [(0.0, 0.5)]}),
        "embed_frames": (encoder.embed_frames, audio),
        "encoder.project": (
            encoder.project,
            {"embeddings": ROWS, "dimension": 4, "method": "session"},
        ),
        "project": (embeddings.project, {"embeddings": ROWS, "dimension": 4, "method": "session"}),
        "build_profile": (embeddings.build_profile, {"vectors": ROWS}),
        "unit_rows": (partial(embeddings.unit_rows, dimension=8), {"vectors": ROWS}),
        "SpeakerBounds": (SpeakerBounds, {"exact": 1, "minimum": None, "maximum": None}),
        "ClusteringInput": (
            ClusteringInput,
            {
                "embeddings": ROWS,
                "bounds": SpeakerBounds(),
                "durations": None,
                "must_link": None,
                "cannot_link": None,
            },
        ),
        "assign": (clustering.assign, {"embeddings": ROWS, "centroids": ROWS[:2]}),
        "centroids": (clustering.centroids, {"embeddings": ROWS, "labels": LABELS}),
        "equal_error_rate": (verification.equal_error_rate, pair),
        "min_dcf": (verification.min_dcf, {**pair, **costs}),
        "score": (diarspk.score, scored),
        "break_down": (metrics.break_down, scored),
        "draw_timeline": (metrics.draw_timeline, {**both, "uem": None, "width": 1400}),
        "combine": (
            combine,
            {"hypotheses": [TURNS] * 3, "weights": None, "mapping": "greedy", "smoothing": 0.0},
        ),
        "read_rttm": (formats.read_rttm, {"file": rttm}),
        "read_uem": (formats.read_uem, {"file": uem}),
        "lint_rttm": (formats.lint_rttm, {"file": rttm}),
        "lint_uem": (formats.lint_uem, {"file": uem}),
        "write_rttm": (formats.write_rttm, {"annotation": TURNS, "stream": io.StringIO()}),
        "save_annotation": (
            formats.save_annotation,
            {"annotation": TURNS, "path": folder / "o.rttm"},
        ),
        "read_trials": (verification.read_trials, {"file": trials}),
        "blocks": (partial(AudioStream.blocks, open_audio(VOICE, 16000)), {"seconds": 1.0}),
        "RawFormat": (RawFormat, {"encoding": "s16le", "sample_rate": 8000, "channels": 1}),
        "RawFormat.parse": (RawFormat.parse, {"text": "s16le:8000"}),
        "cosine_scores": (verification.cosine_scores, {"enrolments": ROWS, "tests": ROWS}),
        "cohort_statistics": (
            verification.cohort_statistics,
            {"embeddings": ROWS, "cohort": ROWS, "top": 3},
        ),
        "probability": (
            verification.probability,
            {"log_likelihood_ratios": SCORES, "target_prior": 0.5},
        ),
        "gini": (verification.gini, {"rates": [0.1, 0.2]}),
        "cllr": (verification.cllr, {"log_likelihood_ratios": SCORES, "labels": TARGETS}),
    }


NAMES = (
    *(
        "load_audio",
        "open_audio",
        "load_encoder",
        "load_segmenter",
        "Diarizer parts",
        "Diarizer.load",
    ),
    *("recluster", "rename", "merge", "split", "embed", "embed_frames"),
    *("encoder.project", "project", "build_profile", "unit_rows", "equal_error_rate", "min_dcf"),
    *("score", "break_down", "draw_timeline", "combine", "read_rttm", "read_uem", "lint_rttm"),
    *("lint_uem", "write_rttm", "save_annotation", "read_trials", "blocks", "RawFormat"),
    *("RawFormat.parse", "cosine_scores", "cohort_statistics", "probability", "gini"),
    *("cllr", "SpeakerBounds", "ClusteringInput", "assign", "centroids"),
)


def test_every_call_is_tried(calls: dict[str, Call]) -> None:
    assert sorted(calls) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_odd_arguments(
    calls: dict[str, Call], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a path like "x" may be written
    # Nobody is in windows enough here for a split.
    raw = raw_errors(calls[name], works=name != "split")
    assert not raw, "\n".join(raw)
