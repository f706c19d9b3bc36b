"""The comparison of nearest-neighbour libraries, on few vectors."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from eval.verification import vector_search
from eval.verification.drawn_vectors import speaker_vectors
from eval.verification.vector_search import SearchCost


def test_vectors_are_like_those_of_speakers() -> None:
    rows, queries = speaker_vectors(1000, np.random.default_rng(0))
    assert rows.shape == (1000, 192) and queries.shape == (50, 192)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    people = rows.reshape(200, 5, 192)
    same = (people[:, 0] * people[:, 1]).sum(1).mean()
    other = (people[:-1, 0] * people[1:, 0]).sum(1).mean()
    assert same > 0.4 > 0.1 > abs(other)
    assert np.mean((rows @ queries.T).max(0)) > 0.4  # a query is of somebody among them


def test_installed_libraries_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in vector_search.THREAD_LIMITS:
        monkeypatch.setenv(name, "1")
    file = tmp_path / "costs.json"
    indexes = ["--indexes", "numpy", "faiss SQ8", "usearch i8"]
    sizes = ["--entries", "400", "--limit", "60", "--folder", str(tmp_path)]
    assert vector_search.main([*indexes, *sizes, "--json", str(file)]) == 0
    printed = capsys.readouterr()
    costs = [SearchCost(**cost) for cost in json.loads(file.read_text())["results"]]
    expected = ["numpy"]
    for name, package in (("faiss SQ8", "faiss"), ("usearch i8", "usearch")):
        if importlib.util.find_spec(package) is not None:
            expected.append(name)
        else:
            assert f"{name}: " in printed.err and "is not installed" in printed.err
    assert [cost.index for cost in costs] == expected
    for cost in costs:
        assert cost.recall == 1.0
        assert cost.add_s is not None and cost.remove_s is not None and cost.disk_mb is not None
        assert f"| {cost.index} " in printed.out
