"""Speaker cues of a tiny encoder: parts of one recording, in a file and back."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from diarspk import SpeakerEncoder, load_encoder
from diarspk.cues import SpeakerCue, extract_cue, read_cue, write_cue
from diarspk.cues.export import export_whole_cue
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, FormatError
from tests.tiny_model import tone, write_tiny_model

RATE = 16000


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SpeakerEncoder:
    return load_encoder(write_tiny_model(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def cue(encoder: SpeakerEncoder) -> SpeakerCue:
    pytest.importorskip("librosa")
    return extract_cue(tone("ann"), encoder, RATE, name="a tiny one")


def test_all_parts_are_those_of_the_recording_in_one_space(
    cue: SpeakerCue, encoder: SpeakerEncoder
) -> None:
    assert cue.space == Space(encoder.fingerprint, encoder.dimension, "a tiny one")
    np.testing.assert_array_equal(cue.timbre, encoder.embed(tone("ann"), RATE))
    np.testing.assert_array_equal(cue.frames.data, encoder.embed_frames(tone("ann"), RATE).data)
    assert cue.duration == 3.0
    with pytest.raises(FrozenInstanceError):
        cue.duration = 2.0  # type: ignore[misc]


def test_a_cue_prints_as_a_person_reads_it(cue: SpeakerCue) -> None:
    assert repr(cue) == (
        f"SpeakerCue(3.0 s, {len(cue.frames.data)} frames every 0.04 s, 'a tiny one', "
        f"fingerprint {cue.space.fingerprint}, dimension 8)"
    )


@pytest.mark.parametrize("name", ["cue.npz", "cue.safetensors"])
def test_written_and_read_again(cue: SpeakerCue, tmp_path: Path, name: str) -> None:
    write_cue(cue, tmp_path / name)
    again = read_cue(tmp_path / name)
    np.testing.assert_array_equal(again.timbre, cue.timbre)
    np.testing.assert_array_equal(again.frames.data, cue.frames.data)
    assert (again.frames.hop, again.frames.start) == (cue.frames.hop, cue.frames.start)
    assert (again.space, again.duration) == (cue.space, cue.duration)
    assert repr(again.prosody) == repr(cue.prosody)  # NaN where a tone has no such figure
    assert [path.name for path in tmp_path.iterdir()] == [name]
    first = (tmp_path / name).read_bytes()
    write_cue(again, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first or name == "cue.npz"  # zip files have the time


def test_a_card_beside_a_whole_cue_has_its_prosody(cue: SpeakerCue, tmp_path: Path) -> None:
    card = export_whole_cue(cue, "ann", tmp_path / "out" / "ann.safetensors")
    assert (card.speaker, card.fingerprint) == ("ann", cue.space.fingerprint)
    assert card.frames == len(cue.frames.data)
    stored = json.loads((tmp_path / "out" / "ann.safetensors.card.json").read_text())
    assert stored["prosody"]["energy_db"] == pytest.approx(cue.prosody.energy_db, abs=1e-3)
    assert set(stored["prosody"]) == set(asdict(cue.prosody))
    np.testing.assert_array_equal(read_cue(tmp_path / "out" / "ann.safetensors").timbre, cue.timbre)
    with pytest.raises(ArgumentError, match=r"\.npz or \.safetensors for a cue"):
        export_whole_cue(cue, "ann", tmp_path / "ann.wav")


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    (tmp_path / "text.safetensors").write_text("no tensors")
    (tmp_path / "bare.safetensors").write_bytes(save({"timbre": np.ones(3, np.float32)}))
    (tmp_path / "list.safetensors").write_bytes(
        save({"timbre": np.ones(3), "frames": np.ones((2, 3))}, {"cue": "[1]"})
    )
    names = ("text", "bare", "list", "missing")
    for name in ("other.npz", "missing.npz", *(f"{one}.safetensors" for one in names)):
        with pytest.raises(FormatError, match="not a cue"):
            read_cue(tmp_path / name)
