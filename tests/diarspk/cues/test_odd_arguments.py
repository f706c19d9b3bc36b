"""Whatever is passed to a function of cues, an error of this package says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyannote.core import Annotation, Segment

import diarspk
from diarspk.cues import best_clips, extract_cue, read_cue, write_cue
from diarspk.cues.export.exporting import export_cue
from diarspk.cues.export.references import read_references
from diarspk.cues.export.voices import export_voices
from tests.diarspk.cues.syllables import syllables
from tests.odd_arguments import Call, raw_errors
from tests.tiny_model import tone, write_tiny_model, write_voices

NAMES = (
    *("extract_cue", "write_cue", "read_cue", "read_references", "export_cue"),
    *("best_clips", "export_voices"),
)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Call]:
    """Functions of cues with arguments that are right."""
    folder = tmp_path_factory.mktemp("odd")
    encoder = diarspk.load_encoder(write_tiny_model(folder))
    files = write_voices(folder, takes=2, seconds=1.0)["ann"]
    cue = extract_cue(tone("ann", 1.0), encoder, 16000)
    write_cue(cue, folder / "cue.npz")
    references = read_references("ann", files, encoder)
    turns = Annotation()
    turns[Segment(0.0, 4.0), 0] = "ann"
    speech = syllables("ann", 4.0)
    clips = best_clips(speech, turns, sample_rate=16000, encoder=encoder)
    return {
        "extract_cue": (
            extract_cue,
            {
                "audio": tone("ann", 1.0),
                "encoder": encoder,
                "sample_rate": 16000,
                "channel": None,
                "name": "",
            },
        ),
        "write_cue": (write_cue, {"cue": cue, "path": folder / "other.npz"}),
        "read_cue": (read_cue, {"path": folder / "cue.npz"}),
        "read_references": (
            read_references,
            {
                "speaker": "ann",
                "files": files,
                "encoder": encoder,
                "name": "",
                "recordings": None,
            },
        ),
        "export_cue": (
            export_cue,
            {
                "target_name": "numpy",
                "references": references,
                "path": folder / "out.npz",
                "trained_on": None,
                "latents": None,
            },
        ),
        "best_clips": (
            best_clips,
            {
                "audio": speech,
                "diarization": turns,
                "sample_rate": 16000,
                "transcript": None,
                "speakers": None,
                "encoder": encoder,
                "config": None,
            },
        ),
        "export_voices": (
            export_voices,
            {
                "clips": clips,
                "folder": folder / "voices",
                "synthesizer": "any",
                "model": None,
            },
        ),
    }


@pytest.mark.parametrize("name", NAMES)
def test_odd_arguments(
    calls: dict[str, Call], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(calls) == sorted(NAMES)
    monkeypatch.chdir(tmp_path)  # where a path like "x" may be written
    raw = raw_errors(calls[name])
    assert not raw, "\n".join(raw)
