"""What clients ask of a job, in the fields of pyannoteAI."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from diarspk.server.speech_engine import SpeakerCount

__all__ = [
    "DiarizeRequest",
    "IdentifyRequest",
    "JobRequest",
    "MatchingOptions",
    "Voiceprint",
    "VoiceprintRequest",
]


def _refuse_bool(value: object) -> object:
    """Refuse what Python takes for 0 or 1."""
    if isinstance(value, bool):
        raise ValueError("Input should be a number, not true or false")
    return value


Speakers = Annotated[int | None, Field(ge=1, le=1000), BeforeValidator(_refuse_bool)]


class JobRequest(BaseModel):
    """Fields of every job."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    url: str | None = Field(None, max_length=2048)
    """``media://`` of an upload, or a URL where the server fetches some."""
    model: str | None = Field(None, max_length=200)
    """Taken and not looked at: one model is loaded."""
    webhook: str | None = Field(None, max_length=2048)
    webhook_status_only: bool = Field(False, alias="webhookStatusOnly")

    def stored(self) -> dict[str, Any]:
        """Fields that the work needs later."""
        left_out = {"url", "model", "webhook", "webhook_status_only"}
        return self.model_dump(by_alias=True, exclude=left_out)


class DiarizeRequest(JobRequest):
    """Who speaks when."""

    num_speakers: Speakers = Field(None, alias="numSpeakers")
    min_speakers: Speakers = Field(None, alias="minSpeakers")
    max_speakers: Speakers = Field(None, alias="maxSpeakers")
    turn_level_confidence: bool | None = Field(False, alias="turnLevelConfidence")
    exclusive: bool | None = False
    confidence: bool | None = False
    transcription: bool | None = False
    """Words, where the server has a recogniser."""

    @model_validator(mode="after")
    def check_bounds(self) -> DiarizeRequest:
        """Refuse bounds that contradict each other."""
        bounded = not (self.min_speakers is None and self.max_speakers is None)
        if self.num_speakers is not None and bounded:
            raise ValueError("numSpeakers goes without minSpeakers and maxSpeakers")
        if None not in (self.min_speakers, self.max_speakers) and (
            (self.min_speakers or 0) > (self.max_speakers or 0)
        ):
            raise ValueError("minSpeakers must not be above maxSpeakers")
        return self

    @property
    def count(self) -> SpeakerCount:
        """Number of speakers."""
        return SpeakerCount(self.num_speakers, self.min_speakers, self.max_speakers)


class MatchingOptions(BaseModel):
    """How voiceprints are matched with speakers."""

    exclusive: bool | None = True
    threshold: float | None = Field(default=0.0, ge=0, le=100)


class Voiceprint(BaseModel):
    """A person's voiceprint."""

    label: str = Field(min_length=1, max_length=100)
    voiceprint: str = Field(max_length=20000)

    @field_validator("label")
    @classmethod
    def check_label(cls, label: str) -> str:
        """Refuse a name that stands for nobody, and one that is not in one line."""
        if label.upper().startswith("SPEAKER_") or not label.isprintable():
            raise ValueError("a label must be one line, and not begin with SPEAKER_")
        return label


class IdentifyRequest(DiarizeRequest):
    """Who speaks when, with names of those whose voiceprints are given."""

    voiceprints: list[Voiceprint] = Field(min_length=1, max_length=50)
    matching: MatchingOptions = MatchingOptions()

    @model_validator(mode="after")
    def check_labels(self) -> IdentifyRequest:
        """Refuse a name that stands there twice."""
        labels = [one.label for one in self.voiceprints]
        if len(set(labels)) < len(labels):
            raise ValueError("voiceprints must have labels that differ")
        return self


class VoiceprintRequest(JobRequest):
    """Voiceprint of the one who speaks in a recording."""
