"""Linking of diarized recordings, whose voices are embedded in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diarspk.cli.batch_progress import batch_progress
from diarspk.cli.recordings import Reader, Recording
from diarspk.cli.terminal import describe_failure, say, warnings_on_one_line
from diarspk.cli.workers import WorkerDied, run_in_processes

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk import SpeakerEncoder
    from diarspk.diarization.linking_criterion import LinkingCriterion
    from diarspk.diarization.people import LinkedRecordings
    from diarspk.diarization.recorded_speakers import RecordedSpeaker

__all__ = ["DiarizedRecording", "Linked", "LinkingWork"]


@dataclass(frozen=True, eq=False)
class DiarizedRecording:
    """A recording of a file of diarizations.

    Attributes
    ----------
    name : str
        By which the appearances of people are listed.
    file : Path
        RTTM or JSON.
    annotation : Annotation
    recording : Recording
        Its audio.
    speakers : frozenset of str, optional
        Labels that are linked; the others stay. Default: all.
    """

    name: str
    file: Path
    annotation: Annotation
    recording: Recording
    speakers: frozenset[str] | None = None


@dataclass(frozen=True)
class Linked:
    """People of recordings, those recordings, and the number of those that failed."""

    people: LinkedRecordings
    recordings: Sequence[DiarizedRecording]
    failed: int


@dataclass(frozen=True)
class LinkingWork:
    """How recordings are linked.

    Attributes
    ----------
    load_encoder : callable
        Loads the encoder in another process; it can be sent there.
    reader : Reader
    read_before : bool
        Whether the recordings were read just before, so that their warnings are known.
    """

    load_encoder: Callable[[], SpeakerEncoder]
    reader: Reader
    read_before: bool = False

    def __call__(self) -> Callable[[DiarizedRecording], _Voices]:
        """Load the encoder; what is returned embeds the speakers of a recording."""
        return _Embedder(self.load_encoder(), self.reader)

    def link(
        self,
        recordings: Sequence[DiarizedRecording],
        encoder: SpeakerEncoder,
        criterion: LinkingCriterion,
        jobs: int,
        quiet: bool,
    ) -> Linked:
        """Link the speakers of recordings, and tell of what fails and of what is doubtful.

        A file with a recording that fails is left out as a whole.

        Parameters
        ----------
        encoder
            The one that `load_encoder` loads, for the work of this process.
        """
        from diarspk.diarization.people import link_speakers

        broken: set[Path] = set()
        speakers: dict[DiarizedRecording, Sequence[RecordedSpeaker]] = {}
        failed = 0
        for one, voices in self._embed(recordings, encoder, jobs, quiet):
            for text in () if self.read_before else voices.warnings:
                say(f"warning: {text}")
            if voices.failure:
                say(f"error: {voices.failure}")
                broken.add(one.file)
                failed += 1
            speakers[one] = voices.speakers
        done = [one for one in recordings if one.file not in broken]
        people = link_speakers([who for one in done for who in speakers[one]], criterion)
        for doubt in people.doubts:
            say(f"warning: {doubt}")
        return Linked(people, done, failed)

    def _embed(
        self,
        recordings: Sequence[DiarizedRecording],
        encoder: SpeakerEncoder,
        jobs: int,
        quiet: bool,
    ) -> Iterator[tuple[DiarizedRecording, _Voices]]:
        with batch_progress(quiet, len(recordings), len(recordings)) as progress:
            if jobs > 1 and len(recordings) > 1:
                for one, voices in run_in_processes(self, recordings, jobs):
                    if isinstance(voices, WorkerDied):
                        voices = _Voices(failure=f"{one.file}: {voices.text}")
                    yield one, voices
                    progress.done(1)
                return
            embedder = _Embedder(encoder, self.reader)
            for one in recordings:
                yield one, embedder(one)
                progress.done(1)


@dataclass(frozen=True)
class _Voices:
    """Speakers of a recording, or why there are none, and warnings."""

    speakers: Sequence[RecordedSpeaker] = ()
    failure: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class _Embedder:
    """Embeds the speakers of a recording; what is wrong with it is part of what comes of it."""

    encoder: SpeakerEncoder
    reader: Reader

    def __call__(self, one: DiarizedRecording) -> _Voices:
        from diarspk.diarization.recorded_speakers import embed_speakers
        from diarspk.transcripts.same_recording import check_same_recording

        told: list[str] = []
        with warnings_on_one_line(told.append):
            try:
                stream = self.reader.open_part(one.recording, one.name)
                end = one.annotation.get_timeline(copy=False).extent().end
                check_same_recording(one.file, end, str(one.annotation.uri), stream)
                found = embed_speakers(
                    one.annotation,
                    stream,
                    self.encoder,
                    recording=one.name,
                    speakers=one.speakers,
                )
            # Whatever befalls a recording, the others are linked.
            except Exception as error:
                return _Voices(failure=describe_failure(one.file, error), warnings=told)
        return _Voices(found, warnings=told)
