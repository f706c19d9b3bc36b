"""Declarations of encoders: what embeds the audio, and what is done to audio and vectors.

Declarations that differ only in what is done to the vectors share one pass over the audio.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal, get_args

from diarspk.errors import ArgumentError, FormatError

__all__ = ["OWN", "EncoderSpecification", "Kind", "check_names", "read_encoders"]

Kind = Literal["encoder", "preset", "generation", "zoo", "statistics", "random", "factory"]
OWN = "diarspk"


@dataclass(frozen=True)
class EncoderSpecification:
    """One encoder of the study.

    Attributes
    ----------
    name : str
        Label in tables and pictures.
    kind : str
        What `source` is:

        - ``encoder``: a name of :mod:`eval.systems.registry`, of the library, or the path of a
          checkpoint, say of one stage of training;
        - ``preset``: a preset of two encoders that are fused (:mod:`diarspk.catalogue.presets`);
        - ``generation``: a commit whose embedded encoder is read out of git's history;
        - ``zoo``: ``ARCHITECTURE/STEPS``, trained for so many steps by ``recipes.zoo``;
        - ``statistics``: a feature of :mod:`eval.correlation.spectral_statistics`, whose mean and
          deviation over time are the vector;
        - ``random``: the embedded architecture with random weights;
        - ``factory``: a function ``module:function`` that takes a seed and returns a
          ``SpeakerEncoder``.
    source : str
    origin : str
        Encoders of one origin are not independent: the bootstrap draws them together. Default: the
        source.
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
    origin: str = ""
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
        if self.kind == "zoo" and not self.source.partition("/")[2].isdigit():
            raise ArgumentError(f"`source` must be ARCHITECTURE/STEPS, got {self.source!r}")
        if not self.origin:
            object.__setattr__(self, "origin", self.source or self.kind)

    @property
    def embedder(self) -> EncoderSpecification:
        """The part that needs the audio."""
        seeded = self.kind in ("random", "factory") or self.noise_db is not None
        seed = self.seed if seeded else 0
        return replace(
            self, name="", origin="", seed=seed, prefix=None, projection=None, jitter=0.0
        )

    @property
    def degraded(self) -> bool:
        """Whether something is done to the audio or to whole vectors: no encoder to choose."""
        return (self.noise_db, self.low_pass_hz, self.projection, self.jitter) != (
            *(None, None, None),
            0.0,
        )


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
