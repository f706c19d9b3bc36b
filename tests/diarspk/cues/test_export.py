"""Exported files, read again as the loaders of the systems read them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from diarspk.cues.export import References, export_cue, read_references
from diarspk.cues.export.layouts import read_latents, read_speaker_info
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, ModelError
from diarspk.verification.alignment import SpaceMap


def references(dimension: int, count: int = 3, fingerprint: str = "fp") -> References:
    random = np.random.default_rng(0)
    rows = random.normal(size=dimension) + 0.2 * random.normal(size=(count, dimension))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    files = tuple(f"clips/{number}.wav" for number in range(count))
    return References("ann", Space(fingerprint, dimension, "toy"), files, rows)


def mean(given: References) -> np.ndarray:
    total = given.vectors.astype(np.float64).mean(0)
    return total / np.linalg.norm(total)


@pytest.mark.parametrize("name", ["speakers.pth", "speakers.json"])
def test_coqui_groups_clips_by_name_and_averages_them(tmp_path: Path, name: str) -> None:
    given, file = references(512), tmp_path / name
    export_cue("coqui", given, file, trained_on="fp")
    if file.suffix == ".json":
        embeddings = json.loads(file.read_text())
    else:
        embeddings = torch.load(file, map_location="cpu", weights_only=True)
    by_name: dict[str, list[list[float]]] = {}
    for entry in embeddings.values():
        by_name.setdefault(entry["name"], []).append(entry["embedding"])
    assert list(embeddings) == list(given.files)
    np.testing.assert_allclose(np.stack(by_name["ann"]), given.vectors, atol=1e-6)
    averaged = np.stack(by_name["ann"]).mean(0)
    np.testing.assert_allclose(averaged / np.linalg.norm(averaged), mean(given), atol=1e-6)


def test_xtts_gets_latents_and_a_vector_with_three_axes(tmp_path: Path) -> None:
    given, latents = references(512), np.ones((1, 32, 1024), np.float32)
    export_cue("xtts", given, tmp_path / "ann.pth", trained_on="fp", latents=latents)
    voice = torch.load(tmp_path / "ann.pth", map_location="cpu", weights_only=True)
    assert voice["gpt_conditioning_latents"].shape == (1, 32, 1024)
    assert voice["speaker_embedding"].shape == (1, 512, 1)
    np.testing.assert_allclose(voice["speaker_embedding"][0, :, 0], mean(given), atol=1e-6)
    with pytest.raises(ArgumentError, match="get_conditioning_latents"):
        export_cue("xtts", given, tmp_path / "other.pth", trained_on="fp")
    assert not (tmp_path / "other.pth").exists()


@pytest.mark.parametrize("path", ["out", "out/spk2embedding.pt"])
def test_cosyvoice_reads_lists_by_speaker_and_by_clip(tmp_path: Path, path: str) -> None:
    given = references(192)
    export_cue("cosyvoice", given, tmp_path / path, trained_on="fp")
    speakers = torch.load(tmp_path / "out" / "spk2embedding.pt", weights_only=True)
    clips = torch.load(tmp_path / "out" / "utt2embedding.pt", weights_only=True)
    # Its data loader makes a tensor of the list and normalises it.
    vector = torch.nn.functional.normalize(torch.tensor(speakers["ann"]), dim=0)
    np.testing.assert_allclose(vector, mean(given), atol=1e-6)
    assert sorted(clips) == ["0", "1", "2"]
    np.testing.assert_allclose(torch.tensor(clips["1"]), given.vectors[1], atol=1e-6)


def test_cosyvoice_synthesizes_with_the_speakers_of_its_file(tmp_path: Path) -> None:
    file, given = tmp_path / "spk2info.pt", references(192)
    prompt = {"llm_embedding": torch.zeros(1, 192), "flow_embedding": torch.zeros(1, 192)}
    ann = {**prompt, "prompt_text": torch.tensor([[1, 2]])}
    torch.save({"ann": ann, "bob": {"embedding": torch.ones(1, 192)}}, file)
    export_cue("cosyvoice", given, file, trained_on="fp")
    speakers = torch.load(file, weights_only=True)  # as its frontend does, if unrestrictedly
    assert list(speakers) == ["ann", "bob"]
    for name in ("embedding", "llm_embedding", "flow_embedding"):
        assert speakers["ann"][name].shape == (1, 192)
        np.testing.assert_allclose(speakers["ann"][name][0], mean(given), atol=1e-6)
    assert speakers["ann"]["prompt_text"].tolist() == [[1, 2]]
    assert torch.equal(speakers["bob"]["embedding"], torch.ones(1, 192))
    assert sorted(read_speaker_info(file)) == ["ann", "bob"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (Path("x"), "holds pickled code, which is never run"),
        ([1, 2], "must hold a dictionary for each speaker"),
        (None, "cannot be read as speakers"),
    ],
)
def test_a_file_of_speakers_that_is_none_stays(tmp_path: Path, content: object, fault: str) -> None:
    file = tmp_path / "spk2info.pt"
    if content is None:
        file.write_bytes(b"PK\x03\x04 no archive")
    else:
        torch.save(content, file)
    before = file.read_bytes()
    with pytest.raises(ArgumentError, match=fault):
        export_cue("cosyvoice", references(192), file, trained_on="fp")
    assert file.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", [".pt", ".npy"])
def test_speecht5_reads_one_row(tmp_path: Path, suffix: str) -> None:
    given, file = references(512), tmp_path / f"ann{suffix}"
    export_cue("speecht5", given, file, trained_on="fp")
    if suffix == ".npy":
        row = torch.tensor(np.load(file, allow_pickle=False))
    else:
        row = torch.load(file, weights_only=True)
    assert (row.shape, row.dtype) == ((1, 512), torch.float32)
    np.testing.assert_allclose(row[0], mean(given), atol=1e-6)


def test_nemo_and_numpy_read_a_vector(tmp_path: Path) -> None:
    given = references(192)
    export_cue("nemo", given, tmp_path / "a.npy", trained_on="fp")
    export_cue("numpy", given, tmp_path / "b.npy")
    export_cue("numpy", given, tmp_path / "c.npz")
    for name in ("a.npy", "b.npy"):
        np.testing.assert_allclose(np.load(tmp_path / name), mean(given), atol=1e-6)
    with np.load(tmp_path / "c.npz", allow_pickle=False) as saved:
        np.testing.assert_allclose(saved["vector"], mean(given), atol=1e-6)
        assert saved["fingerprint"] == "fp"
        assert saved["files"].tolist() == list(given.files)


def test_an_equal_dimension_is_not_an_equal_space(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="an equal dimension does not"):
        export_cue("cosyvoice", references(192), tmp_path / "out")
    with pytest.raises(ModelError, match="trained on fingerprint other, got 'toy', fingerprint fp"):
        export_cue("cosyvoice", references(192), tmp_path / "out", trained_on="other")
    with pytest.raises(ModelError, match="dimension 512 from its H/ASP"):
        export_cue("coqui", references(192), tmp_path / "a.json", trained_on="fp")
    assert not list(tmp_path.rglob("*"))


def test_the_very_encoder_of_a_system_needs_no_other_word(tmp_path: Path) -> None:
    given = references(512)
    named = References(
        "ann", Space("x", 512, "speechbrain/spkrec-xvect-voxceleb"), given.files, given.vectors
    )
    export_cue("speecht5", named, tmp_path / "a.npy")
    with pytest.raises(ModelError, match="nothing says"):
        export_cue("coqui", named, tmp_path / "a.json")


def test_an_alignment_takes_the_vectors_to_the_space_of_the_system(tmp_path: Path) -> None:
    given = references(192)
    mapping = SpaceMap(given.space, Space("theirs", 512), lambda rows: np.tile(rows, 3)[:, :512])
    card = export_cue("coqui", given.mapped(mapping), tmp_path / "a.json", trained_on="theirs")
    assert (card.fingerprint, card.dimension) == ("theirs", 512)


def test_the_card_beside_names_space_files_and_outliers(tmp_path: Path) -> None:
    given = references(192, 6)
    vectors = given.vectors.copy()
    vectors[4] = -vectors[4]
    odd = References("ann", given.space, given.files, vectors)
    card = export_cue("numpy", odd, tmp_path / "a.npy")
    assert card.outliers == ("clips/4.wav",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "a.npy.card.json"]
    stored = json.loads((tmp_path / "a.npy.card.json").read_text())
    assert (stored["fingerprint"], stored["outliers"]) == ("fp", ["clips/4.wav"])
    digest = hashlib.sha256((tmp_path / "a.npy").read_bytes()).hexdigest()
    assert stored["files"] == {"a.npy": digest}
    assert odd.without_outliers().files == tuple(f for f in given.files if f != "clips/4.wav")


@pytest.mark.parametrize(
    ("target", "name", "fault"),
    [("coqui", "a.npy", ".pth or .json"), ("nope", "a.npy", "among"), ("nemo", "a", ".npy")],
)
def test_wrong_names(tmp_path: Path, target: str, name: str, fault: str) -> None:
    with pytest.raises(ArgumentError, match=fault):
        export_cue(target, references(192), tmp_path / name, trained_on="fp")


def test_clips_of_one_name_would_overwrite_each_other(tmp_path: Path) -> None:
    given = references(192, 2)
    same = References("ann", given.space, ("a/x.wav", "b/x.wav"), given.vectors)
    with pytest.raises(ArgumentError, match="differ in their names"):
        export_cue("cosyvoice", same, tmp_path / "out", trained_on="fp")
    assert not list((tmp_path / "out").glob("*"))


def test_latents_are_read_and_checked(tmp_path: Path) -> None:
    good = np.ones((1, 4, 1024), np.float32)
    np.save(tmp_path / "a.npy", good)
    torch.save(torch.from_numpy(good), tmp_path / "a.pt")
    for name in ("a.npy", "a.pt"):
        np.testing.assert_array_equal(read_latents(tmp_path / name), good)
    np.save(tmp_path / "b.npy", good[0])
    with pytest.raises(ArgumentError, match=r"\(1, T, 1024\), got \(4, 1024\)"):
        read_latents(tmp_path / "b.npy")
    with pytest.raises(ArgumentError, match="no latents"):
        read_latents(tmp_path / "missing.npy")


class LoudnessEncoder:
    fingerprint, dimension, space = "loud", 2, Space("loud", 2)

    def embed(self, audio: str) -> np.ndarray:
        level = float(np.abs(soundfile.read(audio)[0]).mean())
        return np.array([level, 0.5], np.float32)


def test_references_are_embedded_file_by_file(tmp_path: Path) -> None:
    for name, level in (("a.wav", 0.1), ("b.wav", 0.5)):
        soundfile.write(tmp_path / name, np.full(1600, level), 16000)
    files = [tmp_path / "a.wav", tmp_path / "b.wav"]
    found = read_references("ann", files, LoudnessEncoder(), "loudness")  # type: ignore[arg-type]
    assert found.space == Space("loud", 2, "loudness")
    np.testing.assert_allclose(found.vectors[:, 0] / found.vectors[:, 1], [0.2, 1], atol=1e-3)
    with pytest.raises(ArgumentError, match="different recordings"):
        read_references("ann", [files[0], files[0]], LoudnessEncoder())  # type: ignore[arg-type]
