"""Webhooks: the end of a job is posted to the URL that its client gave, signed, and tried again.

As pyannoteAI does: ``X-Signature`` is the HMAC-SHA256, in hexadecimal, of ``v0:TIMESTAMP:BODY``,
and ``X-Request-Timestamp`` has the seconds since 1970. Further tries have ``X-Retry-Num`` and
``X-Retry-Reason``. What is due is in the database, so that a restart loses none.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from diarspk.errors import ArgumentError
from diarspk.server.database import ServerDatabase
from diarspk.server.job_store import Job, to_job
from diarspk.server.metrics import ServerMetrics
from diarspk.server.settings import ServerSettings
from diarspk.server.url_fetching import AddressPolicy, post

__all__ = ["WebhookSender", "webhook_policy"]

SENDERS = 4
TIMEOUT_S = 10.0
LOOK_S = 0.5
"""Seconds between looks for what is due."""


def webhook_policy(settings: ServerSettings) -> AddressPolicy:
    """Hosts to which webhooks may go."""
    return AddressPolicy(public=settings.allow_urls, hosts=settings.webhook_hosts)


class WebhookSender:
    """Thread that sends the webhooks that are due."""

    def __init__(
        self, settings: ServerSettings, database: ServerDatabase, metrics: ServerMetrics
    ) -> None:
        self.settings, self.metrics = settings, metrics
        self.policy = webhook_policy(settings)
        self._database = database
        self._awake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once for what is due."""
        self._awake.set()

    def stop(self) -> None:
        """Stop after what is being sent; the rest is due at the next start."""
        self._stopping = True
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT_S + 5.0)

    def _work(self) -> None:
        with ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook") as senders:
            while not self._stopping:
                self._awake.wait(LOOK_S)
                self._awake.clear()
                due = [] if self._stopping else self._due()
                list(senders.map(lambda one: self._send(*one), due))
                if len(due) == SENDERS:  # there may be more
                    self.wake()

    def _due(self) -> list[tuple[Job, int, str]]:
        """Webhooks to send: the job, how often it was tried, and why that failed."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT jobs.*, tries, reason FROM deliveries JOIN jobs ON jobs.id = job "
                "WHERE due <= ? ORDER BY due LIMIT ?",
                (time.time(), SENDERS),
            ).fetchall()
        return [(to_job(row), int(row["tries"]), str(row["reason"])) for row in rows]

    def _send(self, job: Job, tries: int, reason: str) -> None:
        fault = self._try(job, tries, reason)
        if fault is None:
            self._settle(job.id)
            self.metrics.webhooks.labels("delivered").inc()
        elif tries >= len(self.settings.webhook_delays_s):
            self._settle(job.id)
            self.metrics.webhooks.labels("given_up").inc()
        else:
            due = time.time() + self.settings.webhook_delays_s[tries]
            with self._database.transaction() as connection:
                connection.execute(
                    "UPDATE deliveries SET tries = tries + 1, reason = ?, due = ? WHERE job = ?",
                    (fault, due, job.id),
                )
            self.metrics.webhooks.labels("failed").inc()
            self.wake()

    def _try(self, job: Job, tries: int, reason: str) -> str | None:
        """Send it; the reason why it failed, in pyannoteAI's words, or None."""
        content: dict[str, object] = {"jobId": job.id, "status": job.status}
        if job.output is not None and not job.status_only:
            content["output"] = job.output
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/json", **self._signature(body)}
        if tries:
            headers |= {"X-Retry-Num": str(tries), "X-Retry-Reason": reason}
        try:
            answer = post(job.webhook or "", body, headers, self.policy, timeout_s=TIMEOUT_S)
        except TimeoutError:
            return "http_timeout"
        except (OSError, http.client.HTTPException):
            return "connection_failed"
        except ArgumentError:
            return "forbidden_address"
        return None if 200 <= answer.status < 300 else f"http_error_{answer.status}"

    def _signature(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        headers = {"X-Request-Timestamp": timestamp}
        if self.settings.webhook_secret:
            signed = b"v0:" + timestamp.encode() + b":" + body
            key = self.settings.webhook_secret.encode()
            headers["X-Signature"] = hmac.new(key, signed, hashlib.sha256).hexdigest()
        return headers

    def _settle(self, identifier: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM deliveries WHERE job = ?", (identifier,))
