"""Tools of an assistant over recordings in allowed folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

from diarspk.audio import AudioStream, open_audio
from diarspk.errors import DiarspkError
from diarspk.mcp_server.allowed_folders import AllowedFolders
from diarspk.server.speech_engine import MAX_REFERENCE_S, SpeakerCount, SpeechEngine
from diarspk.server.thread_warnings import collected_warnings
from diarspk.server.voiceprints import match_speakers
from diarspk.server.work_control import WorkControl

if TYPE_CHECKING:
    from diarspk import Diarization

__all__ = ["SpeechTools", "ToolContext", "told_to_assistant"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

MIN_CONFIDENCE = 50.0
"""Percent from which a speaker has the name of a reference: more likely than not."""


@dataclass(frozen=True)
class ToolContext:
    """What tools work with.

    Attributes
    ----------
    folders : AllowedFolders
    engine : SpeechEngine
    """

    folders: AllowedFolders
    engine: SpeechEngine

    def open(self, name: str, max_s: float | None = None) -> AudioStream:
        """Open a recording of the allowed folders.

        Raises
        ------
        ArgumentError
            If it is outside of them, or longer than ``max_s`` seconds.
        AudioError
            If it is no audio.
        """
        stream = open_audio(self.folders.to_read(name))
        if max_s is not None and stream.measure_duration() > max_s:
            raise ToolError(f"{name}: longer than {max_s:g} s; give a shorter recording")
        return stream


def told_to_assistant(tool: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Tell the assistant what is wrong with what it gave, and not that the tool is broken."""

    @wraps(tool)
    def run(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        try:
            return tool(*arguments, **named)
        except (DiarspkError, OSError) as error:
            raise ToolError(" ".join(str(error).split())) from error

    return run


class SpeechTools:
    """The tools that need nothing but the diarizer; their docstrings are read by assistants."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    def diarize(self, path: str, num_speakers: int | None = None) -> dict[str, Any]:
        """Say who speaks when in a recording: turns with start and end in seconds and a speaker.

        Speakers are numbered (SPEAKER_00, ...). Give num_speakers only if you know the number.
        """
        with collected_warnings() as notes:
            result = self._diarize(path, num_speakers)
        return _described(result, notes)

    def identify(
        self, path: str, references: dict[str, str], num_speakers: int | None = None
    ) -> dict[str, Any]:
        """Say who speaks when, with names for people of whom you have a recording.

        references maps each name to a recording in which that person speaks alone, a few seconds at
        least. Speakers who are like none of them keep a number.
        """
        with collected_warnings() as notes:
            known = {name: self._embed(file) for name, file in references.items()}
            result = self._diarize(path, num_speakers)
        matches = match_speakers(
            result.speakers, known, result.fingerprint, threshold=MIN_CONFIDENCE
        )
        names = {label: match.name for label, match in matches.items() if match.name is not None}
        answer = _described(result.rename(names), notes)
        answer["confidence_percent"] = {
            names.get(label, label): match.confidence for label, match in matches.items()
        }
        return answer

    def transcript(
        self, path: str, words: str | None = None, num_speakers: int | None = None
    ) -> str:
        """Write what is said with the speaker of every paragraph.

        words is the path of a transcript of the recording: JSON of Whisper or another recogniser,
        SRT, VTT, CTM or STM. Without it the recording is transcribed, if this server can.
        """
        from diarspk.transcripts import assign_speakers, read_transcript
        from diarspk.transcripts.saving import to_text

        audio = self._context.open(path)
        if words is not None:
            given = read_transcript(self._context.folders.to_read(words))
        else:
            made = self._context.engine.transcribe(audio, WorkControl())
            if made is None:
                raise ToolError("this server has no recogniser; give words, a transcript's path")
            given = made
        with collected_warnings() as notes:
            result = self._context.engine.diarize(audio, WorkControl(), SpeakerCount(num_speakers))
        spoken = assign_speakers(given, result)
        return "".join(f"Note: {note}\n" for note in (*notes, *spoken.notes)) + to_text(
            spoken, "txt"
        )

    def _diarize(self, path: str, num_speakers: int | None) -> Diarization:
        audio = self._context.open(path)
        return self._context.engine.diarize(audio, WorkControl(), SpeakerCount(num_speakers))

    def _embed(self, path: str) -> Any:
        return self._context.engine.embed(self._context.open(path, MAX_REFERENCE_S))


def _described(result: Diarization, notes: list[str]) -> dict[str, Any]:
    """List the turns of a result, and how much each speaker says."""
    chart = result.annotation.chart()
    turns = [
        {"start": round(turn.start, 2), "end": round(turn.end, 2), "speaker": str(label)}
        for turn, _, label in result.annotation.itertracks(yield_label=True)
    ]
    return {
        "duration_s": round(result.duration, 2),
        "speakers": [{"name": str(label), "seconds": round(spoken, 2)} for label, spoken in chart],
        "turns": turns,
        "warnings": notes,
    }
