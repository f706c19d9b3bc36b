"""Export of encoders to ONNX: waveform in, embedding and frames out, features in the graph."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from diarspk.atomic import atomic_path
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.onnx.encoder import INPUT, OUTPUTS, PRODUCER
from diarspk.encoders.onnx.graphs import build_graph
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ModelError

__all__ = [
    "describe",
    "example_waveform",
    "export_encoder",
    "export_graph",
]

EXAMPLE_S = 2.0
OPSET = 18


def export_encoder(encoder: SpeakerEncoder, path: str | Path) -> None:
    """Write an encoder as an ONNX file that :func:`diarspk.load_encoder` reads.

    The input ``waveform`` is float32 ``(batch, time)`` at the encoder's sample rate, of at least
    ``minimum_samples`` (batch is 1 for an embedded encoder); the outputs are ``embedding``
    ``(batch, dim)``, of unit norm, and ``frames`` ``(batch, frames, channels)``. Sample rate,
    dimension, fingerprint and minimum are in the metadata of the file.

    Parameters
    ----------
    encoder
        An embedded encoder, or an architecture of this package on Kaldi's log-mel features or the
        waveform.
    path
        File to write; it appears whole or not at all.

    Raises
    ------
    ArgumentError
        If the encoder cannot be exported.
    ModelError
        If the package ``onnx`` is missing, or an operation of the network has no ONNX form.
    """
    content = export_graph(
        build_graph(encoder).eval(),
        example_waveform(encoder.sample_rate),
        INPUT,
        OUTPUTS,
        describe(encoder),
    )
    with atomic_path(path) as part:
        part.write_bytes(content)


def example_waveform(sample_rate: int) -> Tensor:
    """Deterministic noise ``(1, time)`` to trace a graph with."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, round(EXAMPLE_S * sample_rate), generator=generator) / 10


def describe(encoder: SpeakerEncoder) -> dict[str, str]:
    """Metadata of an encoder's ONNX file."""
    minimum = 1
    if isinstance(encoder, LocalEncoder):
        minimum = encoder.log_mel.config.frame_length_samples
    elif isinstance(encoder, WindowedEncoder):
        minimum = encoder.front_end.samples_for(encoder.network.minimum)
    return {
        "producer": PRODUCER,
        "fingerprint": encoder.fingerprint,
        "sample_rate": str(encoder.sample_rate),
        "dimension": str(encoder.dimension),
        "minimum_samples": str(minimum),
        "repeats": str(int(not isinstance(encoder, LocalEncoder))),
    }


def export_graph(
    graph: nn.Module,
    example: Tensor,
    input_name: str,
    outputs: Sequence[str],
    metadata: Mapping[str, str],
) -> bytes:
    """Export a module of one input ``(batch, time, ...)`` with a dynamic time axis.

    Raises
    ------
    ModelError
        See :func:`export_encoder`.
    """
    if find_spec("onnx") is None:
        raise ModelError("onnx is not installed: pip install 'diarspk[onnx]'")
    try:
        with _quiet(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "graph.onnx"
            # dynamo=False traces: a second, where the newer exporter takes a minute.
            torch.onnx.export(
                graph,
                (example,),
                path,
                dynamo=False,
                opset_version=OPSET,
                input_names=[input_name],
                output_names=list(outputs),
                dynamic_axes={input_name: {1: "time"}},
            )
            content = path.read_bytes()
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        fault = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{type(graph).__name__}: cannot be exported ({fault}); run it with the torch engine"
        ) from error
    return _with_metadata(content, metadata)


def _with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    onnx.helper.set_model_props(model, dict(metadata))
    return model.SerializeToString()


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the exporter's warnings about its deprecation and about constant shapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
