"""Speakers of a window as the diarizer knows them: found by clustering, or enrolled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from diarspk.diarization.assignment import assign_to_centroids
from diarspk.diarization.local_speakers import FirstPass, LocalSpeakers
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.reconstruction import speaker_activity
from diarspk.encoders.local.network import UtteranceHead

__all__ = ["KnownSpeakers", "cluster_speakers", "embed_alone", "enroll_speakers"]


class KnownSpeakers(NamedTuple):
    """Speakers of a window, right or wrong.

    Attributes
    ----------
    centroids : ``(n, dimension)``
        Unit vectors.
    labels : ``(windows, local speakers)``
        Which of them each local speaker is, -1 for nobody.
    owner : ``(n,)``
        Which true speaker each of them is, -1 for nobody.
    """

    centroids: NDArray[np.float32]
    labels: NDArray[np.int64]
    owner: NDArray[np.int64]


def cluster_speakers(
    first: FirstPass, postprocessing: Postprocessing, activity: NDArray[np.float32]
) -> KnownSpeakers | None:
    """Find the speakers as in a recording that is no longer than the window.

    Parameters
    ----------
    first
        First pass over the window.
    postprocessing
        Whose linking finds them.
    activity
        True activity ``(frames, speakers)``; so many speakers are found at most.

    Returns
    -------
    KnownSpeakers or None
        None where nobody is found.
    """
    local = first.local
    labels = postprocessing.link(first).labels
    count = int(labels.max(initial=-1)) + 1
    if not count:
        return None
    talk = speaker_activity(local, labels, count)
    loudest = np.argsort(-talk.sum(0), kind="stable")[: activity.shape[1]]
    shared = talk[:, loudest].T @ activity
    owner = np.full(len(loudest), -1)
    rows, columns = linear_sum_assignment(-shared)
    owner[rows] = np.where(shared[rows, columns] > 0, columns, -1)
    centroids = np.stack([local.centroid(labels == speaker) for speaker in loudest])
    number = np.full(count + 1, -1)  # of each speaker, and of nobody
    number[loudest] = np.arange(len(loudest))
    return KnownSpeakers(centroids, number[labels], owner)


def enroll_speakers(
    local: LocalSpeakers,
    voices: NDArray[np.float32],
    own: NDArray[np.float32],
    share: NDArray[np.float64],
) -> KnownSpeakers:
    """Know all speakers by clean speech, and those who talk alone in the window also by that.

    Parameters
    ----------
    local
        Local speakers of the window.
    voices
        Embeddings of clean speech ``(speakers, dimension)``.
    own
        Embeddings of what each says alone in the window, zero for who never does.
    share
        Share of the latter, ``(speakers, 1)``.
    """
    share = share * own.any(1, keepdims=True)
    centroids = ((1 - share) * voices + share * own).astype(np.float32)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    labels = np.full(local.seconds.shape, -1, np.int64)
    talking = local.seconds > 0
    if talking.any():
        labels = assign_to_centroids(local, labels, talking, centroids.astype(np.float64))
    return KnownSpeakers(centroids, labels, np.arange(len(voices)))


@torch.inference_mode()
def embed_alone(
    frames: Tensor, activity: NDArray[np.float32], head: UtteranceHead
) -> NDArray[np.float32]:
    """Embed what each speaker says alone: ``(speakers, dimension)``, zero for who never does.

    Parameters
    ----------
    frames
        Trunk frames ``(frames, channels)``.
    activity
        Who talks when, ``(frames, speakers)``.
    head
        Embeds the frames.
    """
    alone = torch.from_numpy(activity * (activity.sum(1, keepdims=True) == 1)).T
    moments = head.frame_moments(frames[None])[0]
    pooled = (alone @ moments.flatten(1)).view(-1, *moments.shape[1:])
    vectors = head.embed_moments(pooled[None])[0]
    said = (alone.sum(1, keepdim=True) > 0).float()
    return (nn.functional.normalize(vectors, dim=-1) * said).numpy()
