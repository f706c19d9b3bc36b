"""Choice of the settings of clustering on development conversations, one after another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from diarspk.clustering.plda_clusterer import PldaClusterer
from diarspk.diarization.config import DiarizerConfig, LinkingConfig
from diarspk.diarization.defaults import LOCAL_CLUSTERER, VBX_START, subsegment_vbx
from diarspk.diarization.space_settings import SpaceSettings
from eval.diarization.first_passes import ConversationPass
from eval.diarization.variants import Variant, measure
from recipes.adopt.cases import Case, error_rate, long_cases, short_cases
from recipes.adopt.space import FittedSpace

__all__ = ["Sets", "choose_settings"]

T = TypeVar("T", bound=Hashable)

Sets = dict[str, Sequence[ConversationPass]]
"""First passes over the conversations of each set."""

THRESHOLDS = (0.5, 0.6, 0.7)
VBX_SCALES = ((0.2, 6.0), (0.4, 6.0), (0.4, 11.0), (0.8, 11.0))
CENTRINGS = (0.0, 0.3, 0.5)
FACTORS = tuple((noise, drift) for noise in (0.7, 1.0, 1.4, 2.0) for drift in (0.7, 1.0, 1.5, 2.2))
"""Of the variances that were measured: of noise and of drift."""


def choose_settings(
    sets: Sets, space: FittedSpace, settings: SpaceSettings, tell: Callable[[str], None] = print
) -> SpaceSettings:
    """Choose what errs the least, averaged over the sets.

    What comes after clustering hides most of its errors and has some of its own, so that the DER
    says little of it; what is counted are subsegments in which one person talks and that are given
    to another one. Of local speakers, which are many times fewer, the DER is taken.

    Parameters
    ----------
    sets
        Development conversations.
    space
        PLDA models.
    settings
        To start from.
    tell
        Takes a line on every setting that is tried.
    """
    threshold = _best("threshold", THRESHOLDS, lambda one: _local_rates(sets, one), tell)
    settings = replace(settings, threshold=threshold)
    most, session = settings.max_vbx_subsegments, settings.session
    long = _divide(sets, lambda passes: long_cases(passes, most))
    if long:
        noise, drift = _best(
            "noise, drift",
            [
                (round(session.noise * noise, 4), round(session.drift * drift, 4))
                for noise, drift in FACTORS
            ],
            lambda one: {
                name: error_rate(
                    cases,
                    PldaClusterer(space.session, replace(session, noise=one[0], drift=one[1])),
                )
                for name, cases in long.items()
            },
            tell,
        )
        settings = replace(settings, session=replace(session, noise=noise, drift=drift))
    short = _divide(sets, lambda passes: short_cases(passes, most))
    if not short:
        return settings
    vbx = settings.vbx
    scale, regularization, centring = _best(
        "Fa, Fb, centring",
        [(*pair, centring) for pair in VBX_SCALES for centring in CENTRINGS],
        lambda one: {
            name: error_rate(
                cases,
                subsegment_vbx(
                    space.plda,
                    replace(vbx, acoustic_scale=one[0], speaker_regularization=one[1]),
                    replace(VBX_START, threshold=settings.start),
                    one[2],
                ),
            )
            for name, cases in short.items()
        },
        tell,
    )
    vbx = replace(vbx, acoustic_scale=scale, speaker_regularization=regularization)
    return replace(settings, vbx=vbx, centring=centring)


def _best(
    name: str,
    values: Iterable[T],
    rates: Callable[[T], dict[str, float]],
    tell: Callable[[str], None],
) -> T:
    """Value with the lowest mean rate over the sets; the first of several."""
    means: dict[T, float] = {}
    for value in values:
        found = rates(value)
        means[value] = sum(found.values()) / len(found)
        each = ", ".join(f"{key} {100 * rate:.2f}" for key, rate in found.items())
        tell(f"{name} {value}: {100 * means[value]:.2f} % ({each})")
    return min(means, key=lambda value: means[value])


def _local_rates(sets: Sets, threshold: float) -> dict[str, float]:
    """DER of each set by local speakers alone."""
    config = DiarizerConfig(
        replace(LOCAL_CLUSTERER, threshold=threshold),
        "local",
        linking=LinkingConfig(),
        resegmentation=None,
        target_speaker_vad=False,
    )
    variant = Variant(f"threshold {threshold}", config)
    return {
        key: result.components.der
        for key, passes in sets.items()
        for result in measure(key, passes, variant)
    }


def _divide(
    sets: Sets, cut: Callable[[Sequence[ConversationPass]], Iterable[Case]]
) -> dict[str, list[Case]]:
    """Cases of each set; sets without any are left out."""
    found = {name: list(cut(passes)) for name, passes in sets.items()}
    return {name: cases for name, cases in found.items() if cases}
