"""The tools of assistants, called by the client of the official SDK."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from diarspk.cli import app
from diarspk.errors import ArgumentError
from diarspk.mcp_server import AllowedFolders, ToolContext, create_mcp_server
from diarspk.server import SpeechEngine
from diarspk.server.thread_warnings import collecting_warnings
from tests.diarspk.server.test_openai import WORDS
from tests.paths import ROOT
from tests.tiny_model import write_tiny_model, write_voices

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def engine(card: Path) -> SpeechEngine:
    return SpeechEngine.load(card)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Allowed folder with recordings, beside what is not allowed."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    write_voices(allowed)
    (allowed / "words.json").write_text(json.dumps(WORDS))
    soundfile.write(tmp_path / "secret.wav", np.zeros(16000, np.float32), 16000)
    (allowed / "link.wav").symlink_to(tmp_path / "secret.wav")
    return allowed


@pytest.fixture
def call(folder: Path, engine: SpeechEngine) -> Call:
    """Call of a tool with its arguments by name."""
    from mcp import Client

    server = create_mcp_server(ToolContext(AllowedFolders.of([folder]), engine))

    def run(tool: str, **arguments: Any) -> Any:
        async def ask() -> Any:
            async with Client(server) as client:
                return await client.call_tool(tool, arguments)

        return asyncio.run(ask())

    return run


def answer(result: Any) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


def test_the_tools_are_listed_with_their_arguments(folder: Path, engine: SpeechEngine) -> None:
    from mcp import Client

    async def ask() -> Any:
        async with Client(
            create_mcp_server(ToolContext(AllowedFolders.of([folder]), engine))
        ) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(ask())}
    assert sorted(tools) == ["diarize", "extract", "identify", "transcript"]
    assert tools["identify"].input_schema["required"] == ["path", "references"]
    assert set(tools["extract"].input_schema["required"]) == {"path", "enrolment", "output"}
    assert "who speaks when" in tools["diarize"].description


def test_a_recording_is_diarized(call: Call, folder: Path) -> None:
    for path in ("ann0.wav", str(folder / "ann0.wav")):
        found = answer(call("diarize", path=path, num_speakers=1))
        assert found["duration_s"] == 3.0
        assert [turn["speaker"] for turn in found["turns"]] == ["SPEAKER_00"]
        assert found["speakers"][0]["seconds"] > 1


def test_people_are_identified_by_recordings_of_them(call: Call) -> None:
    references = {"Ann": "ann1.wav", "Ben": "ben1.wav"}
    found = answer(call("identify", path="ben0.wav", references=references))
    assert {turn["speaker"] for turn in found["turns"]} == {"Ben"}
    assert found["confidence_percent"]["Ben"]["Ben"] > 50
    found = answer(call("identify", path="eve0.wav", references={"Ann": "ann1.wav"}))
    assert {turn["speaker"] for turn in found["turns"]} == {"SPEAKER_00"}


def test_words_get_their_speakers(call: Call) -> None:
    told = call("transcript", path="ann0.wav", words="words.json")
    assert told.content[0].text == "SPEAKER_00: Hello there.\n"
    told = call("transcript", path="ann0.wav")
    assert told.is_error
    assert "this server has no recogniser" in told.content[0].text


def test_a_voice_is_extracted_into_a_new_file(call: Call, folder: Path) -> None:
    arguments: dict[str, Any] = {"path": "ann0.wav", "enrolment": ["ann1.wav"]}
    with collecting_warnings():  # as the command does
        told = call("extract", output="voice.wav", **arguments)
    assert not told.is_error, told.content
    assert "voice.wav; " in told.content[0].text
    assert "ann1.wav: no speech was found in it" in told.content[0].text  # tones are no voice
    assert soundfile.info(folder / "voice.wav").frames == 48000
    for output, why in (("voice.wav", "exists already"), ("voice.mp3", "must end in .wav")):
        told = call("extract", output=output, **arguments)
        assert told.is_error
        assert why in told.content[0].text


@pytest.mark.parametrize(
    "path",
    ["../secret.wav", "link.wav", "/etc/passwd", "none.wav", ".", "a\0b", "x/../../secret.wav"],
)
def test_nothing_outside_of_the_allowed_folders_is_read(
    call: Call, folder: Path, path: str
) -> None:
    for arguments in (
        {"path": path},
        {"path": str(folder.parent / "allowed" / path)},
    ):
        told = call("diarize", **arguments)
        assert told.is_error
        assert "allowed folders" in told.content[0].text or "null" in told.content[0].text
    told = call("identify", path="ann0.wav", references={"Ann": path})
    assert told.is_error
    told = call("transcript", path="ann0.wav", words=path)
    assert told.is_error


@pytest.mark.parametrize("path", ["../new.wav", "/tmp/new.wav", "no/new.wav", "link/new.wav"])
def test_nothing_outside_of_the_allowed_folders_is_written(
    call: Call, folder: Path, path: str
) -> None:
    (folder / "link").symlink_to(folder.parent)
    before = sorted(folder.parent.iterdir())
    told = call("extract", path="ann0.wav", enrolment=["ann1.wav"], output=path)
    assert told.is_error
    assert "not in the allowed folders" in told.content[0].text
    assert sorted(folder.parent.iterdir()) == before


def test_what_is_no_audio_is_told_to_the_assistant(call: Call) -> None:
    told = call("diarize", path="words.json")
    assert told.is_error
    assert "words.json: not audio" in told.content[0].text


def test_folders_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no such folder"):
        AllowedFolders.of([tmp_path / "none"])
    with pytest.raises(ArgumentError, match="one folder at least"):
        AllowedFolders.of([])
    done = CliRunner().invoke(app, ["mcp", "--allow", str(tmp_path / "none")])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "no such folder" in done.stderr
    assert CliRunner().invoke(app, ["mcp"]).exit_code == 2


@pytest.mark.slow
def test_the_command_speaks_over_stdin_and_stdout(folder: Path, card: Path) -> None:
    from mcp import Client, StdioServerParameters

    start = StdioServerParameters(
        command=sys.executable,
        args=[
            *("-c", "from diarspk.cli import main; main()"),
            *("mcp", "--allow", str(folder), "--encoder", str(card)),
        ],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"},
    )

    async def ask() -> Any:
        async with Client(start) as client:
            return await client.call_tool("diarize", {"path": "ann0.wav"})

    assert answer(asyncio.run(ask()))["turns"]
