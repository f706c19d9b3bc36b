"""A recording that is decoded once, in the background: its peaks, and a file to play."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from diarspk.audio.source import Samples
from diarspk.audio.stream import SAMPLE_RATE, AudioStream
from diarspk.errors import AudioError, DiarspkError
from diarspk.review.peaks import compute_peaks
from diarspk.review.playback import find_playable, write_wav

__all__ = ["PlayableRecording"]

BLOCK_S = 30.0
"""Seconds that are decoded at a time; a multiple of a peak."""


class PlayableRecording:
    """Peaks of a recording while they come, and a file that browsers play.

    What a browser cannot play is converted to 16 kHz WAV in a temporary folder (115 MB an hour),
    which :meth:`close` removes.

    Parameters
    ----------
    stream : AudioStream
    """

    def __init__(self, stream: AudioStream) -> None:
        self.stream = stream
        self._original = find_playable(stream)
        self._folder = tempfile.TemporaryDirectory(prefix="diarspk-review-")
        self._wav = Path(self._folder.name) / "recording.wav"
        self._peaks = bytearray()
        self._duration = 0.0
        self._error: Exception | None = None
        self._done = False
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._decode, daemon=True, name="decode")

    def start(self) -> None:
        """Begin to decode."""
        self._thread.start()

    def stop(self) -> None:
        """Decode no more than the present block, so that nobody waits for the rest."""
        self._stopped.set()

    def close(self) -> None:
        """Stop, and remove the temporary file."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._folder.cleanup()

    def peaks(self) -> Iterator[bytes]:
        """Yield the peaks as bytes, as far as they are known, then the others as they come.

        Each is two signed bytes; see :func:`diarspk.review.peaks.compute_peaks`. They end early
        where the recording is damaged.
        """
        sent = 0
        while piece := self._next_peaks(sent):
            yield piece
            sent += len(piece)

    def file(self) -> Path:
        """Wait for the file to play.

        Raises
        ------
        AudioError
            If the recording cannot be decoded, or not be converted.
        """
        if self._original is not None:
            return self._original
        self.wait()
        if self._error is not None and not self._duration:
            raise AudioError(str(self._error))
        return self._wav

    def wait(self) -> float:
        """Wait until all is decoded, and return the duration in seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._done)
        return self._duration

    @property
    def error(self) -> str | None:
        """What has ended the decoding before the end of the recording."""
        return None if self._error is None else str(self._error)

    def _next_peaks(self, sent: int) -> bytes:
        """Wait for what follows the first ``sent`` bytes; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._done or len(self._peaks) > sent)
            return bytes(self._peaks[sent:])

    def _decode(self) -> None:
        try:
            blocks: Iterator[Samples] = self.stream.blocks(BLOCK_S)
            for block in blocks if self._original else write_wav(blocks, self._wav):
                piece = compute_peaks(block).tobytes()
                with self._changed:
                    self._peaks += piece
                    self._duration += len(block) / SAMPLE_RATE
                    self._changed.notify_all()
                if self._stopped.is_set():
                    break
        except (DiarspkError, OSError) as error:
            self._error = error
        finally:
            with self._changed:
                self._done = True
                self._changed.notify_all()
