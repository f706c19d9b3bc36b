"""Settings of tracks: what is left in the voice of a speaker of a diarization."""

from __future__ import annotations

from dataclasses import dataclass

from diarspk.arguments import check_flag, check_numbers

__all__ = ["TrackConfig"]


@dataclass(frozen=True)
class TrackConfig:
    """What is left in a track.

    Attributes
    ----------
    gated : bool
        Mute it where the diarization has the speaker silent.
    mask_db : float, optional
        Attenuation in decibels of all that is not the speaker, muted stretches included: nothing
        of the recording is lower than that. Default: as much as the extractor can.
    """

    gated: bool = True
    mask_db: float | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_flag(self.gated, "gated")
        check_numbers(self, "mask_db", minimum=0.0, optional=True)
