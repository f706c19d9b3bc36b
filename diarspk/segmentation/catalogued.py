"""Segmenters of the catalogue by name, tested when they are loaded."""

from __future__ import annotations

import torch

from diarspk.catalogue.entry import CatalogueEntry
from diarspk.catalogue.fetching import find_model
from diarspk.catalogue.self_test import check_computed, fixed_signal, sample_values
from diarspk.errors import ModelError
from diarspk.segmentation.pyannet import PyanNet, PyanNetSegmenter
from diarspk.segmentation.pyannet_checkpoint import load_pyannet

__all__ = ["load_catalogued_segmenter", "measure_pyannet"]


def load_catalogued_segmenter(entry: CatalogueEntry, *, download: bool = False) -> PyanNetSegmenter:
    """Load a segmenter of the catalogue.

    Raises
    ------
    ModelError
        If it is no segmentation, this version cannot load it, it is not here, its files were
        changed, or it computes something else than it should.
    """
    if entry.task != "segmentation":
        raise ModelError(f"{entry.name}: is a model for {entry.task}, not a segmentation")
    entry.check_loadable()
    network = load_pyannet(find_model(entry.name, download=download))
    check_computed(entry, measure_pyannet(network))
    return PyanNetSegmenter(network)


@torch.inference_mode()
def measure_pyannet(network: PyanNet) -> dict[str, list[float]]:
    """Activity that it finds in the fixed signal."""
    activity = network(torch.from_numpy(fixed_signal())[None])
    return {"activity": sample_values(activity.numpy())}
