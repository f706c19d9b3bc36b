"""Talkers and their conversations, for the recipes of heads."""

from functools import partial

import pytest

from tests.recipes.embedded.small_model import comb_talkers, converse


@pytest.fixture(scope="package")
def comb(tmp_path_factory):
    """Two utterances of each speaker in every variant; a voice is a comb over the mel axis."""
    return comb_talkers(tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="package")
def make(comb):
    """Makes conversations of the talkers, with settings changed by name."""
    return partial(converse, comb)
