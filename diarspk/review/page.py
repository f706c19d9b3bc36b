"""A read-only page in one file: the same page as the server's, with everything inside."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from io import BytesIO
from os import PathLike
from typing import TYPE_CHECKING, Any

from diarspk.arguments import check_path
from diarspk.atomic import atomic_path
from diarspk.editing.edited_diarization import EditedDiarization
from diarspk.errors import FormatError
from diarspk.review.assets import asset_names, read_asset
from diarspk.review.peaks import PEAKS_PER_S, compute_peaks
from diarspk.review.playback import encode_opus
from diarspk.review.words import find_turns, list_words, with_speakers

if TYPE_CHECKING:
    from diarspk.audio import Audio
    from diarspk.editing.starting import Diarized
    from diarspk.transcripts.transcript import Transcript

__all__ = ["ReviewPage", "render_page"]

IMPORT = re.compile(r'(\bfrom |\bimport )"\./([\w-]+\.js)"')
"""Import of a module of the page; in one file, there is nothing that it could be relative to."""

STYLE = '<link rel="stylesheet" href="static/style.css">'
SCRIPT = '<script type="module" src="static/main.js"></script>'
ICON = '<link rel="icon" href="static/icon.svg">'

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; "
    "img-src data:; media-src blob:; base-uri 'none'; form-action 'none'"
)
"""What the page may do: nothing is fetched, and nothing sent."""

NOTEBOOK_PIXELS = 480
"""Height in a notebook."""


@dataclass(frozen=True, repr=False)
class ReviewPage:
    """HTML of a page that needs no server, no network and no other file.

    Attributes
    ----------
    html : str
    """

    html: str

    def write(self, path: str | PathLike[str]) -> None:
        """Write the page to a file, which is replaced whole or not at all.

        Raises
        ------
        FormatError
            If the file cannot be written.
        """
        path = check_path(path, "path")
        try:
            with atomic_path(path) as part:
                part.write_text(self.html, encoding="utf-8", newline="\n")
        except OSError as error:
            raise FormatError(
                f"cannot be written ({error.strerror}); check it", str(path)
            ) from None

    def __repr__(self) -> str:
        return f"ReviewPage({len(self.html)} characters)"

    def _repr_html_(self) -> str:
        """Show the page in a notebook: in a frame of its own, which reads nothing around it."""
        return (
            f'<iframe sandbox="allow-scripts" title="Who spoke when" srcdoc="{escape(self.html)}" '
            f'style="width: 100%; height: {NOTEBOOK_PIXELS}px; border: 1px solid #8888" '
            "></iframe>"
        )


def render_page(
    diarization: EditedDiarization | Diarized,
    *,
    audio: Audio | None = None,
    transcript: Transcript | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> ReviewPage:
    """Make a read-only page of a diarization, to look at, or to send.

    Parameters
    ----------
    diarization : Diarization, EditedDiarization, Annotation or path
    audio : path, file object or AudioStream, optional
        The recording, which becomes part of the page as Opus (15 MB an hour), with its waveform.
        Default: the page shows turns and words alone.
    transcript : Transcript, optional
        Words; they get their speakers by the turns.
    progress : callable, optional
        Called with a stage and the fraction of it that is done.

    Returns
    -------
    ReviewPage

    Raises
    ------
    ArgumentError
        If the diarization is of another type.
    AudioError
        If the recording cannot be read.
    """
    edited = diarization
    if not isinstance(edited, EditedDiarization):
        edited = EditedDiarization.of(edited)
    state: dict[str, Any] = {
        "revision": 0,
        "uri": edited.uri,
        "duration": edited.duration,
        "turns": [turn.to_json() for turn in edited.turns],
        "operations": 0,
        "undo": None,
        "redo": None,
        "log": "",
    }
    words: list[list[Any]] = []
    word_turns: list[int | None] = []
    if transcript is not None:
        words = list_words(transcript)
        word_turns = find_turns(with_speakers(transcript, edited.annotation), edited.turns)
    review = {
        "state": state,
        "words": words,
        "word_turns": word_turns,
        "formats": [],
        "notes": getattr(diarization, "warnings", ()),
        "peaks_per_s": PEAKS_PER_S,
        "analysis": False,
        "read_only": True,
    }
    sound = {} if audio is None else _encode(audio, progress)
    return ReviewPage(_inline(review, sound))


def _encode(audio: Audio, progress: Callable[[str, float], None] | None) -> dict[str, str]:
    """Encode the peaks and the sound of a recording as base64, by the id of their element."""
    from diarspk.audio import open_audio

    stream = open_audio(audio)
    expected = stream.expected_duration

    def follow(seconds: float) -> None:
        if progress is not None and expected:
            progress("encode", min(seconds / expected, 1.0))

    opus = BytesIO()
    encode_opus(stream, opus, progress=follow)
    peaks = b"".join(compute_peaks(block).tobytes() for block in stream.blocks(30.0))
    return {
        "review-peaks": base64.b64encode(peaks).decode(),
        "review-audio": base64.b64encode(opus.getvalue()).decode(),
    }


def _inline(review: Mapping[str, Any], sound: Mapping[str, str]) -> str:
    """Put style, modules and data into the HTML of the page."""
    html = read_asset("index.html")
    modules = {
        f"review/{name}": _data_url(_with_bare_imports(read_asset(name)), "text/javascript")
        for name in asset_names()
        if name.endswith(".js")
    }
    # `<` ends no element inside of a JSON string, whatever a speaker is called.
    data = json.dumps(review, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    scripts = [
        f'<script type="importmap">{json.dumps({"imports": modules})}</script>',
        f'<script type="application/json" id="review-data">{data}</script>',
        *(f'<script type="text/plain" id="{key}">{text}</script>' for key, text in sound.items()),
        '<script type="module">import "review/main.js";</script>',
    ]
    parts = {
        ICON: f'<link rel="icon" href="{_data_url(read_asset("icon.svg"), "image/svg+xml")}">',
        STYLE: f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<style>\n{read_asset('style.css')}</style>",
        SCRIPT: "\n".join(scripts),
    }
    for element, content in parts.items():
        before, found, after = html.partition(element)
        assert found, element
        html = before + content + after
    return html


def _with_bare_imports(source: str) -> str:
    return IMPORT.sub(r'\1"review/\2"', source)


def _data_url(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"
