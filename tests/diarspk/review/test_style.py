"""Colours of the page: contrast as WCAG 2.2 level AA asks for it, light and dark."""

from __future__ import annotations

import re

import pytest

from diarspk.review.assets import read_asset

PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")


def colours(theme: str) -> dict[str, str]:
    """Opaque colours of the style sheet, light or dark."""
    found = PAIR.findall(read_asset("style.css"))
    return {name: {"light": light, "dark": dark}[theme] for name, light, dark in found}


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, WCAG 2.2, definition of "contrast ratio"."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def test_black_on_white_has_the_contrast_that_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_every_colour_is_a_pair_and_the_button_chooses_between_them() -> None:
    style = read_asset("style.css")
    head, rest = style[: style.index("* {")], style[style.index("* {") :]
    plain = re.sub(r"light-dark\(#[0-9a-f]+, #[0-9a-f]+\)", "", head)
    assert "#" not in plain and "--page" not in rest.replace("var(--page)", "")
    assert "color-scheme: light dark;" in plain
    for theme in ("light", "dark"):
        assert f':root[data-theme="{theme}"] {{\n  color-scheme: {theme};\n}}' in plain


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_can_be_told_from_its_background(theme: str) -> None:
    named = colours(theme)
    speakers = [name for name in named if name.startswith("speaker-")]
    assert len(speakers) == 10
    texts = [
        *((text, ground) for text in ("ink", "muted") for ground in ("page", "surface", "stripe")),
        *((speaker, ground) for speaker in speakers for ground in ("surface", "stripe", "mark")),
        *(("ink", "mark"), ("warning", "surface"), ("warning", "mark"), ("muted", "mark")),
        *(("on-primary", "primary"), ("surface", "accent"), ("primary", "surface")),
    ]
    pale = [(a, b, contrast(named[a], named[b])) for a, b in texts]
    assert [pair for pair in pale if pair[2] < 4.5] == []
    shapes = [("accent", "surface"), ("wave", "surface"), ("primary", "page")]
    faint = [(a, b, contrast(named[a], named[b])) for a, b in shapes]
    assert [pair for pair in faint if pair[2] < 3] == []
