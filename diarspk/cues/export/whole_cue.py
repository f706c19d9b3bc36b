"""Export of a whole cue: timbre, frame embeddings and prosody in one file, and its card."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from diarspk.arguments import check_path, check_type
from diarspk.checkpoints.digest import digest_file
from diarspk.cues.export.drafts import drafts
from diarspk.cues.speaker_cue import SpeakerCue, write_cue
from diarspk.errors import ArgumentError

__all__ = ["CUE_SUFFIXES", "CueCard", "export_whole_cue"]

CUE_SUFFIXES = (".npz", ".safetensors")


@dataclass(frozen=True)
class CueCard:
    """Content of ``FILE.card.json`` beside a whole cue.

    Attributes
    ----------
    target : str
        "cue".
    speaker : str
        Name of the speaker.
    fingerprint, encoder : str
        Embedding space, and name of its encoder.
    dimension, frames : int
        Of an embedding; number of frame embeddings.
    hop_s, duration_s : float
        Seconds from one frame to the next, and of speech.
    prosody : dict of str to float or None
        Pitch, energy and speaking rate; None where nothing is voiced.
    files : dict of str to str
        SHA-256 of the file, by name.
    """

    target: str
    speaker: str
    fingerprint: str
    encoder: str
    dimension: int
    frames: int
    hop_s: float
    duration_s: float
    prosody: dict[str, float | None]
    files: dict[str, str]


def export_whole_cue(cue: SpeakerCue, speaker: str, path: str | Path) -> CueCard:
    """Write a cue and its card; both appear whole or not at all.

    Parameters
    ----------
    cue : SpeakerCue
    speaker : str
        Name of the speaker.
    path : path
        ``.npz`` or ``.safetensors``; :func:`diarspk.cues.read_cue` reads both.

    Raises
    ------
    ArgumentError
        If the suffix is another.
    """
    check_type(cue, "cue", SpeakerCue)
    check_type(speaker, "speaker", str)
    file = Path(check_path(path, "path"))
    if file.suffix not in CUE_SUFFIXES:
        raise ArgumentError(f"`path` must be {' or '.join(CUE_SUFFIXES)} for a cue, got {file}")
    with drafts(file.parent, file) as folder:
        draft = folder / file.name
        write_cue(cue, draft)
        figures = asdict(cue.prosody)
        card = CueCard(
            target="cue",
            speaker=speaker,
            fingerprint=cue.space.fingerprint,
            encoder=cue.space.name,
            dimension=cue.space.dimension,
            frames=len(cue.frames.data),
            hop_s=cue.frames.hop,
            duration_s=round(cue.duration, 3),
            prosody={
                name: round(value, 4) if math.isfinite(value) else None
                for name, value in figures.items()
            },
            files={file.name: digest_file(draft)},
        )
        text = json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{file.name}.card.json").write_text(text, encoding="utf-8")
    return card
