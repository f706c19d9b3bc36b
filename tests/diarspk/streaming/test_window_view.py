"""What a session can read its windows with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from diarspk.errors import ArgumentError
from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig
from diarspk.segmentation.segmenter import EmbeddedSegmenter
from diarspk.streaming.window_view import streaming_segmenter


@pytest.mark.parametrize(
    ("part", "fault"),
    [("encoder", "`encoder` must be .* leave `encoder` out"), ("segmenter", "`segmentation` must")],
)
def test_parts_that_read_audio_are_named(part: str, fault: str) -> None:
    head = SegmentationHead(SegmentationHeadConfig(width=8, channels=8, layers=1, heads=1))
    models = SimpleNamespace(encoder=None, segmenter=EmbeddedSegmenter(head))
    assert streaming_segmenter(SimpleNamespace(models=models)) is models.segmenter
    setattr(models, part, object())
    with pytest.raises(ArgumentError, match=fault):
        streaming_segmenter(SimpleNamespace(models=models))
