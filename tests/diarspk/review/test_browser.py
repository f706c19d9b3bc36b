"""The page in a browser: Debian's chromium, driven by Playwright, on a real recording."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from diarspk.audio import open_audio
from diarspk.editing import EditedDiarization
from diarspk.editing.turn import EditableTurn
from diarspk.review import (
    PlayableRecording,
    ReviewSession,
    render_page,
    serve_in_background,
)
from diarspk.review.analysis import Progress
from diarspk.transcripts import Transcript, TranscriptSegment, Word

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    *(("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()),
)
LANE = 34  # pixels
DURATION = 30.0

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium; apt-get install chromium"),
    pytest.mark.skipif(find_spec("pyannote.audio") is None, reason="pyannote.audio has the sound"),
]


class Alike:
    """Analysis that finds every other turn alike."""

    def similar(
        self, turns: Sequence[EditableTurn], number: int, *, progress: Progress | None = None
    ) -> list[tuple[int, float]]:
        return [(turn.number, 0.9) for turn in turns if turn.number != number]

    def recluster(
        self, edited: EditedDiarization, num_speakers: int, *, progress: Progress | None = None
    ) -> Any:
        fresh = edited.annotation.copy()
        return fresh.rename_labels({name: "one" for name in fresh.labels()})


@dataclass(frozen=True)
class Review:
    """A review that is served, and a window that shows it."""

    page: Any
    log: Path
    audio: Path
    requests: list[str]

    @property
    def turns(self) -> list[EditableTurn]:
        """Turns as they are saved."""
        return list(EditedDiarization.load(self.log).turns)

    def settled(self, operations: int) -> list[EditableTurn]:
        """Wait until so many operations are done, and return the turns."""
        self.page.wait_for_function(
            "count => document.body.dataset.operations === String(count)", arg=operations
        )
        return self.turns

    def place(self, seconds: float, speaker: int) -> tuple[float, float]:
        """Position of a time in the lane of a speaker."""
        box = self.page.locator("#turns").bounding_box()
        return box["x"] + seconds / DURATION * box["width"], box["y"] + (speaker + 0.5) * LANE


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The call of two people that pyannote.audio's package carries; returns the recording."""
    spec = find_spec("pyannote.audio")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "sample"
    shutil.copy(folder / "sample.rttm", tmp_path / "sample.rttm")
    return Path(shutil.copy(folder / "sample.wav", tmp_path))


def lay_words(edited: EditedDiarization) -> Transcript:
    """Two words for every turn: at its start, and at its middle."""
    words = [
        Word(f"{name}{turn.number}", at, at + 0.1)
        for turn in edited.turns
        for name, at in (("start", turn.start), ("middle", (turn.start + turn.end) / 2))
    ]
    return Transcript((TranscriptSegment(tuple(words)),), "sample")


@pytest.fixture
def review(browser: Any, sample: Path, tmp_path: Path) -> Iterator[Review]:
    log = tmp_path / "sample.edits.jsonl"
    edited = EditedDiarization.of(tmp_path / "sample.rttm")
    session = ReviewSession(edited, log, transcript=lay_words(edited), analysis=Alike())
    requests: list[str] = []
    faults: list[str] = []
    with serve_in_background(session, PlayableRecording(open_audio(sample))) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        page = context.new_page()
        context.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        try:
            page.goto(address)
            page.wait_for_selector("body[data-peaks]")
            yield Review(page, log, sample, requests)
        finally:
            context.close()
    assert faults == []
    assert {re.sub(r":\d+/.*", "", url) for url in requests} == {"http://127.0.0.1"}


def current_time(page: Any) -> float:
    return float(page.evaluate("document.getElementById('audio').currentTime"))


def answer(page: Any, button: str, **fields: str) -> None:
    """Fill in the dialog, and press a button of it."""
    for name, value in fields.items():
        control = page.locator(f"dialog [name={name}]")
        control.select_option(value) if name == "other" else control.fill(value)
    page.locator("dialog").get_by_role("button", name=button, exact=True).click()


def test_a_call_is_played_corrected_and_exported(review: Review) -> None:
    page, first = review.page, EditedDiarization.of(review.audio.with_suffix(".rttm"))
    turns = list(first.turns)
    assert page.locator("#rows li").count() == len(turns)
    assert page.locator("#speakers .name").all_inner_texts() == list(first.speakers)

    # Seek by a click on the waveform, and play.
    box = page.locator("#waveform").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 12 / DURATION, box["y"] + 60)
    assert current_time(page) == pytest.approx(12, abs=0.1)
    assert page.locator("#clock").inner_text().startswith("0:1")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('audio').currentTime > 12.3")
    page.keyboard.press("Space")
    assert page.evaluate("document.getElementById('audio').paused")

    # A click on a word goes there, and the word and its turn are marked.
    page.get_by_text("middle4", exact=True).click()
    middle = (turns[4].start + turns[4].end) / 2
    assert current_time(page) == pytest.approx(middle, abs=0.01)
    page.wait_for_selector(".word.sounding")
    assert page.locator(".word.sounding").inner_text() == "middle4"
    assert page.locator("#rows li.sounding .word.sounding").count() == 1

    # Rename by the key, merge by the name beside the lane, undo by the button.
    page.locator("#rows li").first.click()
    page.keyboard.press("F2")
    answer(page, "Rename", name="Zoë <b>")
    assert review.settled(1)[0].speaker == "Zoë <b>"
    assert page.locator("#speakers .name").first.inner_text() == "Zoë <b>"
    page.locator("#speakers button").nth(1).click()
    answer(page, "Merge", other="Zoë <b>", name="Both")
    assert {turn.speaker for turn in review.settled(2)} == {"Both"}
    page.get_by_role("button", name="Undo").click()
    assert len({turn.speaker for turn in review.settled(1)}) == 2

    # Split at the position, give the second part away by a letter, split off a speaker.
    page.locator("#rows li").first.click()
    page.keyboard.press("Escape")
    middle = (turns[0].start + turns[0].end) / 2
    page.mouse.click(*review.place(middle, 0))
    page.keyboard.press("Shift+Enter")
    parts = review.settled(2)
    assert len(parts) == len(turns) + 1
    assert parts[0].end == pytest.approx(middle, abs=0.05)
    page.locator("#rows li").nth(1).click()
    page.keyboard.press("b")
    assert review.settled(3)[1].speaker == turns[1].speaker
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert [turn.end for turn in review.settled(1)] == [turn.end for turn in turns]
    page.keyboard.press("Control+Shift+z")
    assert len(review.settled(2)) == len(turns) + 1
    page.keyboard.press("Control+z")
    review.settled(1)

    # Drag the end of a turn: it moves, and no other does.
    longest = max(turns, key=lambda turn: turn.duration)
    lane = first.speakers.index(longest.speaker)
    page.mouse.click(*review.place(longest.start + 1.0, lane))
    page.mouse.move(*review.place(longest.end, lane))
    page.mouse.down()
    page.mouse.move(*review.place(longest.end - 1.0, lane), steps=4)
    page.mouse.up()
    after = {turn.number: turn for turn in review.settled(2)}
    moved = after.pop(longest.number)
    assert moved.end == pytest.approx(longest.end - 1.0, abs=0.08)
    assert (moved.start, moved.reviewed) == (longest.start, True)
    others = [(turn.start, turn.end) for turn in turns if turn.number in after]
    assert others == [(turn.start, turn.end) for turn in after.values()]

    # Draw a span where nobody talks: Enter makes a turn of it, a letter gives a part away.
    page.mouse.move(*review.place(2.0, 1))
    page.mouse.down()
    page.mouse.move(*review.place(4.0, 1), steps=4)
    page.mouse.up()
    page.keyboard.press("Enter")
    drawn = review.settled(3)[0]
    assert (drawn.start, drawn.end) == (pytest.approx(2.0, abs=0.08), pytest.approx(4, abs=0.08))
    assert drawn.speaker == first.speakers[1]
    page.mouse.move(box["x"] + box["width"] * 3 / DURATION, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3.5 / DURATION, box["y"] + 60, steps=4)
    page.mouse.up()
    page.keyboard.press("a")
    assert [turn.speaker for turn in review.settled(4)][:3] == [
        first.speakers[1],
        "Zoë <b>",
        first.speakers[1],
    ]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    review.settled(2)

    # Closed and opened again, it goes on.
    page.reload()
    page.wait_for_selector("body[data-peaks]")
    assert page.locator("#rows li").count() == len(turns)
    page.keyboard.press("Control+z")
    assert [turn.end for turn in review.settled(1)] == [turn.end for turn in turns]

    # Export.
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="RTTM").click()
    assert download.value.suggested_filename == "sample.rttm"
    exported = EditedDiarization.of(download.value.path())
    assert [turn.start for turn in exported.turns] == [turn.start for turn in turns]
    assert exported.speakers[0] == "Zoë_<b>"  # as RTTM has names of two words
    with page.expect_download() as download:
        page.get_by_role("link", name="Markdown").click()
    assert "start0" in download.value.path().read_text(encoding="utf-8")


def test_the_keyboard_alone_suffices(review: Review) -> None:
    page, turns = review.page, list(EditedDiarization.of(review.audio.with_suffix(".rttm")).turns)
    assert page.evaluate("document.activeElement.id") == "timeline"
    page.keyboard.press(".")
    page.keyboard.press("Tab")  # from turn to turn
    assert turns[1].speaker in page.locator("#announced").inner_text()
    page.keyboard.press("ArrowRight")
    assert review.settled(1)[1].start == pytest.approx(turns[1].start + 0.05)
    page.keyboard.press("Alt+ArrowLeft")
    assert review.settled(2)[1].end == pytest.approx(turns[1].end - 0.05)
    page.keyboard.press("Control+Enter")  # it is reviewed already: now it is not
    assert not review.settled(3)[1].reviewed
    page.keyboard.press("Delete")
    assert len(review.settled(4)) == len(turns) - 1
    page.keyboard.press("Home")
    page.keyboard.press("F8")  # the next one that is uncertain and not reviewed
    assert "reviewed" not in page.locator("#announced").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert review.settled(5)[0].start == 0.0
    page.keyboard.press("F7")
    page.wait_for_selector("#similar:not([hidden])")
    assert page.evaluate("document.activeElement.type") == "checkbox"
    page.get_by_role("button", name=re.compile("^Give")).press("Enter")
    speakers = [turn.speaker for turn in review.settled(6)]
    assert len(set(speakers)) == 1
    page.keyboard.press("F9")
    page.keyboard.press("Enter")
    review.settled(7)
    page.keyboard.press("F1")
    assert "Shift+Enter" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="hidden")
    page.keyboard.press("Escape")  # nothing is selected: Tab leaves the timeline
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "timeline"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a, [role]")]
            .filter((one) => one.checkVisibility())
            .filter((one) => !(one.ariaLabel || one.innerText || one.title || one.labels?.length))
            .map((one) => one.outerHTML)
            .filter((html) => !/role="(status|alert)"/.test(html))"""
    )
    assert nameless == []


def test_a_second_window_shows_what_the_first_one_does(review: Review) -> None:
    page = review.page
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("body[data-peaks]")
    page.wait_for_selector("#windows:not([hidden])")
    assert page.locator("#windows").inner_text() == "open in 2 windows"
    count = other.locator("#rows li").count()
    page.locator("#rows li").first.click()
    page.keyboard.press("Delete")
    review.settled(1)
    other.wait_for_selector("text=Another window has changed the turns")
    other.wait_for_selector("body[data-operations='1']")
    assert other.locator("#rows li").count() == count - 1
    other.keyboard.press("Control+z")
    assert len(review.settled(0)) == count


def test_a_finger_selects_and_moves_the_view(browser: Any, review: Review) -> None:
    size = {"width": 820, "height": 1180}
    context = browser.new_context(viewport=size, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(review.page.url)
    page.wait_for_selector("body[data-peaks]")
    turns = list(EditedDiarization.of(review.audio.with_suffix(".rttm")).turns)
    longest = max(turns, key=lambda turn: turn.duration)
    tablet = Review(page, review.log, review.audio, [])
    lane = EditedDiarization.of(review.audio.with_suffix(".rttm")).speakers.index(longest.speaker)
    page.touchscreen.tap(*tablet.place((longest.start + longest.end) / 2, lane))
    assert page.locator("#rows li.selected").get_attribute("data-key") == str(longest.number)
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").tap()
    touch = context.new_cdp_session(page)
    box = page.locator("#waveform").bounding_box()
    before = page.locator("#waveform").screenshot()
    for kind, at in (("touchStart", 500), ("touchMove", 400), ("touchMove", 250)):
        point = {"x": box["x"] + at, "y": box["y"] + 50}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(100)
    assert page.locator("#waveform").screenshot() != before
    assert page.locator("#rows li.selected").count() == 1  # nothing was drawn, or lost
    overflow = "() => document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(overflow) <= 0
    context.close()


def test_a_page_in_one_file_plays_without_a_server(
    browser: Any, sample: Path, tmp_path: Path
) -> None:
    page_file = tmp_path / "page.html"
    render_page(sample.with_suffix(".rttm"), audio=sample).write(page_file)
    frame = render_page(sample.with_suffix(".rttm"))._repr_html_()
    (tmp_path / "notebook.html").write_text(f"<!doctype html>{frame}", encoding="utf-8")
    page = browser.new_page()
    requests: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(page_file.as_uri())
    page.wait_for_selector("body[data-peaks]")
    page.wait_for_function("() => document.getElementById('audio').duration > 29.9")
    page.locator("#rows li").nth(2).click()
    page.keyboard.press("Shift+Space")
    start = json.loads(page.locator("#review-data").inner_text())["state"]["turns"][2]["start"]
    page.wait_for_function(
        "start => document.getElementById('audio').currentTime > start", arg=start
    )
    assert not page.locator(".edit").first.is_visible()
    page.keyboard.press("F1")
    keys = page.locator("dialog kbd").all_inner_texts()
    assert "Shift+Space" in keys
    assert "Delete" not in keys
    page.keyboard.press("Escape")
    page.goto((tmp_path / "notebook.html").as_uri())
    shown = page.frame_locator("iframe")
    shown.locator("body[data-peaks]").wait_for()
    assert page.evaluate("() => document.activeElement.tagName") == "BODY"
    assert shown.locator("#rows li").count() == shown.locator("#rows .time").count() > 5
    page.close()
    assert faults == []
    assert {url.partition(":")[0] for url in requests} <= {"file", "data", "blob", "about"}
