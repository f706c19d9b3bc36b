"""Numbered batches are shared out, and none is drawn twice."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from recipes.training.sharing import EVERYTHING, Share, share_of_process  # noqa: E402


def test_shares_make_up_everything() -> None:
    shares = [list(Share(first, 3, 10)) for first in range(3)]
    assert sorted(number for share in shares for number in share) == list(range(10))
    assert list(islice(EVERYTHING, 4)) == [0, 1, 2, 3]


def test_each_process_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tmp_path / "last.ckpt"
    torch.save({"global_step": 10}, checkpoint)
    threads = torch.get_num_threads()
    try:
        assert share_of_process(1, None) == EVERYTHING
        assert share_of_process(1, checkpoint) == Share(10)
        monkeypatch.setenv("LOCAL_RANK", "1")
        assert share_of_process(2, None) == Share(1, 2)
        assert share_of_process(2, checkpoint) == Share(21, 2)
    finally:
        torch.set_num_threads(threads)
