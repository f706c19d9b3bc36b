"""Declarations of encoders, what is done to audio and vectors, and which can be loaded."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from diarspk.errors import ArgumentError, FormatError, ModelError
from eval.correlation import DEFAULT_ENCODERS, EncoderSpecification, embedding, zoo
from eval.correlation.array_cache import ArrayCache
from eval.correlation.embedding import CachedEncoder
from eval.correlation.loading import Places, describe_embedder, load_declared, why_missing
from eval.correlation.specification import read_encoders
from eval.correlation.vectors import degrade, transform
from eval.embeddings.speech import Utterance
from eval.systems import generations
from eval.systems.generations import SIXTH, read_generation

MIN_ENCODERS, MIN_ORIGINS = 24, 8


def places(folder: Path) -> Places:
    return Places(folder / "speech", folder / "encoders")


def test_the_built_in_list_has_24_encoders_of_8_origins() -> None:
    names, origins = zip(*((one.name, one.origin) for one in DEFAULT_ENCODERS), strict=True)
    assert len(set(names)) == len(names) >= MIN_ENCODERS
    assert len(set(origins)) >= MIN_ORIGINS


def test_the_declared_list(tmp_path: Path) -> None:
    path = tmp_path / "encoders.json"
    path.write_text(
        '[{"name": "a", "prefix": 20}, {"name": "b", "kind": "statistics", "source": "mfcc"}]'
    )
    assert [(one.prefix, one.origin) for one in read_encoders(path)] == [
        (20, "diarspk"),
        (None, "mfcc"),
    ]
    for text, fault in (
        ('[{"name": "a", "size": 1}]', "unknown attributes"),
        ('[{"name": "a"}, {"name": "a"}]', "names a twice"),
        ("[", "no list of encoders"),
        ('[{"name": "a", "kind": "b"}]', "no list of encoders"),
        ('[{"name": "a", "kind": "zoo", "source": "x-vector"}]', "ARCHITECTURE/STEPS"),
    ):
        path.write_text(text)
        with pytest.raises(FormatError, match=fault):
            read_encoders(path)


def test_transforms_give_unit_vectors_row_by_row() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 24)).astype(np.float32)
    for options in ({"prefix": 5}, {"projection": 8}, {"jitter": 0.7}, {}):
        encoder = EncoderSpecification("x", **options)  # type: ignore[arg-type]
        found = transform(vectors, encoder)
        assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(7), abs=1e-5)
        assert transform(vectors[3:5], encoder) == pytest.approx(found[3:5], abs=1e-6)
    assert transform(vectors, EncoderSpecification("x", prefix=5)).shape == (7, 5)


def test_degrading_does_what_it_says() -> None:
    rng = np.random.default_rng(0)
    waveform = rng.normal(size=16000).astype(np.float32)
    noisy = degrade(waveform, EncoderSpecification("x", noise_db=10.0))
    ratio = np.square(waveform).sum() / np.square(noisy - waveform).sum()
    assert 10 * np.log10(ratio) == pytest.approx(10, abs=0.3)
    spectrum = np.abs(np.fft.rfft(degrade(waveform, EncoderSpecification("x", low_pass_hz=1000))))
    assert np.square(spectrum[2000:]).sum() < 1e-3 * np.square(spectrum).sum()


@pytest.mark.parametrize(
    ("kind", "source", "dimension"),
    [("statistics", "mfcc", 39), ("statistics", "log-mel", 160), ("random", "", 192)],
)
def test_encoders_that_need_no_file_make_vectors(
    kind: Any, source: str, dimension: int, tmp_path: Path
) -> None:
    waveforms = [np.random.default_rng(n).normal(size=16000).astype(np.float32) for n in (0, 1)]
    declared = EncoderSpecification("x", kind, source, seed=1)
    assert why_missing(declared, places(tmp_path)) == ""
    first, again = (load_declared(declared, places(tmp_path))(waveforms) for _ in range(2))
    assert first.shape == (2, dimension) and np.isfinite(first).all()
    assert first == pytest.approx(again)
    assert not np.allclose(first[0], first[1])
    if kind == "statistics":  # neither knows the level
        louder = load_declared(declared, places(tmp_path))([2 * one for one in waveforms])
        assert louder == pytest.approx(first, abs=1e-3)


def test_upstreams_of_s3prl_are_statistics_too(tmp_path: Path) -> None:
    pytest.importorskip("s3prl", reason="the extra ssl")
    declared = EncoderSpecification("x", "statistics", "s3prl:fbank")
    waveform = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    assert load_declared(declared, places(tmp_path))([waveform]).shape == (1, 480)


def test_what_is_not_here_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIARSPK_ENVIRONMENTS", str(tmp_path))
    monkeypatch.setenv("DIARSPK_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(generations, "ROOT", tmp_path)
    monkeypatch.setattr(zoo, "find_spec", lambda name: None)
    for declared, reason in (
        (EncoderSpecification("a", source="resemblyzer"), "environment has not been made"),
        (EncoderSpecification("b", source=str(tmp_path / "no.json")), "no.json"),
        (EncoderSpecification("c", "generation", SIXTH), "not in the history"),
        (EncoderSpecification("d", "zoo", "x-vector/5"), "training needs lightning and lhotse"),
        (EncoderSpecification("e", "statistics", "pitch"), "must be one of mfcc, log-mel"),
        (EncoderSpecification("f", "preset", "nothing"), "no preset"),
    ):
        line = why_missing(declared, places(tmp_path))
        assert reason in line and "\n" not in line


def test_only_what_decides_on_vectors_is_in_the_key(tmp_path: Path) -> None:
    one = EncoderSpecification("a", "random", "", seed=1)
    key = describe_embedder(one, places(tmp_path))
    for other, same in (
        (EncoderSpecification("b", "random", "", origin="o", seed=1, prefix=5, jitter=1.0), True),
        (EncoderSpecification("a", "random", "", seed=2), False),
        (EncoderSpecification("a", "random", "", seed=1, noise_db=3.0), False),
    ):
        assert (describe_embedder(other, places(tmp_path)) == key) == same


def test_the_cosine_of_a_preset_is_the_weighted_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tuple(EncoderSpecification(one, "statistics", one) for one in ("mfcc", "log-mel"))
    monkeypatch.setattr(embedding, "preset_parts", lambda _: (parts, 0.3))
    rng = np.random.default_rng(0)
    said = [Utterance(f"{n}", "a", rng.normal(size=8000).astype("f4")) for n in range(2)]
    first, second, both = (
        CachedEncoder(one, places(tmp_path), ArrayCache(tmp_path / "kept")).embed_utterances(said)
        for one in (*parts, EncoderSpecification("x", "preset", "accurate"))
    )
    expected = 0.3 * first[0] @ first[1] + 0.7 * second[0] @ second[1]
    assert both[0] @ both[1] == pytest.approx(expected, abs=1e-5)


def test_another_seed_of_what_is_done_to_vectors_is_no_other_pass() -> None:
    one, other = (EncoderSpecification("x", projection=8, seed=seed) for seed in (1, 2))
    assert one.embedder == other.embedder


def test_the_sixth_generation_comes_out_of_the_history(tmp_path: Path) -> None:
    asked = ["git", "-C", str(generations.ROOT), "cat-file", "-e", f"{SIXTH}:README.md"]
    if shutil.which("git") is None or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip("this checkout has no history")
    from diarspk import load_encoder

    card = read_generation(SIXTH, tmp_path)
    assert load_encoder(card).fingerprint == "f104b05d5e34dd5e"
    written = card.stat().st_mtime_ns
    assert read_generation(SIXTH, tmp_path) == card and card.stat().st_mtime_ns == written


def test_networks_are_trained_by_the_recipe_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(words: list[str], **_: Any) -> SimpleNamespace:
        commands.append(words[2:])
        if "recipes.zoo.run" in words:
            folder = Path(words[3])
            folder.mkdir()
            (folder / "model.json").touch()
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(zoo.subprocess, "run", run)
    monkeypatch.setattr(zoo, "find_spec", lambda name: name)
    for _ in range(2):
        model = zoo.train_network("x-vector/7", tmp_path / "speech", tmp_path / "zoo")
    assert model == tmp_path / "zoo" / "x-vector-7" / "model.json"
    assert [words[0] for words in commands] == ["recipes.zoo.cuts", "recipes.zoo.run"]
    assert "--steps 7" in " ".join(commands[1]) and "--to average" in " ".join(commands[1])


def test_a_training_that_fails_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1))
    monkeypatch.setattr(zoo, "find_spec", lambda name: name)
    with pytest.raises(ModelError, match=r"recipes.zoo.cuts failed; what it said is in .*cuts.log"):
        zoo.train_network("x-vector/7", tmp_path, tmp_path / "zoo")


def test_a_network_needs_a_number_of_steps() -> None:
    with pytest.raises(ArgumentError, match="ARCHITECTURE/STEPS"):
        EncoderSpecification("x", "zoo", "x-vector/many")
