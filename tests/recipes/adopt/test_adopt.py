"""Adoption of an encoder: known variances are found, and the diarizer reads what is fitted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from diarspk import Diarizer, load_encoder
from diarspk.clustering.count_model import UNWEIGHED, read_count_model
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.clustering.plda_clusterer import PldaClustererSettings
from diarspk.diarization.defaults import is_known, load_defaults
from diarspk.diarization.space_settings import SpaceSettings, load_space_settings
from diarspk.encoders.architectures.resnet import ResNet, ResNetConfig
from diarspk.verification.calibration import default_calibration
from eval.counting.session_set import PlannedSession, SessionSource
from eval.diarization.conversations import read_conversation
from eval.embeddings.speech import Utterance
from recipes.adopt import __main__ as command
from recipes.adopt import counts
from recipes.adopt.space import fit_space, session_settings
from recipes.plda.rooms import RoomSettings, Windows
from tests.diarspk.diarization.test_threads import buzz
from tests.diarspk.encoders.local.test_network import trained_looking

DIMENSION, FLAT = 12, 100.0


def made_windows(seed: int = 0, utterance: float = 0.3, dimension: int = DIMENSION) -> Windows:
    """Windows with noise of variance one, on a constant that length normalisation needs."""
    generator = np.random.default_rng(seed)
    rows = []
    for speaker in range(120):
        voice = generator.normal(size=dimension) * np.sqrt(2.0)
        for number in range(2):
            said = voice + generator.normal(size=dimension) * np.sqrt(utterance)
            for room in range(2):
                place = np.zeros(dimension)
                place[0] = np.random.default_rng([speaker // 8, room]).normal() * 3
                for start in (0.0, 2.0, 4.0):
                    vector = said + place + generator.normal(size=dimension)
                    where = (speaker, 2 * speaker + number, speaker // 8 * 2 + room, speaker // 8)
                    rows.append((np.append(vector, FLAT), *where, start))
    embeddings, *others = zip(*rows, strict=True)
    unit = np.stack(embeddings) / np.linalg.norm(embeddings, axis=1, keepdims=True)
    speakers, utterances, rooms, groups, starts = map(np.array, others)
    return Windows(unit.astype(np.float32), speakers, utterances, rooms, groups, starts)


def test_the_variances_are_found_and_rooms_taken_out() -> None:
    windows = made_windows()
    space = fit_space([windows], "print", directions=1)
    assert (space.windows, space.speakers) == (120 * 12, 120)
    assert (space.plda.fingerprint, space.session.fingerprint) == ("print", "print")
    assert len(space.session.between) == len(space.plda.between) - 1
    shares = space.variation.shares
    assert shares["utterance"] / shares["noise"] == pytest.approx(0.3, abs=0.1)
    assert shares["speaker"] / shares["noise"] == pytest.approx(2.0, rel=0.3)
    assert abs(shares["room"]) < 0.1 * shares["noise"]
    settings, usual = session_settings(space.variation), PldaClustererSettings()
    assert settings.noise / usual.noise == pytest.approx(shares["noise"] / 0.9277, rel=0.01)
    assert settings.drift / usual.drift == pytest.approx(shares["utterance"] / 0.1053, rel=0.01)


def test_settings_survive_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diarspk.diarization.space_settings import write_space_settings

    monkeypatch.setenv("DIARSPK_MODELS", str(tmp_path))
    assert load_space_settings("print") == SpaceSettings()
    chosen = replace(SpaceSettings(), threshold=0.7, session=PldaClustererSettings(noise=2.0))
    write_space_settings(tmp_path / "adopted", "print", chosen, {"recipe": "made"})
    assert load_space_settings("print") == chosen


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Conversations of two voices that take turns; the rest of DATA is put in place by the test."""
    for number in range(2):
        name, folder = f"talk{number}", tmp_path / "data" / "conversations" / "made"
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{name}.wav", buzz(number + 1, 12.0), 16000)
        turns = "".join(
            f"SPEAKER {name} 1 {start:.2f} 3.00 <NA> <NA> {label} <NA> <NA>\n"
            for start, label in ((0, "a"), (3, "b"), (6, "a"), (9, "b"))
        )
        (folder / f"{name}.rttm").write_text(turns)
        (folder / f"{name}.uem").write_text(f"{name} 1 0.0 12.0\n")
    return tmp_path / "data"


def test_what_is_fitted_is_what_the_diarizer_reads(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIARSPK_MODELS", str(tmp_path / "store"))
    torch.manual_seed(0)
    network = ResNet(ResNetConfig((1, 1, 1, 1), channels=2, dimension=DIMENSION + 1))
    model = tmp_path / "avg_model.pt"
    torch.save(trained_looking(network).state_dict(), model)
    fingerprint = load_encoder(model).fingerprint
    assert not is_known(load_encoder(model))

    def utterances(folder: Path, split: str) -> list[Utterance]:
        assert (folder, split) == (data / "speech", "dev")
        return [
            Utterance(f"{name}{take}", f"{name}", buzz(name, 2.5 + take))
            for name in range(1, 4)
            for take in range(2)
        ]

    monkeypatch.setattr(command, "read_windows", lambda *_: [made_windows()])
    monkeypatch.setattr(command, "read_utterances", utterances)
    kept = tmp_path / "sessions"
    planned = [SimpleNamespace(name=f"talk{number}") for number in range(2)]

    def sessions(source: SessionSource, plans: list[object], folder: Path) -> list[PlannedSession]:
        assert (source.data, source.split, plans, folder) == (data, "train", planned, kept)
        where = data / "conversations" / "made"
        return [
            PlannedSession(plan, read_conversation(where / f"{plan.name}.wav"))  # type: ignore
            for plan in planned
        ]

    monkeypatch.setattr(counts, "plan", lambda: planned)
    monkeypatch.setattr(counts, "write_sessions", sessions)
    words = [str(model), "--data", str(data), "--sets", "made", "--utterances", "6"]
    words += ["--counts", str(kept), "--count-sessions", "2"]
    assert not command.main(words)
    said = capsys.readouterr().out
    assert "threshold 0.6:" in said and "Fa, Fb, centring (0.4, 11.0, 0.5):" in said
    assert "likeliest number right: " in said

    folder = tmp_path / "store" / "adopted"
    assert {file.parent.name for file in folder.rglob(f"{fingerprint}.json")} == {
        *("plda", "sessions", "clustering", "calibration", "confidence", "counts")
    }
    diarizer = Diarizer(encoder=load_encoder(model))
    clusterer = diarizer.postprocessing.subsegment_clusterer
    assert isinstance(clusterer, CountingClusterer)
    fitted = read_count_model(folder / "counts" / f"{fingerprint}.json")
    assert clusterer.counts == fitted != UNWEIGHED
    card = json.loads((folder / "counts" / f"{fingerprint}.json").read_text())
    assert (card["encoder"], card["sessions"]) == (fingerprint, 2) and card["pieces"] > 10
    settings = load_space_settings(fingerprint)
    assert diarizer.config.linking.known_similarity == settings.known_similarity
    calibration = default_calibration(fingerprint)
    assert calibration is not None
    similarity = (2.0 - calibration.offset) / calibration.scale
    assert settings.known_similarity == pytest.approx(similarity, abs=1e-3)
    stored = json.loads((folder / "confidence" / f"{fingerprint}.json").read_text())
    assert load_defaults(fingerprint).calibration.bias == stored["bias"]


def test_an_encoder_without_frames_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["local-tdnn", "--data", "nowhere"]) == 1
    assert "whose frames can be pooled, got LocalEncoder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--sets", "made", "nowhere"], "nowhere: no such folder; check --data and --sets"),
        (["--sets", "made", "--count-sessions", "0"], "`count_sessions` must be a whole number"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_computed(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    told: str,
) -> None:
    monkeypatch.setattr(command, "PooledEncoder", SimpleNamespace)
    monkeypatch.setattr(command, "load_encoder", lambda _: SimpleNamespace())
    assert command.main(["model", "--data", str(data), *options]) == 1
    assert told in capsys.readouterr().err


def test_the_defaults_are_what_the_recipe_says() -> None:
    rooms = command.Settings("model", Path("data")).rooms
    assert (rooms.groups, rooms.rooms, RoomSettings().groups) == (40, 2, 45)
