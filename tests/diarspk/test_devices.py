"""Devices by name, and networks on a device that is not the processor.

There is no GPU where the tests run, so networks run on a fake one: tensors without values, which
refuse to meet a tensor of another device as those of a real one do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

import tse
from diarspk import Diarizer, load_encoder
from diarspk.devices import CPU, choose_device, device_of
from diarspk.diarization.first_pass import compute_local_speakers
from diarspk.diarization.local_speakers import FirstPassModels
from diarspk.encoders import build_encoder
from diarspk.encoders.precision import choose_precision, multiply_in
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import LogMel
from diarspk.features.recording import Recording, _Framer
from diarspk.segmentation.loading import load_embedded, load_target_speaker_vad_head
from diarspk.segmentation.powerset import Powerset
from diarspk.streaming.frame_stream import FrameStream
from diarspk.streaming.window_view import WindowReader
from tests.tiny_model import tone
from tse.cues import Cue
from tse.models.architectures import ARCHITECTURES, build_network
from tse.streaming import ExtractionStream

CUDA = torch.device("cuda", 0)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@contextmanager
def fake_gpu() -> Iterator[Callable[..., None]]:
    """Mode in which `move(*parts)` puts networks on a fake CUDA device; its arrays are of zeros."""
    own, own_tensor = Tensor.numpy, torch.from_numpy

    def to_array(tensor: Tensor, *, force: bool = False) -> NDArray[Any]:
        if not isinstance(tensor, FakeTensor):
            return own(tensor, force=force)
        assert force or tensor.device == CPU, "a tensor of a GPU is no array"
        return np.zeros(tensor.shape, str(tensor.dtype).removeprefix("torch."))

    with pytest.MonkeyPatch.context() as patch, FakeTensorMode(allow_non_fake_inputs=True) as mode:
        patch.setattr(Tensor, "numpy", to_array)
        patch.setattr(torch, "from_numpy", lambda array: mode.from_tensor(own_tensor(array)))

        def move(*parts: nn.Module) -> None:
            for module in (inner for part in parts for inner in part.modules()):
                for name, value in module._parameters.items():
                    if value is not None:
                        moved = mode.from_tensor(value).to(CUDA)
                        module._parameters[name] = nn.Parameter(moved, requires_grad=False)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = mode.from_tensor(buffer).to(CUDA)

        yield move


def test_names_of_devices(two_gpus: None) -> None:
    assert choose_device("auto") == choose_device("cuda") == choose_device("cuda:0") == CUDA
    second = torch.device("cuda", 1)
    assert choose_device("cuda:1") == choose_device(second) == second
    assert choose_device("cpu") == CPU
    with pytest.raises(ArgumentError, match="one of cpu, cuda:0, cuda:1 here, got 'cuda:2'"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "meta", 3, None, torch.device("meta")])
def test_what_is_no_device(name: object) -> None:
    with pytest.raises(ArgumentError, match="must be one of auto, cpu, cuda, mps, or cuda:N"):
        choose_device(name)  # type: ignore[arg-type]


def test_without_a_gpu_the_processor_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == CPU
    with pytest.raises(ArgumentError, match="must be auto or cpu here, got 'cuda'"):
        choose_device("cuda")
    with pytest.raises(ArgumentError, match="got 'mps': this is no Apple GPU"):
        choose_device("mps")


def test_every_loader_refuses_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for load in (load_encoder, Diarizer, Diarizer.load, tse.load_extractor):
        with pytest.raises(ArgumentError, match="got 'cuda'"):
            load(device="cuda")
    with pytest.raises(ArgumentError, match="got 'cuda'"):
        load_encoder().to("cuda")


def test_the_device_is_told() -> None:
    encoder = load_encoder()
    assert encoder.device == device_of(encoder.network) == device_of(nn.ReLU()) == CPU
    assert encoder.to("cpu") is encoder
    assert tse.load_extractor(device="cpu").device == CPU


def test_the_precision_is_that_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    for supported in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda value=supported, **_: value)
        assert choose_precision("auto", CUDA) == ("bfloat16" if supported else "single")
    assert choose_precision("auto", torch.device("mps")) == "single"
    with multiply_in("single", CUDA):
        assert not torch.is_autocast_enabled("cuda")


def test_the_first_pass_runs_on_one_device() -> None:
    encoder, segmenter = load_embedded()
    head = load_target_speaker_vad_head(encoder.fingerprint)
    assert encoder.frame_head is not None and head is not None
    recording = Recording("meeting", np.zeros((3000, 80), np.float16), 0.0, 30.0, 0.01)
    with fake_gpu() as move:
        move(encoder.network, encoder.frame_head, segmenter.head, head)
        segmenter.head.powerset = Powerset(segmenter.speakers)  # it holds a tensor of its own
        models = FirstPassModels(encoder, segmenter, vad_head=head)
        local = compute_local_speakers(recording, models)
        assert encoder.device == CUDA
    assert local.vad_features is not None and len(local.vad_features) == 750


def test_a_tensor_on_the_wrong_device_fails() -> None:
    encoder, segmenter = load_embedded()
    recording = Recording("meeting", np.zeros((3000, 80), np.float16), 0.0, 30.0, 0.01)
    with fake_gpu() as move, pytest.raises(RuntimeError, match="device"):
        move(encoder.network)  # and not the segmentation head
        compute_local_speakers(recording, FirstPassModels(encoder, segmenter))


def test_a_live_session_runs_on_one_device() -> None:
    encoder, segmenter = load_embedded()
    samples = np.random.default_rng(0).normal(0, 0.1, 64000).astype(np.float32)
    with fake_gpu() as move:
        assert encoder.frame_head is not None
        move(encoder.network, encoder.frame_head, encoder.log_mel, segmenter.head)
        segmenter.head.powerset = Powerset(segmenter.speakers)
        stream = FrameStream(encoder, 250, "single")
        stream.level.push = lambda powers: None  # type: ignore[method-assign]  # it asks for values
        stream.push(samples)
        assert stream.frames.device == stream.moments.device == CUDA
        reader = WindowReader(encoder, segmenter, "single")
        view = reader.read(stream.frames, stream.moments, 0)
        assert len(view.activity) == len(stream.frames)


@pytest.mark.parametrize("with_head", [True, False])
def test_embeddings_run_on_one_device(with_head: bool) -> None:
    encoder = load_encoder()
    if not with_head:
        encoder.frame_head = None
    recording = Recording("meeting", np.zeros((500, 80), np.float16), 0.0, 5.0, 0.01)
    with fake_gpu() as move:
        move(encoder.network, *[part for part in (encoder.frame_head,) if part is not None])
        assert encoder.embed_spans(recording, [(0.0, 2.0), (1.0, 5.0)]).shape == (2, 192)
        assert encoder.embed_each(recording).shape == (125, 192)


def test_features_are_computed_on_the_device() -> None:
    log_mel = LogMel()
    with fake_gpu() as move:
        move(log_mel)
        framer = _Framer(log_mel)
        assert framer.transform(tone("ann", 1.0)).device == CUDA


@pytest.mark.parametrize("name", ["ecapa-c512", "resnet34", "campplus", "rawnet3", "redimnet-b0"])
def test_architectures_run_on_one_device(name: str) -> None:
    encoder = build_encoder(name)
    waveforms = [tone("ann", 1.0), tone("ben", 2.0)]
    masks = np.ones((1, 10, 2), bool)
    with fake_gpu() as move:
        move(encoder.network)
        for part in vars(encoder.front_end).values():
            if isinstance(part, nn.Module):
                move(part)
        assert encoder.embed_parts(waveforms).shape == (2, encoder.dimension)
        frames = encoder.encode_stretch(waveforms[1])
        masks_of_frames = torch.ones(1, len(frames), dtype=torch.bool)
        assert encoder.pool_frames(frames[None], masks_of_frames).shape == (1, encoder.dimension)
        windows = np.stack([tone("ann", 1.0)])
        assert encoder.embed_masked(windows, masks).shape == (1, 2, encoder.dimension)


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")  # of an LSTM
def test_live_extraction_runs_on_one_device() -> None:
    network = build_network(replace(ARCHITECTURES["band-split-causal"], blocks=1)).eval()
    with fake_gpu() as move:
        move(network)
        cue = Cue(vector=torch.zeros(1, 192), enrolment=torch.zeros(1, 32000))
        stream = ExtractionStream(network, cue, frames_per_step=1)
        voice = torch.cat([stream.push(torch.from_numpy(tone("ben", 0.2))), stream.flush()])
        assert voice.shape == (3200,) and voice.device == CUDA
        stream.restore(stream.state())
        assert stream.memory["0.joint.h"].device == CUDA


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")  # of an LSTM
def test_extraction_runs_on_one_device() -> None:
    extractor = replace(tse.load_extractor(), verifier=None)
    with fake_gpu() as move:
        move(extractor.network)
        assert extractor.device == CUDA
        cue = Cue(vector=torch.zeros(1, 192), enrolment=torch.zeros(1, 32000))
        (voices,) = extractor.extract_blocks([tone("ben", 1.0)], [cue])
        assert voices.shape == (1, 16000)
