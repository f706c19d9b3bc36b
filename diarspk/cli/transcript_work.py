"""What ``diarspk transcript`` does with a recording, in this process or another."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diarspk.cli.batch_task import Process, Summary
from diarspk.cli.companion_files import CompanionFiles
from diarspk.cli.contents import describe_contents
from diarspk.cli.diarization_work import DiarizationWork
from diarspk.cli.result_names import NamedRecording
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import ProgressCallback
from diarspk.errors import ArgumentError, DiarspkWarning
from diarspk.version import __version__

if TYPE_CHECKING:
    from diarspk import Diarizer
    from diarspk.audio import AudioStream
    from diarspk.transcripts import AssignmentConfig, Transcript
    from diarspk.transcripts.recognition import Recogniser

__all__ = ["Opened", "Tools", "TranscriptWork"]


@dataclass(frozen=True)
class Opened:
    """A recording, its words if they are there, and who speaks when if that is."""

    label: str
    stream: AudioStream | None
    words: Transcript | None
    diarization: Path | None
    wanted: str | None
    """Name of the recording in the diarization, where that may hold others."""


@dataclass(frozen=True)
class Tools:
    """What words and speakers come from where files do not tell them."""

    recogniser: Recogniser | None
    diarizer: Diarizer | None


@dataclass(frozen=True)
class TranscriptWork:
    """Words with speakers of recordings, with the same options.

    Attributes
    ----------
    transcripts : CompanionFiles, optional
        Words of the recordings. Without any, and without `model`, what is listed are transcripts.
    diarizations : CompanionFiles, optional
        Default: recordings are diarized; of transcripts alone, the speakers that they tell.
    recording : str, optional
        Name of the recording in its files.
    model, language : str, optional
        Model of Whisper that transcribes, in place of transcripts.
    config : AssignmentConfig
    diarization : DiarizationWork
        How recordings are opened and diarized.
    format : str
        See :data:`diarspk.transcripts.saving.FORMATS`.
    every_cue : bool
    """

    transcripts: CompanionFiles | None
    diarizations: CompanionFiles | None
    recording: str | None
    model: str | None
    language: str | None
    config: AssignmentConfig
    diarization: DiarizationWork
    format: str
    every_cue: bool

    @property
    def has_audio(self) -> bool:
        """Whether recordings are listed, and not transcripts."""
        return self.transcripts is not None or self.model is not None

    @property
    def settings(self) -> str:
        """Text of all that results depend on, besides the files of the recordings."""
        named = describe_contents([self.model, self.diarization.gallery])
        return repr((__version__, self, named))

    def files_of(self, named: NamedRecording) -> Sequence[Path]:
        """Find the transcript and the diarization of a recording, if they are given."""
        given = (self.transcripts, self.diarizations)
        return [files.find(named) for files in given if files is not None]

    def open(self, named: NamedRecording) -> Opened:
        """Open a recording, and read its words."""
        stream = self.diarization.open(named) if self.has_audio else None
        words = None if self.model is not None else self._read(named)
        label = str(named.recording.path)
        if self.diarizations is None:
            return Opened(label, stream, words, None, None)
        file, wanted = self.diarizations.find(named), self.diarizations.name_of(named)
        wanted = self.recording or wanted
        if stream is not None:
            _check_recording(file, wanted, stream)
        return Opened(label, stream, words, file, wanted)

    def load(self) -> Process[Opened]:
        """Load the models that are needed."""
        tools = self.load_tools()

        def process(opened: Opened, target: Path, progress: ProgressCallback | None) -> Summary:
            from diarspk.transcripts.saving import save_transcript

            found, duration = self.transcribe(tools, opened, progress)
            save_transcript(found, target, format=self.format, every_cue=self.every_cue)
            for note in getattr(found, "notes", ()):
                warnings.warn(f"{opened.label}: {note}", DiarspkWarning, stacklevel=2)
            return Summary(duration, len(found.speakers))

        return process

    def load_tools(self) -> Tools:
        """Load the recogniser and the diarizer, where they are needed."""
        recogniser = None
        if self.model is not None:
            from diarspk.transcripts.recognition import load_recogniser

            recogniser = load_recogniser(self.model)
        needed = self.has_audio and self.diarizations is None
        return Tools(recogniser, self.diarization.models.load() if needed else None)

    def transcribe(
        self, tools: Tools, opened: Opened, progress: ProgressCallback | None
    ) -> tuple[Transcript, float | None]:
        """Give every word its speaker; also tell the seconds of a recording that is diarized.

        Raises
        ------
        ArgumentError
            If nothing says who speaks.
        DiarspkError
            If a file cannot be read.
        """
        with quick_imports():
            from diarspk.transcripts import assign_speakers

        words = opened.words
        if words is None:
            from diarspk.transcripts.recognition import transcribe

            assert opened.stream is not None and tools.recogniser is not None
            words = transcribe(opened.stream, tools.recogniser, language=self.language)
        if opened.diarization is not None:
            found = assign_speakers(
                words, opened.diarization, uri=opened.wanted, config=self.config
            )
            return found, None
        if opened.stream is not None:
            assert tools.diarizer is not None
            live = self.diarization.diarize(tools.diarizer, opened.stream, progress)
            return assign_speakers(words, live, config=self.config), live.duration
        if not words.speakers:
            raise ArgumentError(
                f"{opened.label} does not say who speaks; give the recording, or --diarization FILE"
            )
        return words, None

    def _read(self, named: NamedRecording) -> Transcript:
        with quick_imports():
            from diarspk.transcripts import read_transcript

        if self.transcripts is None:
            return read_transcript(named.recording.path, self.recording)
        wanted = self.recording or self.transcripts.name_of(named)
        return read_transcript(self.transcripts.find(named), wanted)


def _check_recording(file: Path, wanted: str | None, stream: AudioStream) -> None:
    """Check that the turns of a file are of the recording that is transcribed."""
    from diarspk.transcripts.diarized_turns import to_turns
    from diarspk.transcripts.same_recording import check_same_recording

    turns = to_turns(file, wanted, hint=stream.name)
    check_same_recording(file, max((turn.end for turn in turns), default=0.0), None, stream)
