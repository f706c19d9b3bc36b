"""The diarizer with encoders that read audio instead of the trunk's frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from diarspk import Diarizer, DiarizerConfig, load_encoder
from diarspk.audio import open_audio
from diarspk.cli import app
from diarspk.clustering import AgglomerativeClusterer, EigengapClusterer
from diarspk.clustering.adaptation import NonSpeechCluster
from diarspk.encoders import SpeakerEncoder, WindowedEncoder
from diarspk.encoders.architectures.ecapa import SPEECHBRAIN_ECAPA, EcapaTdnn
from diarspk.encoders.architectures.resnet import RESNET34, ResNet
from diarspk.encoders.front_end import MelFrontEnd
from diarspk.errors import ArgumentError, ModelError
from diarspk.segmentation import EmbeddedSegmenter
from diarspk.segmentation.windows import audio_windows
from eval.systems.registry import load_diarizer
from tests.diarspk.diarization.test_threads import buzz
from tests.diarspk.encoders.architectures.test_registry import TINY_ECAPA
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.local.test_network import trained_looking
from tests.diarspk.segmentation.test_pyannet import decided

RATE = 16000


def resnet():
    torch.manual_seed(0)
    return trained_looking(ResNet(replace(RESNET34, channels=2, dimension=6)))


def ecapa():
    torch.manual_seed(0)
    return trained_looking(EcapaTdnn(replace(SPEECHBRAIN_ECAPA, **{**TINY_ECAPA, "mels": 80})))


@pytest.fixture(scope="module", params=[resnet, ecapa])
def encoder(request):
    return WindowedEncoder(request.param(), MelFrontEnd())


class TwoSpeakers:
    """Local speakers 0 and 1 talk in turn, a second each; 2 is silent."""

    window_s, step_s, speakers = 4.0, 2.0, 3

    def segment(self, stream, windows, trunk):
        return self.local_speakers

    def halved(self):
        return self

    def suited_to(self, duration):
        return self

    def local_speakers(self, frames, first):
        seconds = (first[:, None] + np.arange(frames.shape[1])) * 0.04
        activity = np.zeros((*seconds.shape, 3), np.float32)
        activity[..., 0] = seconds % 2 < 1
        activity[..., 1] = seconds % 2 >= 1
        return activity


@pytest.mark.parametrize("samples", [3, 7, 40, 64])
def test_windows_of_a_stream_are_slices(samples):
    audio = noise(0.5)[:37]
    places = [0, 2, 5, 20, 36]
    windows = list(audio_windows(open_audio(audio, RATE), places, samples))
    padded = np.pad(audio, (0, samples))
    for place, window in zip(places, windows, strict=True):
        np.testing.assert_array_equal(window, padded[place : place + samples])


def test_a_mask_over_everything_changes_nothing(encoder):
    windows = np.stack([noise(2.0, seed) for seed in (1, 2)])
    vectors = encoder.embed_masked(windows, np.ones((2, 50, 1), bool))
    np.testing.assert_allclose(vectors[:, 0], encoder.embed_batch(windows, RATE), atol=1e-5)


def test_a_speaker_without_frames_is_zero(encoder):
    masks = np.zeros((1, 50, 2), bool)
    masks[:, 25, 0] = True  # one frame of 40 ms, between those of a network with a stride
    vectors = encoder.embed_masked(noise(2.0)[None], masks)
    assert np.linalg.norm(vectors[0, 0]) == pytest.approx(1.0, abs=1e-5)
    assert not vectors[0, 1].any()


def test_what_others_say_does_not_enter_a_cut_out():
    encoder = WindowedEncoder(ecapa(), MelFrontEnd())
    window = noise(2.0)
    masks = np.zeros((1, 50, 1), bool)
    masks[:, 5:20], masks[:, 30:40] = True, True
    pieces = np.concatenate([window[5 * 640 : 20 * 640], window[30 * 640 : 40 * 640]])
    vectors = encoder.embed_masked(window[None], masks)
    np.testing.assert_allclose(vectors[0, 0], encoder.embed(pieces, RATE), atol=1e-5)


def test_a_local_network_pools_the_frames_of_the_mask():
    encoder = WindowedEncoder(resnet(), MelFrontEnd())
    window = noise(4.0)
    masks = np.zeros((1, 100, 1), bool)
    masks[:, 40:80] = True
    with torch.inference_mode():
        frames, _ = encoder.network.encode(encoder.front_end(torch.from_numpy(window))[None])
    hop, start = 8 * 0.01, 0.0125
    centres = start + hop * np.arange(frames.shape[1])
    inside = torch.from_numpy((centres >= 1.6) & (centres < 3.2))
    with torch.inference_mode():
        expected = encoder.network.project(encoder.network.pool(frames[:, inside]))[0].numpy()
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(encoder.embed_masked(window[None], masks)[0, 0], expected, atol=1e-5)


class Whole(SpeakerEncoder):
    """Encoder whose frames cannot be pooled, such as an ONNX graph."""

    def __init__(self, encoder):
        self.encoder = encoder

    sample_rate = property(lambda self: self.encoder.sample_rate)
    dimension = property(lambda self: self.encoder.dimension)
    frame_hop = property(lambda self: self.encoder.frame_hop)
    fingerprint = property(lambda self: self.encoder.fingerprint)

    def embed(self, *arguments, **options):
        return self.encoder.embed(*arguments, **options)

    def embed_frames(self, *arguments, **options):
        return self.encoder.embed_frames(*arguments, **options)

    def embed_masked(self, windows, masks):
        return self.encoder.embed_masked(windows, masks)


def test_embeddings_of_an_encoder_without_frames_are_those_of_the_windows(encoder):
    encoder, audio = Whole(encoder), noise(11.0)
    first = Diarizer(encoder=encoder, segmentation=TwoSpeakers()).first_pass(audio, RATE)
    local = first.local
    assert first.fingerprint == encoder.fingerprint
    assert local.embeddings.shape == (len(local.first), 3, encoder.dimension)
    assert not local.embeddings[:, 2].any()
    for window in (0, 2, len(local.first) - 1):
        first = round(local.first[window] * 0.04 * RATE)
        part = audio[first : first + 4 * RATE]
        part = np.pad(part, (0, 4 * RATE - len(part)))[None]
        expected = encoder.embed_masked(part, local.activity[window][None] > 0.5)
        np.testing.assert_allclose(local.embeddings[window], expected[0], atol=1e-5)
    assert local.subsegments is None


class Colours(SpeakerEncoder):
    """Tells high voices from low ones, by the crossings of zero; it only embeds batches."""

    sample_rate, dimension, frame_hop, fingerprint = RATE, 2, 0.1, "colours"

    def embed(self, audio, sample_rate=None, spans=None, *, channel=None):
        raise AssertionError("batches only")

    def embed_frames(self, audio, sample_rate=None, *, channel=None):
        raise AssertionError("batches only")

    def embed_batch(self, batch, sample_rate=None):
        angles = [np.pi * np.mean(np.diff(np.sign(clip)) != 0) for clip in batch]
        return np.stack([[np.cos(a), np.sin(a)] for a in angles]).astype(np.float32)


def test_any_encoder_that_embeds_a_batch_will_do():
    """White noise for a second, then nearly none of its high half, and so on."""
    generator = np.random.default_rng(0)
    audio = generator.normal(0, 0.1, (20, RATE)).astype(np.float32)
    audio[1::2] = np.stack([np.convolve(row, np.ones(40) / 6, "same") for row in audio[1::2]])
    config = DiarizerConfig(clusterer=AgglomerativeClusterer(threshold=0.2), reliable_s=1.0)
    result = Diarizer(config, Colours(), TwoSpeakers())(audio.ravel(), RATE)
    assert len(result.speakers) == 2
    for label in result.speakers:
        seconds = [turn.middle for turn in result.annotation.label_timeline(label)]
        assert len({int(second) % 2 for second in seconds}) == 1
    assert result.fingerprint == "colours"


def test_the_embedded_segmentation_head_and_an_encoder_of_another_project(encoder):
    result = Diarizer(encoder=encoder)(noise(12.0), RATE)
    again = Diarizer(encoder=encoder)(noise(12.0), RATE)
    assert result.annotation == again.annotation
    assert all(vector.shape == (encoder.dimension,) for vector in result.speakers.values())


def test_pyannet_and_an_encoder_of_another_project(encoder):
    diarizer = Diarizer(encoder=encoder, segmentation=decided(hidden=16))
    result = diarizer(noise(12.0), RATE, num_speakers=2)
    assert result.first_pass.local.activity.shape[2] == 3
    assert len(result.speakers) == 2
    assert set(result.speakers) == set(result.annotation.labels())


def test_silero_and_an_encoder_of_another_project(encoder):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("silero_vad")
    from diarspk.segmentation import SileroSegmenter

    local = (
        Diarizer(encoder=encoder, segmentation=SileroSegmenter()).first_pass(noise(5.0), RATE).local
    )
    assert local.embeddings.shape[1:] == (1, encoder.dimension)


def test_no_threshold_is_guessed_for_an_unknown_space(encoder):
    assert isinstance(Diarizer(encoder=encoder).config.clusterer, EigengapClusterer)
    assert Diarizer().config == DiarizerConfig()
    config = DiarizerConfig(reliable_s=1.0)
    assert Diarizer(config, encoder).config is config


def test_non_speech_of_an_encoder_of_another_project(encoder):
    silence = np.random.default_rng(0).normal(0, 1e-4, 8 * RATE).astype(np.float32)
    config = DiarizerConfig()
    config = replace(config, linking=replace(config.linking, non_speech=NonSpeechCluster()))
    first = Diarizer(config, encoder).first_pass(silence, RATE)
    assert len(first.non_speech) == len(first.local.first)
    np.testing.assert_allclose(np.linalg.norm(first.non_speech, axis=1), 1.0, atol=1e-5)


def test_a_cache_tells_encoders_apart(tmp_path):
    audio = noise(6.0)
    for build in (resnet, ecapa):
        encoder = WindowedEncoder(build(), MelFrontEnd())
        fresh = Diarizer(encoder=encoder).first_pass(audio, RATE)
        for _ in range(2):
            cached = Diarizer(encoder=encoder, cache=tmp_path).first_pass(audio, RATE)
            np.testing.assert_array_equal(cached.local.embeddings, fresh.local.embeddings)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_segmentation_head_of_another_trunk_is_refused():
    diarizer = Diarizer()
    head = EmbeddedSegmenter(diarizer.segmentation.head, trunk="another").halved()
    with pytest.raises(ModelError, match="segmentation head is of the encoder another"):
        Diarizer(encoder=diarizer.encoder, segmentation=head)(noise(1.0), RATE)


@pytest.fixture
def files(tmp_path):
    torch.save(resnet().state_dict(), tmp_path / "avg_model.pt")
    soundfile.write(tmp_path / "a.wav", buzz(1, 6.0), RATE)
    return tmp_path / "avg_model.pt", tmp_path / "a.wav"


def test_the_command_line_takes_a_checkpoint(files):
    checkpoint, audio = files
    arguments = ["diarize", str(audio), "--encoder", str(checkpoint), "--threshold", "0.3"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    config = DiarizerConfig(clusterer=AgglomerativeClusterer(0.3))
    expected = Diarizer(config, load_encoder(checkpoint))(audio).annotation
    assert expected
    assert len(result.stdout.splitlines()) == len(expected)


def test_a_system_of_eval_takes_a_checkpoint(files):
    checkpoint, audio = files
    system = load_diarizer(f"diarspk:threshold=0.3,encoder={checkpoint}")
    config = DiarizerConfig(clusterer=AgglomerativeClusterer(0.3))
    expected = Diarizer(config, load_encoder(checkpoint))(audio).annotation
    assert expected
    assert system(audio) == expected


@pytest.mark.parametrize("parts", ["encoder=", "vad=silero", "encoder=a,silero"])
def test_a_system_with_unknown_parts_is_an_error(parts):
    with pytest.raises(ArgumentError, match="must have parts NAME=VALUE"):
        load_diarizer(f"diarspk:{parts}")
