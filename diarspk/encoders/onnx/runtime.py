"""Inference engines: the network of an encoder run by PyTorch or by onnxruntime."""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, length_mask
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.front_end import WaveformFrontEnd
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.onnx.encoder import INPUT, OUTPUTS, SessionEncoder, open_session
from diarspk.encoders.onnx.exporting import describe, example_waveform, export_graph
from diarspk.encoders.onnx.graphs import TrunkGraph, build_graph
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ArgumentError

__all__ = ["ENGINES", "with_engine"]

ENGINES = ("torch", "onnx")
"""Names of the inference engines."""

FEATURES, FRAMES = "features", OUTPUTS[1]


def with_engine(
    encoder: SpeakerEncoder, engine: str, *, threads: int | None = None
) -> SpeakerEncoder:
    """Run the network of an encoder, up to its frame features, by another inference engine.

    onnxruntime computes on the processor, where the encoder is moved. Pooling stays in PyTorch, so
    streaming, spans and masks work as before, and the embedding space and its fingerprint stay the
    same. The graph is exported in memory, in a few seconds;
    :func:`diarspk.encoders.onnx.export_encoder` writes one to a file.

    Parameters
    ----------
    encoder
        Any encoder for "torch"; for "onnx" see :func:`diarspk.encoders.onnx.export_encoder`.
    engine
        One of :data:`ENGINES`.
    threads
        Number of threads. Default: that of PyTorch.

    Raises
    ------
    ArgumentError
        If there is no such engine, or the encoder cannot be exported.
    ModelError
        If the packages ``onnx`` and ``onnxruntime`` are missing.
    """
    if not isinstance(engine, str) or engine not in ENGINES:
        raise ArgumentError(f"`engine` must be one of {', '.join(ENGINES)}, got {engine!r}")
    if engine == "torch" or isinstance(encoder, SessionEncoder):  # it is a graph already
        return encoder
    encoder = encoder.to("cpu")
    if isinstance(encoder, LocalEncoder):
        return _with_trunk(encoder, threads)
    graph = build_graph(encoder)
    assert isinstance(encoder, WindowedEncoder)  # or there is no graph
    example = example_waveform(encoder.sample_rate)
    content = export_graph(graph.eval(), example, INPUT, OUTPUTS, describe(encoder))
    network = OnnxNetwork(encoder, open_session(content, threads=threads))
    other = WindowedEncoder(network, WaveformFrontEnd(encoder.sample_rate), encoder.config)
    other._fingerprint, other.name = encoder.fingerprint, encoder.name
    return other


def _with_trunk(encoder: LocalEncoder, threads: int | None) -> LocalEncoder:
    mels = encoder.network.config.trunk.mels
    example = torch.linspace(-1, 1, 200 * mels).view(1, 200, mels)
    content = export_graph(TrunkGraph(encoder), example, FEATURES, [FRAMES], describe(encoder))
    other, network = copy(encoder), copy(encoder.network)
    network._modules = {
        **network._modules,
        "trunk": OnnxTrunk(open_session(content, threads=threads)),
    }
    other.network = network
    return other


class OnnxTrunk(nn.Module):
    """Trunk of a local encoder, run by onnxruntime."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session = session

    def forward(self, features: Tensor) -> Tensor:
        """Compute trunk frames of level-normalised features ``(1, frames, mels)``."""
        (frames,) = self.session.run([FRAMES], {FEATURES: features.numpy(force=True)})
        return torch.from_numpy(frames).to(features.device)


class OnnxNetwork(Architecture):
    """Architecture whose frame features onnxruntime computes from the waveform.

    Items of unequal lengths run one after the other, without padding.
    """

    def __init__(self, encoder: WindowedEncoder, session: Any) -> None:
        super().__init__()
        network, hop = encoder.network, encoder.front_end.hop_samples
        self.session = session
        self.dimension, self.local = network.dimension, network.local
        self.stride, self.offset = network.stride * hop, network.offset * hop
        self.offset += encoder.front_end.samples_for(1) // 2
        self.minimum = encoder.front_end.samples_for(network.minimum)
        self.pool, self._project = network.pool, network.project

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`; of waveforms ``(batch, time)``."""
        lengths = [features.shape[1]] * len(features) if mask is None else mask.sum(1).tolist()
        items = [
            self._run(item[None, :length]) for item, length in zip(features, lengths, strict=True)
        ]
        frames = torch.tensor([len(item) for item in items], device=features.device)
        batch = nn.utils.rnn.pad_sequence(items, batch_first=True)
        return batch, None if mask is None else length_mask(frames, batch.shape[1])

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self._project(pooled)

    def _run(self, waveform: Tensor) -> Tensor:
        """Compute the frame features ``(frames, channels)`` of one item."""
        samples = waveform.contiguous().numpy(force=True)
        (frames,) = self.session.run([FRAMES], {INPUT: samples})
        return torch.from_numpy(frames[0]).to(waveform.device)
