"""The server: what it answers, to whom, and what it refuses."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from diarspk.audio import open_audio
from diarspk.editing import EditedDiarization
from diarspk.editing.turn import EditableTurn
from diarspk.review import (
    Access,
    PlayableRecording,
    ReviewSession,
    create_application,
    serve_in_background,
)
from diarspk.review.analysis import Progress
from diarspk.review.events import EventStream
from diarspk.transcripts import read_transcript
from tests.diarspk.review.calls import open_address, write_call

pytest.importorskip("fastapi")
testclient = pytest.importorskip("starlette.testclient")

ACCESS = Access(8000, "token")


class Alike:
    """Analysis in which turns are the more alike, the nearer their numbers."""

    def similar(
        self, turns: Sequence[EditableTurn], number: int, *, progress: Progress | None = None
    ) -> list[tuple[int, float]]:
        others = [turn.number for turn in turns if turn.number != number]
        return sorted(((n, 1 - abs(n - number) / 10) for n in others), key=lambda one: -one[1])

    def recluster(
        self, edited: EditedDiarization, num_speakers: int, *, progress: Progress | None = None
    ) -> Any:
        fresh = edited.annotation.copy()
        return fresh.rename_labels({name: "one" for name in fresh.labels()})


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    audio = write_call(tmp_path)
    edited = EditedDiarization.of(tmp_path / "call.rttm")
    words = read_transcript(tmp_path / "words.json")
    log = tmp_path / "call.edits.jsonl"
    session = ReviewSession(edited, log, transcript=words, analysis=Alike(), notes=["quiet"])
    recording = PlayableRecording(open_audio(audio))
    recording.start()
    application = create_application(session, recording, ACCESS)
    with testclient.TestClient(application, "http://127.0.0.1:8000/token/") as client:
        yield client
    recording.close()


def post(client: Any, path: str, **fields: object) -> Any:
    return client.post(path, json={"window": "w", **fields})


def test_the_page_and_its_files_are_served_and_nothing_else(client: Any) -> None:
    page = client.get("")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("main.js", "style.css", "icon.svg"):
        assert client.get(f"static/{name}").status_code == 200
    for name in ("none.js", "..%2fpeaks.py", "%2e%2e/session.py", "../../../etc/passwd"):
        assert client.get(f"static/{name}").status_code in (403, 404)
    assert client.get("docs").status_code == client.get("openapi.json").status_code == 404


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/wrong/", {}),
        ("/wrong/state", {}),
        ("/token/state", {"host": "diarspk.example"}),
        ("/token/state", {"host": "127.0.0.1.diarspk.example:8000"}),
        ("/token/state", {"host": "127.0.0.1:9000", "origin": "http://127.0.0.1:8000"}),
        ("/token/state", {"origin": "http://diarspk.example"}),
        ("/token/state", {"origin": "http://127.0.0.1:9000"}),
        ("/token/state", {"origin": "null"}),
        ("/token/state", {"sec-fetch-site": "same-site"}),
        ("/token/state", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
    ],
)
def test_others_are_refused(client: Any, path: str, headers: dict[str, str]) -> None:
    answer = client.get(f"http://127.0.0.1:8000{path}", headers=headers)
    assert answer.status_code == 403
    assert answer.text.startswith("refused: ")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8000"},
        {"host": "localhost:9000", "origin": "http://localhost:9000"},  # through a tunnel
        {"origin": "http://127.0.0.1:8000"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_the_page_itself_and_a_link_to_it_are_answered(
    client: Any, headers: dict[str, str]
) -> None:
    assert client.get("state", headers=headers).status_code == 200


def test_operations_change_the_turns_and_a_stale_one_is_told(client: Any) -> None:
    review = client.get("review").json()
    assert [turn["speaker"] for turn in review["state"]["turns"]] == ["Ann", "Ben", "Ann", "Ben"]
    assert len(review["words"]) == 4
    assert review["notes"] == ["quiet"]
    assert review["word_turns"] == client.get("words").json()["turns"] == [0, 1, 2, 3]
    operation = {"op": "rename", "names": {"Ann": "Anna"}}
    state = post(client, "operations", operation=operation, revision=1).json()
    assert (state["revision"], state["undo"]) == (2, "rename")
    stale = post(client, "operations", operation=operation, revision=1)
    assert (stale.status_code, "another window" in stale.json()["error"]) == (409, True)
    wrong = post(client, "operations", operation=operation, revision=2)
    assert (wrong.status_code, "Ann" in wrong.json()["error"]) == (400, True)
    assert post(client, "undo", revision=2).json()["redo"] == "rename"
    assert post(client, "redo", revision=3).json()["turns"] == state["turns"]
    assert client.post("operations", json={"revision": "x"}).status_code == 422


def test_another_number_of_speakers_is_one_operation(client: Any) -> None:
    state = post(client, "recluster", speakers=1, revision=1).json()
    assert len({turn["speaker"] for turn in state["turns"]}) == 1
    assert post(client, "undo", revision=2).json()["turns"][1]["speaker"] == "Ben"
    assert post(client, "recluster", speakers=0, revision=3).status_code == 400


def test_similar_turns_are_listed(client: Any) -> None:
    assert client.get("similar/0").json()[0] == [1, 0.9]


def test_sound_is_served_by_range_and_peaks_as_bytes(client: Any, tmp_path: Path) -> None:
    content = (tmp_path / "call.wav").read_bytes()
    part = client.get("audio", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert part.headers["content-type"] == "audio/wav"
    beyond = client.get("audio", headers={"range": f"bytes={len(content)}-"})
    assert beyond.status_code == 416
    assert len(client.get("peaks").content) == 2 * 600
    assert client.get("recording").json() == {"duration": 6.0, "error": None}


def test_everything_is_exported(client: Any) -> None:
    for one in client.get("review").json()["formats"]:
        answer = client.get(f"export/{one['what']}/{one['format']}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''call")
        assert b"Ann" in answer.content
    assert client.get("export/turns/doc").status_code == 400


def test_windows_are_told_of_each_other() -> None:
    async def two_windows() -> list[str]:
        events = EventStream()
        first, second = events.follow(), events.follow()
        lines = [await anext(first), await anext(second)]
        assert events.windows == 2
        events.publish("revision", revision=2, window="w")
        lines += [await anext(first), await anext(first), await anext(second)]
        events.close()
        assert [line async for line in first] == [line async for line in second] == []
        return lines

    one, two, count, *revisions = asyncio.run(two_windows())
    assert (one, two) == ('data: {"kind": "windows", "count": 1}\n\n', count)
    assert revisions[0] == 'data: {"kind": "revision", "revision": 2, "window": "w"}\n\n'


def test_a_server_stops_while_a_window_waits(tmp_path: Path) -> None:
    audio = write_call(tmp_path)
    stopped = threading.Event()

    class Slow(Alike):
        def similar(
            self, turns: Sequence[EditableTurn], number: int, *, progress: Progress | None = None
        ) -> list[tuple[int, float]]:
            assert progress is not None
            try:
                while True:
                    progress("first pass", 0.5)
                    time.sleep(0.05)
            finally:
                stopped.set()

    edited = EditedDiarization.of(tmp_path / "call.rttm")
    session = ReviewSession(edited, tmp_path / "call.edits.jsonl", analysis=Slow())
    with serve_in_background(session, PlayableRecording(open_audio(audio))) as address:
        events = open_address(f"{address}events")
        assert b"windows" in events.readline()

        def wait() -> None:
            with suppress(OSError, HTTPException):
                open_address(f"{address}similar/0")

        waiting = threading.Thread(target=wait)
        waiting.start()
        lines = iter(events.readline, b"")
        assert any(b"first pass" in line for line in lines)
    assert stopped.is_set()
    waiting.join(20)
    assert not waiting.is_alive()
    events.close()
