"""Streaming error rates that others have published, each with its set and convention."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PUBLISHED", "PublishedLatency"]


class PublishedLatency(NamedTuple):
    """Error rate at a latency, in percent."""

    system: str
    latency_s: float
    der: float
    set: str
    source: str


AMI = "AMI test, headset mix, forced alignment, strict"

PUBLISHED = (
    PublishedLatency("Nemotron 3 Diarization", 0.64, 10.13, AMI, "card of the preview, rounded"),
    PublishedLatency("Nemotron 3 Diarization", 1.04, 9.48, AMI, "its makers"),
    PublishedLatency("Nemotron 3 Diarization", 30.4, 9.25, AMI, "its makers (offline)"),
)
"""Of another set than ours, against another reference: no number here compares with one of ours."""
