"""Settings of simulated conversations."""

from __future__ import annotations

from dataclasses import dataclass

from diarspk.errors import ArgumentError

__all__ = ["SimulationConfig"]


@dataclass(frozen=True)
class SimulationConfig:
    """Settings of simulated conversations; pairs are bounds of a uniform draw.

    Attributes
    ----------
    seconds : float
        Length of a conversation.
    single_speaker_probability : float
        Of a conversation in which one person talks to nobody; the others have two or more.
    most_speakers : int
    least_talk_s : float
        Who talks less in a stretch of a template is left out of it.
    shortest_turn_s : float
        Shorter turns, most of them cut by the ends of the stretch, are left out.
    speaker_level_deviation_db, turn_level_deviation_db : float
        Standard deviation of speakers' levels, and of the turns' of one speaker.
    room_probability : float
        Of a simulated room; without one, all speakers are dry.
    reverberation_s : tuple of float
        Reverberation time of a room (RT60).
    noise_probability : float
    noise_ratio_db : tuple of float
        Level of the speech, where there is any, above that of the noise.
    peak_db : tuple of float
        Peak of the recording below full scale.
    speech_threshold : float
        Probability of the detector from which 32 ms of an utterance are speech.
    longest_pause_s : float
        Pauses that are left in an utterance.
    least_voice_s : float
        Speakers with less dense speech are not drawn.
    excluded_corpora : tuple of str
        Isolated words have no flow that a diarizer could be tested on.
    shortest_noise_s : float
        A shorter noise would repeat audibly.
    telephone_probability : float
        Of a conversation whose recording comes through a telephone line, all of it through one.
    """

    seconds: float = 150.0
    single_speaker_probability: float = 0.05
    most_speakers: int = 8
    least_talk_s: float = 3.0
    shortest_turn_s: float = 0.15
    speaker_level_deviation_db: float = 2.5
    turn_level_deviation_db: float = 1.0
    room_probability: float = 1.0
    reverberation_s: tuple[float, float] = (0.12, 0.6)
    noise_probability: float = 1.0
    noise_ratio_db: tuple[float, float] = (10.0, 25.0)
    peak_db: tuple[float, float] = (-20.0, -1.0)
    speech_threshold: float = 0.5
    longest_pause_s: float = 0.1
    least_voice_s: float = 10.0
    excluded_corpora: tuple[str, ...] = ("arabic-speech-commands",)
    shortest_noise_s: float = 3.0
    telephone_probability: float = 0.0

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ArgumentError(f"`seconds` must be positive, got {self.seconds}")
        if self.most_speakers < 2:
            raise ArgumentError(f"`most_speakers` must be 2 or more, got {self.most_speakers}")
        for name in (
            "single_speaker_probability",
            "room_probability",
            "noise_probability",
            "telephone_probability",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ArgumentError(f"`{name}` must be in [0, 1], got {getattr(self, name)}")
        for name in ("reverberation_s", "noise_ratio_db", "peak_db"):
            low, high = getattr(self, name)
            if not low <= high:
                raise ArgumentError(f"`{name}` must be low, high, got {low}, {high}")
        if self.peak_db[1] > 0:
            raise ArgumentError(f"`peak_db` must end at 0 or below, got {self.peak_db[1]}")
