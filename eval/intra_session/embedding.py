"""Embeddings of the segments that trials name: from an encoder, or from a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.errors import FormatError
from eval.diarization.conversations import list_recordings
from eval.intra_session.runs import UNITS_PER_SECOND
from eval.intra_session.trials import Crop, Trial
from eval.systems.registry import Embed

__all__ = ["Embeddings", "embed_crops", "list_crops", "read_embeddings", "write_embeddings"]

Embeddings = Mapping[Crop, NDArray[np.float32]]
"""A vector ``(dim,)`` of any norm for each segment."""

BATCH = 256
UNIT_SAMPLES = SAMPLE_RATE // UNITS_PER_SECOND


def list_crops(trials: Iterable[Trial]) -> list[Crop]:
    """Every segment that trials name, once, in order."""
    return sorted({crop for trial in trials for crop in (trial.test, trial.enrolment)})


def embed_crops(crops: Iterable[Crop], audio: Path, embed: Embed) -> Embeddings:
    """Embed segments, each cut out of its recording: an encoder receives nothing around them.

    Parameters
    ----------
    crops : iterable of Crop
    audio : Path
        Folder of recordings ``SESSION.wav``, ``.flac`` or ``.opus``.
    embed : Embed
        Waveforms at 16 kHz to vectors.

    Raises
    ------
    FormatError
        If a recording is missing, or ends before a segment does.
    """
    recordings = {path.stem: path for path in list_recordings(audio)}
    by_session: dict[str, list[Crop]] = defaultdict(list)
    for crop in crops:
        by_session[crop.session].append(crop)
    found: dict[Crop, NDArray[np.float32]] = {}
    for session, members in by_session.items():
        if session not in recordings:
            raise FormatError(f"has no recording of `{session}`", str(audio))
        waveform = load_audio(recordings[session])
        parts = [_cut(waveform, crop, recordings[session]) for crop in members]
        for first in range(0, len(parts), BATCH):
            vectors = embed(parts[first : first + BATCH])
            found.update(zip(members[first : first + BATCH], vectors, strict=True))
    return found


def write_embeddings(embeddings: Embeddings, path: Path) -> None:
    """Write a ``.npz`` as ``diarspk embed -o`` does: vectors, files, spans in seconds."""
    spans = [(crop.start / UNITS_PER_SECOND, crop.end / UNITS_PER_SECOND) for crop in embeddings]
    with atomic_path(path) as part, part.open("wb") as stream:
        np.savez(
            stream,
            vectors=np.stack(list(embeddings.values())),
            files=np.array([crop.session for crop in embeddings]),
            spans=np.array(spans),
        )


def read_embeddings(path: Path) -> Embeddings:
    """Read a ``.npz`` of ``vectors`` ``(n, dim)``, ``files`` ``(n,)``, ``spans`` ``(n, 2)``.

    Spans are seconds, files are named as sessions or paths of recordings: what ``diarspk embed
    -o FILE.npz`` writes.

    Raises
    ------
    FormatError
        If the file is missing or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            vectors, files, spans = (stored[name] for name in ("vectors", "files", "spans"))
    except FileNotFoundError:
        raise FormatError("no such file; check the path", str(path)) from None
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"no embeddings ({error}); see `diarspk embed -o`", str(path)) from None
    if vectors.ndim != 2 or len(vectors) != len(files) or spans.shape != (len(files), 2):
        raise FormatError(
            f"holds vectors {vectors.shape}, files {files.shape}, spans {spans.shape}, which do "
            "not fit",
            str(path),
        )
    units = np.round(spans * UNITS_PER_SECOND).astype(int).tolist()
    crops = [
        Crop(Path(str(file)).stem, start, end)
        for file, (start, end) in zip(files, units, strict=True)
    ]
    return dict(zip(crops, vectors.astype(np.float32), strict=True))


def _cut(waveform: NDArray[np.float32], crop: Crop, recording: Path) -> NDArray[np.float32]:
    end = crop.end * UNIT_SAMPLES
    if end > len(waveform) + SAMPLE_RATE // 10:  # annotations may end a little late
        raise FormatError(
            f"ends at {len(waveform) / SAMPLE_RATE:.2f} s, before the segment to "
            f"{crop.end / UNITS_PER_SECOND:.2f} s; is it the recording that was annotated?",
            str(recording),
        )
    return waveform[crop.start * UNIT_SAMPLES : end]
