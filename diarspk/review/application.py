"""Routes of the review page.

Everything lies below ``/TOKEN/``, which :class:`diarspk.review.security.Guard` takes off.
"""

# Not `from __future__ import annotations`: FastAPI reads the annotations of functions that are
# defined where FastAPI is imported, since the package imports without it.

from collections.abc import Callable
from email.utils import encode_rfc2231
from importlib.util import find_spec
from typing import Any

from diarspk.errors import ArgumentError, DiarspkError, ModelError
from diarspk.review.assets import asset_names, media_type, read_asset
from diarspk.review.events import EventStream
from diarspk.review.exporting import export, list_formats
from diarspk.review.page import render_page
from diarspk.review.peaks import PEAKS_PER_S
from diarspk.review.playback import MEDIA_TYPES
from diarspk.review.recording import PlayableRecording
from diarspk.review.security import Access, Application, Guard
from diarspk.review.session import ReviewSession, StaleRevisionError

__all__ = ["check_installed", "create_application"]

MAX_SIMILAR = 200
"""Turns that are listed as similar."""


def check_installed() -> None:
    """Check that the packages of the server are there.

    Raises
    ------
    ModelError
        If one is not.
    """
    for name in ("fastapi", "uvicorn"):
        if find_spec(name) is None:
            raise ModelError(f"the review page needs {name}; install diarspk[review]")


def create_application(
    session: ReviewSession,
    recording: PlayableRecording,
    access: Access,
    events: EventStream | None = None,
) -> Application:
    """Make the ASGI application of a review.

    Parameters
    ----------
    session : ReviewSession
    recording : PlayableRecording
        Started by the caller, and closed.
    access : Access
    events : EventStream, optional
        By which windows are told of each other.

    Raises
    ------
    ModelError
        If FastAPI or uvicorn is not installed.
    """
    check_installed()
    from fastapi import Body, FastAPI, Request, Response
    from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

    told = events or EventStream()
    routes = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    def progress(window: str) -> Callable[[str, float], None]:
        def report(stage: str, fraction: float) -> None:
            if told.closed:  # what takes a minute must not keep the server from stopping
                raise DiarspkError("the review has ended")
            told.publish("progress", window=window, stage=stage, fraction=round(fraction, 3))

        return report

    def announce(state: dict[str, Any], window: str) -> dict[str, Any]:
        told.publish("revision", window=window, revision=state["revision"])
        return state

    @routes.exception_handler(DiarspkError)
    def tell(request: Request, error: DiarspkError) -> JSONResponse:
        stale = isinstance(error, StaleRevisionError)
        if stale:
            told.publish("revision", window="", revision=session.revision)
        return JSONResponse({"error": str(error)}, 409 if stale else 400)

    @routes.get("/")
    def page() -> Response:
        return Response(read_asset("index.html"), media_type=media_type("index.html"))

    @routes.get("/static/{name}")
    def asset(name: str) -> Response:
        if name not in asset_names():
            return Response(status_code=404)
        headers = {"cache-control": "no-cache"}
        return Response(read_asset(name), media_type=media_type(name), headers=headers)

    @routes.get("/review")
    def review() -> dict[str, Any]:
        return {
            "state": session.state(),
            "words": session.words(),
            "word_turns": session.word_turns()["turns"],
            "formats": list_formats(words=session.transcript is not None),
            "notes": session.notes,
            "peaks_per_s": PEAKS_PER_S,
            "analysis": session.analysis is not None,
            "read_only": False,
        }

    @routes.get("/state")
    def state() -> dict[str, Any]:
        return session.state()

    @routes.get("/words")
    def word_turns() -> dict[str, Any]:
        return session.word_turns()

    @routes.get("/peaks")
    def peaks() -> StreamingResponse:
        return StreamingResponse(recording.peaks(), media_type="application/octet-stream")

    @routes.get("/recording")
    def decoded() -> dict[str, Any]:
        return {"duration": recording.wait(), "error": recording.error}

    @routes.get("/audio")
    def audio() -> FileResponse:
        file = recording.file()
        return FileResponse(file, media_type=MEDIA_TYPES[file.suffix.lower()])

    @routes.get("/events")
    def follow() -> StreamingResponse:
        headers = {"cache-control": "no-store"}
        return StreamingResponse(told.follow(), headers=headers, media_type="text/event-stream")

    @routes.post("/operations")
    def operate(
        operation: dict[str, Any] = Body(),  # noqa: B008 # FastAPI's way to say where it stands
        revision: int = Body(),
        window: str = Body(),
    ) -> dict[str, Any]:
        return announce(session.operate(operation, revision), window)

    @routes.post("/undo")
    def undo(revision: int = Body(), window: str = Body()) -> dict[str, Any]:
        return announce(session.undo(revision), window)

    @routes.post("/redo")
    def redo(revision: int = Body(), window: str = Body()) -> dict[str, Any]:
        return announce(session.redo(revision), window)

    @routes.post("/recluster")
    def recluster(
        speakers: int = Body(), revision: int = Body(), window: str = Body()
    ) -> dict[str, Any]:
        if speakers < 1:
            raise ArgumentError(f"`speakers` must be at least 1, got {speakers}")
        return announce(session.recluster(speakers, revision, progress=progress(window)), window)

    @routes.get("/similar/{turn}")
    def similar(turn: int, window: str = "") -> list[tuple[int, float]]:
        found = session.similar(turn, progress=progress(window))
        return [(number, round(cosine, 3)) for number, cosine in found[:MAX_SIMILAR]]

    @routes.get("/export/{what}/{format}")
    def download(what: str, format: str) -> Response:
        if (what, format) == ("page", "html"):
            page = render_page(
                session.edited, audio=recording.stream, transcript=session.transcript
            )
            name, text = f"{session.edited.uri or 'recording'}.html", page.html
        else:
            name, text = export(session, what, format)
        disposition = f"attachment; filename*={encode_rfc2231(name, 'utf-8')}"
        return Response(
            text,
            media_type="application/octet-stream",
            headers={"content-disposition": disposition},
        )

    return Guard(routes, access)
