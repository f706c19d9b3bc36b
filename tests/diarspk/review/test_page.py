"""Pages in one file."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from pyannote.core import Annotation, Segment

from diarspk.diarization import Diarization
from diarspk.errors import FormatError
from diarspk.review import render_page
from diarspk.review.assets import asset_names, read_asset
from diarspk.transcripts import read_transcript
from tests.diarspk.review.calls import write_call

EVIL = "</script><img src=x onerror=alert(1)>"


def data_of(html: str) -> dict[str, object]:
    found = re.search(r'id="review-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    document: dict[str, object] = json.loads(found[1])
    return document


def test_a_page_holds_turns_words_waveform_and_sound(tmp_path: Path) -> None:
    audio = write_call(tmp_path)
    words = read_transcript(tmp_path / "words.json")
    page = render_page(tmp_path / "call.rttm", audio=audio, transcript=words)
    document = data_of(page.html)
    assert document["read_only"] is True
    assert document["word_turns"] == [0, 1, 2, 3]
    opus = re.search(r'id="review-audio">(.*?)</script>', page.html)
    assert opus is not None
    assert base64.b64decode(opus[1]).startswith(b"OggS")
    page.write(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert render_page(tmp_path / "call.rttm", audio=audio, transcript=words).html == page.html


def test_a_page_needs_nothing_else(tmp_path: Path) -> None:
    write_call(tmp_path)
    html = render_page(tmp_path / "call.rttm").html
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", html)
    assert "static/" not in html
    found = re.search(r'<script type="importmap">(.*?)</script>', html)
    assert found is not None
    modules = json.loads(found[1])["imports"]
    for url in modules.values():
        source = base64.b64decode(url.partition(",")[2]).decode()
        assert set(re.findall(r'from "([^"]+)"', source)) <= set(modules)


def test_a_name_is_text_whatever_it_holds() -> None:
    annotation = Annotation(uri=EVIL)
    annotation[Segment(0, 1)] = EVIL
    page = render_page(annotation)
    assert EVIL not in page.html
    assert data_of(page.html)["state"]["turns"][0]["speaker"] == EVIL  # type: ignore[index]
    assert "<img" not in page._repr_html_()


def test_a_result_shows_itself_in_a_notebook() -> None:
    annotation = Annotation(uri="call")
    annotation[Segment(0, 1)] = "Ann"
    result = Diarization(annotation, annotation, {}, "", {}, 1.0, warnings=("it is quiet",))
    shown = result._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts"')
    assert "Ann" in shown
    assert data_of(render_page(result).html)["notes"] == ["it is quiet"]


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"page\.html: cannot be written"):
        render_page(Annotation(uri="call")).write(tmp_path / "none" / "page.html")


def test_scripts_load_only_each_other() -> None:
    for name in asset_names():
        source = read_asset(name)
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", source), name
        for imported in re.findall(r'from "\./([^"]+)"', source):
            assert imported in asset_names()
        assert "innerHTML" not in source, name
