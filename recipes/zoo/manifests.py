"""Crops of recordings that lhotse's manifests list, for the recipe's batches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders import WindowedEncoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig, LogMel
from diarspk.verification.trials import Trial, read_trials
from recipes.embedded.data.augmentation import mask
from recipes.training.speed import change_speed
from recipes.zoo.dry_run import limit_cohort, limit_trials, limit_utterances
from recipes.zoo.embeddings import Embeddings, Vectors, embed_whole, means_of, stack_vectors
from recipes.zoo.held_out import SECONDS, HeldOut, choose_speakers, middle
from recipes.zoo.settings import Phase, Settings
from recipes.zoo.trial_names import match_trials

__all__ = [
    "CutCrops",
    "embed_held_out",
    "embed_test",
    "open_cuts",
    "open_held_out_cuts",
    "read_cut_trials",
    "read_cuts",
    "speaker_of",
]

Waveform = NDArray[np.float32]

SPEEDS = (1.0, 0.9, 1.1)
AUGMENTED = 0.6
"""Share of crops that get noise or a room, as in WeSpeaker's recipe."""

MASKED = 0.3
NOISE_RATIO_DB = (0.0, 15.0)


def open_cuts(settings: Settings, phase: Phase, features: FeatureConfig | None) -> CutCrops:
    """Open the training manifests of a run, without the speakers that are held out."""
    data = settings.data
    cuts = read_cuts(data.train)
    held_out = held_out_speakers(settings, cuts)
    return CutCrops(
        [cut for cut in cuts if speaker_of(cut, data.train) not in held_out],
        phase,
        features,
        noise=read_cuts(data.noise) if data.noise else [],
        rooms=read_cuts(data.rooms) if data.rooms else [],
        copies=2 if settings.loss == "ge2e" else 1,
        where=data.train,
    )


def held_out_speakers(settings: Settings, cuts: Sequence[Any]) -> frozenset[str]:
    """Training speakers that are held out for validation."""
    utterances = Counter(speaker_of(cut, settings.data.train) for cut in cuts)
    return choose_speakers(utterances, settings.validation)


def held_out_cuts(settings: Settings) -> list[Any]:
    """Cuts of the held-out speakers, as many of each as the settings say, spread evenly."""
    where, cuts = settings.data.train, read_cuts(settings.data.train)
    held_out = held_out_speakers(settings, cuts)
    own: dict[str, list[Any]] = defaultdict(list)
    for cut in cuts:
        if (name := speaker_of(cut, where)) in held_out:
            own[name].append(cut)
    return [
        cut for name in sorted(own) for cut in spread(own[name], settings.validation.utterances)
    ]


def open_held_out_cuts(settings: Settings, features: FeatureConfig | None) -> HeldOut:
    """Open the crops that training is validated on."""
    cuts = held_out_cuts(settings)
    crops = np.stack([middle(load_cut(cut), round(SECONDS * SAMPLE_RATE)) for cut in cuts])
    waveforms = torch.from_numpy(crops)
    if features is not None:
        with torch.inference_mode():
            waveforms = LogMel(features)(waveforms).clone()
    return HeldOut(tuple(speaker_of(cut, settings.data.train) for cut in cuts), waveforms)


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most so many of the items, evenly from the first to the last."""
    if len(items) <= count:
        return list(items)
    return [items[place] for place in np.linspace(0, len(items) - 1, count).round().astype(int)]


@lru_cache(maxsize=4)
def read_cuts(path: str | Path) -> list[Any]:
    """Cuts of a manifest (``.jsonl.gz``), all of them in memory, where they stay for a while.

    Raises
    ------
    ArgumentError
        If there is no such file, or it is no manifest of cuts.
    """
    from lhotse import CutSet

    if not Path(path).is_file():
        raise ArgumentError(f"{path}: no such file; give a manifest of cuts")
    try:
        cuts = CutSet.from_file(path)
    except Exception as error:  # each kind of file fails in its own way
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ArgumentError(f"{path}: lhotse cannot read it ({fault})") from error
    if not isinstance(cuts, CutSet):
        raise ArgumentError(
            f"{path}: is a {type(cuts).__name__}, not cuts; make them: lhotse cut simple "
            "--force-eager -r RECORDINGS -s SUPERVISIONS CUTS"
        )
    return list(cuts)


def speaker_of(cut: Any, where: str) -> str:
    """Return the speaker of a cut of a manifest.

    Raises
    ------
    ArgumentError
        If the manifest does not say, or names several.
    """
    speakers = {supervision.speaker for supervision in cut.supervisions}
    if len(speakers) != 1 or None in speakers:
        found = ", ".join(sorted(map(str, speakers - {None}))) or "none"
        raise ArgumentError(
            f"{where}: must name one speaker per cut, got {found} in {cut.id}; supervisions tell "
            "the speaker: lhotse cut simple -s SUPERVISIONS"
        )
    return str(speakers.pop())


def load_cut(cut: Any) -> Waveform:
    """First channel of a cut at 16 kHz, ``(time,)``."""
    audio = np.asarray(cut.load_audio(), np.float32)[0]
    rate = int(cut.sampling_rate)
    return audio if rate == SAMPLE_RATE else soxr.resample(audio, rate, SAMPLE_RATE)


class CutCrops:
    """Batches of crops, every speaker of a batch drawn once (or `copies` times).

    A speaker at 0.9 and at 1.1 times the speed is two other speakers.
    """

    def __init__(
        self,
        cuts: Sequence[Any],
        phase: Phase,
        features: FeatureConfig | None,
        *,
        noise: Sequence[Any] = (),
        rooms: Sequence[Any] = (),
        copies: int = 1,
        where: str = "`cuts`",
    ) -> None:
        self.phase, self.noise, self.rooms, self.copies = phase, noise, rooms, copies
        self.log_mel = None if features is None else LogMel(features)
        self.cuts: dict[str, list[Any]] = defaultdict(list)
        for cut in cuts:
            self.cuts[speaker_of(cut, where)].append(cut)
        self.names = sorted(self.cuts)
        if len(self.names) < phase.crops // copies:
            raise ArgumentError(
                f"`crops` must be at most {len(self.names) * copies}, so that no speaker is drawn "
                f"twice, got {phase.crops}"
            )
        self.samples = round(phase.frames_per_crop * SAMPLE_RATE / 100)
        if self.log_mel is not None:  # as many samples as give that many frames
            self.samples += self.log_mel.config.frame_length_samples
            self.samples -= self.log_mel.config.frame_shift_samples

    @property
    def classes(self) -> int:
        """Speakers at three speeds, in every phase alike."""
        return len(SPEEDS) * len(self.names)

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """See :class:`recipes.zoo.sources.Source`."""
        size = self.phase.crops // self.copies
        chosen = generator.choice(len(self.names), size, replace=False)
        altered = generator.random(size) < self.phase.altered_speed
        speed = np.where(altered, generator.integers(1, len(SPEEDS), size), 0)
        crops = [
            self._crop(int(number), float(SPEEDS[kind]), generator)
            for number, kind in zip(
                chosen.repeat(self.copies), speed.repeat(self.copies), strict=True
            )
        ]
        waveforms = torch.from_numpy(np.stack(crops))
        label = torch.from_numpy((speed * len(self.names) + chosen).repeat(self.copies))
        return {"features": self._features(waveforms, generator), "label": label}

    def _features(self, waveforms: Tensor, generator: np.random.Generator) -> Tensor:
        if self.log_mel is None:
            return waveforms
        with torch.inference_mode():
            features = self.log_mel(waveforms).numpy()
        masked = generator.random(len(features)) < MASKED
        features[masked] = mask(features[masked], generator)
        return torch.from_numpy(features)

    def _crop(self, number: int, speed: float, generator: np.random.Generator) -> Waveform:
        """Read a crop, repeated where its recording is too short, and degrade it."""
        own = self.cuts[self.names[number]]
        place = int(generator.integers(len(own)))
        cut = own[place]
        if self.phase.views:
            view = int(generator.integers(self.phase.views))
            generator = np.random.default_rng([number, place, round(100 * speed), view])
        wanted = self.samples * speed / SAMPLE_RATE
        if cut.duration > wanted:
            offset = generator.uniform(0, cut.duration - wanted)
            cut = cut.truncate(offset=offset, duration=wanted, preserve_id=True)
        audio = load_cut(cut)
        if speed != 1.0:
            audio = change_speed(audio, speed)
        audio = np.resize(audio, self.samples).astype(np.float32)
        kinds = [kind for kind in (self.noise, self.rooms) if len(kind)]
        if kinds and generator.random() < AUGMENTED:
            kind = kinds[generator.integers(len(kinds))]
            other = load_cut(kind[int(generator.integers(len(kind)))])
            audio = (
                reverberate(audio, other) if kind is self.rooms else mix(audio, other, generator)
            )
        return audio


def mix(audio: Waveform, noise: Waveform, generator: np.random.Generator) -> Waveform:
    """Add noise at a random ratio of powers."""
    ratio = generator.uniform(*NOISE_RATIO_DB)
    begin = int(generator.integers(max(len(noise) - len(audio), 0) + 1))
    noise = np.resize(noise[begin:], len(audio))
    power = float(np.mean(audio**2)) / max(float(np.mean(noise**2)), 1e-12)
    return audio + noise * np.float32(np.sqrt(power * 10 ** (-ratio / 10)))


def reverberate(audio: Waveform, response: Waveform) -> Waveform:
    """Convolve with an impulse response, at the power that the audio had."""
    response = response[int(np.argmax(np.abs(response))) :]
    wet = fftconvolve(audio, response)[: len(audio)]
    gain = np.sqrt(np.mean(audio**2) / max(float(np.mean(wet**2)), 1e-12))
    return (wet * gain).astype(np.float32)


def read_cut_trials(settings: Settings) -> list[Trial]:
    """Trials of the run's list, by the ids of the test cuts."""
    data = settings.data
    where = f"{data.trials} and {data.test}"
    return match_trials(read_trials(data.trials), read_cuts(data.test), where)


def embed_test(settings: Settings, encoder: WindowedEncoder) -> Embeddings:
    """Embed the test cuts of the trials whole, and a few of every training speaker.

    A dry run embeds little: see :mod:`recipes.zoo.dry_run`.
    """
    data = settings.data
    test = read_cuts(data.test)
    if data.trials:
        trials = limit_trials(read_cut_trials(settings), settings.limit)
        wanted = {name for one in trials for name in (one.enrolment, one.test)}
        test = [cut for cut in test if cut.id in wanted]
    elif settings.limit is not None:
        test = limit_utterances(test, [speaker_of(cut, data.test) for cut in test])
    train = read_cuts(data.train)
    held_out = held_out_speakers(settings, train)
    cohort: dict[str, list[Any]] = defaultdict(list)
    for cut in train:
        name = speaker_of(cut, data.train)
        if name not in held_out and len(cohort[name]) < settings.cohort_utterances:
            cohort[name].append(cut)
    chosen = limit_cohort(sorted(cohort), settings.limit)
    vectors = {name: _embed_each(encoder, cohort[name]).vectors for name in chosen}
    return _embed_named(encoder, test, data.test, means_of(vectors))


def embed_held_out(
    settings: Settings, encoder: WindowedEncoder, cohort: NDArray[np.float32]
) -> Embeddings:
    """Embed the cuts of the held-out speakers."""
    return _embed_named(encoder, held_out_cuts(settings), settings.data.train, cohort)


def _embed_named(
    encoder: WindowedEncoder, cuts: Sequence[Any], where: str, cohort: NDArray[np.float32]
) -> Embeddings:
    found = _embed_each(encoder, cuts)
    return Embeddings(
        [cut.id for cut in cuts],
        [speaker_of(cut, where) for cut in cuts],
        found.vectors,
        cohort,
        found.magnitudes,
        np.array([cut.duration for cut in cuts]),
    )


def _embed_each(encoder: WindowedEncoder, cuts: Sequence[Any]) -> Vectors:
    return stack_vectors([embed_whole(encoder, load_cut(cut)) for cut in cuts])
