"""The clients that the page shows run against a server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.diarspk.server.running_server import RunningServer
from tests.diarspk.server.test_openai import WORDS
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("ignore:\\nYou are using:UserWarning")
def test_every_client_of_the_page_gets_its_answer(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    import json

    import pyannoteai.sdk

    from tests.tiny_model import tone

    monkeypatch.setattr(pyannoteai.sdk.Client, "API_URL", "unchanged")
    for name, samples in (
        ("meeting", np.concatenate([tone("ann"), tone("ben")])),
        ("alice", tone("ann", seed=1)),
    ):
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000, subtype="PCM_16")
    (tmp_path / "words.json").write_text(json.dumps(WORDS))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}"), names)
    printed = capsys.readouterr().out
    assert "Hello there." in printed
    assert "'Alice'" in printed
    assert printed.splitlines()[-1].startswith("True ")
    assert len(BLOCKS) == 6
