"""The server: diarization over HTTP, in the shapes that clients of OpenAI and pyannoteAI speak.

Needs the extra ``server``. ``diarspk serve`` runs it; :func:`create_app` makes an application for
any other ASGI server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.server.application import ROUTES, create_app
    from diarspk.server.forms import Form, open_form, validated
    from diarspk.server.keys import KeyRing
    from diarspk.server.limited_audio import NamedFile, open_limited
    from diarspk.server.services import ServedBy, Services, compute
    from diarspk.server.settings import Limits, ServerSettings
    from diarspk.server.speech_engine import SpeechEngine
    from diarspk.server.work_control import WorkControl

__all__ = [
    "ROUTES",
    "Form",
    "KeyRing",
    "Limits",
    "NamedFile",
    "ServedBy",
    "ServerSettings",
    "Services",
    "SpeechEngine",
    "WorkControl",
    "compute",
    "create_app",
    "open_form",
    "open_limited",
    "validated",
]

_HOMES = {
    "ROUTES": "diarspk.server.application",
    "Form": "diarspk.server.forms",
    "KeyRing": "diarspk.server.keys",
    "Limits": "diarspk.server.settings",
    "NamedFile": "diarspk.server.limited_audio",
    "ServerSettings": "diarspk.server.settings",
    "ServedBy": "diarspk.server.services",
    "Services": "diarspk.server.services",
    "SpeechEngine": "diarspk.server.speech_engine",
    "WorkControl": "diarspk.server.work_control",
    "compute": "diarspk.server.services",
    "create_app": "diarspk.server.application",
    "open_form": "diarspk.server.forms",
    "open_limited": "diarspk.server.limited_audio",
    "validated": "diarspk.server.forms",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
