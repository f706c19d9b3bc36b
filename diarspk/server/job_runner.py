"""The way of a job: from the store to a worker, and its end back into the store."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO, cast

from diarspk.errors import AudioError
from diarspk.server.answers import describe_fault, log_fault
from diarspk.server.job_store import CANCELED, FAILED, SUCCEEDED, Job, JobStore
from diarspk.server.job_work import WORK
from diarspk.server.limited_audio import open_limited
from diarspk.server.metrics import ServerMetrics
from diarspk.server.settings import ServerSettings
from diarspk.server.speech_engine import MAX_REFERENCE_S, SpeechEngine
from diarspk.server.upload_store import MEDIA_URL, UploadStore
from diarspk.server.url_fetching import AddressPolicy, fetch
from diarspk.server.work_control import WorkCancelled, WorkControl
from diarspk.server.worker_pool import WorkerPool

__all__ = ["JobRunner"]

LOST = "the server ended while it was at this job, several times; the recording may be at fault"


class JobRunner:
    """Runs jobs of the store in the pool.

    Parameters
    ----------
    settings, engine, pool, store, uploads, metrics
        Parts of the server.
    ended
        Called when a job has ended.
    """

    def __init__(
        self,
        settings: ServerSettings,
        engine: SpeechEngine,
        pool: WorkerPool,
        store: JobStore,
        uploads: UploadStore,
        metrics: ServerMetrics,
        ended: Callable[[], None],
    ) -> None:
        self.settings, self.engine, self.pool = settings, engine, pool
        self.store, self.uploads, self.metrics = store, uploads, metrics
        self.ended = ended
        self._controls: dict[str, WorkControl] = {}
        self._cancelled: set[str] = set()
        self._lock = threading.Lock()

    def recover(self) -> None:
        """Run again what a server left behind, in its order."""
        waiting, lost = self.store.recover()
        for identifier in lost:
            self._finish(identifier, FAILED, {"error": LOST})
        for identifier in waiting:
            self.submit(identifier)

    def submit(self, identifier: str) -> None:
        """Queue a job of the store."""
        self.pool.submit_job(
            lambda control: self._run(identifier, control), self.settings.limits.work_s
        )

    def cancel(self, job: Job) -> None:
        """Cancel a job, whether it waits or runs."""
        with self._lock:
            control = self._controls.get(job.id)
            self._cancelled.add(job.id)
        if control is not None:
            control.cancel()
        self._finish(job.id, CANCELED, {"error": "canceled by its owner"})

    def delete_old(self) -> None:
        """Delete results and uploads that are older than the settings keep them."""
        before = time.time() - self.settings.keep_s
        self.store.delete_finished(before)
        self.uploads.delete_old(before, self.store.recordings_in_use())

    def _run(self, identifier: str, control: WorkControl) -> None:
        job = self.store.begin(identifier)
        with self._lock:
            if job is None:
                self._cancelled.discard(identifier)
                return
            self._controls[identifier] = control
        try:
            output = self._compute(job, control)
        except WorkCancelled:
            if identifier not in self._cancelled:
                self.store.requeue(identifier)  # the server stops
        except BaseException as error:  # a job that no one ends would be pending for ever
            described = describe_fault(error)
            if described is None:
                log_fault(error, "a job")
            text = "internal error of the server" if described is None else described[1]
            self._finish(identifier, FAILED, {"error": text})
        else:
            self._finish(identifier, SUCCEEDED, output)
        finally:
            with self._lock:
                del self._controls[identifier]
                self._cancelled.discard(identifier)

    def _compute(self, job: Job, control: WorkControl) -> dict[str, object]:
        limit = self.settings.limits.audio_s
        longest = min(limit, MAX_REFERENCE_S) if job.kind == "voiceprint" else limit
        with self._opened(job, control) as recording:
            audio = open_limited(recording, None, longest, control)
            audio = replace(audio, name="audio")
            output = WORK[job.kind](self.engine, audio, job.request, control)
            self.metrics.audio_seconds.inc(audio.expected_duration or 0.0)
            return output

    @contextmanager
    def _opened(self, job: Job, control: WorkControl) -> Iterator[BinaryIO]:
        """Open the recording of a job; what is fetched is never named in the file system."""
        if MEDIA_URL.fullmatch(job.recording):
            upload = self.uploads.find(job.recording, job.owner)
            if upload is None:
                raise AudioError("the recording was not uploaded, or has expired; send it again")
            with upload.path.open("rb") as stored:
                yield stored
            return
        with tempfile.TemporaryFile() as spooled:
            stream = cast(BinaryIO, spooled)
            policy = AddressPolicy(public=self.settings.allow_urls)
            limit = self.settings.limits.upload_bytes
            fetch(job.recording, stream, policy, max_bytes=limit, check=control.check)
            stream.seek(0)
            yield stream

    def _finish(self, identifier: str, status: str, output: dict[str, object]) -> None:
        if self.store.finish(identifier, status, output):
            self.metrics.jobs.labels(status).inc()
            self.ended()
