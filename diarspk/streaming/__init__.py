"""Streaming diarization: turns while people talk, with labels that hold."""

from __future__ import annotations

from diarspk.streaming.streaming_diarizer import StreamingDiarizer
from diarspk.streaming.update import LiveTurn, SpeakerEvent, Update

__all__ = ["LiveTurn", "SpeakerEvent", "StreamingDiarizer", "Update"]
