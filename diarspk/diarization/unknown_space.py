"""Settings for encoders whose embedding space has no measured threshold."""

from __future__ import annotations

from diarspk.clustering.eigengap import EigengapClusterer
from diarspk.diarization.config import DiarizerConfig

__all__ = ["UNKNOWN_SPACE"]

UNKNOWN_SPACE = DiarizerConfig(clusterer=EigengapClusterer())
"""Clustering by NME-SC, which needs no threshold.

A threshold on a cosine belongs to one embedding space: 0.6 is that of the embedded encoder, and
the same number merges everybody in one space and nobody in another. NME-SC compares ranks within
the recording only, so it needs none; it is weak where a single person speaks. With conversations of
known speakers, a threshold chosen on those does better:
``DiarizerConfig(clusterer=AgglomerativeClusterer(threshold=...))``.
"""
