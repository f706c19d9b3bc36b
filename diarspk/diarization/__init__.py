"""From a recording to who spoke when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.diarization.confidence import Calibration
    from diarspk.diarization.config import DiarizerConfig, LinkingConfig
    from diarspk.diarization.config_file import describe_config, read_config
    from diarspk.diarization.constraints import Constraints
    from diarspk.diarization.defaults import load_plda
    from diarspk.diarization.diarizer import Diarizer
    from diarspk.diarization.dover_lap import combine
    from diarspk.diarization.identification import name_speakers
    from diarspk.diarization.people import Appearance, LinkedRecordings, link_recordings
    from diarspk.diarization.reconstruction import ReconstructionConfig
    from diarspk.diarization.resegmentation import Resegmentation
    from diarspk.diarization.result import Diarization
    from diarspk.diarization.review_analysis import RecordingAnalysis
    from diarspk.diarization.spurious_speakers import SpuriousSpeakerPolicy
    from diarspk.diarization.unknown_space import UNKNOWN_SPACE

__all__ = [
    "UNKNOWN_SPACE",
    "Appearance",
    "Calibration",
    "Constraints",
    "Diarization",
    "Diarizer",
    "DiarizerConfig",
    "LinkedRecordings",
    "LinkingConfig",
    "ReconstructionConfig",
    "RecordingAnalysis",
    "Resegmentation",
    "SpuriousSpeakerPolicy",
    "combine",
    "describe_config",
    "link_recordings",
    "load_plda",
    "name_speakers",
    "read_config",
]

_HOMES = {
    "UNKNOWN_SPACE": "diarspk.diarization.unknown_space",
    "Appearance": "diarspk.diarization.people",
    "Calibration": "diarspk.diarization.confidence",
    "Constraints": "diarspk.diarization.constraints",
    "Diarization": "diarspk.diarization.result",
    "Diarizer": "diarspk.diarization.diarizer",
    "DiarizerConfig": "diarspk.diarization.config",
    "LinkedRecordings": "diarspk.diarization.people",
    "LinkingConfig": "diarspk.diarization.config",
    "ReconstructionConfig": "diarspk.diarization.reconstruction",
    "RecordingAnalysis": "diarspk.diarization.review_analysis",
    "Resegmentation": "diarspk.diarization.resegmentation",
    "SpuriousSpeakerPolicy": "diarspk.diarization.spurious_speakers",
    "combine": "diarspk.diarization.dover_lap",
    "describe_config": "diarspk.diarization.config_file",
    "link_recordings": "diarspk.diarization.people",
    "load_plda": "diarspk.diarization.defaults",
    "name_speakers": "diarspk.diarization.identification",
    "read_config": "diarspk.diarization.config_file",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
