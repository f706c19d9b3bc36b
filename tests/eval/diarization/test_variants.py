"""Ablations and sweeps on a made-up first pass."""

import json
from dataclasses import replace

import numpy as np
from pyannote.core import Segment, Timeline

from diarspk.clustering import AgglomerativeClusterer
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.postprocessing import Postprocessing
from eval.diarization import ablation, boundaries, conversations, first_passes, sweep, variants
from eval.diarization.conversation import Conversation
from eval.diarization.first_passes import ConversationPass
from eval.diarization.plot import plot_reliability
from tests.diarspk.diarization.test_result import LENGTH, make_first_pass, postprocess

CONFIG = DiarizerConfig(AgglomerativeClusterer(0.5))


class Named(Conversation):
    name = "meeting"


def make_passes():
    first = make_first_pass([[0, 1], [1, -1], [0, -1], [1, 0]])
    first.local.activity[0, LENGTH // 4 : -LENGTH // 4] = 0.9  # both at once
    reference = postprocess(first, CONFIG).annotation
    uem = Timeline([Segment(0.0, first.duration)], uri="meeting")
    return [ConversationPass(Named(None, reference, uem), first)]


def test_without_overlap_the_second_speaker_is_missed():
    passes = make_passes()
    reference = passes[0].conversation.reference
    shared = reference.get_overlap().duration() / sum(
        segment.duration for segment, _ in reference.itertracks()
    )
    assert shared > 0.05
    (whole,) = variants.measure("set", passes, variants.Variant("default", CONFIG))
    (single,) = variants.measure("set", passes, variants.Variant("single", CONFIG, overlap=False))
    assert whole.components.der == 0.0
    assert (whole.right_counts, whole.recordings) == (1, 1)
    np.testing.assert_allclose(single.components.miss_rate, shared, atol=1e-6)
    assert single.components.false_alarm == 0.0


def test_without_the_frame_head_there_are_no_vectors():
    first = make_passes()[0].first
    first = replace(first, local=replace(first.local, frame_embeddings=np.ones((9, 3), np.float16)))
    assert variants.Variant("default").of(first) is first
    bare = variants.Variant("bare", frame_head=False).of(first)
    assert bare.local.frame_embeddings is None
    np.testing.assert_array_equal(bare.local.activity, first.local.activity)


def test_the_table_has_every_variant(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(
        conversations, "read_conversations", lambda folder: [make_passes()[0].conversation]
    )
    passes = []

    class Listener:
        def __init__(self, encoder, *, segmentation, cache):
            passes.append(segmentation)

        postprocessing = Postprocessing()

        def first_pass(self, audio):
            return make_passes()[0].first

    monkeypatch.setattr(first_passes.Diarizer, "load", Listener)
    monkeypatch.setattr(Named, "audio", None, raising=False)
    monkeypatch.setattr(
        ablation, "VARIANTS", [variants.Variant(name, CONFIG, detector)
                               for name, detector in (("a", None), ("b", None), ("c", "silero"))],
    )  # fmt: skip
    file = tmp_path / "ablation.json"
    assert ablation.main(["--data", str(tmp_path), "--json", str(file)]) == 0
    assert passes == [None, "silero"]  # one pass serves all variants of a detector
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    rows = [line.split("|")[3].strip() for line in table[1:]]
    assert rows == ["a", "b", "c"]
    assert [one["variant"] for one in json.loads(file.read_text())["results"]] == rows


def test_a_sweep_measures_every_combination(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(
        conversations, "read_conversations", lambda folder: [make_passes()[0].conversation]
    )
    monkeypatch.setattr(Named, "audio", None, raising=False)

    class Listener:
        class segmentation:
            step_s = 2.5

        postprocessing = Postprocessing()

        def first_pass(self, audio):
            return make_passes()[0].first

    monkeypatch.setattr(first_passes.Diarizer, "load", lambda encoder, **settings: Listener())
    file = tmp_path / "sweep.json"
    words = "--threshold 0.5 1.9 --overlap 0.3 0.9 --reliable 1 --concentration 0 --step 1.25"
    words += " --speech 0.5"
    assert sweep.main(["--data", str(tmp_path), "--json", str(file), *words.split()]) == 0
    assert Listener.segmentation.step_s == 1.25
    results = json.loads(file.read_text())["results"]
    rest = "reliable 1, concentration 0, speech 0.5"
    assert [one["variant"] for one in results] == [
        f"average {threshold} 0.0, {rest}, overlap {overlap}, gap 0.4, pause 0.2, shortest 0.2, "
        "padding 0"
        for threshold in (0.5, 1.9)
        for overlap in (0.3, 0.9)
    ]
    missed = [one["components"]["miss"] for one in results]
    assert missed[0] == missed[2] == 0 < missed[1] == missed[3]  # the second of two at once
    assert capsys.readouterr().out.count("average 0.5") == 2


def test_the_default_clusterer_is_swept_where_no_other_is_named(tmp_path):
    settings = sweep.Settings(
        None, None, threshold=(), gap=(0.2, 1.0), pause=(0.0, 0.3), padding=(0.04,)
    )
    found = list(sweep.variants(settings))
    assert [one.config.clusterer for one in found] == [None] * 4
    assert {one.config.units for one in found} == {"auto"}
    made = [(one.config.turns.max_gap_s, one.config.turns.pause_probability) for one in found]
    assert made == [(0.2, 0.0), (0.2, 0.3), (1.0, 0.0), (1.0, 0.3)]
    assert all(one.config.turns.padding_s == 0.04 for one in found)


def test_boundaries_are_scored_against_every_reference(monkeypatch, capsys, tmp_path):
    passes = make_passes()
    conversation = passes[0].conversation
    wider = conversation.reference.empty()
    for turn, track, name in conversation.reference.itertracks(yield_label=True):
        wider[Segment(turn.start, turn.end + 0.04), track] = name
    both = replace(conversation, further={"wide": wider.support()})
    monkeypatch.setattr(first_passes, "read_collections", lambda folders, names: {"set": [both]})
    monkeypatch.setattr(Named, "audio", None, raising=False)

    class Listener:
        postprocessing = Postprocessing()

        def first_pass(self, audio):
            return passes[0].first

    monkeypatch.setattr(first_passes.Diarizer, "load", lambda *names, **settings: Listener())
    file = tmp_path / "boundaries.json"
    assert boundaries.main(["--data", str(tmp_path), "--json", str(file)]) == 0
    found = json.loads(file.read_text())["results"]
    assert [one["reference"] for one in found[:2]] == ["own", "wide"]
    assert len(found) == 2 * len(boundaries.VARIANTS)
    miss = {(one["variant"], one["reference"]): one["components"]["miss"] for one in found}
    assert miss["loose", "wide"] < miss["tight, the default", "wide"]
    assert "| wide " in capsys.readouterr().out


def test_a_reliability_diagram_is_drawn(tmp_path):
    path = tmp_path / "reliability.svg"
    plot_reliability([(0.5, 3, 12.0, 0.55, 0.4), (0.9, 10, 80.0, 0.97, 0.95)], path)
    assert "share of their time that is right" in path.read_text() or path.stat().st_size > 2000
