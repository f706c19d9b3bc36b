"""Speed and memory of the review page in a browser, with a recording of an hour.

    python -m eval.review.page --data ../shared/conversations/simulated

Debian's chromium, without a window, opens the page of a recording that is joined from
conversations. Measured are the seconds until the page answers a key, and until the whole waveform
is there; frames a second while it scrolls at three zooms and while it plays; the time of an
operation from the key to the list of turns; and the memory of the tab.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from diarspk.audio import open_audio
from diarspk.errors import ModelError
from diarspk.review import PlayableRecording, ReviewSession, serve_in_background
from eval.command_line import command
from eval.diarization.conversations import read_conversations
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.review.long_recording import LongRecording, join_conversations

__all__ = ["Settings", "main", "measure_page", "opened_browser"]

FLAGS = ("--autoplay-policy=no-user-gesture-required", "--mute-audio")
SIZE = {"width": 1280, "height": 720}

SCROLL = """async (seconds) => {
  const target = document.getElementById("waveform");
  const begun = performance.now();
  let frames = 0;
  let last = begun;
  let worst = 0;
  while (last - begun < 1000 * seconds) {
    const deltaX = last - begun < 500 * seconds ? 60 : -60;
    target.dispatchEvent(new WheelEvent("wheel", { deltaX, bubbles: true, cancelable: true }));
    const now = await new Promise(requestAnimationFrame);
    frames++;
    worst = Math.max(worst, now - last);
    last = now;
  }
  return [frames / ((last - begun) / 1000), worst];
}"""
"""Scroll to the right, then back, by every frame; frames a second, and the longest one in ms."""

FRAMES = """async (seconds) => {
  const begun = performance.now();
  let frames = 0;
  while (performance.now() - begun < 1000 * seconds) {
    await new Promise(requestAnimationFrame);
    frames++;
  }
  return frames / ((performance.now() - begun) / 1000);
}"""


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...]
    """Folders of conversations."""
    minutes: float = 60.0
    """Length of the recording."""
    seconds: float = 4.0
    """How long each scrolling is measured."""
    browser: Path | None = None
    """Chromium. Default: the one on the path."""


@command
def main(settings: Settings) -> None:
    conversations = [one for folder in settings.data for one in read_conversations(folder)]
    with tempfile.TemporaryDirectory(prefix="diarspk-review-page-") as name:
        folder = Path(name)
        seconds = 60 * settings.minutes
        recording = join_conversations(conversations, seconds, folder / "long.wav")
        with opened_browser(settings.browser) as browser:
            figures = measure_page(browser, recording, folder, settings.seconds)
    print(markdown_table(["measure", "figure"], [[key, f"{figures[key]:.4g}"] for key in figures]))
    settings.report.write(figures)


@contextmanager
def opened_browser(path: Path | None = None, flags: Sequence[str] = FLAGS) -> Iterator[Any]:
    """Open chromium without a window.

    Raises
    ------
    ModelError
        If there is none, or Playwright is not installed.
    """
    found = path or shutil.which("chromium")
    if found is None:
        raise ModelError("the page is measured in chromium; install it (apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise ModelError("the page is measured by playwright; install it") from None
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = [*flags, *(["--no-sandbox"] if root else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(found), args=arguments)
        yield browser
        browser.close()


def measure_page(
    browser: Any, recording: LongRecording, folder: Path, seconds: float
) -> dict[str, float]:
    """Measure the page of a recording.

    Parameters
    ----------
    browser
        Of Playwright.
    recording : LongRecording
    folder : Path
        For the log of the review.
    seconds : float
        How long each scrolling is measured.

    Returns
    -------
    dict of str to float
    """
    session = ReviewSession(
        recording.edited, folder / "long.edits.jsonl", transcript=recording.transcript
    )
    playable = PlayableRecording(open_audio(recording.audio))
    figures: dict[str, float] = {
        "minutes": recording.seconds / 60,
        "turns": len(recording.edited.turns),
        "words": len(recording.transcript.words),
    }
    with serve_in_background(session, playable) as address:
        page = browser.new_context(viewport=SIZE).new_page()
        begun = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press(".")
        page.wait_for_selector("#rows li.selected")
        figures["interactive, s"] = time.perf_counter() - begun
        page.wait_for_selector("body[data-peaks]", timeout=600_000)
        figures["whole waveform, s"] = time.perf_counter() - begun
        figures |= _frame_rates(page, seconds)
        figures["an operation, ms"] = 1000 * median(_operate(page) for _ in range(7))
        figures |= _memory(browser, page)
        page.context.close()
    return figures


def _frame_rates(page: Any, seconds: float) -> dict[str, float]:
    figures = {}
    for name, keys in (("40 s in view", []), ("8 s in view", ["ArrowUp"] * 4), ("all", ["0"])):
        for key in keys:
            page.keyboard.press(key)
        rate, worst = page.evaluate(SCROLL, seconds)
        figures[f"frames a second, {name}"] = rate
        figures[f"longest frame, {name}, ms"] = worst
    page.keyboard.press("Space")
    figures["frames a second while it plays"] = page.evaluate(FRAMES, seconds)
    page.keyboard.press("Space")
    return figures


def _operate(page: Any) -> float:
    """Seconds from the key that marks a turn to the list that shows it; it is undone after that."""
    before = int(page.evaluate("() => Number(document.body.dataset.operations)"))
    begun = time.perf_counter()
    page.keyboard.press("Control+Enter")
    settled = "count => document.body.dataset.operations === String(count)"
    page.wait_for_function(settled, arg=before + 1)
    taken = time.perf_counter() - begun
    page.keyboard.press("Control+z")
    page.wait_for_function(settled, arg=before)
    return taken


def _memory(browser: Any, page: Any) -> dict[str, float]:
    """Memory of the scripts, and of the tab's process where the system tells it, in MB."""
    tab = page.context.new_cdp_session(page)
    tab.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in tab.send("Performance.getMetrics")["metrics"]}
    figures = {"heap of the scripts, MB": metrics["JSHeapUsedSize"] / 1e6}
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    shares = [_proportional_share(one["id"]) for one in processes if one["type"] == "renderer"]
    if any(shares):
        figures["process of the tab, MB"] = max(shares)
    return figures


def _proportional_share(process: int) -> float:
    """Memory of a process in MB, what it shares with others in parts (PSS); Linux tells it."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


if __name__ == "__main__":
    raise SystemExit(main())
