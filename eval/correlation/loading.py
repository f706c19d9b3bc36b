"""Encoders of a study: which can be loaded here, and what loads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import DiarspkError, ModelError
from eval.correlation.specification import OWN, EncoderSpecification
from eval.correlation.spectral_statistics import load_statistics
from eval.correlation.vectors import degrade
from eval.correlation.zoo import train_network
from eval.systems.environments import environment_path, python_of
from eval.systems.generations import read_generation
from eval.systems.registry import EMBEDDERS, Embed, load_embedder

__all__ = ["Places", "describe_embedder", "load_declared", "preset_parts", "why_missing"]

ENVIRONMENTS = {"resemblyzer": "baseline"}
"""Embedders that run in an environment of their own."""


@dataclass(frozen=True)
class Places:
    """Where encoders that are made for a study come from and go to.

    Attributes
    ----------
    speech : Path
        Folder of utterances that networks are trained on.
    folder : Path
        Of networks that were trained, and of earlier generations.
    """

    speech: Path
    folder: Path


def why_missing(specification: EncoderSpecification, places: Places) -> str:
    """Why an encoder cannot be loaded here, in one line; empty where it can.

    Networks of the zoo are trained first, where that has not been done.
    """
    environment = ENVIRONMENTS.get(specification.source)
    if environment and not python_of(environment_path(environment)).exists():
        return (
            "its environment has not been made; `python -m eval.systems baseline RECORDING` makes "
            "it, from the package index"
        )
    try:
        if specification.kind in ("generation", "zoo"):
            _path(specification, places)
        elif specification.kind == "statistics":
            load_statistics(specification.source)
        elif specification.kind == "preset":
            for part in preset_parts(specification)[0]:
                _fingerprint(part, places)
        elif specification.source not in EMBEDDERS:
            _fingerprint(specification, places)
    except DiarspkError as error:
        return " ".join(str(error).split())
    return ""


def load_declared(specification: EncoderSpecification, places: Places) -> Embed:
    """Load what embeds the audio, with what is done to the audio first."""
    embed = _load(specification, places)

    def embed_degraded(waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return embed([degrade(waveform, specification) for waveform in waveforms])

    return embed_degraded


def describe_embedder(specification: EncoderSpecification, places: Places) -> str:
    """Everything that decides on the vectors before they are transformed, for a cache's key."""
    parts: dict[str, Any] = asdict(specification.embedder)
    parts.pop("origin")
    parts["fingerprint"] = _fingerprint(specification, places)
    return json.dumps(parts, sort_keys=True)


def preset_parts(
    specification: EncoderSpecification,
) -> tuple[tuple[EncoderSpecification, EncoderSpecification], float]:
    """Name the encoders that a preset fuses, the embedded one last, and the weight of the first.

    Raises
    ------
    ModelError
        If there is no preset of that name that fuses two.
    """
    from diarspk.catalogue.presets import find_preset

    preset = find_preset(specification.source)
    if preset is None or preset.share is None:
        raise ModelError(f"{specification.source}: no preset that fuses two encoders")
    other = EncoderSpecification(preset.encoder, source=preset.encoder)
    return (other, EncoderSpecification(OWN)), preset.share


def _load(specification: EncoderSpecification, places: Places) -> Embed:
    if specification.kind == "statistics":
        return load_statistics(specification.source)
    if specification.kind == "encoder":
        return load_embedder(specification.source)
    encoder = _load_encoder(specification, places)
    return lambda waveforms: encoder.embed_batch(waveforms, encoder.sample_rate)


def _load_encoder(specification: EncoderSpecification, places: Places) -> Any:
    if specification.kind == "random":
        return _random_encoder(specification.seed)
    if specification.kind == "factory":
        module, _, function = specification.source.partition(":")
        return getattr(import_module(module), function)(specification.seed)
    from diarspk import load_encoder

    return load_encoder(_path(specification, places))


def _path(specification: EncoderSpecification, places: Places) -> Path:
    """Path of an encoder that is made where it is missing."""
    if specification.kind == "generation":
        return read_generation(specification.source, places.folder / "generations")
    return train_network(specification.source, places.speech, places.folder / "zoo")


def _fingerprint(specification: EncoderSpecification, places: Places) -> str:
    """Identify an encoder of the library: files change under one name."""
    own = specification.kind == "encoder" and specification.source == OWN
    elsewhere = specification.source in EMBEDDERS and not own
    if specification.kind in ("statistics", "random", "factory", "preset") or elsewhere:
        return ""
    if specification.kind == "generation":
        return specification.source
    from diarspk import load_encoder

    if specification.kind == "zoo":
        return load_encoder(_path(specification, places)).fingerprint
    return load_encoder(None if own else specification.source).fingerprint


def _random_encoder(seed: int) -> Any:
    import torch

    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.encoders.local.network import SpeakerNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SpeakerNetwork()
    return LocalEncoder(network.requires_grad_(False), f"random-{seed}")
