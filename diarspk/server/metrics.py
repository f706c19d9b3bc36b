"""Figures of a server in Prometheus' text format: sizes, times and counts, nothing of a request."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from diarspk.version import __version__

__all__ = ["CONTENT_TYPE", "ServerMetrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600)
BYTES = tuple(10.0**power for power in range(3, 10))


class ServerMetrics:
    """Counters of one server, in a registry of their own.

    Parameters
    ----------
    waiting, running, jobs, streams
        Callables that give what waits and runs in the pool, the jobs that wait, and the live
        streams.
    """

    def __init__(
        self,
        waiting: Callable[[], float],
        running: Callable[[], float],
        jobs: Callable[[], float],
        streams: Callable[[], float],
    ) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "diarspk_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "diarspk_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.request_bytes = Histogram(
            "diarspk_request_bytes",
            "Size of the body of a request.",
            buckets=BYTES,
            registry=self.registry,
        )
        self.audio_seconds = Counter(
            "diarspk_audio_seconds", "Seconds of audio computed.", registry=self.registry
        )
        self.jobs = Counter(
            "diarspk_jobs", "Jobs that ended, by status.", ["status"], registry=self.registry
        )
        self.webhooks = Counter(
            "diarspk_webhooks", "Webhooks sent, by result.", ["result"], registry=self.registry
        )
        for name, text, value in (
            ("diarspk_queue_waiting", "Requests and jobs that wait for a worker.", waiting),
            ("diarspk_queue_running", "Requests and jobs that are computed.", running),
            ("diarspk_jobs_waiting", "Jobs that have not begun.", jobs),
            ("diarspk_streams", "Live streams.", streams),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)
        information = Gauge("diarspk_info", "Version.", ["version"], registry=self.registry)
        information.labels(__version__).set(1)

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)
