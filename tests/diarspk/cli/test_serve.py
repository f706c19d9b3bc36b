"""``diarspk serve`` before it serves; the server itself is tested in tests/diarspk/server."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from diarspk.server.keys import ENVIRONMENT
from tests.diarspk.cli.conftest import Run


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the user's state, and no keys in the environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    return tmp_path / "state" / "diarspk"


def test_an_address_that_others_reach_needs_keys(run: Run, state: Path) -> None:
    done = run("serve", "--host", "0.0.0.0", "--port", 0)
    assert done.exit_code == 2
    assert "or --no-keys" in done.stderr
    assert not state.exists()


def test_the_address_of_a_proxy_must_be_one(run: Run) -> None:
    for wrong in (
        "diarize.example",
        "ftp://diarize.example",
        "https://",
        "https://[",
        "https://a/?b",
    ):
        done = run("serve", "--public-url", wrong, "--port", 0)
        assert (done.exit_code, wrong) == (2, wrong)


def test_keys_and_no_keys_contradict_each_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "a-key-of-sixteen-characters")
    assert run("serve", "--no-keys", "--port", 0).exit_code == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--keys", "none.txt"], "none.txt: cannot be read"),
        (["--encoder", "none", "--port", "0"], "`name` must be a known model"),
        (["--gallery", "none", "--port", "0"], "none: no gallery"),
        (["--clusterer", "none", "--port", "0"], "must be one of"),
        (["--host", "no host", "--no-keys"], "cannot be served on"),
    ],
)
def test_a_fault_is_one_line(run: Run, options: list[str], told: str) -> None:
    done = run("serve", *options)
    assert done.exit_code == 1
    assert told in done.stderr
    assert (done.stderr.count("\n"), done.stdout) == (1, "")


def test_a_port_that_is_taken_is_told_before_a_model_is_loaded(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", port)
    assert done.exit_code == 1
    assert f"127.0.0.1:{port} cannot be served on" in done.stderr
    assert "give another --port" in done.stderr


def test_the_diarizer_is_chosen_as_by_diarize(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def note(
        settings: object, bound: socket.socket, models: dict[str, object], quiet: bool
    ) -> None:
        bound.close()
        asked.update(models)

    monkeypatch.setattr("diarspk.cli.serve._serve", note)
    config = {"threshold": 0.3, "clusterer": "agglomerative", "segmentation": "silero"}
    options = [word for name, value in config.items() for word in (f"--{name}", value)]
    assert run("serve", "--port", 0, "--preset", "accurate", *options).exit_code == 0
    assert {name: asked[name] for name in config} == config
    assert asked["encoder"] == "accurate"
    for wrong in (["--preset", "none"], ["--preset", "accurate", "--encoder", "x"]):
        assert run("serve", "--port", 0, *wrong).exit_code == 2
        assert run("mcp", "--allow", ".", *wrong).exit_code == 2


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [(["serve"], "fastapi", "server"), (["mcp", "--allow", "."], "mcp.server.mcpserver", "mcp")],
)
def test_without_its_extra_a_command_says_what_to_install(
    run: Run, command: list[str], package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.startswith(("diarspk.server", "diarspk.mcp"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    done = run(*command)
    assert done.exit_code == 1
    assert f"install diarspk[{extra}]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from diarspk.cli import threads

    given: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    monkeypatch.setattr(threads, "count_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for workers in (1, 3, 20):
        threads.share_threads(workers)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads.share_threads(1)
    assert given == [8, 2, 1]
