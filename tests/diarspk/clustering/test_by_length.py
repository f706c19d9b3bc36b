"""The clusterer that is chosen by the number of windows."""

import numpy as np
import pytest

from diarspk.clustering import AgglomerativeClusterer, ClusteringInput
from diarspk.clustering.by_length import ByLengthClusterer
from diarspk.errors import ArgumentError

APART, TOGETHER = AgglomerativeClusterer(0.01), AgglomerativeClusterer(1.9)


@pytest.mark.parametrize(("count", "speakers"), [(3, 3), (4, 1)])
def test_few_windows_are_for_one_clusterer_and_more_for_the_other(count, speakers):
    windows = np.eye(5)[:count]
    found = ByLengthClusterer(APART, TOGETHER, max_short=3).cluster(ClusteringInput(windows))
    assert len(set(found.labels.tolist())) == speakers


def test_a_negative_number_of_windows_is_refused():
    with pytest.raises(ArgumentError, match="max_short"):
        ByLengthClusterer(APART, TOGETHER, max_short=-1)
