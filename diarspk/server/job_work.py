"""What jobs compute, and their output in the fields of pyannoteAI."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from diarspk.errors import ModelError
from diarspk.server.job_requests import DiarizeRequest, IdentifyRequest
from diarspk.server.speech_engine import SpeechEngine
from diarspk.server.voiceprints import decode_voiceprint, encode_voiceprint, match_speakers
from diarspk.server.work_control import WorkControl
from diarspk.transcripts import assign_speakers

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk import Diarization
    from diarspk.audio import AudioStream

__all__ = ["WORK", "Output", "diarize", "identify", "make_voiceprint"]

Output = dict[str, Any]

RESOLUTION_S = 0.02
"""Step of the list of confidences."""


def diarize(
    engine: SpeechEngine, audio: AudioStream, fields: Output, control: WorkControl
) -> Output:
    """Diarize a recording."""
    request = DiarizeRequest.model_validate(fields)
    result = engine.diarize(audio, control, request.count)
    output = diarization_output(result, request)
    return output | _words(engine, audio, result, request, control) | _warning(control.notes)


def identify(
    engine: SpeechEngine, audio: AudioStream, fields: Output, control: WorkControl
) -> Output:
    """Diarize a recording, and name those whose voiceprints are given."""
    request = IdentifyRequest.model_validate(fields)
    voiceprints = {
        one.label: decode_voiceprint(one.voiceprint, engine.fingerprint, engine.encoder.dimension)
        for one in request.voiceprints
    }
    result = engine.diarize(audio, control, request.count)
    matches = match_speakers(
        result.speakers,
        voiceprints,
        engine.fingerprint,
        exclusive=request.matching.exclusive is not False,
        threshold=request.matching.threshold or 0.0,
    )
    output = diarization_output(result, request)
    output["identification"] = [
        {
            **turn,
            "speaker": matches[turn["speaker"]].name or turn["speaker"],
            "diarizationSpeaker": turn["speaker"],
            "match": matches[turn["speaker"]].name,
        }
        for turn in output["diarization"]
    ]
    output["voiceprints"] = [
        {"speaker": label, "match": match.name, "confidence": match.confidence}
        for label, match in matches.items()
    ]
    return output | _words(engine, audio, result, request, control) | _warning(control.notes)


def make_voiceprint(
    engine: SpeechEngine, audio: AudioStream, fields: Output, control: WorkControl
) -> Output:
    """Embed the voice of a recording."""
    vector = engine.embed(audio)
    return {"voiceprint": encode_voiceprint(vector, engine.fingerprint)} | _warning(control.notes)


WORK: dict[str, Callable[[SpeechEngine, AudioStream, Output, WorkControl], Output]] = {
    "diarize": diarize,
    "identify": identify,
    "voiceprint": make_voiceprint,
}
"""Work of each kind of job."""


def diarization_output(result: Diarization, request: DiarizeRequest) -> Output:
    """List turns, exclusive turns and confidences, as far as the request asks for them."""
    turns = list(_turns(result.annotation))
    if request.turn_level_confidence:
        percent = [round(100 * result.confidence[key]) for key in _keys(result.annotation)]
        for turn, value in zip(turns, percent, strict=True):
            turn["confidence"] = {turn["speaker"]: value}
    output: Output = {"diarization": turns}
    if request.exclusive:
        output["exclusiveDiarization"] = list(_turns(result.exclusive))
    if request.confidence:
        output["confidence"] = confidence_track(result)
    return output


def confidence_track(result: Diarization) -> Output:
    """Percent every 20 ms: the lowest confidence of the turns there, 100 where nobody talks."""
    values = np.full(int(np.ceil(result.duration / RESOLUTION_S)), 100)
    for (segment, _), confidence in result.confidence.items():
        first, last = (round(edge / RESOLUTION_S) for edge in (segment.start, segment.end))
        values[first:last] = np.minimum(values[first:last], round(100 * confidence))
    return {"score": values.tolist(), "resolution": RESOLUTION_S}


def _keys(annotation: Annotation) -> Iterable[Any]:
    return ((segment, track) for segment, track, _ in annotation.itertracks(yield_label=True))


def _turns(annotation: Annotation) -> Iterable[Output]:
    for segment, _, label in annotation.itertracks(yield_label=True):
        yield {
            "speaker": str(label),
            "start": round(segment.start, 3),
            "end": round(segment.end, 3),
        }


def _words(
    engine: SpeechEngine,
    audio: AudioStream,
    result: Diarization,
    request: DiarizeRequest,
    control: WorkControl,
) -> Output:
    """Words and turns of words, where they are asked for."""
    if not request.transcription:
        return {}
    transcript = engine.transcribe(audio, control)
    if transcript is None:
        raise ModelError("`transcription` needs a recogniser, and this server runs without --asr")
    spoken = assign_speakers(transcript, result)
    words = [
        {"start": one.start, "end": one.end, "text": one.text.strip(), "speaker": one.speaker}
        for one in spoken.words
    ]
    turns = [
        {"start": one.start, "end": one.end, "text": one.text, "speaker": one.speaker}
        for one in spoken.utterances()
    ]
    return {"wordLevelTranscription": words, "turnLevelTranscription": turns}


def _warning(texts: Iterable[str]) -> Output:
    joined = "; ".join(texts)
    return {"warning": joined} if joined else {}
