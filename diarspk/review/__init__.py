"""A page to see, play and correct a diarization: served on this machine, or in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.review.analysis import Analysis
    from diarspk.review.application import create_application
    from diarspk.review.page import ReviewPage, render_page
    from diarspk.review.peaks import compute_peaks
    from diarspk.review.recording import PlayableRecording
    from diarspk.review.security import Access
    from diarspk.review.server import serve, serve_in_background
    from diarspk.review.session import ReviewSession, StaleRevisionError

__all__ = [
    "Access",
    "Analysis",
    "PlayableRecording",
    "ReviewPage",
    "ReviewSession",
    "StaleRevisionError",
    "compute_peaks",
    "create_application",
    "render_page",
    "serve",
    "serve_in_background",
]

_HOMES = {
    "Access": "diarspk.review.security",
    "Analysis": "diarspk.review.analysis",
    "PlayableRecording": "diarspk.review.recording",
    "ReviewPage": "diarspk.review.page",
    "ReviewSession": "diarspk.review.session",
    "StaleRevisionError": "diarspk.review.session",
    "compute_peaks": "diarspk.review.peaks",
    "create_application": "diarspk.review.application",
    "render_page": "diarspk.review.page",
    "serve": "diarspk.review.server",
    "serve_in_background": "diarspk.review.server",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
