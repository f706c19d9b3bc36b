"""A tiny model behind a server, and voices for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from diarspk.server import Limits, ServerSettings, SpeechEngine
from diarspk.server.thread_warnings import collecting_warnings
from tests.diarspk.server.running_server import RunningServer, running
from tests.tiny_model import write_tiny_model, write_voices

Serve = Callable[..., AbstractContextManager[RunningServer]]


@pytest.fixture(autouse=True)
def _warnings_of_threads() -> Iterator[None]:
    """As in the lifespan of a server, whose filters pytest undoes for each test."""
    with collecting_warnings():
        yield


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Card of a tiny model."""
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def engine(card: Path) -> SpeechEngine:
    """The tiny model, loaded once."""
    return SpeechEngine.load(card)


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Three recordings of each of three speakers."""
    return write_voices(tmp_path_factory.mktemp("voices"))


@pytest.fixture
def serve(engine: SpeechEngine, tmp_path: Path) -> Serve:
    """Call that runs a server with limits and settings by name, in a folder of this test."""

    def start(
        limits: Limits | None = None, engine: SpeechEngine = engine, **settings: Any
    ) -> AbstractContextManager[RunningServer]:
        folder = settings.pop("data", tmp_path / "data")
        return running(ServerSettings(folder, limits or Limits(), **settings), engine)

    return start


@pytest.fixture(scope="module")
def server(
    engine: SpeechEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server with the default settings."""
    with running(ServerSettings(tmp_path_factory.mktemp("data")), engine) as one:
        yield one
