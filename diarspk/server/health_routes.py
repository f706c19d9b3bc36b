"""Routes for those who run the server: alive, ready, and figures."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from diarspk.server.metrics import CONTENT_TYPE
from diarspk.server.services import Owner, ServedBy
from diarspk.version import __version__

__all__ = ["router"]

router = APIRouter(tags=["Operation"])


@router.get("/health")
def health() -> dict[str, Any]:
    """Tell that the process answers; needs no key."""
    return {"status": "ok", "version": __version__}


@router.get("/ready", response_model=None)
def ready(services: ServedBy) -> Response:
    """Tell whether a request would be taken: models are loaded, and there is room; needs no key."""
    services.pool.check_room()
    return JSONResponse({"status": "ready", "waiting": services.pool.waiting})


@router.get("/metrics", response_model=None)
def metrics(services: ServedBy, owner: Owner) -> Response:
    """Figures in Prometheus' text format."""
    return Response(services.metrics.text(), media_type=CONTENT_TYPE)
