"""The cohort that ships: whose it is, what is in it, and what it tells of a channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import diarspk
from diarspk.checkpoints.checkpoint import write_checkpoint
from diarspk.errors import ModelError
from diarspk.verification import cohort
from diarspk.verification.cohort import Cohort, load_cohort


def test_the_cohort_of_the_embedded_encoder() -> None:
    encoder = diarspk.load_encoder()
    found = load_cohort(encoder.fingerprint)
    assert found is not None and found.vectors.dtype == np.float32
    assert found.vectors.shape == (800, encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=2e-3)
    # The same people in the same order, and the voices of telephones are like each other.
    own = np.sum(found.recorded * found.by_telephone, axis=1).mean()
    assert own > 0.1 + (found.recorded @ found.by_telephone.T).mean()
    alike = [(side @ side.T).mean() for side in (found.by_telephone, found.recorded)]
    assert alike[0] > alike[1] + 0.1
    told = [
        np.mean([found.is_telephone(vector) for vector in side])
        for side in (found.by_telephone, found.recorded)
    ]
    assert told[0] > 0.95 and told[1] < 0.05


def test_a_telephone_is_told_whoever_talks() -> None:
    people = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    line = np.zeros(8, np.float32)
    line[0] = 10
    found = Cohort(people, people + line)
    assert [found.is_telephone(row) for row in (people[0], people[1] + line)] == [False, True]


def test_another_encoder_has_none() -> None:
    assert load_cohort("another") is None


def test_a_file_without_vectors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cohorts").mkdir()
    write_checkpoint(tmp_path / "cohorts" / "abc.json", {"recorded": torch.ones(2, 3)}, {})
    monkeypatch.setattr(cohort, "asset_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match=r"abc\.json: has no 'by_telephone'"):
        load_cohort("abc")
