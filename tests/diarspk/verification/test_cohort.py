"""The cohort that ships: whose it is, and what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import diarspk
from diarspk.checkpoints.checkpoint import write_checkpoint
from diarspk.errors import ModelError
from diarspk.verification import cohort
from diarspk.verification.cohort import load_cohort


def test_the_cohort_of_the_embedded_encoder() -> None:
    encoder = diarspk.load_encoder()
    vectors = load_cohort(encoder.fingerprint)
    assert vectors is not None and vectors.dtype == np.float32
    assert vectors.shape == (800, encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)
    recorded, by_telephone = vectors[:400], vectors[400:]
    # The same people in the same order, and the voices of telephones are like each other.
    assert np.sum(recorded * by_telephone, axis=1).mean() > 0.3
    assert (by_telephone @ by_telephone.T).mean() > (recorded @ recorded.T).mean() + 0.1


def test_another_encoder_has_none() -> None:
    assert load_cohort("another") is None


def test_a_file_without_vectors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cohorts").mkdir()
    write_checkpoint(tmp_path / "cohorts" / "abc.json", {"rows": torch.ones(2, 3)}, {})
    monkeypatch.setattr(cohort, "asset_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match=r"abc\.json: has no vectors"):
        load_cohort("abc")
