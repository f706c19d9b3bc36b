"""Encoders of the catalogue by name, tested when they are loaded."""

from __future__ import annotations

import torch

from diarspk.audio import SAMPLE_RATE
from diarspk.catalogue.entry import CatalogueEntry
from diarspk.catalogue.fetching import find_model
from diarspk.catalogue.self_test import check_computed, fixed_signal, sample_values
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.front_end import FrontEnd
from diarspk.encoders.pretrained.encoders import load_pretrained_encoder
from diarspk.errors import ModelError

__all__ = ["load_catalogued_encoder", "measure_encoder"]


def load_catalogued_encoder(entry: CatalogueEntry, *, download: bool = False) -> SpeakerEncoder:
    """Load an encoder of the catalogue.

    Parameters
    ----------
    entry
        Of the catalogue.
    download
        Download it if it is not here.

    Raises
    ------
    ModelError
        If it is no encoder, this version cannot load it, it is not here, its files were changed, or
        it computes something else than it should.
    """
    if entry.task != "embedding":
        raise ModelError(f"{entry.name}: is a model for {entry.task}, not a speaker encoder")
    entry.check_loadable()
    path = find_model(entry.name, download=download)
    encoder = load_pretrained_encoder(path.parent if entry.extra == "transformers" else path)
    encoder.name = entry.name
    encoder.origin = encoder.origin or entry.name
    check_computed(entry, measure_encoder(encoder))
    return encoder


def measure_encoder(encoder: SpeakerEncoder) -> dict[str, list[float]]:
    """Compute features and embedding of the fixed signal; some encoders have no features."""
    signal, computed = fixed_signal(), {}
    front_end = getattr(encoder, "front_end", None)
    if isinstance(front_end, FrontEnd):
        computed["features"] = sample_values(front_end(torch.from_numpy(signal)).numpy())
    computed["embedding"] = sample_values(encoder.embed(signal, SAMPLE_RATE))
    return computed
