"""Who talks in each frame of a window, once its local speakers are linked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.local_speakers import FRAME_EMBEDDING_STEP, LocalSpeakers, cosines_to
from diarspk.diarization.reconstruction import Activity
from diarspk.diarization.target_speaker_vad import TargetSpeakerVad, combine_activity, similarity_at
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.segmentation.target_speaker_vad import MIN_PROBABILITY, TargetSpeakerVadHead

__all__ = ["WindowRefinement"]

MIN_TALK_FRAMES = 0.1
"""Minimum expected number of frames in which a speaker who takes part talks."""

MIN_LENGTH = 60
"""Frames that are read at least, so that TS-VAD sees some seconds."""

LEAD = 60
"""Frames before those that frame embeddings see, less than all that they might."""


class WindowRefinement:
    """Resegmentation and TS-VAD over one window, with the speakers of the session.

    Parameters
    ----------
    trunk
        Encoder whose frames are read.
    vad_head
        TS-VAD head; None for none.
    config
        Settings of the offline pipeline, which are taken over.
    precision
        Numerical precision of the networks.
    length
        Frames at the end of a window that are not final: the others stay as they are.
    """

    def __init__(
        self,
        trunk: LocalEncoder,
        vad_head: TargetSpeakerVadHead | None,
        config: DiarizerConfig,
        precision: Precision,
        length: int,
    ) -> None:
        self.length = max(length, MIN_LENGTH)
        self.trunk, self.config, self.precision = trunk, config, precision
        self.vad = None
        if vad_head is not None and config.target_speaker_vad:
            self.vad = TargetSpeakerVad(vad_head, precision=precision)

    @torch.inference_mode()
    def __call__(
        self, frames: Tensor, moments: Tensor, activity: Activity, centroids: NDArray[np.float64]
    ) -> Activity:
        """Compute the probability of every speaker in every frame.

        Parameters
        ----------
        frames, moments
            Of the window.
        activity
            Probability after linking, ``(frames, speakers)``.
        centroids
            Unit vectors of the speakers, ``(speakers, dim)``.
        """
        if activity.shape[1] < 2 or self.trunk.frame_head is None:
            return activity
        refined = activity.copy()
        start = _on_grid(len(activity) - self.length)
        refined[start:] = self._refine(
            frames[_on_grid(start - LEAD) :],
            moments[_on_grid(start - LEAD) :],
            activity[start:],
            centroids.astype(np.float32),
        )
        return refined

    def _refine(
        self,
        frames: Tensor,
        moments: Tensor,
        activity: Activity,
        centroids: NDArray[np.float32],
    ) -> Activity:
        """Refine the activity of the last of the frames."""
        start, head = len(frames) - len(activity), self.trunk.frame_head
        assert head is not None
        with multiply_in(self.precision, frames.device):
            wanted = slice(start, None, FRAME_EMBEDDING_STEP)
            utterance = self.trunk.network.utterance
            found = head(frames[None], utterance, wanted=wanted, moments=moments[None])
        vectors = found[0].float().numpy(force=True)
        if self.config.resegmentation is not None:
            # Centroids are those of the session: nothing is fitted to a window.
            divide = replace(self.config.resegmentation, iterations=1)
            activity = divide(activity, _as_window(activity, vectors, self.trunk), centroids)
        if self.vad is None:
            return activity
        return self._correct(frames[start:], activity, cosines_to(vectors, centroids), centroids)

    def _correct(
        self,
        frames: Tensor,
        activity: Activity,
        cosines: NDArray[np.float32],
        centroids: NDArray[np.float32],
    ) -> Activity:
        """Correct the activity by TS-VAD, of those who talk most in the window."""
        assert self.vad is not None
        talk = activity.sum(0)
        order = np.argsort(-talk, kind="stable")[: self.vad.head.config.speakers]
        order = np.sort(order[talk[order] > MIN_TALK_FRAMES])
        if len(order) < 2:
            return activity
        similarity = similarity_at(cosines, np.arange(len(activity)))[:, order]
        device = frames.device
        prior = torch.from_numpy(np.ascontiguousarray(activity[:, order])).to(device)[None]
        with multiply_in(self.precision, frames.device):
            features = self.vad.head.features(frames)
            known = torch.from_numpy(centroids[order]).to(device)[None]
            cosine = torch.from_numpy(similarity).to(device)[None]
            found = self.vad.head(features[None].float(), known, cosine, prior).float()
        before = torch.logit(prior, MIN_PROBABILITY)
        corrected = activity.copy()
        logits = before + self.vad.share * (found - before)
        corrected[:, order] = torch.sigmoid(logits)[0].numpy(force=True)
        return combine_activity(corrected, activity, self.vad.overlap_share)


def _on_grid(frame: int) -> int:
    """Move a frame down to the grid of frame embeddings, from the first of the window on."""
    return max(frame - frame % FRAME_EMBEDDING_STEP, 0)


def _as_window(
    activity: Activity, vectors: NDArray[np.float32], trunk: LocalEncoder
) -> LocalSpeakers:
    """Frame embeddings of one window, as resegmentation takes them."""
    frames, speakers = activity.shape
    return LocalSpeakers(
        activity[None],
        np.zeros(1, np.int64),
        np.zeros((1, speakers, vectors.shape[1]), np.float32),
        np.zeros((1, speakers)),
        frames,
        trunk.frame_hop,
        trunk.frame_start,
        frame_embeddings=vectors.astype(np.float16),
    )
