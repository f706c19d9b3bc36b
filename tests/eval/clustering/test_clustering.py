"""Benchmarks of clustering on tiny cases."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline

from diarspk.clustering import AgglomerativeClusterer
from diarspk.clustering.adaptation import Adaptation
from diarspk.diarization.config import DiarizerConfig
from diarspk.embeddings.reduction import PrincipalComponents
from diarspk.errors import ArgumentError
from eval.clustering import __main__ as clustering
from eval.clustering import scaling
from eval.clustering.clusterers import ADAPTATIONS, CLUSTERERS, make_clusterer
from eval.clustering.combinations import try_all
from eval.clustering.sweep import reductions
from eval.diarization.confidence import (
    Turns,
    calibration_error,
    fit_calibration,
    reliability,
    true_shares,
)
from eval.diarization.conversation import Conversation
from eval.diarization.first_passes import ConversationPass
from tests.diarspk.diarization.test_result import CONFIG, make_first_pass, postprocess


def test_made_up_sessions_are_what_they_say():
    embeddings, truth, pairs = scaling.make_session(100)
    assert embeddings.shape == (100, 192)
    assert embeddings.dtype == np.float32
    assert (truth[pairs[:, 0]] != truth[pairs[:, 1]]).all()
    assert len(pairs) == (truth[1:] != truth[:-1]).sum()
    assert np.array_equal(scaling.make_session(100)[0], embeddings)


@pytest.mark.parametrize("name", CLUSTERERS)
def test_every_clusterer_finds_the_made_up_speakers(name):
    cost = scaling.run_one(name, 300)
    assert (cost.clusterer, cost.embeddings) == (name, 300)
    assert cost.purity > 0.9
    assert cost.seconds > 0


def test_costs_as_a_table(monkeypatch, capsys, tmp_path):
    def pretend(name, count, *, limit_s):
        seconds = None if count > 100 else 0.5
        return scaling.Cost(name, count, seconds, 200.0, 10.0, 8, 1.0)

    monkeypatch.setattr(clustering, "measure", pretend)
    file = tmp_path / "costs.json"
    arguments = ["--sizes", "100", "1000", "--clusterers", "average", "--json", str(file)]
    assert clustering.main(arguments) == 1
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert cells[0] == ["average", "100", "0.50", "200", "10", "8", "100.0"]
    assert cells[1] == ["average", "1000", *["-"] * 5]
    assert json.loads(file.read_text())["results"][1]["seconds"] is None
    assert clustering.main(arguments[:2] + arguments[3:5]) == 0


def test_vbx_asks_for_its_plda_and_others_for_their_name():
    with pytest.raises(ArgumentError, match="`plda` must be given with VBx"):
        make_clusterer("vbx-gmm", 0.5)
    with pytest.raises(ArgumentError, match="`clusterers` must be among average"):
        make_clusterer("magic", 0.5)


PEOPLE = [[0, 1], [1, -1], [2, 0], [0, -1], [2, 1], [0, 1]] * 4


@pytest.fixture
def passes():
    first = make_first_pass(PEOPLE, noise=0.1)
    settings = DiarizerConfig(clusterer=AgglomerativeClusterer(0.5))
    reference = postprocess(first, settings).annotation
    uem = Timeline([Segment(0.0, first.duration)], uri="meeting")
    return ConversationPass(Conversation(None, reference, uem), first)


class Named(Conversation):
    name = "meeting"


def test_a_table_has_the_best_threshold_of_every_pair(passes, capsys):
    passes = replace(
        passes, conversation=Named(None, passes.conversation.reference, passes.conversation.uem)
    )
    adaptations = {"none": ADAPTATIONS["none"], "pca": Adaptation(PrincipalComponents(8))}
    tried = list(
        try_all({"set": [passes]}, ["average", "vbx-gmm"], adaptations, [0.0, 0.5, 3.0], None)
    )
    assert [(one.adaptation, one.threshold) for one in tried] == [("none", 0.5), ("pca", 0.5)]
    assert all(one.components.der == 0.0 and one.count_errors == (0,) for one in tried)
    assert all(one.megabytes > 0 and one.seconds > 0 for one in tried)
    assert capsys.readouterr().err.count("vbx-gmm") == 2


def test_a_sweep_of_dimensions_has_the_full_one():
    names = list(reductions([10, 20]))
    assert names == ["full", *(f"{kind} {size}" for size in (10, 20)
                               for kind in ("auto-encoder", "PCA", "trained"))]  # fmt: skip


def test_true_shares_by_hand():
    session = make_first_pass([[0, -1], [1, -1], [0, -1]])
    result = postprocess(session, CONFIG)
    reference = Annotation(uri="meeting")
    reference[Segment(0.0, 4.0)] = "anna"  # of the first turn, 4 of 5 s
    reference[Segment(5.0, 10.0)] = "ben"
    reference[Segment(11.0, 12.0)] = "anna"
    uem = Timeline([Segment(1.0, 13.0)], uri="meeting")
    right, seconds = true_shares(Named(None, reference, uem), result)
    np.testing.assert_allclose(seconds, [4.0, 5.0, 3.0])
    np.testing.assert_allclose(right, [0.75, 1.0, 1 / 3])


def turns(right, confidence):
    count = len(right)
    return Turns(
        np.array(confidence), np.zeros(count), np.array(confidence), np.array(right), np.ones(count)
    )


def test_calibration_error_by_hand():
    some = turns([1.0, 0.0, 1.0, 1.0], [0.75, 0.72, 0.98, 1.0])
    rows = reliability(some, some.confidence)
    assert [(row[0], row[1]) for row in rows] == [(0.7, 2), (0.9, 2)]
    assert calibration_error(some) == pytest.approx(0.5 * abs(0.735 - 0.5) + 0.5 * 0.01)
    assert calibration_error(turns([1.0] * 3, [1.0] * 3)) == 0.0


def test_a_fit_finds_the_weights_that_made_the_truth():
    rng = np.random.default_rng(0)
    activity, margin = rng.uniform(0.5, 0.99, 4000), rng.uniform(-0.2, 1.0, 4000)
    odds = np.log(activity / (1 - activity))
    right = 1 / (1 + np.exp(-(0.5 * odds + 2.0 * margin - 1.0)))
    made = Turns(activity, margin, activity, right, np.ones(4000))
    fitted = fit_calibration(made, penalty=0.0)
    found = (fitted.activity, fitted.margin, fitted.bias)
    np.testing.assert_allclose(found, (0.5, 2.0, -1.0), atol=0.01)
    assert calibration_error(made, fitted(activity, margin)) < 0.01 < calibration_error(made)
