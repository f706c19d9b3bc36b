"""Export in every format: turns by suffix, words with speakers by name."""

from __future__ import annotations

from io import StringIO

from diarspk.editing.edited_diarization import EditedDiarization
from diarspk.errors import ArgumentError
from diarspk.formats.saving import WRITERS
from diarspk.review.session import ReviewSession
from diarspk.transcripts.saving import FORMATS, to_text

__all__ = ["export", "list_formats"]

TURNS = {suffix.removeprefix("."): write for suffix, write in WRITERS.items()}
"""Writers of turns by name, which is the suffix."""

NAMES = {
    "rttm": "RTTM",
    "json": "JSON",
    "csv": "CSV",
    "srt": "SubRip subtitles (SRT)",
    "vtt": "WebVTT subtitles",
    "txt": "Audacity labels",
    "textgrid": "Praat TextGrid",
}

WORD_NAMES = {
    "whisperx": "JSON as whisperX",
    "openai": "diarized_json of OpenAI",
    "podcast": "Podcast namespace JSON",
    "seglst": "SegLST",
    "label-studio": "Label Studio JSON",
    "srt": "SubRip subtitles (SRT)",
    "vtt": "WebVTT subtitles",
    "ass": "ASS subtitles",
    "txt": "Text",
    "markdown": "Markdown",
    "ctm": "CTM",
    "stm": "STM",
    "textgrid": "Praat TextGrid",
    "eaf": "ELAN",
}


def list_formats(*, words: bool) -> list[dict[str, str]]:
    """List the formats as ``{"what", "format", "name"}``; those of words if there are any.

    The last one is the page of :func:`diarspk.review.render_page`, which is made of the session and
    its recording.
    """
    found = [{"what": "turns", "format": key, "name": NAMES.get(key, key)} for key in TURNS]
    if words:
        found += [
            {"what": "words", "format": key, "name": WORD_NAMES.get(key, key)} for key in FORMATS
        ]
    return [*found, {"what": "page", "format": "html", "name": "Page to send (HTML)"}]


def export(session: ReviewSession, what: str, format: str) -> tuple[str, str]:
    """Write the turns, or the words with speakers, as they are now.

    Parameters
    ----------
    session : ReviewSession
    what : {"turns", "words"}
    format : str
        Name of a format of :func:`list_formats`.

    Returns
    -------
    str, str
        Name of the file, and its text.

    Raises
    ------
    ArgumentError
        If there is no such format, or no transcript.
    """
    stem = session.edited.uri or "recording"
    if what == "words":
        transcript = session.speaker_transcript()
        text = to_text(transcript, format)
        return f"{stem}{FORMATS[format][0]}", text
    if what != "turns":
        raise ArgumentError(f"`what` must be turns or words, got {what!r}")
    return f"{stem}.{format}", _turns_text(session.edited, format)


def _turns_text(edited: EditedDiarization, format: str) -> str:
    if format not in TURNS:
        raise ArgumentError(f"`format` must be one of {', '.join(TURNS)}, got {format!r}")
    stream = StringIO()
    TURNS[format](edited.annotation, stream, confidence=edited.confidence)
    return stream.getvalue()
