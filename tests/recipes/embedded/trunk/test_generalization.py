"""What an encoder knows of voices that it was trained on, and of others."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from diarspk.encoders import SpeakerNetwork
from recipes.embedded.data.pool import read_pool
from recipes.embedded.trunk.generalization import (
    Voices,
    agreement,
    dev_voices,
    fit_map,
    split_voices,
    training_voices,
)
from tests.recipes.embedded.small_model import SMALL
from tests.recipes.synthetic_voices import eight_talkers

unit = torch.nn.functional.normalize


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Eight talkers as training speech, the same as dev speech, and a vector of each utterance."""
    folder = tmp_path_factory.mktemp("packed")
    for name in ("train", "dev"):
        eight_talkers(folder / name)
    names = sorted(set(read_pool(folder / "train").utterance))
    vectors = np.random.default_rng(0).normal(size=(len(names), 6)).astype(np.float16)
    np.savez(
        folder / "train" / "teacher.npz",
        utterance=[*names, names[0]],
        speed=["recorded"] * len(names) + ["slow"],
        vector=np.concatenate([vectors, np.zeros((1, 6), np.float16)]),
    )
    return folder


def test_a_map_follows_a_linear_teacher_and_no_other():
    generator = torch.Generator().manual_seed(0)
    embeddings = unit(torch.randn(600, 8, generator=generator), dim=-1)
    turn, _ = torch.linalg.qr(torch.randn(8, 8, generator=generator))
    mapping = fit_map(embeddings[:300], embeddings[:300] @ turn)
    distance, correlation = agreement(embeddings[300:], embeddings[300:] @ turn, mapping)
    assert distance < 0.01 and correlation == pytest.approx(1.0, abs=1e-5)
    strange = unit(torch.randn(300, 8, generator=generator), dim=-1)
    distance, correlation = agreement(embeddings[300:], strange, mapping)
    assert distance > 0.8 and abs(correlation) < 0.05


def test_voices_are_recordings_with_the_teachers_vectors(packed):
    pool = read_pool(packed / "train")
    speakers = {name: name.split("-")[0] for name in pool.utterance if not name.startswith("3-")}
    voices = training_voices(packed, speakers, frames=100)
    assert {pool.variant[row] for row in voices.rows} == {"recorded"}
    assert {speakers[pool.utterance[row]] for row in voices.rows} == set("0124567")
    assert (pool.frames[voices.rows] >= 100).all()
    torch.testing.assert_close(voices.teacher.norm(dim=1), torch.ones(len(voices.rows)))
    first, second = split_voices(voices, speakers, seed=0)
    owners = [{speakers[pool.utterance[row]] for row in half.rows} for half in (first, second)]
    assert not owners[0] & owners[1] and len(owners[0]) == 3
    assert len(first.rows) + len(second.rows) == len(voices.rows)
    few = voices.sample(3, seed=1)
    for row, vector in zip(few.rows, few.teacher, strict=True):
        assert torch.equal(vector, voices.teacher[int(np.flatnonzero(voices.rows == row)[0])])
    assert len(set(few.rows.tolist())) == 3 and len(voices.sample(99, seed=1).rows) == len(
        voices.rows
    )
    row = int(np.flatnonzero(voices.rows == second.rows[0])[0])
    assert torch.equal(second.teacher[0], voices.teacher[row])


def test_dev_voices_are_embedded_by_the_teacher_once(packed, monkeypatch, tmp_path):
    from recipes.embedded.trunk import generalization as module

    pool = read_pool(packed / "dev")
    audio = {name: np.full(400 + number, 0.1) for number, name in enumerate(pool.utterance)}

    class Teacher:
        calls = 0

        def forward(self, waveforms):
            Teacher.calls += 1
            return [SimpleNamespace(vector=torch.tensor([len(one), 1.0])) for one in waveforms]

    monkeypatch.setattr(module, "load_teacher", Teacher)
    monkeypatch.setattr(module, "read_shard", lambda path: iter(audio.items()))
    voices = dev_voices(tmp_path, packed, frames=100)
    assert (pool.frames[voices.rows] >= 100).all()
    expected = torch.tensor([[len(audio[pool.utterance[row]]), 1.0] for row in voices.rows])
    torch.testing.assert_close(voices.teacher, unit(expected, dim=-1), atol=1e-3, rtol=0)
    calls = Teacher.calls
    dev_voices(tmp_path, packed, frames=100)
    assert Teacher.calls == calls


def test_embeddings_do_not_depend_on_the_level(packed):
    pool = read_pool(packed / "dev")
    torch.manual_seed(0)
    network = SpeakerNetwork(SMALL).eval()
    rows = np.arange(5)
    vectors = Voices(pool, rows, torch.zeros(5, 2)).embed(network, 0.5, seed=0)
    louder = read_pool(packed / "dev")
    louder.features[:] += 2.0
    again = Voices(louder, rows, torch.zeros(5, 2)).embed(network, 0.5, seed=0)
    torch.testing.assert_close(vectors, again, atol=0.02, rtol=0)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))
