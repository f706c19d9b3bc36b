"""Probes of one decoder of the study: zero cue, swap, leakage, style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.cli.terminal import say
from diarspk.errors import DiarspkError
from eval.probes.conditioning import probe_swap, probe_zero
from eval.probes.decoder import ConditionedDecoder, content_of
from eval.probes.judges import Judge, load_judge, remember
from eval.probes.leakage import probe_leakage, separation
from eval.probes.similarity import profiles_of
from eval.probes.style import Spoken, measure_style
from eval.probes.synthesis import Voice
from recipes.conditioning.data import PackedVoices
from recipes.conditioning.study_data import Part
from recipes.conditioning.variants import Variant

__all__ = ["ProbeSettings", "probe_decoder"]

MELS = 80
"""Bins that judges read."""


@dataclass(frozen=True)
class ProbeSettings:
    """Probes of every decoder."""

    judges: tuple[str, ...] = ("3dspeaker-campplus", "diarspk")
    """Encoders that tell whose voice an output is."""
    profiles: int = 100
    """Utterances of the training speakers, whom outputs of a zero cue are compared with."""
    resamples: int = 200
    """Resamples of a bootstrap over speakers."""
    probe_seed: int = 0
    """Seed of the probes."""


def probe_decoder(
    decoder: ConditionedDecoder,
    variant: Variant,
    train: Part,
    test: Part,
    settings: ProbeSettings,
) -> dict[str, Any]:
    """Probe a decoder on the test voices; the document as JSON holds it."""
    voices = _voices(decoder, variant, test.with_cue(variant.cue))
    known = _voices(decoder, variant, train.with_cue(variant.cue), settings.profiles)
    options = {"seed": settings.probe_seed, "resamples": settings.resamples}
    leakage = probe_leakage(decoder, voices, **options)
    judged = []
    for name in settings.judges:
        if (judge := _judge(name)) is None:
            continue
        swap = probe_swap(decoder, voices, judge, seed=settings.probe_seed)
        judged.append(
            {
                "judge": name,
                "made_the_cues": name == variant.cue,
                "zero": asdict(probe_zero(decoder, voices, judge, profiles_of(known, judge))),
                "swap": asdict(swap),
                "separation": separation(swap, leakage),
            }
        )
    styles = {
        title: [asdict(one) for one in measure_style(spoken, **options)]
        for title, spoken in _spoken(decoder, voices, test.voices).items()
    }
    return {
        "dimension": decoder.network.config.cue,
        "fingerprint": decoder.fingerprint,
        "parameters": sum(one.numel() for one in decoder.network.parameters()),
        "leakage": [one.as_dict() for one in leakage],
        "judges": judged,
        "style": styles,
    }


@cache
def _judge(name: str) -> Judge | None:
    """Judge of a name, which remembers what it has judged; None where it cannot be loaded."""
    try:
        return remember(load_judge(name))
    except (DiarspkError, ImportError) as error:
        say(f"judge {name}: left out: {error}")
        return None


def _voices(
    decoder: ConditionedDecoder, variant: Variant, packed: PackedVoices, limit: int | None = None
) -> list[Voice]:
    """Utterances with their content and the cue that the decoder was trained with."""
    config, found = decoder.network.config, []
    references = _references(packed.speakers, variant.reference == "own")
    for number, speaker in enumerate(packed.speakers[:limit]):
        log_mel = packed.utterance(number)
        content = content_of(log_mel, config.cepstra, first=config.first_cepstrum)
        found.append(Voice(speaker, content, packed.cue(references[number]), log_mel))
    return found


def _references(speakers: Sequence[str], own: bool) -> list[int]:
    """Utterance that the cue of each is of: itself, or the speaker's next one."""
    names, found = np.asarray(speakers), []
    for number, name in enumerate(speakers):
        same = np.flatnonzero(names == name)
        place = int(np.searchsorted(same, number))
        found.append(number if own else int(same[(place + 1) % len(same)]))
    return found


def _spoken(
    decoder: ConditionedDecoder, voices: Sequence[Voice], packed: PackedVoices
) -> dict[str, list[Spoken]]:
    """Decode with the right cue and with zeros, and put the recordings beside."""
    made: dict[str, list[Spoken]] = {"cue": [], "zeros": []}
    for number, voice in enumerate(voices):
        for title, cue in (("cue", voice.cue), ("zeros", np.zeros_like(voice.cue))):
            output = decoder.synthesise(voice.content, cue)
            made[title].append(
                Spoken(
                    voice.speaker,
                    voice.log_mel,
                    output.log_mel,
                    packed.pitch_of(number),
                    _flat(output.hidden["pitch"]),
                )
            )
    return made


def _flat(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values[:, 0]
