"""Target speech extraction: one speaker's voice out of a mixture, given a cue.

::

    import tse

    voice = tse.extract("meeting.wav", enrolment="alice.wav")
    turns = tse.detect("meeting.wav", "alice.wav").turns()
    tracks = tse.extract_speakers("meeting.wav", "tracks")
    extractor = tse.load_extractor()
    voice = extractor("meeting.wav", extractor.cue("alice.wav"))
    stream = tse.StreamingExtractor("alice.wav", sample_rate=16000)
    voice = stream.push(samples)  # and so on; then stream.finish()

Names are imported when they are first used, so that ``import tse`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from tse.cues import Cue, Reference
    from tse.detection import Detection, detect
    from tse.extraction import extract
    from tse.extractor import Extractor
    from tse.live_detection import LiveDetection
    from tse.loading import load_extractor
    from tse.meeting import extract_speakers
    from tse.speaker_track import SpeakerTrack
    from tse.streaming_extractor import StreamingExtractor
    from tse.track_config import TrackConfig

__all__ = [
    "Cue",
    "Detection",
    "Extractor",
    "LiveDetection",
    "Reference",
    "SpeakerTrack",
    "StreamingExtractor",
    "TrackConfig",
    "detect",
    "extract",
    "extract_speakers",
    "load_extractor",
]

_HOMES = {
    "Cue": "tse.cues",
    "Detection": "tse.detection",
    "Extractor": "tse.extractor",
    "LiveDetection": "tse.live_detection",
    "Reference": "tse.cues",
    "SpeakerTrack": "tse.speaker_track",
    "StreamingExtractor": "tse.streaming_extractor",
    "TrackConfig": "tse.track_config",
    "detect": "tse.detection",
    "extract": "tse.extraction",
    "extract_speakers": "tse.meeting",
    "load_extractor": "tse.loading",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
