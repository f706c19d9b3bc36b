"""Speech activity, overlap and local speakers."""

from diarspk.segmentation.activity import ActivityHead, ActivityHeadConfig
from diarspk.segmentation.powerset import Powerset
from diarspk.segmentation.segmenter import ActivitySegmenter, Segmenter
from diarspk.segmentation.silero import SileroSegmenter

__all__ = [
    "ActivityHead",
    "ActivityHeadConfig",
    "ActivitySegmenter",
    "Powerset",
    "Segmenter",
    "SileroSegmenter",
]
