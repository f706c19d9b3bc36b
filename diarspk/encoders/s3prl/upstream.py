"""S3PRL's upstreams as modules from waveforms to frame features."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.checkpoints.digest import digest_weights
from diarspk.encoders.architectures.masking import Mask, length_mask
from diarspk.encoders.frame_cache import FrameCache
from diarspk.encoders.s3prl.compatibility import import_s3prl
from diarspk.encoders.s3prl.sources import check_source
from diarspk.errors import ArgumentError, ModelError
from diarspk.features.log_mel import mean_normalize

__all__ = ["Upstream", "UpstreamConfig", "load_upstream"]

MIN_SAMPLES = 800
"""Shorter input would be zero-padded by S3PRL."""

CONVOLUTIONS = "feature_extractor."
"""In the names of the parameters of WavLM, HuBERT and wav2vec 2.0 that read the samples."""


@dataclass(frozen=True)
class UpstreamConfig:
    """Upstream, and the layers of it that are used.

    Attributes
    ----------
    name : str
        One of :func:`diarspk.encoders.s3prl.available_upstreams`; or ``hf:OWNER/NAME@COMMIT`` or
        ``hf:FOLDER``, a network of transformers.
    path : str, optional
        Checkpoint, for names that end in ``_local`` or ``_custom``.
    layer : int, optional
        Hidden layer, from 0 (the input of the first) or from the end (-1). Default: the sum of all
        layers with learned softmax weights, as in SUPERB.
    tuned : bool
        Fine-tune the upstream, but for its convolutions over samples, as S3PRL and fairseq do.
        Otherwise it has no gradients, and stays in evaluation mode after
        :meth:`torch.nn.Module.train`.
    normalize : bool
        Layer norm of each frame of each layer, without scale.
    centred : bool
        Take the mean over time off the frames, as ESPnet's ``utterance_mvn`` does, and as is usual
        for log-mel features.
    """

    name: str
    path: str | None = None
    layer: int | None = None
    tuned: bool = False
    normalize: bool = False
    centred: bool = False


def load_upstream(config: UpstreamConfig, *, download: bool = False) -> Upstream:
    """Load an upstream.

    Parameters
    ----------
    config
        Of an upstream of S3PRL; :func:`diarspk.encoders.upstreams.load_upstream` loads others too.
    download
        Allow S3PRL to download a checkpoint.

    Raises
    ------
    ArgumentError
        If there is no such upstream or layer.
    ModelError
        If s3prl or the checkpoint is missing, or the checkpoint cannot be read.
    """
    check_source(config.name, config.path, download=download)
    package = import_s3prl()
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            network = package.S3PRLUpstream(
                config.name, path_or_url=config.path, normalize=config.normalize
            )
    except Exception as error:  # each upstream fails in its own way
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(
            f"{config.path or config.name}: s3prl cannot load it as {config.name} ({fault})"
        ) from error
    return Upstream(network, config)


class Upstream(nn.Module):
    """Loaded upstream: a network with the interface of ``s3prl.nn.S3PRLUpstream``.

    Items of unequal lengths run one by one, since the output of S3PRL depends on the padding of a
    batch. Training on crops of one length is not slowed down.

    Shape
    -----
    waveform at 16 kHz ``(batch, time)``, mask ``(batch, time)`` -> ``(batch, frames, channels)``,
    mask ``(batch, frames)``

    Attributes
    ----------
    channels : int
    layers : int
        Number of hidden layers of the upstream, its input included.
    stride : int
        Hop of the frames in samples.
    minimum : int
        Minimum length of an item in samples.
    cache : FrameCache, optional
        Where the frames of a frozen upstream are kept. They are then those of float16, whether
        they were read or have just been computed.
    structure : object
        Content of the file that it was made from, without the tensors, where the file is gone.
    """

    minimum = MIN_SAMPLES

    def __init__(self, network: Any, config: UpstreamConfig) -> None:
        super().__init__()
        self.config, self.network = config, network
        self.cache: FrameCache | None = None
        self.structure: object = None
        self.layers = int(network.num_layers)
        if config.layer is not None and not -self.layers <= config.layer < self.layers:
            raise ArgumentError(
                f"`layer` must be one of the {self.layers} layers of {config.name}, from 0, got "
                f"{config.layer}"
            )
        chosen = slice(None) if config.layer is None else slice(config.layer, None)
        sizes, strides = set(network.hidden_sizes[chosen]), set(network.downsample_rates[chosen])
        if config.layer is not None:
            sizes = {network.hidden_sizes[config.layer]}
            strides = {network.downsample_rates[config.layer]}
        if len(sizes) > 1 or len(strides) > 1:
            raise ArgumentError(
                f"`layer` must be given for {config.name}: its layers have {sorted(sizes)} "
                f"channels every {sorted(strides)} samples, which cannot be summed"
            )
        (self.channels,), (self.stride,) = sizes, strides
        weighted = config.layer is None and self.layers > 1
        self.weights = nn.Parameter(torch.zeros(self.layers)) if weighted else None
        self.set_tuned(config.tuned)
        self.register_load_state_dict_post_hook(_forget_digest)  # type: ignore[no-untyped-call]

    @property
    def description(self) -> str:
        """Text for fingerprints, which tells the upstream, its layer and normalisation."""
        own = getattr(self.network, "description", None)
        config = self.config
        text = f"s3prl {(config.name, config.layer, config.normalize)}"
        if own is not None:
            text = f"{own} {(config.layer, config.normalize)}"
        return f"{text} centred" if config.centred else text

    def set_tuned(self, tuned: bool) -> None:
        """Freeze the upstream, or let it be fine-tuned; see :class:`UpstreamConfig`."""
        self.config = replace(self.config, tuned=tuned)
        self._digest: str | None = None
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(tuned and CONVOLUTIONS not in name)
        self.train(self.training)

    def train(self, mode: bool = True) -> Upstream:
        """Set the mode; a frozen upstream stays in evaluation mode, without dropout."""
        super().train(mode)
        if not self.config.tuned:
            self.network.eval()
        return self

    def forward(self, waveform: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """Compute features, and the mask of their frames."""
        lengths = [waveform.shape[1]] * len(waveform) if mask is None else mask.sum(1).tolist()
        if len(set(lengths)) == 1:
            features = self._features(waveform[:, : lengths[0]])
            return features, None if mask is None else features.new_ones(features.shape[:2]).bool()
        items = [
            self._features(item[None, :length])[0]
            for item, length in zip(waveform, lengths, strict=True)
        ]
        frames = torch.tensor([len(item) for item in items], device=waveform.device)
        batch = nn.utils.rnn.pad_sequence(items, batch_first=True)
        return batch, length_mask(frames, batch.shape[1])

    def _features(self, waveform: Tensor) -> Tensor:
        """Compute the features of items of one length."""
        stacked = self.compute_layers(waveform)  # (batch, layers, frames, channels)
        if self.weights is None:
            features = stacked[:, 0]
        else:
            features = (self.weights.softmax(0)[:, None, None] * stacked).sum(1)
        return mean_normalize(features) if self.config.centred else features

    def compute_layers(self, waveform: Tensor) -> Tensor:
        """Compute the layers that are used, or read them: ``(batch, layers, frames, channels)``."""
        if self.cache is None or self.config.tuned:
            return self._compute(waveform)
        keys = [self.cache.key(item, self._identity()) for item in waveform]
        found = [self.cache.read(key) for key in keys]
        if missing := [row for row, frames in enumerate(found) if frames is None]:
            for row, frames in zip(missing, self._compute(waveform[missing]), strict=True):
                found[row] = frames.to(torch.float16)
                self.cache.write(keys[row], frames)
        frames = [one.to(waveform) for one in found if one is not None]
        return torch.stack(frames)

    def _compute(self, waveform: Tensor) -> Tensor:
        lengths = torch.full((len(waveform),), waveform.shape[1], device=waveform.device)
        gradients = self.config.tuned and torch.is_grad_enabled()
        with torch.set_grad_enabled(gradients), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")
            hidden, _ = self.network(waveform, lengths)
        if self.weights is None:
            layer = 0 if self.config.layer is None else self.config.layer
            return hidden[layer][:, None]
        return torch.stack(list(hidden), dim=1)

    def _identity(self) -> str:
        """Identify what is computed of a waveform, for as long as the weights stay."""
        if self._digest is None:
            self._digest = digest_weights(self.network, self.description)
        return self._digest


def _forget_digest(upstream: Upstream, _: object) -> None:
    """Weights were loaded, so what was computed with others does not count."""
    upstream._digest = None
