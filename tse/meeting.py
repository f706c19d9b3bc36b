"""Voices of all speakers of a recording, a track each: ``diarspk extract --all`` in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from pyannote.core import Annotation

from diarspk.arguments import check_path, check_type
from diarspk.audio import Audio, AudioStream, open_audio
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.result import Diarization
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.errors import ArgumentError
from diarspk.file_names import file_stems
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.speaker_track import SpeakerTrack, tracks_document
from tse.track_config import TrackConfig
from tse.track_folder import SUFFIX, write_listing
from tse.track_writing import write_tracks

__all__ = ["extract_speakers", "turns_and_activity", "write_folder"]

Progress = Callable[[str, float], None]


def extract_speakers(
    recording: Audio,
    folder: str | PathLike[str],
    diarization: Diarization | Annotation | None = None,
    sample_rate: int | None = None,
    *,
    speakers: Sequence[str] | None = None,
    config: TrackConfig | None = None,
    channel: int | None = None,
    extractor: Extractor | None = None,
    diarizer: Diarizer | None = None,
    progress: Progress | None = None,
) -> list[SpeakerTrack]:
    """Write the voice of each speaker of a recording to ``FOLDER/SPEAKER.wav``, at 16 kHz.

    Each speaker is enrolled by stretches of the recording in which nobody else talks. The recording
    is read block by block, in memory that does not grow with its length.

    Parameters
    ----------
    recording, sample_rate, channel
        See :func:`diarspk.audio.load_audio`: with arrays, the sample rate is required.
    folder
        Tracks of an earlier call, which its ``tracks.json`` lists, are removed from it. The new
        list has what is returned, too.
    diarization
        Who speaks when. A result of a :class:`diarspk.Diarizer` also tells how probable that is,
        which decides when tracks are open and what enrolls. Default: the recording is diarized.
    speakers
        Labels of those who are wanted. Default: all.
    config
        What is left in a track. Default: :class:`TrackConfig`.
    extractor, diarizer
        Default: the embedded ones. Load them once for many recordings.
    progress
        Callable(stage, fraction done in [0, 1]).

    Returns
    -------
    list of SpeakerTrack
        In the order of the labels; empty where no speech was found.

    Warns
    -----
    SpeechWarning
        Of speakers who talk too little alone to be enrolled well, and of doubtful tracks.
    DiarspkWarning
        Of files that were removed, and of sound files in the folder that are no tracks.

    Raises
    ------
    AudioError
        If audio cannot be read, or the turns of a speaker lie outside the recording.
    ArgumentError
        If an argument is wrong, or the diarization has no such speaker.

    Examples
    --------
    >>> for track in tse.extract_speakers("meeting.wav", "tracks"):  # doctest: +SKIP
    ...     print(track.speaker, track.file, track.mean_confidence, track.doubtful_stretches)
    """
    target = Path(check_path(folder, "folder"))
    check_type(extractor, "extractor", Extractor | None)
    check_type(diarizer, "diarizer", Diarizer | None)
    check_type(config, "config", TrackConfig | None)
    stream = open_audio(recording, sample_rate, channel=channel)
    extractor = extractor or load_extractor()
    if diarization is None:
        diarizer = diarizer or Diarizer(device=extractor.device)
        diarization = diarizer(stream, progress=progress)
    annotation, activity = turns_and_activity(diarization)
    del diarization  # its first pass takes memory that is not needed any more
    tracks, _ = write_folder(
        extractor,
        stream,
        annotation,
        target,
        speakers=speakers,
        config=config,
        activity=activity,
        progress=progress,
    )
    return tracks


def turns_and_activity(
    diarization: Diarization | Annotation,
) -> tuple[Annotation, SpeakerActivity | None]:
    """Take the turns of a diarization, and the probabilities behind them where it has them.

    Raises
    ------
    ArgumentError
        If it is of another type.
    """
    if isinstance(diarization, Annotation):
        texts = {label: str(label) for label in diarization.labels()}
        return diarization.rename_labels(texts), None
    if not isinstance(diarization, Diarization):
        raise ArgumentError(
            "`diarization` must be a Diarization or an Annotation, got "
            f"{type(diarization).__name__}; read files with diarspk.formats.read_rttm"
        )
    has_origin = diarization.first_pass is not None and diarization.postprocessing is not None
    return diarization.annotation, diarization.speaker_activity() if has_origin else None


def write_folder(
    extractor: Extractor,
    stream: AudioStream,
    annotation: Annotation,
    folder: Path,
    *,
    speakers: Sequence[str] | None = None,
    config: TrackConfig | None = None,
    activity: SpeakerActivity | None = None,
    progress: Progress | None = None,
) -> tuple[list[SpeakerTrack], float | None]:
    """Write tracks into a folder, and their list; see :func:`extract_speakers`.

    Returns
    -------
    tracks : list of SpeakerTrack
    seconds : float, optional
        Duration of the recording, where it is known.
    """
    config = config or TrackConfig()
    names = [str(label) for label in annotation.labels()]
    wanted = names if speakers is None else list(speakers)
    files = {name: folder / f"{stem}{SUFFIX}" for name, stem in file_stems(wanted).items()}
    tracks: list[SpeakerTrack] = []
    seconds = stream.duration
    if files:
        tracks, seconds = write_tracks(
            extractor, stream, annotation, files, config, activity=activity, progress=progress
        )
    document = tracks_document(tracks, stream.name, seconds, config, extractor)
    write_listing(folder, document, [track.file for track in tracks])
    return tracks, seconds
