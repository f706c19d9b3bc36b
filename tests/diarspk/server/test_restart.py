"""Jobs outlive their server; what it left in its folder does not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from diarspk.errors import ArgumentError
from diarspk.server.database import ServerDatabase
from diarspk.server.job_store import MAX_STARTS, JobStore
from diarspk.server.job_work import WORK
from tests.diarspk.server.running_server import wait_until
from tests.paths import ROOT

Voices = dict[str, list[Path]]


def upload_of(server: Any, path: Path) -> str:
    place = server.post("/v1/media/input", json={"url": f"media://{path.stem}"}).json()["url"]
    server.call("PUT", place.removeprefix(server.url), data=path.read_bytes()).raise_for_status()
    return f"media://{path.stem}"


def test_ten_jobs_of_a_server_that_died_all_end_after_the_restart(
    serve: Any, voices: Voices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is copied while the server is at its first job: that is what a kill leaves."""
    work = WORK["diarize"]

    def waits(engine: Any, audio: Any, fields: Any, control: Any) -> Any:
        while True:
            control.check()
            time.sleep(0.01)

    monkeypatch.setitem(WORK, "diarize", waits)
    with serve(grace_s=0.1) as server:
        url = upload_of(server, voices["ann"][0])
        made = [
            server.post("/v1/diarize", json={"url": url, "numSpeakers": 1}).json()["jobId"]
            for _ in range(10)
        ]
        wait_until(lambda: server.get(f"/v1/jobs/{made[0]}").json()["status"] == "running")
        shutil.copytree(tmp_path / "data", tmp_path / "killed")
    (tmp_path / "killed" / "uploads" / "stray.part").write_bytes(b"half of an upload")
    monkeypatch.setitem(WORK, "diarize", work)
    with serve(data=tmp_path / "killed") as server:
        ended = [server.job(identifier) for identifier in made]
        assert [job["status"] for job in ended] == ["succeeded"] * 10
        assert all(job["output"]["diarization"] for job in ended)
    assert len(list((tmp_path / "killed" / "uploads").iterdir())) == 1
    with serve() as server:  # one that was stopped had put its jobs back
        assert [server.job(identifier)["status"] for identifier in made] == ["succeeded"] * 10


def test_a_job_that_ends_the_server_again_and_again_has_failed(tmp_path: Path) -> None:
    database = ServerDatabase(tmp_path / "jobs.sqlite")
    store = JobStore(database)
    job = store.add("diarize", "", {}, "media://a")
    assert job is not None
    for start in range(1, MAX_STARTS + 1):
        assert store.recover() == ([job], [])
        found = store.begin(job)
        assert found is not None
        assert found.starts == start
    assert store.recover() == ([], [job])
    database.close()


def test_results_and_uploads_expire(serve: Any, voices: Voices, tmp_path: Path) -> None:
    with serve(keep_s=0.0) as server:
        upload = {"file": voices["ann"][0].read_bytes()}
        done = server.job(server.post("/v1/diarize", files=upload).json()["jobId"])
        assert done["status"] == "succeeded"
        server.services.runner.delete_old()
        assert server.get(f"/v1/jobs/{done['jobId']}").status_code == 404
        assert list((tmp_path / "data" / "uploads").iterdir()) == []


def test_an_upload_that_a_job_needs_does_not_expire(serve: Any, voices: Voices) -> None:
    with serve() as server:
        url = upload_of(server, voices["ann"][0])
        store, uploads = server.services.jobs, server.services.uploads
        store.add("diarize", "", {}, url)
        assert uploads.delete_old(time.time() + 1, store.recordings_in_use()) == 0
        assert uploads.find(url, "") is not None


def test_two_servers_do_not_share_a_folder(serve: Any, tmp_path: Path) -> None:
    with serve(), pytest.raises(ArgumentError, match="another server uses it"):
        ServerDatabase(tmp_path / "data" / "jobs.sqlite")


def test_a_folder_that_cannot_be_used_is_one_line(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="give another --data"), serve(data=tmp_path / "file"):
        pass


def test_a_server_that_stops_ends_its_request_and_takes_none(serve: Any, voices: Voices) -> None:
    with serve() as server:
        server.services.pool.stop_jobs()
        answer = server.post("/v1/verify", files={"first": b"", "second": b""})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert server.get("/ready").status_code == 503
        assert server.get("/health").status_code == 200
        submitted = server.post("/v1/diarize", json={"url": "media://a"})
        assert submitted.status_code == 503


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no kill -9")
def test_after_kill_9_ten_queued_jobs_end(card: Path, voices: Voices, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-c", "from diarspk.cli import main; main()"),
        *("serve", "--port", "0", "--data", str(tmp_path / "data"), "--encoder", str(card)),
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}

    def start() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("serving on http://127.0.0.1:"), line
        return process, line.split()[2]

    process, url = start()
    try:
        upload = {"file": voices["ann"][0].read_bytes()}
        made = [
            requests.post(f"{url}/v1/diarize", files=upload, timeout=30).json()["jobId"]
            for _ in range(10)
        ]
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        process, url = start()

        def states() -> set[str]:
            answers = (requests.get(f"{url}/v1/jobs/{one}", timeout=30).json() for one in made)
            return {answer["status"] for answer in answers}

        wait_until(lambda: states() == {"succeeded"}, 60)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
