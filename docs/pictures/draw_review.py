"""Take a picture of the review page: a recording, its turns, and words that stand for real ones.

    python docs/pictures/draw_review.py a.opus --turns a.rttm -o review.png
    python docs/pictures/draw_review.py a.opus --turns a.rttm --dark --tablet -o review.png

It needs chromium and playwright. The words are not what is said: sentences are laid into the turns
of the file, which stands in for a recogniser; the diarization shown is that of diarspk.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import diarspk
from diarspk.audio import open_audio
from diarspk.diarization import RecordingAnalysis
from diarspk.formats import read_rttm
from diarspk.review import PlayableRecording, ReviewSession, serve_in_background
from diarspk.transcripts import Transcript, TranscriptSegment, Word
from eval.review.page import opened_browser

SENTENCES = (
    "So the first thing on the list is the remote control, and I think we begin with the buttons.",
    "Right. Most people said that they use five of them, and the rest just gets in the way.",
    "Yeah, I agree with that.",
    "But then the question is what happens to the menu, because somebody has to open it somehow.",
    "We could put it on the screen, which is cheaper, too.",
    "How much cheaper is that, do you know?",
    "About two euros a piece, I would say, but that depends on how many we order in the end.",
    "Okay, let us write that down and come back to it next week.",
    "And the colour? They wanted yellow, and I am not so sure.",
    "Fine by me, as long as the battery fits.",
)
WORD_S = 0.3
DESKTOP, TABLET = (1280, 720), (820, 1180)


def make_words(turns: Path) -> Transcript:
    """Lay words into the turns of an RTTM file, one after another."""
    (annotation,) = read_rttm(turns).values()
    texts = _speech()
    segments = []
    for segment in annotation.itersegments():
        count = max(int(segment.duration / WORD_S), 1)
        starts = [segment.start + number * WORD_S for number in range(count)]
        words = tuple(Word(next(texts), start, start + 0.9 * WORD_S) for start in starts)
        segments.append(TranscriptSegment(words, segment.start, segment.end))
    return Transcript(tuple(segments), turns.stem)


def _speech() -> Iterator[str]:
    for sentence in cycle(SENTENCES):
        yield from sentence.split()


def take_picture(audio: Path, turns: Path, output: Path, *, dark: bool, tablet: bool) -> None:
    """Diarize a recording, open its page, select an uncertain turn, and take the picture."""
    diarizer = diarspk.Diarizer()
    result = diarizer(audio)
    analysis = RecordingAnalysis(open_audio(audio), lambda: diarizer, result)
    width, height = TABLET if tablet else DESKTOP
    with tempfile.TemporaryDirectory() as folder, opened_browser() as browser:
        session = ReviewSession(
            result.edit().rename({"SPEAKER_00": "Alice"}),
            Path(folder) / f"{audio.stem}.edits.jsonl",
            transcript=make_words(turns),
            analysis=analysis,
        )
        with serve_in_background(session, PlayableRecording(open_audio(audio))) as address:
            page = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                has_touch=tablet,
            ).new_page()
            page.goto(address)
            page.wait_for_selector("body[data-peaks]")
            page.locator("#rows li").first.click()
            page.keyboard.press("Control+Enter")
            page.wait_for_selector("body[data-operations='2']")
            page.keyboard.press("F8")
            page.wait_for_timeout(300)
            page.screenshot(path=output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("audio", type=Path)
    parser.add_argument("--turns", type=Path, required=True, help="RTTM into which words are laid")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--tablet", action="store_true")
    parser.add_argument("-o", "--output", type=Path, required=True, help="PNG to write")
    given = parser.parse_args()
    take_picture(given.audio, given.turns, given.output, dark=given.dark, tablet=given.tablet)
