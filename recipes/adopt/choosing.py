"""Choice of the settings of clustering on development conversations, one after another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.plda_clusterer import PldaClusterer
from diarspk.diarization.config import DiarizerConfig, LinkingConfig
from diarspk.diarization.defaults import LOCAL_CLUSTERER, VBX_START, subsegment_vbx
from diarspk.diarization.space_settings import SpaceSettings
from eval.diarization.first_passes import ConversationPass
from eval.diarization.variants import Variant, measure
from recipes.adopt.space import FittedSpace

__all__ = ["Sets", "choose_settings"]

T = TypeVar("T", bound=Hashable)

Sets = dict[str, Sequence[ConversationPass]]
"""First passes over the conversations of each set."""

THRESHOLDS = (0.5, 0.6, 0.7)
VBX_SCALES = ((0.2, 6.0), (0.4, 6.0), (0.4, 11.0), (0.8, 11.0))
CENTRINGS = (0.0, 0.5)
DIMENSIONS = (96, 64, 40)
FACTORS = (0.5, 1.0, 2.0)
RATIOS = (0.0, 5.0, 10.0)


def choose_settings(
    sets: Sets, space: FittedSpace, settings: SpaceSettings, tell: Callable[[str], None] = print
) -> tuple[SpaceSettings, FittedSpace]:
    """Choose what has the lowest DER, averaged over the sets, with local speakers as they come.

    Resegmentation and TS-VAD are left out: they come after clustering, and take most of the time.

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

    Returns
    -------
    tuple of SpaceSettings and FittedSpace
        The settings, and the PLDA models in as many dimensions as were best.
    """
    choice = _Choice(sets, tell)
    threshold = choice.best(
        "threshold", THRESHOLDS, lambda one: replace(LOCAL_CLUSTERER, threshold=one), "local"
    )
    settings = replace(settings, threshold=threshold)
    session = settings.session
    whole, total = space, len(space.session.between)
    dimension = choice.best(
        "dimension",
        [total, *(number for number in DIMENSIONS if number < total)],
        lambda one: PldaClusterer(whole.truncated(one).session, session),
    )
    space = whole.truncated(dimension)
    noise = choice.best(
        "noise",
        [round(session.noise * factor, 4) for factor in FACTORS],
        lambda one: PldaClusterer(space.session, replace(session, noise=one)),
    )
    session = replace(session, noise=noise)
    drift = choice.best(
        "drift",
        [round(session.drift * factor, 4) for factor in FACTORS],
        lambda one: PldaClusterer(space.session, replace(session, drift=one)),
    )
    session = replace(session, drift=drift)
    ratio = choice.best(
        "ratio", RATIOS, lambda one: PldaClusterer(space.session, replace(session, threshold=one))
    )
    settings = replace(settings, session=replace(session, threshold=ratio))
    short = _Choice(_short(sets, settings.max_vbx_subsegments), tell)
    if not short.sets:
        return settings, space
    vbx = settings.vbx
    scale, regularization, centring = short.best(
        "Fa, Fb, centring",
        [(*pair, centring) for pair in VBX_SCALES for centring in CENTRINGS],
        lambda one: subsegment_vbx(
            space.plda,
            replace(vbx, acoustic_scale=one[0], speaker_regularization=one[1]),
            replace(VBX_START, threshold=settings.start),
            one[2],
        ),
    )
    vbx = replace(vbx, acoustic_scale=scale, speaker_regularization=regularization)
    return replace(settings, vbx=vbx, centring=centring), space


class _Choice:
    """Conversations on which one setting after another is chosen."""

    def __init__(self, sets: Sets, tell: Callable[[str], None]) -> None:
        self.sets, self.tell = sets, tell

    def best(
        self,
        name: str,
        values: Iterable[T],
        build: Callable[[T], Clusterer],
        units: Literal["local", "subsegments"] = "subsegments",
    ) -> T:
        """Value whose clusterer has the lowest DER; the first of several."""
        rates: dict[T, float] = {}
        for value in values:
            config = DiarizerConfig(
                build(value),
                units,
                linking=LinkingConfig(),
                resegmentation=None,
                target_speaker_vad=False,
            )
            variant = Variant(f"{name} {value}", config)
            results = [measure(key, passes, variant) for key, passes in self.sets.items()]
            rates[value] = sum(one.components.der for one in results) / len(results)
            each = ", ".join(f"{one.collection} {100 * one.components.der:.1f}" for one in results)
            self.tell(f"{variant.name}: {100 * rates[value]:.2f} % ({each})")
        return min(rates, key=lambda value: rates[value])


def _short(sets: Sets, most: int) -> Sets:
    """Select the conversations that VBx clusters."""
    found = {key: [one for one in passes if _count(one) <= most] for key, passes in sets.items()}
    return {key: passes for key, passes in found.items() if passes}


def _count(one: ConversationPass) -> int:
    short = one.first.local.subsegments
    return 0 if short is None else int((short.seconds > 0).sum())
