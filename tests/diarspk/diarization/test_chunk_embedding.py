"""Foreign encoders over chunks: each second is encoded once, and the chunks leave no trace."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diarspk import Diarizer
from diarspk.audio import open_audio
from diarspk.diarization import chunk_embedding
from diarspk.diarization.chunk_embedding import ChunkEmbedder
from diarspk.diarization.window_embedding import WindowBatch
from diarspk.encoders import WindowedEncoder
from diarspk.encoders.front_end import MelFrontEnd
from diarspk.encoders.pooled import PooledEncoder
from diarspk.segmentation.windows import WindowGrid
from tests.diarspk.diarization.test_diarizer_encoders import TwoSpeakers, ecapa, resnet
from tests.diarspk.encoders.local.test_encoder import noise

RATE = 16000
HOP = 320


class Clock(PooledEncoder):
    """Reads the time off a recording whose samples are their own number; a span is its mean."""

    sample_rate, dimension, frame_hop, fingerprint = RATE, 2, 0.02, "clock"
    frame_hop_samples, first_frame_sample = HOP, 200

    def __init__(self):
        self.encoded = 0

    def embed(self, *_, **__):
        raise AssertionError("stretches only")

    embed_frames = embed

    def encode_stretch(self, samples):
        self.encoded += len(samples)
        places = np.arange(0, max(len(samples) - 400, 0) + 1, HOP) + 200
        return torch.from_numpy(samples[places.clip(0, len(samples) - 1)].copy())[:, None]

    def pool_frames(self, frames, masks):
        assert masks.any(dim=1).all()
        mean = ((frames[..., 0] * masks).sum(1) / masks.sum(1)).numpy()
        return np.stack([np.cos(mean), np.sin(mean)], 1).astype(np.float32)


def pass_over(seconds, monkeypatch, chunk_s, context_s=0.1):
    """Seconds that a clock tells of each window's first 0.8 s, and of each subsegment."""
    monkeypatch.setattr(chunk_embedding, "CHUNK_S", chunk_s)
    monkeypatch.setattr(chunk_embedding, "CONTEXT_S", context_s)
    audio = np.arange(round(seconds * RATE), dtype=np.float32) / RATE / 10  # tenths of a radian
    encoder = Clock()
    frames = round(seconds / 0.04)
    windows = WindowGrid.over(frames, window_s=4.0, step_s=2.0, hop=0.04, start=0.0125)
    embed = ChunkEmbedder(encoder, open_audio(audio, RATE), windows)
    active = np.zeros((len(windows.starts), windows.length, 2), bool)
    active[:, :20, 0], active[:, 20:, 1] = True, True
    found = []
    for number, first in enumerate(windows.starts):
        batch = WindowBatch(number, np.array([first]), torch.zeros(0), [])
        own = active[number : number + 1]
        found.append(embed(batch, own, own.astype(np.float32))[0])
    told = 10 * np.arctan2(np.stack(found)[..., 1], np.stack(found)[..., 0])
    short = embed.subsegments
    return windows, told, short, 10 * np.arctan2(*short.embeddings.T[::-1]), encoder


@pytest.mark.parametrize("chunk_s", [0.5, 1.7, 30.0])
def test_spans_are_pooled_from_their_own_frames(monkeypatch, chunk_s):
    windows, told, short, short_told, _ = pass_over(14.0, monkeypatch, chunk_s)
    begin = windows.starts * windows.hop
    np.testing.assert_allclose(told[:, 0], begin + 0.4, atol=0.03)
    np.testing.assert_allclose(told[:, 1], begin + 2.4, atol=0.03)
    assert len(short.centre) > 20
    centres = short.centre * windows.hop
    inside = (centres > 1.0) & (centres < 13.0)
    # A subsegment whose speaker changes is pooled from the frames on one side of the change.
    assert np.abs(short_told - centres)[inside].max() < 0.75
    assert np.median(np.abs(short_told - centres)[inside]) < 0.03


def test_chunks_leave_no_trace(monkeypatch):
    one, other = (pass_over(9.3, monkeypatch, chunk_s) for chunk_s in (0.9, 60.0))
    np.testing.assert_allclose(one[1], other[1], atol=1e-4)
    np.testing.assert_allclose(one[3], other[3], atol=1e-4)


def test_each_second_is_encoded_once(monkeypatch):
    encoder = pass_over(40.0, monkeypatch, 5.0, context_s=0.5)[-1]
    assert encoder.encoded / RATE == pytest.approx(40 * 1.2, rel=0.03)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0])
def test_recordings_shorter_than_a_window(monkeypatch, seconds):
    _, told, _, _, encoder = pass_over(seconds, monkeypatch, 10.0)
    assert np.isfinite(told).all() and encoder.encoded <= (seconds + 0.04) * RATE


@pytest.mark.parametrize("build", [resnet, ecapa])
def test_the_trunk_embeds_beside_another_encoder(build):
    encoder, audio = WindowedEncoder(build(), MelFrontEnd()), noise(11.0)
    plain = Diarizer(segmentation=TwoSpeakers())
    both = Diarizer(encoder=encoder, segmentation=TwoSpeakers())
    first, own = both.first_pass(audio, RATE), plain.first_pass(audio, RATE)
    assert first.local.embeddings.shape == (*first.local.seconds.shape, encoder.dimension)
    assert first.local.subsegments.embeddings.shape[1] == encoder.dimension
    np.testing.assert_array_equal(first.local.subsegments.centre, own.local.subsegments.centre)
    trunk = first.local.in_trunk_space()
    np.testing.assert_allclose(trunk.embeddings, own.local.embeddings, atol=1e-5)
    np.testing.assert_array_equal(first.local.vad_features, own.local.vad_features)
    assert own.local.in_trunk_space() is own.local
    labels = np.where(own.local.seconds > 0, np.arange(3), -1)
    linking = plain.link(own).__class__(labels)
    # The heads on the trunk correct the same frames in the same way, whoever has linked them.
    np.testing.assert_allclose(both.refine(first, linking), plain.refine(own, linking), atol=1e-4)
