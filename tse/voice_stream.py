"""One voice out of a session at 16 kHz, beside the mixture that it is of, and judged on its way."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tse.cues import Cue
from tse.gating import keep_rest
from tse.live_detection import LiveDetection, LiveDetector
from tse.models.network import ExtractionNetwork
from tse.presence_meter import PresenceMeter
from tse.streaming import ExtractionStream

__all__ = ["VoiceStream"]

Samples = NDArray[np.float32]


class VoiceStream:
    """Stream of one voice, whose stretches may have gaps between them.

    Parameters
    ----------
    network, cue, frames_per_step
        See :class:`~tse.streaming.ExtractionStream`.
    mask_db
        Attenuation of what is not the voice; see :func:`tse.gating.keep_rest`.
    detector
        Told of all that comes in. Default: nobody asks when the voice talks.
    meter
        Told of all that goes out, before the mask. Default: nobody asks how like it is.
    """

    def __init__(
        self,
        network: ExtractionNetwork,
        cue: Cue,
        frames_per_step: int,
        *,
        mask_db: float | None = None,
        detector: LiveDetector | None = None,
        meter: PresenceMeter | None = None,
    ) -> None:
        self.network, self.cue, self.frames_per_step = network, cue, frames_per_step
        self.mask_db, self.detector, self.meter = mask_db, detector, meter
        self.begin(0.0)

    def begin(self, start: float) -> None:
        """Begin a stretch of samples without gaps, at that second of the session."""
        self.stream = ExtractionStream(self.network, self.cue, frames_per_step=self.frames_per_step)
        self.mixture: Samples = np.zeros(0, np.float32)  # whose voice is not there yet
        if self.detector is not None:
            self.detector.begin(start)

    @property
    def latency_samples(self) -> int:
        """Algorithmic latency of the voice."""
        return self.stream.latency_samples

    def push(self, samples: Samples) -> Samples:
        """Take in samples ``(time,)``; return those of the voice that are due."""
        if self.detector is not None:
            self.detector.push(samples)
        self.mixture = np.concatenate([self.mixture, samples])
        return self._give(self.stream.push(torch.from_numpy(samples)))

    def end(self) -> Samples:
        """Return the rest of the voice of the stretch."""
        if self.detector is not None:
            self.detector.end_stretch()
        return self._give(self.stream.flush())

    def tell(self) -> LiveDetection | None:
        """Tell what the detector has judged since it was asked last; None without one."""
        return None if self.detector is None else self.detector.tell()

    def _give(self, voice: torch.Tensor) -> Samples:
        """Pair the voice with its mixture, judge it, and leave in of the rest what is asked."""
        found: Samples = voice.numpy(force=True)
        mixture, self.mixture = np.split(self.mixture, [len(found)])
        if self.meter is not None:
            self.meter.push(found, mixture)
        return keep_rest(found, mixture, self.mask_db)

    def state(self) -> dict[str, Any]:
        """Return what a stream of the same network, cue and judges goes on from."""
        return {
            "stream": self.stream.state(),
            "mixture": self.mixture,
            "detector": None if self.detector is None else self.detector.state(),
            "meter": None if self.meter is None else self.meter.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.stream.restore(state["stream"])
        self.mixture = state["mixture"]
        for judge, saved in ((self.detector, state["detector"]), (self.meter, state["meter"])):
            if judge is not None:
                judge.restore(saved)
