"""Enrolment of the speakers of a diarized recording, by its own best stretches of each."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import SpeechWarning
from diarspk.features.speech_quality import SpeechQuality, measure_speech
from tse.cues import MIN_ENROLMENT_S, SILENCE_PEAK, Cue, Reference
from tse.enrolment import EnrolmentConfig, collect, purity, single_speaker_turns
from tse.enrolment_quality import EnrolmentQuality, rate_enrolments
from tse.extractor import Extractor

__all__ = ["EnrolledSpeaker", "EnrolmentStretch", "enroll_speakers"]

Samples = NDArray[np.float32]

BLOCK_S = 15.0
"""Seconds that are read at a time."""

POOR_SHARE = 0.2
"""Share of the best stretch's weight below which a stretch is left out if others are enough."""

QUIET_MARGIN_S = 0.3
"""Seconds around the turns of a diarization that do not count as background."""

MIN_BACKGROUND_S = 1.0
"""Seconds of background below which its level is unknown."""


@dataclass(frozen=True)
class EnrolmentStretch:
    """Stretch of the recording that enrolls a speaker, in seconds, and its quality."""

    start: float
    end: float
    quality: EnrolmentQuality

    def to_dict(self) -> dict[str, Any]:
        """Describe it by values that JSON has; what is unknown is None."""
        quality = self.quality
        figures = {
            "weight": quality.weight,
            "speech_s": quality.speech_s,
            "ratio_db": quality.ratio_db,
            "agreement": quality.agreement,
            "rival": quality.rival,
            "purity": quality.purity,
        }
        rounded = {
            name: None if math.isnan(value) else round(value, 3) for name, value in figures.items()
        }
        return {"start": round(self.start, 3), "end": round(self.end, 3), **rounded}


@dataclass(frozen=True, eq=False)
class EnrolledSpeaker:
    """A speaker of the recording, enrolled.

    Attributes
    ----------
    speaker : str
    cue : Cue
    vector : ndarray of float32, ``(dim,)``, optional
        Embedding of the enrolment; None where the extractor has no encoder.
    stretches : tuple of EnrolmentStretch
        Those of the enrolment, the best first.
    """

    speaker: str
    cue: Cue
    vector: Samples | None
    stretches: tuple[EnrolmentStretch, ...]


@dataclass(eq=False)
class _Background:
    """Level of a recording where nobody talks, measured while it is read."""

    speech: Timeline
    energy: float = 0.0
    samples: int = 0
    position: int = field(default=0)

    def follow(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Pass blocks on."""
        for block in blocks:
            begin, end = self.position, self.position + len(block)
            whole = Segment(begin / SAMPLE_RATE, end / SAMPLE_RATE)
            for gap in self.speech.gaps(support=whole):
                first = round((gap.start + QUIET_MARGIN_S) * SAMPLE_RATE) - begin
                last = round((gap.end - QUIET_MARGIN_S) * SAMPLE_RATE) - begin
                if first < last:
                    part = block[max(first, 0) : last]
                    self.energy += float(np.sum(np.square(part, dtype=np.float64)))
                    self.samples += len(part)
            self.position = end
            yield block

    def ratio_db(self, waveform: Samples) -> float:
        """Level of speech above the background; NaN if that is unknown."""
        if self.samples < MIN_BACKGROUND_S * SAMPLE_RATE:
            return math.nan
        power = float(np.mean(np.square(waveform, dtype=np.float64)))
        background = max(self.energy / self.samples, 1e-12)
        return 10 * math.log10(max(power / background - 1, 1e-3))


def enroll_speakers(
    extractor: Extractor,
    stream: AudioStream,
    annotation: Annotation,
    activity: SpeakerActivity | None = None,
    config: EnrolmentConfig | None = None,
) -> dict[str, EnrolledSpeaker]:
    """Enroll every speaker of a diarization by stretches in which that speaker talks alone.

    The stretches are rated by length, level above the background of the recording, purity by the
    probabilities of the diarization, agreement among each other, and distance from the other
    speakers (:mod:`tse.enrolment_quality`); the best ones enroll, by their weights.

    Parameters
    ----------
    extractor
        Makes the cues; its encoder compares the stretches.
    stream
        The recording, which is read once, block by block.
    annotation
        Who speaks when.
    activity
        Probabilities that the turns were made of, if they are known.
    config
        Default: :class:`~tse.enrolment.EnrolmentConfig`.

    Returns
    -------
    dict of str to EnrolledSpeaker
        In the order of the labels; who cannot be enrolled is not there.

    Warns
    -----
    SpeechWarning
        Of a speaker who talks too little alone, or cannot be enrolled at all.

    Raises
    ------
    AudioError
        If the turns of a speaker lie outside the recording.
    """
    config = config or EnrolmentConfig()
    names = [str(label) for label in annotation.labels()]
    wanted = {
        name: single_speaker_turns(annotation, name, config, activity=activity) for name in names
    }
    background = _Background(annotation.get_timeline().support())
    read = collect(background.follow(stream.blocks(BLOCK_S)), wanted)
    usable = {
        name: [
            (turn, samples)
            for turn, samples in zip(wanted[name], read[name], strict=True)
            if _is_usable(samples)
        ]
        for name in names
    }
    for name in names:
        if not usable[name]:
            warnings.warn(
                f"{name}: is silent or talks for less than {MIN_ENROLMENT_S} s wherever the "
                "diarization has a turn; this speaker cannot be enrolled and has no track; check "
                "that the diarization is of this recording",
                SpeechWarning,
                stacklevel=2,
            )
    enrolled = [name for name in names if usable[name]]
    vectors = _embed(extractor.encoder, [[w for _, w in usable[name]] for name in enrolled])
    found = {}
    for number, name in enumerate(enrolled):
        stretches = _rate(name, usable[name], vectors, number, background, activity)
        found[name] = _enroll(extractor, name, usable[name], stretches, config)
    return found


def _is_usable(samples: Samples) -> bool:
    long_enough = len(samples) >= MIN_ENROLMENT_S * SAMPLE_RATE
    return long_enough and float(np.abs(samples).max()) >= SILENCE_PEAK


def _embed(encoder: SpeakerEncoder | None, clips: Sequence[list[Samples]]) -> list[Samples] | None:
    if encoder is None:
        return None
    return [encoder.embed_batch(list(own), SAMPLE_RATE) for own in clips]


def _rate(
    name: str,
    usable: Sequence[tuple[Segment, Samples]],
    vectors: Sequence[Samples] | None,
    number: int,
    background: _Background,
    activity: SpeakerActivity | None,
) -> list[EnrolmentStretch]:
    """Rate the stretches of speaker ``number``."""
    waveforms = [samples for _, samples in usable]
    measures = [
        SpeechQuality(measure_speech(one).speech_s, background.ratio_db(one)) for one in waveforms
    ]
    own, rivals = None, None
    if vectors is not None:
        own = vectors[number]
        others = [unit_vector(v.mean(axis=0)) for i, v in enumerate(vectors) if i != number]
        rivals = np.stack(others) if others else None
    rated = rate_enrolments(
        waveforms,
        own,
        measures=measures,
        purities=[purity(turn, name, activity) for turn, _ in usable],
        rivals=rivals,
    )
    return [
        EnrolmentStretch(turn.start, turn.end, quality)
        for (turn, _), quality in zip(usable, rated, strict=True)
    ]


def _enroll(
    extractor: Extractor,
    name: str,
    usable: Sequence[tuple[Segment, Samples]],
    stretches: Sequence[EnrolmentStretch],
    config: EnrolmentConfig,
) -> EnrolledSpeaker:
    """Enroll a speaker by the best stretches."""
    chosen = _choose(stretches, config)
    references = [
        Reference(usable[number][1], name, max(stretches[number].quality.weight, 1e-6))
        for number in chosen
    ]
    cue = extractor.source(references)
    encoder, vector = extractor.encoder, None
    if encoder is not None and cue.vector is not None and cue.vector.shape[1] == encoder.dimension:
        vector = cue.vector[0].numpy(force=True)
    return EnrolledSpeaker(name, cue, vector, tuple(stretches[number] for number in chosen))


def _choose(stretches: Sequence[EnrolmentStretch], config: EnrolmentConfig) -> list[int]:
    """Numbers of the best stretches, the best first, as long together as an enrolment may be."""
    weights = [one.quality.weight for one in stretches]
    chosen: list[int] = []
    total = 0.0
    for number in sorted(range(len(stretches)), key=lambda number: -weights[number]):
        poor = weights[number] < POOR_SHARE * max(weights)
        if chosen and (total >= config.max_total_s or (poor and total >= config.min_total_s)):
            break
        chosen.append(number)
        total += stretches[number].end - stretches[number].start
    return chosen
