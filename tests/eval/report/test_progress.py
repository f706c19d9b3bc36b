"""The bar of long protocols: on a terminal only."""

from io import StringIO

import pytest
from rich.console import Console

from eval.report import progress


def test_a_pipe_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.follow(range(3), "counting")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = StringIO()

    def terminal(*, stderr: bool) -> Console:
        assert stderr
        return Console(file=screen, force_terminal=True, width=80)

    monkeypatch.setattr(progress, "Console", terminal)
    assert list(progress.follow(["a", "b"], "reading")) == ["a", "b"]
    assert "reading" in screen.getvalue() and "100%" in screen.getvalue()
    assert capsys.readouterr() == ("", "")
