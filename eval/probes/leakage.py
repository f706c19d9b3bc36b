"""Leakage: the speaker read from a synthesiser's hidden states and output at a cue of zeros."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.probes.conditioning import Swap
from eval.probes.linear import Probed, probe_labels
from eval.probes.probing import split_utterances
from eval.probes.synthesis import Synthesiser, Voice

__all__ = ["probe_leakage", "separation"]


def probe_leakage(
    synthesiser: Synthesiser, voices: Sequence[Voice], *, seed: int = 0, resamples: int = 200
) -> list[Probed]:
    """Ask a linear probe for the speaker of the content, in states inside and in the output.

    Each is told by its mean and deviation over time, once with the right cue and once with zeros:
    what can be read with zeros came with the content, past the cue. Content that is an array
    ``(frames, size)`` is asked, too. Probes are tested on other utterances of the same speakers.
    """
    held_out = split_utterances([voice.speaker for voice in voices], seed=seed)
    names = [voice.speaker for voice in voices]
    states: dict[str, list[NDArray[np.float64]]] = {}
    for voice in voices:
        if isinstance(voice.content, np.ndarray) and voice.content.ndim == 2:
            states.setdefault("content", []).append(_statistics(voice.content))
        own = synthesiser.synthesise(voice.content, voice.cue)
        for cue, made in (
            ("own cue", own),
            ("zero cue", synthesiser.synthesise(voice.content, np.zeros_like(voice.cue))),
        ):
            for state, values in {**made.hidden, "output": made.log_mel}.items():
                states.setdefault(f"{state}, {cue}", []).append(_statistics(values))
    found = [
        probe_labels(
            state,
            "speaker",
            np.stack(rows),
            names,
            names,
            held_out,
            by_speaker=False,
            seed=seed,
            resamples=resamples,
        )
        for state, rows in states.items()
    ]
    return [one for one in found if one is not None]


def separation(swap: Swap, leakage: Sequence[Probed]) -> float | None:
    """Separation of voice and content in a synthesiser, in [0, 1].

    Harmonic mean of what the cue brings, the transfer of the swap clipped to [0, 1], and of what
    the content does not, one less the informativeness about the speaker of the worst hidden state
    at a cue of zeros (of the output, where no hidden states are given). Ours, in the spirit of
    Stan and O'Mahony's two questions: both have to hold. None without a probe of leakage.
    """
    states = [one for one in leakage if one.cue.endswith("zero cue")]
    inside = [one for one in states if not one.cue.startswith("output")] or states
    if not inside:
        return None
    brought = min(max(swap.transfer, 0.0), 1.0)
    kept_out = 1 - max(one.informativeness for one in inside)
    total = brought + kept_out
    return 2 * brought * kept_out / total if total > 0 else 0.0


def _statistics(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([values.mean(axis=0), values.std(axis=0)]).astype(np.float64)
