"""Segmenters of the catalogue by name, tested when they are loaded."""

from __future__ import annotations

import torch

from diarspk.catalogue.entry import CatalogueEntry
from diarspk.catalogue.fetching import find_model
from diarspk.catalogue.self_test import check_computed, fixed_signal, sample_values
from diarspk.errors import ModelError
from diarspk.segmentation.nemotron import NemotronSegmenter, load_nemotron
from diarspk.segmentation.pyannet import PyanNet, PyanNetSegmenter
from diarspk.segmentation.pyannet_checkpoint import load_pyannet

__all__ = ["load_catalogued_segmenter", "measure_pyannet"]


def load_catalogued_segmenter(
    entry: CatalogueEntry, *, download: bool = False
) -> PyanNetSegmenter | NemotronSegmenter:
    """Load a segmenter of the catalogue.

    Raises
    ------
    ModelError
        If it is no segmentation, this version cannot load it, it is not here, its files were
        changed, or it computes something else than it should.
    """
    if entry.task not in ("segmentation", "diarization"):
        raise ModelError(f"{entry.name}: is a model for {entry.task}, not a segmentation")
    entry.check_loadable()
    path = find_model(entry.name, download=download)
    if entry.task == "diarization":
        segmenter = load_nemotron(path.parent)
        check_computed(entry, measure_nemotron(segmenter))
        return segmenter
    network = load_pyannet(path)
    check_computed(entry, measure_pyannet(network))
    return PyanNetSegmenter(network)


@torch.inference_mode()
def measure_pyannet(network: PyanNet) -> dict[str, list[float]]:
    """Activity that it finds in the fixed signal."""
    activity = network(torch.from_numpy(fixed_signal())[None])
    return {"activity": sample_values(activity.numpy())}


def measure_nemotron(segmenter: NemotronSegmenter) -> dict[str, list[float]]:
    """Activity that it finds in the fixed signal."""
    return {"activity": sample_values(segmenter.probabilities(fixed_signal()))}
