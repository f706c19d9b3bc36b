"""A live session: from samples at 16 kHz to who talks in each frame, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio.source import Samples
from diarspk.audio.stream import SAMPLE_RATE
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.local_speakers import FRAME_EMBEDDING_STEP
from diarspk.diarization.reconstruction import (
    Activity,
    ReconstructionConfig,
    binarize,
    exclusive_activity,
)
from diarspk.segmentation.segmenter import EmbeddedSegmenter
from diarspk.streaming.frame_stream import FrameStream
from diarspk.streaming.latency import LatencyPlan
from diarspk.streaming.linking import LiveLinker, LiveLinkingSettings
from diarspk.streaming.refinement import WindowRefinement
from diarspk.streaming.speaker_memory import NOBODY, SpeakerMemory
from diarspk.streaming.turn_stream import smooth
from diarspk.streaming.window_view import WindowReader

__all__ = ["LiveSession", "Step"]

Mask = NDArray[np.bool_]

THRESHOLD_SHARE = 0.8
"""Thresholds of speech and overlap beside those of recordings: of what has little future, and one
view instead of several, networks are less sure, and too much would be missed."""


@dataclass(frozen=True, eq=False)
class Step:
    """Who talks in the frames that became final with a step, and in those that follow.

    Attributes
    ----------
    first, final, end : int
        Trunk frames of the stretch: the first that became final, the one after the last of those,
        and the one after all that were received.
    speakers : list of int
        Speakers, as the memory numbers them.
    active, alone : NDArray of bool, shape (end - first, speakers)
        Who talks, and the same with at most one speaker at a time.
    activity : NDArray of float32, shape (end - first, speakers)
        Probability that each talks.
    merges : list of (int, int)
        Speakers who turned out to be another one, before these frames.
    """

    first: int
    final: int
    end: int
    speakers: list[int]
    active: Mask
    alone: Mask
    activity: Activity
    merges: list[tuple[int, int]]


class LiveSession:
    """Networks and memory of one session.

    Parameters
    ----------
    diarizer
        Gives networks and settings, and is not changed.
    segmenter
        Its segmenter, which reads trunk frames.
    plan
        Step and context.
    memory
        Speakers.
    settings
        Of linking.
    """

    def __init__(
        self,
        diarizer: Diarizer,
        segmenter: EmbeddedSegmenter,
        plan: LatencyPlan,
        memory: SpeakerMemory,
        settings: LiveLinkingSettings,
    ) -> None:
        models = diarizer.models
        trunk = models.trunk
        self.plan, self.memory, self.config = plan, memory, diarizer.config
        # Speakers are linked and learned by tight turns, whatever boundaries are told.
        self.reconstruction = _lowered(replace(diarizer.config, boundaries="tight").turns)
        self.told = _lowered(diarizer.config.turns)
        self.hop = trunk.frame_hop
        self.reader = WindowReader(trunk, segmenter, models.precision)
        self.frames = FrameStream(trunk, self.reader.length, models.precision)
        self.refine = WindowRefinement(
            trunk, models.vad_head, self.config, models.precision, plan.step + plan.context
        )
        self.linker = LiveLinker(memory, settings, self.hop)
        self.step_samples = round(plan.step * self.hop * SAMPLE_RATE)
        self.waiting: Samples = np.zeros(0, np.float32)
        self.final_count = 0  # frames of the stretch that are final
        self.final: dict[int, Mask] = {}  # who talks in the last of them, a window each

    def push(self, samples: Samples) -> Iterator[Step]:
        """Take in samples at 16 kHz; yield the steps that they complete."""
        self.waiting = np.concatenate([self.waiting, samples])
        while len(self.waiting) >= self.step_samples:
            part, self.waiting = np.split(self.waiting, [self.step_samples])
            self.frames.push(part)
            if self.frames.count:
                yield self._step(ended=False)

    def end(self) -> Iterator[Step]:
        """End the stretch: everything that was received becomes final. Then the next may begin."""
        self.frames.push(self.waiting)
        if self.frames.count > self.final_count:
            yield self._step(ended=True)
        self.frames.clear()
        self.waiting, self.final_count, self.final = np.zeros(0, np.float32), 0, {}
        self.linker.learned = -1

    def _step(self, ended: bool) -> Step:
        end, begun = self.frames.count, self.final_count
        final = end if ended else max(end - self.plan.context, begun)
        # Frame embeddings lie on a grid of their own, from the first frame of the stretch on.
        first = max(end - self.reader.length, 0)
        first += -first % FRAME_EMBEDDING_STEP
        frames, moments = (
            rows[first - end :] for rows in (self.frames.frames, self.frames.moments)
        )
        view = self.reader.read(frames, moments, first)
        known = {one: self._in_window(mask, first, end) for one, mask in self.final.items()}
        settled = max(begun - first, 0)
        merges = self.linker.cluster()
        for gone, other in merges:
            if gone in self.final:
                mask, kept = self.final.pop(gone), known.pop(gone)
                self.final[other] = self.final.get(other, mask) | mask
                known[other] = known.get(other, kept) | kept
        labels = self.linker.link(view, known, settled)
        speakers = sorted({*known, *labels[labels != NOBODY].tolist()})
        activity = np.zeros((len(frames), len(speakers)), np.float32)
        for local, label in enumerate(labels.tolist()):
            if label != NOBODY:
                own = activity[:, speakers.index(label)]
                np.maximum(own, view.activity[:, local], out=own)
        numbers, _, vectors = self.memory.groups()
        if speakers:
            rows = np.searchsorted(numbers, speakers).clip(max=len(numbers) - 1)
            activity = self.refine(frames, moments, activity, vectors[rows])
        active = binarize(activity, self.reconstruction)
        for column, one in enumerate(speakers):
            active[:settled, column] = known[one][:settled] if one in known else False
            active[:, column] = smooth(
                active[:, column], activity[:, column], self.reconstruction, self.hop, settled
            )
        self.linker.learn(view, active, speakers)
        self._finalise(active, speakers, first, final)
        told = self._widen(active, activity, settled)
        alone = exclusive_activity(told, activity)
        start = max(begun, first)
        part = slice(start - first, None)
        return Step(start, final, end, speakers, told[part], alone[part], activity[part], merges)

    def _widen(self, active: Mask, activity: Activity, settled: int) -> Mask:
        """Give tight turns the boundaries that are told, in the frames that are not final."""
        if self.told == self.reconstruction:
            return active
        told = active.copy()
        for column in range(active.shape[1]):
            told[:, column] = smooth(
                active[:, column], activity[:, column], self.told, self.hop, settled
            )
        return told

    def _in_window(self, mask: Mask, first: int, end: int) -> Mask:
        """Take the final frames of one speaker, whose last one is the last final, into a window."""
        found = np.zeros(end - first, np.bool_)
        held = mask[max(first - (self.final_count - len(mask)), 0) :]
        place = self.final_count - len(held) - first
        found[place : place + len(held)] = held
        return found

    def _finalise(self, active: Mask, speakers: list[int], first: int, final: int) -> None:
        """Remember who talks in the last window of final frames."""
        self.final = {
            one: active[: final - first, column].copy()
            for column, one in enumerate(speakers)
            if active[: final - first, column].any()
        }
        self.final_count = final

    def state(self) -> dict[str, Any]:
        """Return what the session goes on from."""
        return {
            "frames": self.frames.state(),
            "memory": self.memory.state(),
            "learned": self.linker.learned,
            "waiting": self.waiting,
            "final_count": self.final_count,
            "final_speakers": list(self.final),
            "final_masks": list(self.final.values()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.frames.restore(state["frames"])
        self.memory.restore(state["memory"])
        self.linker.learned = state["learned"]
        self.waiting, self.final_count = state["waiting"], state["final_count"]
        self.final = dict(zip(state["final_speakers"], state["final_masks"], strict=True))


def _lowered(config: ReconstructionConfig) -> ReconstructionConfig:
    """Lower the thresholds, for what has little future."""
    return replace(
        config,
        speech_threshold=THRESHOLD_SHARE * config.speech_threshold,
        overlap_threshold=THRESHOLD_SHARE * config.overlap_threshold,
        pause_probability=THRESHOLD_SHARE * config.pause_probability,
    )
