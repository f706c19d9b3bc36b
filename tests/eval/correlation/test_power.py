"""Power by hand, and by drawing studies of that size."""

from __future__ import annotations

import numpy as np
import pytest

from diarspk.errors import ArgumentError
from eval.correlation.power import detectable_correlation, detectable_difference


def test_by_hand() -> None:
    # tanh((1.959964 + 0.841621) * sqrt(1.06 / 25)) and (1.959964 + 0.841621) * 0.1
    assert detectable_correlation(28) == pytest.approx(0.5204, abs=1e-4)
    assert detectable_difference(0.1) == pytest.approx(0.28016, abs=1e-5)
    with pytest.raises(ArgumentError, match="4 or more"):
        detectable_correlation(3)


def test_studies_that_are_drawn_find_it_four_times_in_five() -> None:
    count = 28
    spearman = detectable_correlation(count)
    pearson = 2 * np.sin(np.pi * spearman / 6)  # of normal values with that rank correlation
    rng = np.random.default_rng(0)
    first, rest = rng.normal(size=(2, 4000, count))
    second = pearson * first + np.sqrt(1 - pearson**2) * rest
    ranks = [one.argsort(1).argsort(1) - (count - 1) / 2 for one in (first, second)]
    found = (ranks[0] * ranks[1]).sum(1) / np.square(ranks[0][0]).sum()
    told = np.abs(np.arctanh(found)) > 1.959964 * np.sqrt(1.06 / (count - 3))
    assert told.mean() == pytest.approx(0.8, abs=0.04)
