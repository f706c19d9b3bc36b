"""The SDK of pyannoteAI against a running server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from diarspk.server import KeyRing, Limits, SpeechEngine
from tests.diarspk.server.running_server import KEY, RunningServer

sdk = pytest.importorskip("pyannoteai.sdk")
pytestmark = pytest.mark.filterwarnings("ignore:\\nYou are using:UserWarning")

Voices = dict[str, list[Path]]


def client_of(server: RunningServer, key: str = KEY) -> Any:
    kind = type("Client", (sdk.Client,), {"API_URL": f"{server.url}/v1"})
    return kind(key)


def test_a_recording_is_uploaded_and_diarized(server: RunningServer, voices: Voices) -> None:
    client = client_of(server)
    steps: list[int] = []
    media = client.upload(
        voices["ann"][0], callback=lambda total, completed: steps.append(completed)
    )
    assert media.startswith("media://")
    assert max(steps) == voices["ann"][0].stat().st_size
    job = client.retrieve(
        client.diarize(media, exclusive=True, confidence=True, turn_level_confidence=True),
        every_seconds=0.05,
    )
    assert job["status"] == "succeeded"
    output = job["output"]
    (turn,) = output["diarization"]
    assert turn["speaker"] == "SPEAKER_00"
    assert 0 <= turn["confidence"]["SPEAKER_00"] <= 100
    assert output["exclusiveDiarization"] == [{k: turn[k] for k in ("speaker", "start", "end")}]
    assert len(output["confidence"]["score"]) == 150
    assert output["confidence"]["resolution"] == 0.02


def test_the_number_of_speakers_is_passed_on(server: RunningServer, voices: Voices) -> None:
    client = client_of(server)
    media = client.upload(voices["ann"][0])
    with pytest.raises(requests.HTTPError, match="400"):
        client.diarize(media, num_speakers=2, min_speakers=3)
    job = client.retrieve(client.diarize(media, max_speakers=1), every_seconds=0.05)
    assert len({turn["speaker"] for turn in job["output"]["diarization"]}) == 1


def test_voiceprints_identify_people_in_other_recordings(
    server: RunningServer, voices: Voices
) -> None:
    client = client_of(server)
    prints = {}
    for name in ("ann", "ben"):
        job = client.retrieve(client.voiceprint(client.upload(voices[name][0])), every_seconds=0.05)
        prints[name.title()] = job["output"]["voiceprint"]
    for name in ("ann", "ben"):
        media = client.upload(voices[name][1])
        job = client.retrieve(client.identify(media, prints), every_seconds=0.05)
        output = job["output"]
        assert {one["match"] for one in output["identification"]} == {name.title()}
        assert output["identification"][0]["diarizationSpeaker"] == "SPEAKER_00"
        assert output["diarization"][0]["speaker"] == "SPEAKER_00"
        (match,) = output["voiceprints"]
        assert match["confidence"][name.title()] == max(match["confidence"].values())
    media = client.upload(voices["eve"][0])
    job = client.retrieve(client.identify(media, prints, matching_threshold=90), every_seconds=0.05)
    assert [one["match"] for one in job["output"]["voiceprints"]] == [None]


def test_a_job_that_cannot_be_done_fails_with_its_reason(
    server: RunningServer, tmp_path: Path
) -> None:
    (tmp_path / "no.wav").write_bytes(b"no audio")
    client = client_of(server)
    with pytest.raises(sdk.client.PyannoteAIFailedJob, match="not audio"):
        client.retrieve(client.diarize(client.upload(tmp_path / "no.wav")), every_seconds=0.05)
    with pytest.raises(sdk.client.PyannoteAIFailedJob, match="was not uploaded"):
        client.retrieve(client.diarize("media://nothing"), every_seconds=0.05)


def test_a_wrong_key_is_refused_when_the_client_is_made(serve: Any) -> None:
    with serve(keys=KeyRing.of([KEY])) as server:
        assert client_of(server).token == KEY
        with pytest.raises(Exception, match="Failed to authenticate"):
            client_of(server, "another-key-of-nobody")


def test_recording_and_request_may_come_in_one_form(server: RunningServer, voices: Voices) -> None:
    submitted = server.post(
        "/v1/diarize",
        files={"file": ("../../etc/passwd", voices["ann"][0].read_bytes())},
        data={"numSpeakers": "1", "exclusive": "true"},
    )
    assert submitted.json()["status"] == "created"
    assert "exclusiveDiarization" in server.job(submitted.json()["jobId"])["output"]


def test_jobs_are_listed_page_by_page_and_only_to_their_owner(serve: Any, voices: Voices) -> None:
    other = "the-key-of-somebody-else"
    with serve(keys=KeyRing.of([KEY, other])) as server:
        mine = {"Authorization": f"Bearer {KEY}"}
        made = []
        for _ in range(3):
            answer = server.post("/v1/diarize", json={"url": "media://none"}, headers=mine)
            made.append(answer.json()["jobId"])
        page = server.get("/v2/jobs?limit=2", headers=mine).json()
        assert [one["id"] for one in page["items"]] == made[:0:-1]
        rest = server.get(f"/v2/jobs?limit=2&cursor={page['nextCursor']}", headers=mine).json()
        assert [one["id"] for one in rest["items"]] == made[:1]
        assert rest["nextCursor"] is None
        theirs = {"Authorization": f"Bearer {other}"}
        assert server.get("/v2/jobs", headers=theirs).json()["items"] == []
        assert server.get(f"/v1/jobs/{made[0]}", headers=theirs).status_code == 404
        assert server.call("DELETE", f"/v1/jobs/{made[0]}", headers=theirs).status_code == 404


def test_behind_a_proxy_uploads_are_sent_to_its_address(serve: Any) -> None:
    with serve(public_url="https://diarize.example/") as server:
        place = server.post("/v1/media/input", json={"url": "media://a"}).json()["url"]
    assert place.startswith("https://diarize.example/v1/media/input/")


def test_an_upload_is_of_its_owner_and_comes_once(serve: Any, voices: Voices) -> None:
    other = "the-key-of-somebody-else"
    with serve(keys=KeyRing.of([KEY, other])) as server:
        mine, theirs = ({"Authorization": f"Bearer {key}"} for key in (KEY, other))
        place = server.post("/v1/media/input", json={"url": "media://a"}, headers=mine)
        assert place.status_code == 201
        path = place.json()["url"].removeprefix(server.url)
        content = voices["ann"][0].read_bytes()
        assert server.call("PUT", path, data=content).status_code == 200
        assert server.call("PUT", path, data=b"other").status_code == 404
        answer = server.post("/v1/diarize", json={"url": "media://a"}, headers=theirs).json()
        job = server.services.jobs.find(answer["jobId"])
        assert job is not None
        from tests.diarspk.server.running_server import wait_until

        wait_until(lambda: server.services.jobs.find(answer["jobId"]).status == "failed")


def test_a_waiting_job_can_be_canceled(
    serve: Any, voices: Voices, engine: SpeechEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from diarspk.server.job_work import WORK

    begun, go_on = threading.Event(), threading.Event()

    def slow(engine: Any, audio: Any, fields: Any, control: Any) -> dict[str, Any]:
        begun.set()
        while not go_on.wait(0.01):
            control.check()
        return {"diarization": []}

    monkeypatch.setitem(WORK, "diarize", slow)
    with serve(Limits(jobs=1)) as server:
        upload = {"file": voices["ann"][0].read_bytes()}
        first = server.post("/v1/diarize", files=upload).json()["jobId"]
        assert begun.wait(10)
        second = server.post("/v1/diarize", files=upload).json()["jobId"]
        full = server.post("/v1/diarize", files=upload)
        assert full.status_code == 429
        assert int(full.headers["Retry-After"]) > 0
        assert server.get(f"/v1/jobs/{first}").json()["status"] == "running"
        for identifier in (second, first):
            assert server.call("DELETE", f"/v1/jobs/{identifier}").json()["status"] == "canceled"
        third = server.post("/v1/diarize", files=upload).json()["jobId"]
        go_on.set()
        assert server.job(third)["status"] == "succeeded"
        assert server.get(f"/v1/jobs/{first}").json()["status"] == "canceled"
        assert "output" in json.loads(server.get(f"/v1/jobs/{second}").text)
