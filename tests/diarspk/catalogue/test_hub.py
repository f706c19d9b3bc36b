"""Checkpoints of the hub, from a server of this test in the place of the hub."""

import hashlib
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.diarspk.catalogue.conftest import tiny_weights

NAME, FILE = "wespeaker-resnet152-lm", "voxceleb_resnet152_LM.pt"
REPOSITORY = "Wespeaker/wespeaker-voxceleb-resnet152-LM"
LOAD = "import diarspk; print(diarspk.load_encoder({!r}, download={}).dimension)"


class Hub(BaseHTTPRequestHandler):
    """What the hub's client asks for: the files of a revision, and each file."""

    content, commit, gated = tiny_weights(), "a" * 40, False

    def do_GET(self):
        if self.gated:
            return self._send(403, b"no", {"X-Error-Code": "GatedRepo"})
        if self.path.startswith(f"/api/models/{REPOSITORY}/tree/"):
            tree = [{"type": "file", "path": FILE, "size": len(self.content), "oid": "0" * 40}]
            return self._send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
        if self.path.startswith(f"/api/models/{REPOSITORY}/"):
            facts = {"id": REPOSITORY, "sha": self.commit, "siblings": [{"rfilename": FILE}]}
            facts["siblings"].append({"rfilename": "README.md"})
            return self._send(200, json.dumps(facts).encode(), {"Content-Type": "application/json"})
        digest = hashlib.sha256(self.content).hexdigest()
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": self.commit}
        return self._send(200, self.content, headers)

    do_HEAD = do_GET

    def _send(self, status, content, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path, store):
    class Own(Hub):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    yield Own
    server.shutdown()
    thread.join()
    server.server_close()


def python(*words):
    """Run Python; what it prints, and what it says on stderr."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def download():
    return python("-c", "from diarspk.cli import main; main()", "models", "download", NAME)


def test_the_first_download_holds(hub, store, monkeypatch):
    status, _, said = download()
    assert status == 0, said
    assert said.splitlines()[-1] == f"{NAME}: downloaded, CC-BY-4.0"
    record = json.loads((store / NAME / "record.json").read_text())
    assert record["revision"] == "a" * 40
    assert record["sha256"] == {FILE: hashlib.sha256(hub.content).hexdigest()}
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # with the network cut
    assert python("-c", LOAD.format(NAME, False))[:2] == (0, "8\n")

    from diarspk.catalogue.store import read_record

    path = read_record(NAME).file(FILE)
    path.resolve().write_bytes(tiny_weights(seed=1))
    status, _, said = python("-c", LOAD.format(NAME, False))
    assert status == 1 and "is not the file that was published" in said.splitlines()[-1]


def test_what_fails_is_one_line(hub, store, monkeypatch):
    hub.gated = True
    status, printed, said = download()
    assert (status, printed) == (1, "")
    assert said.startswith(f"error: {NAME}: cannot be found") and "HF_TOKEN" in said
    assert len(said.splitlines()) == 1 and not store.exists()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    _, _, said = download()
    assert len(said.splitlines()) == 1 and "check the name, the connection" in said
