"""Systems by name: diarizers read a recording, embedders read waveforms.

``python -m eval.systems baseline meeting.wav`` prints the RTTM of one system for one recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from diarspk.formats.names import plain_name
from eval.systems.baseline import BaselineDiarizer
from eval.systems.environments import make_environment
from eval.systems.generations import read_generation
from eval.systems.peer_diarizer import PeerDiarizer
from eval.systems.pyannote_architecture import PyannoteArchitecture
from eval.systems.resemblyzer import ResemblyzerEncoder

__all__ = [
    "DIARIZERS",
    "EMBEDDERS",
    "Diarize",
    "Embed",
    "encoder_path",
    "load_diarizer",
    "load_embedder",
    "prepare_systems",
]

Diarize = Callable[[Path], Annotation]
"""Path of a recording -> who speaks when."""

Embed = Callable[[Sequence[NDArray[np.float32]]], NDArray[np.float32]]
"""Waveforms at 16 kHz, of any lengths -> unit vectors ``(n, dim)``."""

RTTM_PREFIX = "rttm:"
OWN_PREFIX = "diarspk:"
GENERATION_PREFIX = "generation:"
PARTS = ("encoder", "segmentation", "threshold")


def load_diarizer(name: str) -> Diarize:
    """System of a name, ours with another segmentation, or what any system has written.

    Parameters
    ----------
    name
        Of :data:`DIARIZERS`; ``diarspk:SEGMENTATION``, where the latter is what
        :func:`diarspk.segmentation.loading.load_segmenter` takes; ``diarspk:encoder=NAME``, with
        ``,segmentation=NAME`` and ``,threshold=NUMBER`` in any order, for another encoder; or
        ``rttm:FOLDER`` with ``NAME.rttm`` for every recording.

    Raises
    ------
    ArgumentError
        If there is no system, or no folder, of that name.
    """
    if name.startswith(RTTM_PREFIX):
        return _StoredDiarizer(Path(name.removeprefix(RTTM_PREFIX)))
    if name.startswith(OWN_PREFIX):
        return _load_own_diarizer(name.removeprefix(OWN_PREFIX))
    if name not in DIARIZERS:
        raise ArgumentError(
            f"`systems` must be among {', '.join(DIARIZERS)}, {OWN_PREFIX}SEGMENTATION or "
            f"{RTTM_PREFIX}FOLDER, got {name}"
        )
    return DIARIZERS[name]()


def prepare_systems(names: Sequence[str]) -> None:
    """Make the environments that systems need, where they are missing.

    Raises
    ------
    PeerError
        If one cannot be made.
    """
    for name in dict.fromkeys(ENVIRONMENTS[one] for one in names if one in ENVIRONMENTS):
        make_environment(name)


def load_embedder(name: str) -> Embed:
    """Embedder of a name here, or any encoder that :func:`diarspk.load_encoder` finds.

    Parameters
    ----------
    name
        Of :data:`EMBEDDERS`; ``diarspk:20``, for a shorter embedding that is the beginning of ours;
        ``generation:COMMIT``, for the embedded encoder of an earlier commit; or the name or path of
        a model.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    ModelError
        If the files of an encoder are damaged.
    """
    if name in EMBEDDERS:
        return EMBEDDERS[name]()
    if name.startswith(OWN_PREFIX):
        return _load_own_prefix(name.removeprefix(OWN_PREFIX))
    from diarspk import available_models, load_encoder
    from diarspk.catalogue.presets import find_preset

    name = encoder_path(name)
    known = {card.name for card in available_models()}
    if name not in known and find_preset(name) is None and not Path(name).exists():
        raise ArgumentError(
            f"`systems` must be among {', '.join(EMBEDDERS)}, a model that `diarspk models` "
            f"lists, or the path of a checkpoint, got {name}"
        )
    encoder = load_encoder(name)
    return lambda waveforms: encoder.embed_batch(waveforms, encoder.sample_rate)


def encoder_path(name: str) -> str:
    """Path of the encoder of an earlier commit, ``generation:COMMIT``; other names as they are."""
    if name.startswith(GENERATION_PREFIX):
        return str(read_generation(name.removeprefix(GENERATION_PREFIX)))
    return name


class _StoredDiarizer:
    """Reads ``NAME.rttm`` of a folder where the recording is ``NAME.*``."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ArgumentError(
                f"`systems` must name an existing folder, got {RTTM_PREFIX}{folder}"
            )
        self.folder = folder

    def __call__(self, audio: Path) -> Annotation:
        stored = read_rttm(self.folder / f"{audio.stem}.rttm")
        return stored.get(plain_name(audio.stem), Annotation(uri=audio.stem))


def _load_own_diarizer(description: str = "") -> Diarize:
    from diarspk import Diarizer

    parts = _read_parts(description)
    threshold = parts.get("threshold")
    diarizer = Diarizer.load(
        parts.get("encoder", "embedded"),
        segmentation=parts.get("segmentation"),
        threshold=None if threshold is None else float(threshold),
    )
    return lambda audio: diarizer(audio).annotation


def _read_parts(description: str) -> dict[str, str]:
    """Split ``encoder=A,segmentation=B``; a name alone is that of a segmentation."""
    if "=" not in description:
        return {"segmentation": description} if description else {}
    parts = {}
    for part in description.split(","):
        name, equals, value = part.partition("=")
        if name not in PARTS or not equals or not value:
            raise ArgumentError(
                f"`systems` must have parts NAME=VALUE with a name of {', '.join(PARTS)} behind "
                f"{OWN_PREFIX}, got {part!r}"
            )
        parts[name] = value
    return parts


def _load_own_embedder() -> Embed:
    from diarspk import load_encoder

    encoder = load_encoder()
    return lambda waveforms: encoder.embed_batch(waveforms, encoder.sample_rate)


def _load_own_prefix(size: str) -> Embed:
    from diarspk import load_encoder

    encoder = load_encoder()
    sizes = {str(prefix): prefix for prefix in encoder.prefixes}
    if size not in sizes:
        raise ArgumentError(
            f"`systems` must have one of {', '.join(sizes)} behind {OWN_PREFIX} where embeddings "
            f"are compared, got {size!r}"
        )

    return lambda waveforms: encoder.project(
        encoder.embed_batch(waveforms, encoder.sample_rate), sizes[size], "trained"
    )


DIARIZERS: dict[str, Callable[[], Diarize]] = {
    "diarspk": _load_own_diarizer,
    "baseline": BaselineDiarizer,
    "baseline-normalized": lambda: BaselineDiarizer(peak_normalized=True),
    "senko": lambda: PeerDiarizer("senko", subtype="PCM_16"),
    "pyannote-architecture": PyannoteArchitecture,
}

EMBEDDERS: dict[str, Callable[[], Embed]] = {
    "diarspk": _load_own_embedder,
    "resemblyzer": lambda: ResemblyzerEncoder().embed,
}

ENVIRONMENTS = {"baseline": "baseline", "baseline-normalized": "baseline", "senko": "senko"}
"""Environment of each system that has one of its own."""
