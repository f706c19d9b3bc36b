"""Encoders of the study of cues by name: those of the library, and declared ones.

An encoder that :func:`tse.cue_encoders.load_cue_encoder` cannot load (Resemblyzer in an environment
of its own, statistics of features, random weights, disturbed vectors) is named
``declared:FILE#NAME`` after the file that declares it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.clips import ClipEncoder, Waveform, WindowConfig
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import DiarspkError, FormatError, ModelError
from eval.correlation.loading import Places, describe_embedder, load_declared, why_missing
from eval.correlation.specification import OWN, EncoderSpecification
from eval.correlation.vectors import transform
from eval.correlation.zoo import train_network
from eval.systems.generations import FIFTH, SIXTH, read_generation
from eval.systems.registry import EMBEDDERS, Embed
from tse.cue_encoders import load_cue_encoder

__all__ = ["STUDY_ENCODERS", "load_study_encoder", "name_encoders", "write_declarations"]

DECLARED = "declared:"

STUDY_ENCODERS: tuple[EncoderSpecification, ...] = (
    EncoderSpecification("embedded", origin="embedded"),
    EncoderSpecification("embedded 6", "generation", SIXTH, origin="embedded"),
    EncoderSpecification("embedded 5", "generation", FIFTH, origin="embedded"),
    EncoderSpecification("3D-Speaker CAM++", source="3dspeaker-campplus"),
    EncoderSpecification("resemblyzer", source="resemblyzer"),
    EncoderSpecification("log-mel mean", "statistics", "log-mel", origin="mel spectrum"),
    EncoderSpecification("S3PRL fbank", source="s3prl:fbank", origin="mel spectrum"),
    EncoderSpecification("random weights", "random", "", seed=1),
    EncoderSpecification("x-vector, 100 steps", "zoo", "x-vector/100", origin="x-vector"),
    EncoderSpecification("x-vector, 300 steps", "zoo", "x-vector/300", origin="x-vector"),
    EncoderSpecification("resnet18, 100 steps", "zoo", "resnet18/100", origin="resnet18"),
    EncoderSpecification("resnet18, 300 steps", "zoo", "resnet18/300", origin="resnet18"),
)
"""What is not here is left out with a line; a list of one's own may name checkpoints and WavLM."""


class DeclaredEncoder(ClipEncoder):
    """Encoder of a declaration of :mod:`eval.correlation`.

    Parameters
    ----------
    specification
    places
        Where networks and generations come from.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, specification: EncoderSpecification, places: Places) -> None:
        self.specification, self.places = specification, places
        self.name, self.config = specification.name, WindowConfig()

    @cached_property
    def _embed(self) -> Embed:
        return load_declared(self.specification, self.places)

    @cached_property
    def dimension(self) -> int:
        """Number of dimensions of an embedding, by that of a second of noise."""
        noise = 0.1 * np.random.default_rng(0).normal(size=SAMPLE_RATE).astype(np.float32)
        return self.embed_parts([noise]).shape[1]

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that decides on the vectors."""
        one = {name: value for name, value in asdict(self.specification).items() if name != "name"}
        text = json.dumps(one, sort_keys=True) + describe_embedder(self.specification, self.places)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def embed_parts(self, parts: Sequence[Waveform]) -> NDArray[np.float32]:
        """See :meth:`ClipEncoder.embed_parts`."""
        return transform(self._embed(parts), self.specification)


def name_encoders(
    specifications: Sequence[EncoderSpecification], places: Places, file: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Name each encoder for recipes and cards; and tell why others are left out.

    Networks of the zoo are trained first, where that has not been done.

    Parameters
    ----------
    specifications
    places
        Where networks and generations come from and go to.
    file
        Of :func:`write_declarations`.

    Returns
    -------
    (dict, dict)
        By label: the names, and the reasons.
    """
    names: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for one in specifications:
        try:
            names[one.name] = _name(one, places, file)
        except DiarspkError as error:
            reasons[one.name] = " ".join(str(error).split())
    return names, reasons


def _name(one: EncoderSpecification, places: Places, file: Path) -> str:
    whole = (one.prefix, one.degraded) == (None, False)
    if whole and one.kind == "encoder" and (one.source == OWN or one.source not in EMBEDDERS):
        name = DEFAULT if one.source == OWN else one.source
        load_cue_encoder(name)
        return name
    if whole and one.kind == "generation":
        return str(read_generation(one.source, places.folder / "generations"))
    if whole and one.kind == "zoo":
        return str(train_network(one.source, places.speech, places.folder / "zoo"))
    if reason := why_missing(one, places):
        raise ModelError(reason)
    return f"{DECLARED}{file}#{one.name}"


def write_declarations(
    file: Path, specifications: Sequence[EncoderSpecification], places: Places
) -> None:
    """Write what :func:`load_study_encoder` reads."""
    content = {
        "speech": str(places.speech),
        "folder": str(places.folder),
        "encoders": [asdict(one) for one in specifications],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load_study_encoder(name: str | None) -> SpeakerEncoder:
    """Load an encoder by a name of :func:`name_encoders`, or any of :mod:`tse.cue_encoders`.

    Raises
    ------
    FormatError
        If the file declares no such encoder.
    """
    if name is None or not name.startswith(DECLARED):
        return load_cue_encoder(name)
    file, _, label = name.removeprefix(DECLARED).rpartition("#")
    content = json.loads(Path(file).read_text(encoding="utf-8"))
    found = [EncoderSpecification(**one) for one in content["encoders"] if one["name"] == label]
    if not found:
        raise FormatError(f"declares no encoder {label!r}", file)
    return DeclaredEncoder(found[0], Places(Path(content["speech"]), Path(content["folder"])))
