"""Route ``/v1/extract`` of ``diarspk serve``, which finds it by the group of its entry point.

Needs the extra ``server`` of diarspk.
"""

from __future__ import annotations

import io
from functools import cache

import soundfile
from fastapi import APIRouter, Request
from fastapi.responses import Response

from diarspk.server import NamedFile, ServedBy, WorkControl, compute, open_form, open_limited
from diarspk.server.form_description import form_of
from tse.extraction import extract
from tse.extractor import Extractor
from tse.loading import load_extractor

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["Voices"])

MAX_MIXTURE_S = 3600.0
"""Seconds of a mixture, whose voice is made in memory."""
MAX_ENROLMENT_S = 600.0


@router.post(
    "/extract",
    openapi_extra=form_of(None, ("file", "enrolment"), ("file", "enrolment")),
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}},
)
async def extract_voice(request: Request, services: ServedBy) -> Response:
    """Extract the voice of ``enrolment``, one recording or several, from the mixture ``file``.

    The answer is a WAV file of 16 bits at the rate of the mixture, and of its length; where the
    voice is hardly like the enrolment, the header ``X-Warning`` says so.
    """
    services.pool.check_room()
    async with open_form(request) as form:
        mixture = form.file("file")
        enrolments = form.files("enrolment", "enrolment[]") or [form.file("enrolment")]
        limit = min(services.settings.limits.audio_s, MAX_MIXTURE_S)

        def work(control: WorkControl) -> tuple[bytes, list[str]]:
            return _extract(mixture, enrolments, limit, control), control.notes

        voice, notes = await compute(request, services, work)
    joined = "; ".join(notes).encode("ascii", "backslashreplace").decode()
    headers = {"X-Warning": joined} if joined else {}
    return Response(voice, media_type="audio/wav", headers=headers)


def _extract(
    mixture: NamedFile, enrolments: list[NamedFile], limit: float, control: WorkControl
) -> bytes:
    """Do the work of a request, in a worker."""
    references = [open_limited(one, one.name, MAX_ENROLMENT_S, control) for one in enrolments]
    audio = open_limited(mixture, mixture.name, limit, control)
    voice = extract(audio, enrolment=references, extractor=_extractor())
    stream = io.BytesIO()
    rate = audio.source.sample_rate
    soundfile.write(stream, voice.clip(-1, 1), rate, format="WAV", subtype="PCM_16")
    return stream.getvalue()


@cache
def _extractor() -> Extractor:
    """Load the embedded extractor once, when it is first asked for."""
    return load_extractor()
