"""The study as a page in Markdown: tables, what came out in plain words, power, conventions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.correlation.analysis import Analysis
from eval.correlation.association import Interval
from eval.correlation.measures import (
    CLLR,
    CONVENTIONAL,
    DER_MEASURES,
    PLDA_RATIO,
    PREDICTORS,
    EncoderFigures,
)
from eval.correlation.power import LEVEL, POWER, detectable_correlation, detectable_difference
from eval.report.markdown import markdown_table

__all__ = ["CONVENTION", "format_study"]

CONVENTION = (
    "eer conventional: all pairs of whole utterances of single speakers. Other eer: trials inside "
    "sessions, segments of 1.5 s embedded alone, pooled. cllr: of the combined list, the mean of "
    "the sessions, in bits, after one calibration fitted to every second session, those it does "
    "not judge. impurity: share of the clusters' time in which not their main speaker talks, at "
    "the true number of speakers. plda ratio: log-likelihood ratio of each of these clusters and "
    "the nearest other one, by a PLDA in at most 20 principal components, fitted to every second "
    "session, those it does not judge. der: windows of speech (oracle: of the reference; system: "
    "of the diarizer, recorded sessions only), clustered into the reference's number of speakers "
    "by average linkage (known) or a number of their own by NME-SC (estimated), one speaker at a "
    "time, collar 0, overlap scored, pooled. impurity and the plda ratio are of the clusters that "
    "`der oracle known` scores, so what they say of that one is no prediction. Intervals hold 95 %"
    " of a bootstrap in which sessions, people of the utterances, and origins of encoders are "
    "drawn independently; calibrations and PLDA are not fitted anew. The partial coefficient is "
    "Spearman's given eer conventional (for that one, given eer combined)."
)


def format_study(
    figures: Sequence[EncoderFigures], analysis: Analysis | None, skipped: Sequence[str]
) -> str:
    """Write the page, without heading, commands and conventions.

    Parameters
    ----------
    figures : sequence of EncoderFigures
    analysis : Analysis, optional
        Missing where the encoders are too few.
    skipped : sequence of str
        A line for each encoder that is not here.
    """
    parts = [_encoders(figures)]
    if analysis is not None:
        parts += [
            "**Spearman's coefficient over encoders:**",
            _coefficients(analysis),
            "**The same, less that of eer combined:**",
            _differences(analysis),
            "\n".join(_state(analysis)),
            "\n".join(_power(figures, analysis)),
            "**Other coefficients:**",
            _others(analysis),
        ]
    if skipped:
        parts.append("\n".join(f"- not here: {line}" for line in skipped))
    return "\n\n".join(parts)


def _encoders(figures: Sequence[EncoderFigures]) -> str:
    measured = [one.measure() for one in figures]
    names = [
        name
        for name in (*PREDICTORS, *DER_MEASURES)
        if any(math.isfinite(found[name]) for found in measured)
    ]
    rows = [
        [one.encoder, one.origin, *(_figure(name, found[name]) for name in names)]
        for one, found in zip(figures, measured, strict=True)
    ]
    return markdown_table(["encoder", "origin", *map(_title, names)], rows)


def _coefficients(analysis: Analysis) -> str:
    rows = [
        [one, *(_bounds(analysis.associations[one, name].spearman) for name in analysis.targets)]
        for one in analysis.predictors
    ]
    return markdown_table(["predictor", *analysis.targets], rows)


def _differences(analysis: Analysis) -> str:
    rows = [
        [one, *(_bounds(analysis.differences[one, name]) for name in analysis.targets)]
        for one in analysis.predictors
        if (one, analysis.targets[0]) in analysis.differences
    ]
    return markdown_table(["predictor", *analysis.targets], rows)


def _others(analysis: Analysis) -> str:
    rows = [
        [*pair, *map(_bounds, (one.pearson, one.kendall, one.partial))]
        for pair, one in analysis.associations.items()
    ]
    return markdown_table(["predictor", "error rate", "Pearson", "Kendall", "partial"], rows)


def _state(analysis: Analysis) -> list[str]:
    """One sentence for each error rate of diarization, whichever way it came out."""
    lines = []
    for target in analysis.targets:
        ranked = {
            one: value
            for one in analysis.predictors
            if math.isfinite(value := analysis.associations[one, target].spearman.value)
        }
        best = max(ranked, key=lambda one: ranked[one], default="none")
        better, worse = (
            [
                one
                for (one, name), difference in analysis.differences.items()
                if name == target and told(difference)
            ]
            for told in (_is_above, _is_below)
        )
        lines.append(
            f"- {target}: most in line with it is {best}; better than eer combined: "
            f"{', '.join(better) or 'none'}; worse: {', '.join(worse) or 'none'}; the others "
            "cannot be told from it."
        )
    return lines


def _power(figures: Sequence[EncoderFigures], analysis: Analysis) -> list[str]:
    origins = len({one.origin for one in figures})
    line = (
        f"- Power: at a level of {100 * LEVEL:g} % and a power of {100 * POWER:g} %, "
        f"{len(figures)} independent encoders tell a rank correlation of "
        f"{detectable_correlation(len(figures)):.2f} from none"
    )
    if origins >= 4:
        line += (
            f", and {origins}, as many as there are origins, {detectable_correlation(origins):.2f}"
        )
    lines = [f"{line}."]
    for target in analysis.targets:
        pair = (CONVENTIONAL, target)
        if pair in analysis.differences:
            smallest = detectable_difference(analysis.differences[pair].deviation)
            lines.append(
                f"- {target}: eer conventional and eer combined would be told apart if their "
                f"coefficients differed by {smallest:.2f}. The interval of eer combined is "
                f"{_width(analysis.over_encoders[target])} wide where encoders alone are drawn, "
                f"{_width(analysis.over_sessions[target])} where sessions alone are."
            )
    return lines


def _is_above(one: Interval) -> bool:
    return one.low > 0


def _is_below(one: Interval) -> bool:
    return one.high < 0


def _width(one: Interval) -> str:
    return f"{one.high - one.low:.2f}" if math.isfinite(one.low) else "-"


def _title(name: str) -> str:
    return name if name in (CLLR, PLDA_RATIO) else f"{name} %"


def _figure(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in (CLLR, PLDA_RATIO):
        return f"{value:.2f}"
    return f"{100 * value:.1f}"


def _bounds(one: Interval | None) -> str:
    if one is None or not math.isfinite(one.value):
        return "-"
    if not math.isfinite(one.low):
        return f"{one.value:+.2f}"
    return f"{one.value:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"
