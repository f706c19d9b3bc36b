"""Distillation of multi-level x-vectors, end to end on synthetic speakers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.encoders import build_architecture
from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.architectures.registry import count_parameters
from diarspk.encoders.stored import write_encoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig
from diarspk.verification.metrics import equal_error_rate
from tests.recipes.zoo.test_run import PHASE, write_pool, write_table

pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore")

from recipes.embedded.data.degradation import SPEED  # noqa: E402
from recipes.embedded.data.pool import Pool, read_pool  # noqa: E402
from recipes.xvector_distillation import table  # noqa: E402
from recipes.xvector_distillation.back_end import fit_back_end  # noqa: E402
from recipes.xvector_distillation.correlation import correlate  # noqa: E402
from recipes.xvector_distillation.crops import Crops, draw_crops, frame_places  # noqa: E402
from recipes.xvector_distillation.embedding_types import default_kinds, join_parts, parse_kind  # noqa: E402
from recipes.xvector_distillation.evaluation import labelled_crops  # noqa: E402
from recipes.xvector_distillation.layer_activations import align_frames, compute_levels, levels_of  # noqa: E402
from recipes.xvector_distillation.run import main  # noqa: E402
from recipes.xvector_distillation.settings import Settings, read_settings, write_settings  # noqa: E402
from recipes.xvector_distillation.stages import REPORT, run_stages  # noqa: E402
from recipes.xvector_distillation.students import StudentConfig, build_student  # noqa: E402
from recipes.xvector_distillation.targets import read_targets, write_targets  # noqa: E402
from recipes.xvector_distillation.teacher import Teacher, load_teacher  # noqa: E402
from recipes.xvector_distillation.teacher_source import open_teacher  # noqa: E402
from recipes.xvector_distillation.training import (  # noqa: E402
    Distillation,
    FrameTargets,
    fit_student,
    open_targets,
)
from recipes.zoo.final_weights import FINAL, read_weights  # noqa: E402
from recipes.zoo.settings import DataSettings  # noqa: E402
from recipes.zoo.settings import Settings as TeacherSettings  # noqa: E402
from recipes.zoo.settings import write_settings as write_teacher_settings  # noqa: E402

X_VECTOR_PARAMETERS = 4_610_524  # as published for WeSpeaker's, without classifier
KINDS = ("utterance", "wide-bn", "statistics", "dictionary", "utterance+narrow-bn", "frame_1")
LEVELS = levels_of("x-vector")


@pytest.fixture(scope="module")
def distillation(tmp_path_factory):
    """A teacher with random weights, and its targets."""
    folder = tmp_path_factory.mktemp("distillation")
    train, dev = [f"t{n}" for n in range(6)], [f"d{n}" for n in range(4)]
    write_pool(folder / "packed" / "train", train, ("recorded", "room", *SPEED))
    write_pool(folder / "packed" / "dev", dev, ("recorded",))
    write_pool(folder / "packed" / "noise", ["n"], ("noise",))
    write_table(folder / "train.tsv", train)
    write_table(folder / "dev.tsv", dev)
    data = DataSettings(
        "packed",
        str(folder / "packed"),
        speakers=str(folder / "train.tsv"),
        test_speakers=str(folder / "dev.tsv"),
    )
    teacher, run = folder / "teacher", folder / "run"
    teacher.mkdir()
    trained = TeacherSettings("x-vector", data, PHASE, PHASE, dimension=8, workers=0)
    write_teacher_settings(trained, teacher / "settings.json")
    write_encoder(
        teacher / "model.json",
        build_architecture("x-vector", dimension=8, seed=0),
        "x-vector",
        pooling=None,
        features=FeatureConfig(),
        about={"licence": "CC0-1.0", "recipe": "none"},
    )
    short = replace(PHASE, steps=4, keep=1)
    own = Settings(
        str(teacher),
        KINDS,
        aggregation=replace(short, steps=2),
        students=short,
        places=3,
        aggregated_dimension=8,
        components=2,
        width=12,
        workers=0,
    )
    write_settings(own, run)
    run_stages(run, "aggregation", "targets", accelerator="cpu")
    return run


@pytest.fixture
def pool(distillation):
    trained = open_teacher(read_settings(distillation)).trained
    return read_pool(distillation.parent / "packed" / "train"), trained


def test_settings_survive_the_disk(tmp_path):
    own = Settings("somewhere", ("utterance", "wide-bn"), width=3, variants=("slow",))
    write_settings(own, tmp_path)
    assert read_settings(tmp_path) == own


@pytest.mark.parametrize(
    ("dimension", "utterance_level", "parameters"),
    [
        # 15 frames of 80 mels; six more hidden layers; the last layer, with offsets
        (512, False, (15 * 80 + 1) * 176 + 6 * (176 + 1) * 176 + (176 + 1) * 512),
        (1500, False, 663_788),
        # the sixth layer reads mean and deviation
        (512, True, 1201 * 176 + 4 * 177 * 176 + 353 * 176 + 177 * 176 + 177 * 512),
        (3548, True, 1_057_260),
    ],
)
def test_students_are_as_small_as_the_published(dimension, utterance_level, parameters):
    config = StudentConfig(dimension, utterance_level=utterance_level)
    student = build_student(config, seed=0)
    assert count_parameters(student) == parameters
    weights = [p for p in student.parameters() if p.dim() > 1]
    assert len(weights) == 8
    reduction = 1 - parameters / X_VECTOR_PARAMETERS
    if dimension <= 1500:  # arXiv 2303.01125: 85 to 91 % by the size of the embedding
        assert 0.85 <= reduction <= 0.91
    else:  # and 75 % where several are concatenated
        assert 0.75 <= reduction <= 0.85


def test_the_reduction_is_that_from_the_published_teacher():
    assert count_parameters(build_architecture("x-vector", seed=0)) == X_VECTOR_PARAMETERS


@pytest.mark.parametrize("utterance_level", [False, True])
@settings(max_examples=10, deadline=None)
@given(lengths=st.lists(st.integers(15, 40), min_size=2, max_size=4))
def test_padding_changes_no_embedding(utterance_level, lengths):
    student = build_student(StudentConfig(5, utterance_level=utterance_level, width=6), seed=1)
    student.eval()
    generator = torch.Generator().manual_seed(sum(lengths))
    items = [torch.randn(length, 80, generator=generator) for length in lengths]
    padded = torch.full((len(items), max(lengths), 80), 9.0)
    for row, item in zip(padded, items, strict=True):
        row[: len(item)] = item
    together = student(padded, length_mask(torch.tensor(lengths), max(lengths)))
    alone = torch.cat([student(item[None]) for item in items])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_a_frame_level_student_is_the_mean_over_its_windows():
    student = build_student(StudentConfig(5, utterance_level=False, width=6), seed=1).eval()
    features = torch.randn(1, 33, 80, generator=torch.Generator().manual_seed(0))
    windows = torch.cat([features[:, start : start + 15] for start in range(19)])
    torch.testing.assert_close(student(features)[0], student(windows).mean(0))


@pytest.mark.parametrize(
    ("name", "widths"),
    [("x-vector", [512, 512, 512, 512, 1500]), ("ecapa-c512", [512, 512, 512, 512, 1536])],
)
def test_every_level_is_computed_in_one_pass(name, widths):
    network, levels = build_architecture(name, seed=0).eval(), levels_of(name)
    features = torch.randn(2, 40, 80, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        activations = compute_levels(network, features, levels.layers)
        torch.testing.assert_close(activations.embedding, network(features))
        torch.testing.assert_close(activations.frames[levels.wide], network.encode(features)[0])
    assert [activations.frames[layer].shape[-1] for layer in levels.layers] == widths
    assert activations.frames[levels.narrow].shape[-1] == 512
    assert not any(module._forward_hooks for module in network.modules())


def test_layers_are_joined_where_their_middles_meet():
    places = torch.arange(20.0)[None, :, None]  # of the features
    aligned = align_frames([places, places[:, 2:-2], places[:, 7:-7]])
    assert all(torch.equal(one, places[:, 7:-7]) for one in aligned)


def test_kinds_are_read():
    assert parse_kind("narrow-bn", LEVELS).layer == "frame_4"
    assert parse_kind("wide-bn", LEVELS).layer == "frame_5"
    assert parse_kind("frame_2", LEVELS).sources == ("frame_2",)
    joined = parse_kind("utterance+wide-bn", LEVELS)
    assert (joined.sources, joined.layer) == (("utterance", "frame_5"), None)
    assert all(parse_kind(name, LEVELS).layer is None for name in ("utterance", "dictionary"))
    for faulty in ("loud-bn", "utterance+", "frame_9"):
        with pytest.raises(ArgumentError, match="`kind` must be made of utterance"):
            parse_kind(faulty, LEVELS)
    with pytest.raises(ArgumentError, match="each part once"):
        parse_kind("wide-bn+frame_5", LEVELS)


def test_the_usual_kinds_hold_every_layer_once():
    kinds = [parse_kind(name, LEVELS) for name in default_kinds(LEVELS)]
    single = [kind.layer for kind in kinds if kind.layer is not None]
    assert sorted(single) == sorted(LEVELS.layers)


def test_no_part_outweighs_another():
    first, second = np.array([[3.0, 4.0]]), np.array([[0.0, 200.0, 0.0]])
    np.testing.assert_allclose(join_parts([first, second]), [[0.6, 0.8, 0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(join_parts([np.zeros((1, 2))]), [[0.0, 0.0]])


def test_teachers_without_known_levels_are_refused():
    with pytest.raises(ArgumentError, match="`teacher` must be one of x-vector"):
        levels_of("resnet34")


def ramp_pool(lengths):
    """Features that say which frame of its recording each is."""
    features = np.concatenate([np.arange(length) for length in lengths])
    starts = np.cumsum([0, *lengths[:-1]])
    names = [f"s{row}-0" for row in range(len(lengths))]
    return Pool(
        np.repeat(features[:, None], 80, axis=1).astype(np.float16),
        starts,
        np.array(lengths),
        names,
        ["recorded"] * len(lengths),
    )


def test_crops_lie_within_their_recordings():
    pool = ramp_pool([100, 61, 30])
    crops = draw_crops(pool, ("recorded",), 40, seed=0)
    assert crops.begins[2] == 0
    assert (crops.begins + 40 <= np.maximum(pool.frames, 40)).all()
    features = crops.features(pool, np.arange(3))
    assert features.shape == (3, 40, 80)
    np.testing.assert_allclose(features.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(np.diff(features[:2, :, 0], axis=1), 1)
    np.testing.assert_allclose(features[2, 30:], features[2, :10])  # repeated


def test_windows_lie_around_the_frames_that_have_targets():
    pool, frames = ramp_pool([80, 90, 100]), 40
    crops = Crops(np.arange(3), np.array([0, 20, 60]), frames)
    places = frame_places(frames, 3, 4)
    assert (places[0], places[-1]) == (3, 36)
    targets = np.tile(places.astype(np.float16)[None, :, None], (3, 1, 2))
    less = FrameTargets(pool, crops, targets, size=5, context=3, mean=np.array([1.0, 0.0]))
    source = FrameTargets(pool, crops, targets, size=5, context=3)
    batch = source.batch(np.random.default_rng(0))
    shifted = less.batch(np.random.default_rng(0))["target"]
    torch.testing.assert_close(batch["target"] - shifted, torch.tensor([[1.0, 0.0]] * 20))
    assert batch["features"].shape == (20, 7, 80)
    middle = batch["features"][:, 3, 0] + (frames - 1) / 2  # the mean of the crop is taken off
    torch.testing.assert_close(middle, batch["target"][:, 0])
    assert (batch["features"].diff(dim=1) == 1).all()


def test_targets_are_what_the_teacher_says(distillation, pool):
    own, (train, _) = read_settings(distillation), pool
    targets, teacher = read_targets(distillation), load_teacher(own, distillation)
    chosen = np.array([0, 7, 35])
    assert len(targets.crops.rows) == 36  # recorded and room of eighteen utterances
    features = torch.from_numpy(targets.crops.features(train, chosen))
    with torch.inference_mode():
        expected = teacher.network(features).numpy()
        aggregated = teacher.aggregations["dictionary"](features).numpy()
    close = {"atol": 2e-3, "rtol": 2e-3}
    np.testing.assert_allclose(np.load(stored(targets, "utterance"))[chosen], expected, **close)
    np.testing.assert_allclose(np.load(stored(targets, "dictionary"))[chosen], aggregated, **close)
    joined = targets.of_crops(parse_kind("utterance+narrow-bn", LEVELS))
    assert joined.shape == (36, 8 + 512)
    np.testing.assert_allclose(np.square(joined).sum(axis=1), 2, rtol=1e-3)
    own = np.load(stored(targets, "utterance")).astype(np.float32)
    centred = own - own.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(joined[:, :8], unit, atol=1e-4)


def test_targets_go_on_where_they_were_interrupted(distillation, pool, tmp_path, monkeypatch):
    monkeypatch.setattr("recipes.xvector_distillation.targets.BATCH", 10)
    own, (train, trained) = read_settings(distillation), pool
    teacher, test = load_teacher(own, distillation), read_pool(Path(trained.data.train) / "dev")
    kinds = [parse_kind(name, LEVELS) for name in KINDS]
    calls = []

    def stop_after(count):
        def compute(features):
            if len(calls) == count:
                raise KeyboardInterrupt
            calls.append(len(features))
            return Teacher.compute(teacher, features)

        return SimpleNamespace(**vars(teacher), centred=True, compute=compute)

    given = (kinds, own, train, test, tmp_path / "targets")
    for count in (2, 7, 99):  # within the crops, within the test utterances, to the end
        if count < 99:
            with pytest.raises(KeyboardInterrupt):
                write_targets(stop_after(count), *given)
            assert not (tmp_path / "targets").exists()
        else:
            write_targets(stop_after(count), *given)
    assert calls == [10, 10, 10, 6] + 12 * [1]  # nothing was computed twice
    whole = distillation / "targets"
    for path in whole.rglob("*.npy"):
        found = np.load(tmp_path / "targets" / path.relative_to(whole))
        np.testing.assert_allclose(found, np.load(path), atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("layer", ["frame_1", "frame_5"])
def test_a_frame_target_is_what_the_teacher_says_of_that_window_alone(distillation, pool, layer):
    own, targets = read_settings(distillation), read_targets(distillation)
    network = open_teacher(own).network
    features = torch.from_numpy(targets.crops.features(pool[0], np.array([4])))
    stored = targets.of_frames(layer)[4]
    for place, found in zip(frame_places(60, 7, 3), stored, strict=True):
        window = features[:, place - 7 : place + 8]
        with torch.inference_mode():
            frames = compute_levels(network, window, [layer]).frames[layer]
        middle = frames[0, frames.shape[1] // 2].numpy()
        np.testing.assert_allclose(found, middle, atol=2e-3, rtol=2e-3)


def stored(targets, source):
    return targets.folder / "crops" / f"{source}.npy"


def test_an_aggregation_leaves_its_teacher_as_it_is(distillation):
    network = open_teacher(read_settings(distillation)).network
    trained = read_weights(distillation / "aggregation" / "statistics" / FINAL)
    for name, tensor in network.state_dict().items():
        assert torch.equal(trained[f"teacher.{name}"], tensor)
    aggregation = load_teacher(read_settings(distillation), distillation).aggregations["statistics"]
    aggregation.train()
    assert aggregation.norm.training
    assert not aggregation.teacher.training
    with pytest.raises(ArgumentError, match="`mask` must be None"):
        aggregation(torch.zeros(1, 20, 80), torch.ones(1, 20, dtype=torch.bool))


@pytest.mark.parametrize("name", ["utterance+narrow-bn", "wide-bn"])
def test_interrupting_changes_nothing(distillation, pool, tmp_path, name):
    own, kind = read_settings(distillation), parse_kind(name, LEVELS)
    given = (own, kind, read_targets(distillation), pool[0])
    fit_student(*given, tmp_path / "whole", accelerator="cpu")
    for stop in (3, None):
        fit_student(*given, tmp_path / "parts", accelerator="cpu", stop_at=stop)
        assert (tmp_path / "parts" / FINAL).is_file() == (stop is None)
    whole, parts = (read_weights(tmp_path / part / FINAL) for part in ("whole", "parts"))
    assert all(torch.equal(whole[one], parts[one]) for one in whole)


@pytest.mark.parametrize("name", ["utterance", "frame_1"])
def test_a_student_learns(distillation, pool, name):
    own, kind = read_settings(distillation), parse_kind(name, LEVELS)
    targets = read_targets(distillation)
    batch = open_targets(own, kind, targets, pool[0]).batch(np.random.default_rng(0))
    student = build_student(
        StudentConfig(targets.dimension(kind), utterance_level=kind.layer is None, width=12),
        seed=0,
    )
    training = Distillation(student, own.students)
    training.log = lambda *_, **__: None  # there is no trainer
    optimizer = torch.optim.AdamW(training.parameters(), 1e-2)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = training.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert 0 <= losses[-1] < losses[0] <= 2


def test_only_speakers_of_several_utterances_teach_the_back_end():
    pool = ramp_pool([60, 60, 60, 60])
    crops = Crops(np.array([0, 1, 2, 3]), np.zeros(4, np.int64), 40)
    speakers = {"s0-0": "a", "s1-0": "b", "s2-0": "a", "s3-0": "c"}
    assert labelled_crops(pool, crops, speakers).tolist() == [0, 2]
    copies = replace(pool, utterance=["s0-0", "s1-0", "s0-0", "s3-0"])
    assert labelled_crops(copies, crops, speakers).tolist() == []


def test_the_back_end_tells_speakers_apart():
    generator = np.random.default_rng(0)

    def utterances(speakers):
        voices = np.repeat(generator.normal(size=(speakers, 4)), 4, axis=0)
        nuisance = 5 * generator.normal(size=(4 * speakers, 4))  # louder than the voices
        names = np.repeat([f"s{number}" for number in range(speakers)], 4)
        return np.hstack([voices + 0.1 * generator.normal(size=voices.shape), nuisance]), names

    back_end = fit_back_end(*utterances(200), dimension=8)
    test, names = utterances(30)
    pairs = np.triu_indices(len(test), 1)
    same = (names[:, None] == names)[pairs]
    unit = test / np.linalg.norm(test, axis=1, keepdims=True)
    rates = [equal_error_rate(one[pairs], same) for one in (back_end.score(test), unit @ unit.T)]
    assert rates[0] < 0.1 < rates[1]


def test_correlation_is_pearsons():
    from scipy.stats import pearsonr

    generator = np.random.default_rng(0)
    cosines = generator.normal(size=(3, 50)).astype(np.float32)
    matrix = correlate([*cosines, 2 * cosines[0] + 1])
    assert matrix[0, 1] == pytest.approx(pearsonr(cosines[0], cosines[1])[0], abs=1e-6)
    assert matrix[0, 3] == pytest.approx(1)
    np.testing.assert_allclose(matrix, matrix.T)


def test_stages_lead_to_the_tables(distillation, capsys, tmp_path):
    run_stages(distillation, "students", "scoring", accelerator="cpu")
    report = json.loads((distillation / REPORT).read_text())
    assert [kind["kind"] for kind in report["kinds"]] == list(KINDS)
    teacher = count_parameters(build_architecture("x-vector", dimension=8, seed=0))
    own = report["teacher"].pop("utterance")
    assert own == report["kinds"][0]["teacher"]
    assert report["teacher"] == {
        "name": "teacher",
        "architecture": "x-vector",
        "fingerprint": open_teacher(read_settings(distillation)).fingerprint,
        "parameters": teacher,
    }
    assert report["concatenation"]["concatenated"] == "utterance+narrow-bn"
    for kind in report["kinds"]:
        assert kind["reduction"] == pytest.approx(1 - kind["parameters"] / teacher)
        assert kind["teacher"]["plda"]["trials"] == 12 * 11 // 2
        assert kind["student"]["plda"]["targets"] == 4 * 3
        rates = [figures["plda"]["equal_error_rate"]["value"] for figures in (kind["student"], own)]
        assert kind["student_less_teacher"]["value"] == pytest.approx(rates[0] - rates[1])
    assert {kind["kind"]: kind["dimension"] for kind in report["kinds"]} == {
        "utterance": 8,
        "wide-bn": 1500,
        "statistics": 8,
        "dictionary": 8,
        "utterance+narrow-bn": 520,
        "frame_1": 512,
    }
    np.testing.assert_allclose(np.diag(report["correlation"]["students"]), 1)
    pytest.importorskip("matplotlib")
    capsys.readouterr()
    table.main([str(distillation), "--pictures", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "run: x-vector" in printed
    kinds, ablation = printed.split("Correlation")[0].split("from the input on:")
    assert "frame_1" not in kinds
    assert ablation.index("frame_1") < ablation.index("frame_5")
    assert (tmp_path / "run-correlation.svg").stat().st_size > 1000


def test_what_is_done_is_not_done_again(distillation):
    before = {path: path.stat().st_mtime_ns for path in distillation.rglob("*.np?")}
    run_stages(distillation, "aggregation", "targets", accelerator="cpu")
    assert before
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_a_teacher_that_is_not_trained(distillation, tmp_path):
    write_settings(replace(read_settings(distillation), teacher=str(tmp_path / "none")), tmp_path)
    with pytest.raises(ArgumentError, match=r"or an encoder with --packed and .*none"):
        run_stages(tmp_path, "aggregation", "targets", accelerator="cpu")
    shutil.copy(distillation.parent / "teacher" / "settings.json", tmp_path)
    write_settings(replace(read_settings(distillation), teacher=str(tmp_path)), tmp_path / "run")
    with pytest.raises(ArgumentError, match=r"with model\.json, got .*; train it to its end"):
        run_stages(tmp_path / "run", "aggregation", "targets", accelerator="cpu")


def test_the_command_stores_its_settings(distillation, tmp_path, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(
        "recipes.xvector_distillation.run.run_stages", lambda *given, **_: ran.append(given)
    )

    def run(folder, *options):
        return main([str(tmp_path / folder), *options])

    teacher = ("--teacher", str(distillation.parent / "teacher"))
    run("new", *teacher, "--steps", "60", "--crops", "4", "--kinds", "utterance", "--to", "targets")
    stored = read_settings(tmp_path / "new")
    assert (stored.students.steps, stored.aggregation.steps, stored.kinds) == (
        *(60, 20),
        ("utterance",),
    )
    assert stored.students.crops == 4
    run("new", "--from", "students")  # goes on with the settings that are stored
    assert ran == [
        (tmp_path / "new", "teacher", "targets"),
        (tmp_path / "new", "students", "scoring"),
    ]
    run("all", *teacher)
    assert read_settings(tmp_path / "all").kinds == default_kinds(LEVELS)
    for options, fault in (
        ((*teacher, "--kinds", "loud-bn"), "error: `kind` must be made of"),
        (("--teacher", str(tmp_path)), "error: `teacher` must be a run"),
        (("--teacher", "diarspk"), "with --packed and --test-speakers, what"),
        (("--teacher", "xvector"), "error: a teacher to be trained, xvector, needs --packed"),
    ):
        assert run("other", *options) == 1
        assert fault in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run("other")
    assert "error: a new run needs --teacher" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
