"""Progress of a batch: bars on a terminal, nothing in a pipe."""

from __future__ import annotations

import io

import pytest

from diarspk.cli.batch_progress import BarProgress, batch_progress
from tests.diarspk.cli.test_terminal import Terminal


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO(), False), (Terminal(), True)])
def test_nothing_is_shown_in_a_pipe_or_when_quiet(
    stream: io.StringIO, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with batch_progress(quiet, 3, 100) as progress:
        assert progress.follow("a") is None
        progress.done(50)
        progress.skip(50)
    assert stream.getvalue() == ""


def test_a_bar_over_all_recordings_has_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    now = 0.0
    with batch_progress(False, 4, 1000) as progress:
        assert isinstance(progress, BarProgress)
        progress.bars.get_time = lambda: now
        progress.skip(200)
        for step in range(3):  # 100 bytes in an hour each: 500 of 800 are left
            now = 3600.0 * step
            progress.done(100)
        report = progress.follow("a [b]")
        report("segmentation", 0.5)
        whole = progress.bars.tasks[progress.all]
        assert (whole.completed, whole.total) == (300, 800)
        assert whole.time_remaining == pytest.approx(5 * 3600)
    assert "3 of 3 recordings" in stream.getvalue()
    assert "a [b]: segmentation" in stream.getvalue()
