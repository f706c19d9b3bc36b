"""The voice of one speaker of a recording, from where that person talks alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import diarspk
from diarspk.cli.recordings import Reader, stem
from diarspk.cli.terminal import say

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.diarization.recorded_speakers import RecordedSpeaker

__all__ = ["embed_diarized"]


def embed_diarized(
    recording: Path,
    speaker: str,
    diarization: Path | None,
    encoder: str | None,
    device: str,
    reader: Reader,
) -> tuple[diarspk.SpeakerEncoder, RecordedSpeaker]:
    """Embed one speaker of a recording, which is diarized unless an RTTM file says who speaks when.

    Raises
    ------
    DiarspkError
        If a file cannot be read, or the speaker is not in it or hardly talks alone.
    """
    from diarspk.diarization.recorded_speakers import MIN_CLEAN_S, embed_speakers
    from diarspk.embeddings.profile import build_profile
    from diarspk.errors import ArgumentError

    if diarization is None:
        from diarspk.diarization.diarizer import EMBEDDED

        diarizer = diarspk.Diarizer.load(encoder or EMBEDDED, device=device)
        annotation, loaded = diarizer(reader.open(recording)).annotation, diarizer.encoder
    else:
        annotation = _read(diarization, recording)
        loaded = diarspk.load_encoder(encoder, device=device)
    labels = sorted(map(str, annotation.labels()))
    if speaker not in labels:
        raise ArgumentError(
            f"{diarization or recording}: has no speaker {speaker!r}; --speaker must be one of "
            f"{', '.join(labels) or 'nobody, since no speech was found'}"
        )
    stream = reader.open(recording)
    (found,) = embed_speakers(annotation, stream, loaded, speakers=[speaker])
    if not len(found.vectors):
        raise ArgumentError(
            f"{recording}: {speaker} talks alone for {found.seconds:.1f} s; {MIN_CLEAN_S:g} s are "
            "needed, so take another recording"
        )
    outliers = build_profile(found.vectors).outliers
    if outliers:
        say(
            f"warning: {recording}: {len(outliers)} of {len(found.vectors)} pieces of {speaker} do "
            "not sound like the others; check the diarization"
        )
    return loaded, found


def _read(diarization: Path, recording: Path) -> Annotation:
    """Read the diarization of a recording, the only one of a file or that of its name."""
    from diarspk.errors import FormatError
    from diarspk.formats import read_rttm
    from diarspk.formats.names import plain_name

    found = read_rttm(diarization)
    name = plain_name(stem(recording))
    if name in found:
        return found[name]
    if len(found) != 1:
        raise FormatError(
            f"has no turns of recording {name}; give its own diarization", str(diarization)
        )
    return next(iter(found.values()))
