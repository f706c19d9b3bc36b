"""``diarspk align`` on embeddings that a rotation relates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import Result

Run = Callable[..., Result]

FILES = np.array([f"{number}.wav" for number in range(30)])
ROWS = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
TURN = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0].astype(np.float32)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write embeddings as ``diarspk embed -o`` does, in some order of the files."""

    def write(
        name: str, vectors: NDArray[np.float32], fingerprint: str, order: object = slice(None)
    ) -> Path:
        np.savez(
            tmp_path / name,
            vectors=vectors[order],
            files=FILES[order],
            spans=np.tile([0.0, 2.0], (30, 1)),
            model=np.array(name),
            fingerprint=np.array(fingerprint),
        )
        return tmp_path / name

    return write


@pytest.fixture
def pair(save: Callable[..., Path]) -> tuple[Path, Path]:
    """Embeddings of the same recordings by an old and by a new encoder."""
    order = np.random.default_rng(2).permutation(30)
    return save("a.npz", ROWS, "old"), save("b.npz", ROWS @ TURN, "new", order)


def test_a_fitted_alignment_maps_one_space_into_the_other(
    run: Run, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    alignment, output = tmp_path / "map.json", tmp_path / "c.npz"
    fitted = run("align", "fit", *pair, "--method", "procrustes-m2", "-o", alignment)
    assert (fitted.exit_code, fitted.stdout) == (0, "")
    assert "30 pairs" in fitted.stderr
    assert run("align", "apply", alignment, pair[0], "-o", output).exit_code == 0
    with np.load(output) as mapped:
        expected = ROWS @ TURN / np.linalg.norm(ROWS, axis=1, keepdims=True)
        np.testing.assert_allclose(mapped["vectors"], expected, atol=1e-4)
        assert mapped["fingerprint"] == "new"


def test_embeddings_of_a_third_encoder_are_refused(
    run: Run, tmp_path: Path, pair: tuple[Path, Path], save: Callable[..., Path]
) -> None:
    alignment = tmp_path / "map.json"
    run("align", "fit", *pair, "--method", "procrustes-m2", "-o", alignment)
    third = save("d.npz", ROWS, "third")
    refused = run("align", "apply", alignment, third, "-o", tmp_path / "e.npz")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "got third" in refused.stderr


def test_speakers_are_read_from_a_table(run: Run, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    table = tmp_path / "speakers.tsv"
    table.write_text("".join(f"{file}\t{number % 6}\n" for number, file in enumerate(FILES)))
    options = ["--method", "logits", "-o", tmp_path / "l.json", "--speakers", table]
    assert run("align", "fit", *pair, *options).exit_code == 0
    table.write_text("0.wav\tanna\n")
    partly = run("align", "fit", *pair, *options)
    assert partly.exit_code == 1
    assert "must name who speaks in 1.wav" in partly.stderr
