"""The diarizer: from a recording to who spoke when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from diarspk.arguments import check_path
from diarspk.checkpoints.assets import EMBEDDED
from diarspk.clustering.speaker_bounds import SpeakerBounds
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.constraints import UNCONSTRAINED, Constraints, SpanPair
from diarspk.diarization.defaults import default_config, is_known
from diarspk.diarization.local_speakers import FirstPass, FirstPassModels
from diarspk.diarization.parts import check_parts, complete_models
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.precision import Precision, check_precision
from diarspk.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    import torch

    from diarspk.audio import Audio
    from diarspk.diarization.cache import FirstPassCache
    from diarspk.diarization.linking import Linking
    from diarspk.diarization.reconstruction import Activity, Boundaries
    from diarspk.diarization.recording_pass import Progress
    from diarspk.diarization.result import Diarization

__all__ = ["EMBEDDED", "Diarizer"]


class Diarizer:
    """Speaker diarization pipeline: who spoke when, overlap included.

    Models are loaded once, here, and nothing of a recording is kept, so threads may share one
    diarizer.

    Parameters
    ----------
    config
        Settings. Default: :class:`DiarizerConfig`'s with an embedded encoder, and
        :data:`diarspk.diarization.UNKNOWN_SPACE` with any other.
    encoder
        Speaker encoder. Default: the embedded one. An encoder that needs whole utterances embeds
        each local speaker of a window from its audio; see :meth:`SpeakerEncoder.embed_masked`.
    segmentation
        Segmenter that finds the local speakers. Default: the embedded segmentation head;
        alternatives are :class:`diarspk.segmentation.SileroSegmenter` and
        :class:`diarspk.segmentation.PyanNetSegmenter`.
    cache
        Folder in which first passes are kept, so that the same recording is clustered again in
        seconds; see :mod:`diarspk.diarization.cache`. Default: nothing is kept.
    precision
        Numerical precision of the embedded networks; see :mod:`diarspk.encoders.precision`.
    device
        Device that the networks run on, see :func:`diarspk.devices.choose_device`; an encoder and a
        segmenter that are given are moved there. "auto" leaves a given encoder where it is.

    Raises
    ------
    ArgumentError
        If a name stands where a config, an encoder or a segmenter belongs, `cache` is a file, or
        there is no such device.
    """

    def __init__(
        self,
        config: DiarizerConfig | None = None,
        encoder: SpeakerEncoder | None = None,
        segmentation: Segmenter | None = None,
        *,
        cache: str | Path | None = None,
        precision: Precision = "auto",
        device: str | torch.device = "auto",
    ) -> None:
        """Take the parts that are given, and load the others."""
        check_parts(config, encoder, segmentation)
        if cache is not None:
            cache = Path(check_path(cache, "cache"))
        self.models, defaults = complete_models(
            encoder, segmentation, precision=check_precision(precision), device=device
        )
        self.encoder: SpeakerEncoder = self.models.encoder or self.models.trunk
        known = is_known(self.encoder)
        config = config or default_config(known=known, settings=defaults.settings)
        self.postprocessing = Postprocessing(config, defaults)
        self.cache: FirstPassCache | None = None
        if cache is not None:
            from diarspk.diarization.cache import FirstPassCache

            self.cache = FirstPassCache(Path(cache))

    @classmethod
    def load(
        cls,
        name: str | Path = EMBEDDED,
        *,
        segmentation: str | Path | None = None,
        threshold: float | None = None,
        clusterer: str | None = None,
        adaptation: str | None = None,
        boundaries: Boundaries | None = None,
        config: DiarizerConfig | str | Path | None = None,
        engine: str = "torch",
        device: str | torch.device = "auto",
        cache: str | Path | None = None,
        precision: Precision = "auto",
        download: bool = False,
    ) -> Diarizer:
        """Load a diarizer by name.

        Parameters
        ----------
        name
            "embedded"; "accurate", a preset with parts that have to be downloaded once; or an
            encoder as for :func:`diarspk.load_encoder`, by name or path, which comes with its
            segmentation head if it has one.
        segmentation
            Segmentation as for :func:`diarspk.segmentation.load_segmenter`. Default: that of the
            model, and the embedded segmentation head otherwise.
        threshold
            Threshold of the clusterer that `clusterer` or `config` names. Without one it is the
            distance up to which clusters merge in agglomerative clustering of local speakers,
            which replaces the clusterer of the model.
        clusterer
            One of :data:`diarspk.diarization.named_settings.CLUSTERER_NAMES`, on the units that it
            is made for. Default: the clusterer of the model.
        adaptation
            One of :data:`diarspk.diarization.named_settings.ADAPTATIONS`, for clusterers of local
            speakers. Default: none.
        boundaries
            "tight" or "loose", see :class:`DiarizerConfig`. Default: tight.
        config
            Settings, or a file of them; see :mod:`diarspk.diarization.config_file`. Default: as for
            :class:`Diarizer`.
        engine
            Runtime of the encoder, see :func:`diarspk.encoders.onnx.with_engine`.
        cache, precision, device
            See :class:`Diarizer`.
        download
            Download public models that are named and not here. Nothing else uses the network.

        Raises
        ------
        ArgumentError
            If the device is not available, or another argument can mean nothing.
        ModelError
            If there is no such model, or its files are damaged.
        """
        from diarspk.diarization.loading import load_parts
        from diarspk.diarization.named_settings import choose_settings

        parts = load_parts(name, segmentation, engine=engine, device=device, download=download)
        settings = choose_settings(
            config,
            parts.encoder,
            clusterer=clusterer,
            adaptation=adaptation,
            threshold=threshold,
            boundaries=boundaries,
        )
        return cls(
            settings,
            parts.encoder,
            parts.segmenter,
            cache=cache,
            precision=precision,
            device=parts.device,
        )

    @property
    def config(self) -> DiarizerConfig:
        """Settings."""
        return self.postprocessing.config

    @property
    def segmentation(self) -> Segmenter:
        """Segmenter that finds the local speakers."""
        return self.models.segmenter

    def __repr__(self) -> str:
        clusterer = self.postprocessing.subsegment_clusterer or self.postprocessing.local_clusterer
        return (
            f"Diarizer({self.encoder!r}, segmentation={self.segmentation!r}, "
            f"clusterer={type(clusterer).__name__})"
        )

    def __call__(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        *,
        channel: int | None = None,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        known_speakers: Mapping[str, ArrayLike] | None = None,
        same_speaker: Sequence[SpanPair] = (),
        different_speakers: Sequence[SpanPair] = (),
        progress: Progress | None = None,
    ) -> Diarization:
        """Diarize a recording.

        Parameters
        ----------
        audio, sample_rate, channel
            See :func:`diarspk.audio.load_audio`.
        num_speakers, min_speakers, max_speakers
            Exact number of speakers and bounds on it, from 1; honoured wherever there is speech
            enough for so many.
        known_speakers
            Enrolled speakers: a name and an embedding ``(dim,)`` of this encoder for each. Speakers
            who are similar to them carry their names; the others are numbered.
        same_speaker, different_speakers
            Pairs of spans ``(start, end)`` in seconds in which one and the same person talks, or
            two different ones.
        progress
            Called with the name of a stage and the fraction of it that is done.

        Warns
        -----
        SpeechWarning
            If no speech is found, or the recording is very quiet, clipped or mostly noise.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        ArgumentError
            If the bounds, or the pairs of spans, contradict each other, a known speaker is no
            embedding of this encoder, or the sample rate is missing.
        """
        from diarspk.diarization.result import Diarization

        bounds = SpeakerBounds(num_speakers, min_speakers, max_speakers)
        constraints = Constraints(
            {} if known_speakers is None else known_speakers,
            same_speaker,
            different_speakers,
            bounds,
        )
        constraints.enrolled(self.encoder.dimension)  # refuse a wrong one before the work

        first = self.first_pass(
            audio, sample_rate, channel=channel, min_speakers=bounds.needed, progress=progress
        )
        linking = self.link(first, constraints)
        activity = self.refine(first, linking)
        return Diarization.from_activity(activity, first, linking, self.postprocessing)

    def first_pass(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        *,
        channel: int | None = None,
        min_speakers: int = 1,
        progress: Progress | None = None,
    ) -> FirstPass:
        """Compute the first pass over a recording, or read it from the cache.

        Parameters
        ----------
        audio, sample_rate, channel, progress
            See :meth:`__call__`.
        min_speakers
            Minimum number of local speakers; windows are halved until there are so many.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        """
        from diarspk.audio import open_audio
        from diarspk.diarization.recording_pass import RecordingPass, halve_windows

        non_speech = self.config.linking.non_speech
        non_speech_s = None if non_speech is None else non_speech.min_non_speech_s
        stream = open_audio(audio, sample_rate, channel=channel)
        compute: Callable[[FirstPassModels], FirstPass]
        compute = RecordingPass(stream, non_speech_s, progress)
        if self.cache is not None:
            compute = self.cache.wrap(
                compute, stream.name, stream, sample_rate, stream.channel, non_speech_s
            )
        return halve_windows(compute, self.models, min_speakers)

    def link(self, first: FirstPass, constraints: Constraints = UNCONSTRAINED) -> Linking:
        """Find the speakers of the recording; see :meth:`Postprocessing.link`."""
        return self.postprocessing.link(first, constraints)

    def refine(self, first: FirstPass, linking: Linking) -> Activity:
        """Compute who talks in every frame; see :meth:`Postprocessing.refine`."""
        return self.postprocessing.refine(first, linking)
