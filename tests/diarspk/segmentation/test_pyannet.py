"""PyanNet against pyannote.audio itself, with weights that the tests make up."""

import warnings

import numpy as np
import pytest
import torch

from diarspk import Diarizer, load_encoder
from diarspk.audio import open_audio
from diarspk.diarization.first_pass import compute_local_speakers
from diarspk.diarization.local_speakers import FirstPassModels
from diarspk.errors import ModelError, SpeechWarning
from diarspk.segmentation import Powerset
from diarspk.segmentation.loading import load_segmenter
from diarspk.segmentation.pyannet import (
    FRAME_SAMPLES,
    HOP_SAMPLES,
    PyanNet,
    PyanNetConfig,
    PyanNetSegmenter,
)
from diarspk.segmentation.pyannet_checkpoint import load_pyannet
from eval.systems.pyannote_architecture import build_pyannet
from tests.diarspk.encoders.local.test_encoder import noise

SMALL = PyanNetConfig(hidden=16, layers=2, linear=16)


def decide(network):
    """Bring the outputs of random weights near 0 or 1, so that there is speech."""
    with torch.no_grad():
        network.classifier.weight.mul_(20)
    return network


def decided(hidden):
    torch.manual_seed(0)
    network = PyanNet(PyanNetConfig(hidden=hidden, layers=1, linear=hidden))
    return PyanNetSegmenter(decide(network))


@pytest.fixture
def waveform():
    return torch.randn(2, 48000, generator=torch.Generator().manual_seed(0)) * 0.1


@pytest.fixture
def original():
    """Build pyannote.audio's own network, of random weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("pyannote.audio")
        torch.manual_seed(0)
        return build_pyannet(width=16, layers=2)


def checkpoint(network):
    """What pyannote.audio writes: tensors, settings, and an object of its own."""
    hparams = {name: dict(network.hparams[name]) for name in ("sincnet", "lstm", "linear")}
    return {
        "state_dict": network.state_dict(),
        "hyper_parameters": hparams,
        "pyannote.audio": {"specifications": network.specifications},
    }


def test_parameter_count_is_the_published_one():
    assert sum(p.numel() for p in PyanNet().parameters()) == 1_473_265


def test_agrees_with_pyannote_audio(original, waveform, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save(checkpoint(original), path)
    network = load_pyannet(path)
    assert network.config == SMALL
    with torch.inference_mode():
        expected = original(waveform[:, None]).exp() @ Powerset(3, 2).members
        found = network(waveform)
    assert found.shape == expected.shape == (2, original.num_frames(48000), 3)
    assert torch.allclose(found, expected, atol=1e-5)


def test_frames_lie_where_pyannote_audio_puts_them(original):
    assert original.receptive_field_size(1) == FRAME_SAMPLES
    centres = [original.receptive_field_center(frame) for frame in (0, 1)]
    assert centres == [FRAME_SAMPLES // 2, FRAME_SAMPLES // 2 + HOP_SAMPLES]


def test_independent_outputs_are_sigmoids(waveform):
    network = PyanNet(PyanNetConfig(hidden=16, layers=1, linear=16, simultaneous=None)).eval()
    with torch.inference_mode():
        found = network(waveform)
    assert found.shape[-1] == 3
    assert found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("volume", [0.01, 30.0])
def test_volume_changes_nothing(waveform, volume):
    network = PyanNet(SMALL).eval()
    with torch.inference_mode():
        assert torch.allclose(network(waveform), network(volume * waveform), atol=2e-3)


def test_windows_are_those_of_the_recording():
    torch.manual_seed(1)
    encoder, segmenter = load_encoder(), PyanNetSegmenter(PyanNet(SMALL))
    audio = np.random.default_rng(0).normal(0, 0.1, 16000 * 17).astype(np.float32)
    stream = open_audio(audio, 16000)
    recording = encoder.analyse(audio, 16000)
    local = compute_local_speakers(recording, FirstPassModels(encoder, segmenter), stream)
    assert local.activity.shape == (len(local.first), 250, 3)
    for window in (1, len(local.first) - 1):
        start = round(local.first[window] * encoder.frame_hop * 16000)
        samples = np.pad(audio[start : start + 160000], (0, 160000))[:160000]
        with torch.inference_mode():
            direct = segmenter.network(torch.from_numpy(samples)[None])[0].numpy()
        second = round((1.0 * 16000 - FRAME_SAMPLES / 2) / HOP_SAMPLES)
        np.testing.assert_allclose(local.activity[window, 25], direct[second], atol=0.05)


def test_it_takes_the_place_of_the_segmentation_head(tmp_path, original):
    path = tmp_path / "pytorch_model.bin"
    torch.save(checkpoint(decide(original)), path)
    audio = noise(12.0)
    diarizer = Diarizer(segmentation=load_segmenter(path))
    assert isinstance(load_segmenter(tmp_path), PyanNetSegmenter)  # the folder will do
    first, again = diarizer(audio, 16000), diarizer(audio, 16000)
    assert first.annotation and first.annotation == again.annotation
    with pytest.warns(SpeechWarning, match="mostly noise"):
        assert len(diarizer(audio[:800], 16000).annotation) <= 1  # shorter than one of its frames


def test_a_checkpoint_that_could_run_code_is_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"state_dict": {}, "hyper_parameters": print}, path)
    with pytest.raises(ModelError, match="pickled code"):
        load_pyannet(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="no segmentation checkpoint"):
        load_pyannet(path)
    with pytest.raises(ModelError, match="no such file"):
        load_pyannet(tmp_path / "absent.bin")
