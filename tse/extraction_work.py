"""What ``diarspk extract`` does with a recording, in this process or another."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from diarspk.cli.batch_task import Process, Summary
from diarspk.cli.companion_files import CompanionFiles
from diarspk.cli.contents import describe_contents
from diarspk.cli.recordings import Reader
from diarspk.cli.result_names import NamedRecording
from diarspk.cli.terminal import ProgressCallback
from diarspk.errors import FormatError, SpeechWarning
from diarspk.version import __version__
from tse.track_config import TrackConfig

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk import Diarizer
    from diarspk.audio import AudioStream
    from tse.extractor import Extractor

__all__ = ["ExtractionWork"]

Opened: TypeAlias = "tuple[AudioStream, Annotation | None]"


@dataclass(frozen=True)
class ExtractionWork:
    """Extraction from recordings with the same options.

    Attributes
    ----------
    enrolments : tuple of Path
        Recordings of the speaker. Without any, speakers of a diarization are extracted.
    speaker : str, optional
        One of them. Default: all, and a result is a folder.
    diarizations : CompanionFiles, optional
        Default: recordings are diarized.
    tracks : TrackConfig
        What is left in the voice of a speaker of a diarization; its ``mask_db`` also goes for an
        enrolled one.
    extractor : str, optional
        Name or card. Default: the embedded one.
    device : str
    reader : Reader
    """

    enrolments: tuple[Path, ...]
    speaker: str | None
    diarizations: CompanionFiles | None
    tracks: TrackConfig
    extractor: str | None
    device: str
    reader: Reader

    @property
    def settings(self) -> str:
        """Text of all that results depend on, besides the recordings and their diarizations."""
        return repr((__version__, self, describe_contents([self.extractor, *self.enrolments])))

    def files_of(self, named: NamedRecording) -> Sequence[Path]:
        """Find the diarization of a recording, if they are given."""
        return () if self.diarizations is None else (self.diarizations.find(named),)

    def open(self, named: NamedRecording) -> Opened:
        """Open a recording, and read its diarization."""
        stream = self.reader.open_part(named.recording, named.name)
        if self.diarizations is None:
            return stream, None
        file, wanted = self.diarizations.find(named), self.diarizations.name_of(named)
        annotation = _read_diarization(file, wanted, hint=named.name)
        if annotation:
            from diarspk.transcripts.same_recording import check_same_recording

            end = annotation.get_timeline(copy=False).extent().end
            check_same_recording(file, end, str(annotation.uri), stream)
        return stream, annotation

    def load(self) -> Process[Opened]:
        """Load the extractor, and the diarizer where it is needed."""
        from tse.loading import load_extractor

        extractor = load_extractor(self.extractor, device=self.device)
        if self.enrolments:
            return self._for_enrolled(extractor)
        if self.diarizations is not None:
            return partial(self._extract_speakers, extractor, None)
        from diarspk import Diarizer

        return partial(self._extract_speakers, extractor, Diarizer(device=self.device))

    def _for_enrolled(self, extractor: Extractor) -> Process[Opened]:
        from tse.enrolled_voice import enroll
        from tse.voice_files import write_enrolled

        # What the options say of the recording does not go for enrolments.
        cue = enroll(extractor, [Reader().open(file) for file in self.enrolments])
        mask_db = self.tracks.mask_db

        def process(opened: Opened, target: Path, progress: ProgressCallback | None) -> Summary:
            duration = write_enrolled(
                extractor,
                opened[0],
                cue,
                target,
                mask_db=mask_db,
                enrolments=self.enrolments,
                progress=progress,
            )
            return Summary(duration, None)

        return process

    def _extract_speakers(
        self,
        extractor: Extractor,
        diarizer: Diarizer | None,
        opened: Opened,
        target: Path,
        progress: ProgressCallback | None,
    ) -> Summary:
        """Write the voice of one speaker to a file, or those of all into a folder."""
        from diarspk.formats.names import plain_name
        from tse.meeting import turns_and_activity, write_folder
        from tse.track_writing import write_tracks

        stream, annotation = opened
        activity = None
        if diarizer is not None:
            annotation, activity = turns_and_activity(diarizer(stream, progress=progress))
        assert annotation is not None
        if self.speaker is not None:
            file = {plain_name(self.speaker): target}
            _, duration = write_tracks(
                extractor,
                stream,
                annotation,
                file,
                self.tracks,
                activity=activity,
                progress=progress,
            )
            return Summary(duration, 1)
        if not annotation.labels():
            message = f"{stream.source.label}: no speech found; no track is written"
            warnings.warn(message, SpeechWarning, stacklevel=2)
        tracks, seconds = write_folder(
            extractor,
            stream,
            annotation,
            target,
            config=self.tracks,
            activity=activity,
            progress=progress,
        )
        return Summary(seconds, len(tracks))


def _read_diarization(file: Path, wanted: str | None, hint: str) -> Annotation:
    """Read the turns of a recording: that of a name, or else the only one."""
    from diarspk.formats import read_rttm
    from diarspk.formats.names import plain_name

    annotations = read_rttm(file)
    name = plain_name(wanted or hint)
    if name in annotations:
        return annotations[name]
    if wanted is None and len(annotations) == 1:
        return next(iter(annotations.values()))
    alternative = "" if wanted else ", or of one recording only"
    raise FormatError(
        f"must have the turns of {name}{alternative}, got those of "
        f"{', '.join(annotations) or 'none'}",
        str(file),
    )
