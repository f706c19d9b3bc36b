"""Encoders of spread-out quality, declared in a list.

A declaration names what embeds the audio (``kind`` and ``source``), what is done to the audio first
(``noise_db``, ``low_pass_hz``) and to the vectors afterwards (``prefix``, ``projection``,
``jitter``). Declarations that differ only in the latter share one pass over the audio.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError, FormatError
from eval.systems.registry import EMBEDDERS, Embed, load_embedder

__all__ = [
    "DEFAULT_ENCODERS",
    "EncoderSpecification",
    "load_declared",
    "read_encoders",
    "transform",
]

Kind = Literal["encoder", "mfcc", "random", "factory"]
MFCC_COUNT = 20
OWN = "diarspk"


@dataclass(frozen=True)
class EncoderSpecification:
    """One encoder of the study.

    Attributes
    ----------
    name : str
        Label in tables and pictures.
    kind : {"encoder", "mfcc", "random", "factory"}
        A name of :mod:`eval.systems.registry`, of the library, or the path of a checkpoint, say of
        one stage of training; mean and deviation of cepstra; the embedded architecture with random
        weights; or a function ``module:function`` that takes a seed and returns a
        ``SpeakerEncoder``.
    source : str
        Name, path or function.
    seed : int
        Of random weights, noise, and the random projection.
    noise_db : float, optional
        White noise is added at this signal-to-noise ratio.
    low_pass_hz : float, optional
        Higher frequencies are taken away.
    prefix : int, optional
        Number of leading components that are used, as of nested embeddings.
    projection : int, optional
        Components are projected at random onto so many.
    jitter : float
        Norm of Gaussian noise that is added to the unit vector.
    """

    name: str
    kind: Kind = "encoder"
    source: str = OWN
    seed: int = 0
    noise_db: float | None = None
    low_pass_hz: float | None = None
    prefix: int | None = None
    projection: int | None = None
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ArgumentError(
                f"`kind` must be one of {', '.join(get_args(Kind))}, got {self.kind!r}"
            )
        if self.kind == "factory" and ":" not in self.source:
            raise ArgumentError(f"`source` must be module:function, got {self.source!r}")

    @property
    def embedder(self) -> EncoderSpecification:
        """The part that needs the audio."""
        return replace(self, name="", prefix=None, projection=None, jitter=0.0)

    @property
    def degraded(self) -> bool:
        """Whether something is done to the audio or to whole vectors: no encoder to choose."""
        return (self.noise_db, self.low_pass_hz, self.projection, self.jitter) != (
            *(None, None, None),
            0.0,
        )


DEFAULT_ENCODERS: tuple[EncoderSpecification, ...] = (
    EncoderSpecification("embedded-192"),
    EncoderSpecification("embedded-64", prefix=64),
    EncoderSpecification("embedded-20", prefix=20),
    EncoderSpecification("resemblyzer", source="resemblyzer"),
    EncoderSpecification("mfcc statistics", kind="mfcc", source=""),
    EncoderSpecification("random weights", kind="random", source="", seed=1),
    EncoderSpecification("random weights 2", kind="random", source="", seed=2),
    EncoderSpecification("embedded, 1 kHz", low_pass_hz=1000.0),
    EncoderSpecification("embedded, 2 kHz", low_pass_hz=2000.0),
    EncoderSpecification("embedded, noise 10 dB", noise_db=10.0),
    EncoderSpecification("embedded, noise 0 dB", noise_db=0.0),
    EncoderSpecification("embedded to 8", projection=8),
    EncoderSpecification("embedded, jitter 1", jitter=1.0),
    EncoderSpecification("resemblyzer, 2 kHz", source="resemblyzer", low_pass_hz=2000.0),
    EncoderSpecification("resemblyzer, noise 10 dB", source="resemblyzer", noise_db=10.0),
    EncoderSpecification("resemblyzer to 16", source="resemblyzer", projection=16),
)
"""Needs no file beyond the package and Resemblyzer; a real study adds checkpoints and models."""


def read_encoders(path: Path) -> tuple[EncoderSpecification, ...]:
    """Read a JSON list of objects with the attributes of `EncoderSpecification`.

    Raises
    ------
    FormatError
        If the file is no such list, or two encoders have one name.
    """
    known = {field.name for field in fields(EncoderSpecification)}
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
        for item in items:
            if unknown := set(item) - known:
                raise FormatError(f"has unknown attributes {sorted(unknown)}", str(path))
        found = tuple(EncoderSpecification(**item) for item in items)
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror})", str(path)) from None
    except (ValueError, TypeError) as error:
        raise FormatError(f"no list of encoders ({error})", str(path)) from None
    check_names(found, str(path))
    return found


def check_names(encoders: Sequence[EncoderSpecification], file: str = "encoders") -> None:
    """Raise `FormatError` if two encoders have one name."""
    names = [one.name for one in encoders]
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise FormatError(f"names {', '.join(repeated)} twice; rename one", file)


def load_declared(specification: EncoderSpecification) -> Embed:
    """Load what embeds the audio, with what is done to the audio first."""
    embed = _load(specification)

    def embed_degraded(waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return embed([degrade(waveform, specification) for waveform in waveforms])

    return embed_degraded


def describe_embedder(specification: EncoderSpecification) -> str:
    """Everything that decides on the vectors before :func:`transform`, for a cache's key."""
    parts: dict[str, Any] = asdict(specification.embedder)
    parts["fingerprint"] = _fingerprint(specification)
    return json.dumps(parts, sort_keys=True)


def degrade(
    waveform: NDArray[np.float32], specification: EncoderSpecification
) -> NDArray[np.float32]:
    """Filter, then add noise; the noise depends on the seed and the length only."""
    if specification.low_pass_hz is not None:
        from scipy.signal import butter, sosfiltfilt

        sections = butter(8, specification.low_pass_hz, fs=SAMPLE_RATE, output="sos")
        waveform = sosfiltfilt(sections, waveform).astype(np.float32)
    if specification.noise_db is not None:
        generator = np.random.default_rng([specification.seed, len(waveform)])
        noise = generator.normal(size=len(waveform)).astype(np.float32)
        level = float(np.sqrt(np.mean(np.square(waveform)))) * 10 ** (-specification.noise_db / 20)
        waveform = waveform + np.float32(level) * noise
    return waveform


def transform(
    vectors: NDArray[np.float32], specification: EncoderSpecification
) -> NDArray[np.float32]:
    """Cut, project and disturb vectors ``(n, dim)``: unit vectors ``(n, smaller dim)``.

    Jitter depends on the vector alone, so that one segment has one embedding wherever it is used.
    """
    rows: NDArray[Any] = vectors[:, : specification.prefix]
    rows = normalize_rows(rows)
    if specification.projection is not None:
        generator = np.random.default_rng(specification.seed)
        rows = rows @ generator.normal(size=(rows.shape[1], specification.projection))
    if specification.jitter:
        scale = specification.jitter / np.sqrt(rows.shape[1])
        noise = [
            np.random.default_rng([specification.seed, *row.astype(np.float32).tobytes()]).normal(
                size=len(row)
            )
            for row in rows
        ]
        rows = rows + scale * np.array(noise).reshape(rows.shape)
    return normalize_rows(rows).astype(np.float32)


def _load(specification: EncoderSpecification) -> Embed:
    if specification.kind == "mfcc":
        return _cepstral_statistics
    if specification.kind == "encoder":
        return load_embedder(specification.source)
    encoder = (
        _random_encoder(specification.seed)
        if specification.kind == "random"
        else _made(specification)
    )
    return lambda waveforms: encoder.embed_batch(waveforms, encoder.sample_rate)


def _fingerprint(specification: EncoderSpecification) -> str:
    """Identify an encoder of the library: files change under one name."""
    own = specification.source == OWN
    if specification.kind != "encoder" or (specification.source in EMBEDDERS and not own):
        return ""
    from diarspk import load_encoder

    return load_encoder(None if own else specification.source).fingerprint


def _random_encoder(seed: int) -> Any:
    import torch

    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.encoders.local.network import SpeakerNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SpeakerNetwork()
    return LocalEncoder(network.requires_grad_(False), f"random-{seed}")


def _made(specification: EncoderSpecification) -> Any:
    module, _, function = specification.source.partition(":")
    return getattr(import_module(module), function)(specification.seed)


def _cepstral_statistics(waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean and deviation of cepstra 1 to 19 and deviation of the energy: ``(n, 39)``."""
    import torch
    from scipy.fft import dct

    from diarspk.features.log_mel import LogMel

    log_mel = LogMel()
    rows = []
    for waveform in waveforms:
        with torch.inference_mode():
            mels = log_mel(torch.from_numpy(np.ascontiguousarray(waveform))[None])[0].numpy()
        cepstra = dct(mels, norm="ortho", axis=1)[:, :MFCC_COUNT]
        rows.append(np.concatenate([cepstra[:, 1:].mean(0), cepstra.std(0)]))
    return np.array(rows, np.float32).reshape(len(waveforms), 2 * MFCC_COUNT - 1)
