"""Speech activity, overlap and local speakers of short windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.segmentation.loading import load_segmenter
    from diarspk.segmentation.nemotron import NemotronSegmenter
    from diarspk.segmentation.powerset import Powerset
    from diarspk.segmentation.pyannet import PyanNetSegmenter
    from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig
    from diarspk.segmentation.segmenter import EmbeddedSegmenter, Segmentation, Segmenter
    from diarspk.segmentation.silero import SileroSegmenter
    from diarspk.segmentation.windows import WindowGrid

__all__ = [
    "EmbeddedSegmenter",
    "NemotronSegmenter",
    "Powerset",
    "PyanNetSegmenter",
    "Segmentation",
    "SegmentationHead",
    "SegmentationHeadConfig",
    "Segmenter",
    "SileroSegmenter",
    "WindowGrid",
    "load_segmenter",
]

_HOMES = {
    "EmbeddedSegmenter": "diarspk.segmentation.segmenter",
    "NemotronSegmenter": "diarspk.segmentation.nemotron",
    "Powerset": "diarspk.segmentation.powerset",
    "PyanNetSegmenter": "diarspk.segmentation.pyannet",
    "Segmentation": "diarspk.segmentation.segmenter",
    "SegmentationHead": "diarspk.segmentation.segmentation_head",
    "SegmentationHeadConfig": "diarspk.segmentation.segmentation_head",
    "Segmenter": "diarspk.segmentation.segmenter",
    "SileroSegmenter": "diarspk.segmentation.silero",
    "WindowGrid": "diarspk.segmentation.windows",
    "load_segmenter": "diarspk.segmentation.loading",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
