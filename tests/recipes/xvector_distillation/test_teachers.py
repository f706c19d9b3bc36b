"""Teachers that are encoders, their levels, and the page of several of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from diarspk import load_encoder
from diarspk.encoders import build_architecture
from diarspk.encoders.stored import write_encoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig, LogMel
from diarspk.verification.metrics import equal_error_rate
from tests.recipes.zoo.test_run import write_pool, write_table

pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore")

from recipes.embedded.data.pool import read_pool  # noqa: E402
from recipes.xvector_distillation import study  # noqa: E402
from recipes.xvector_distillation.crops import draw_crops, frame_places  # noqa: E402
from recipes.xvector_distillation.layer_activations import compute_levels, levels_of  # noqa: E402
from recipes.xvector_distillation.local_teacher import LocalTeacher  # noqa: E402
from recipes.xvector_distillation.options import BudgetOptions, DataOptions, make_settings  # noqa: E402
from recipes.xvector_distillation.report_tables import format_claims  # noqa: E402
from recipes.xvector_distillation.resampling import ErrorResamples, difference, interval  # noqa: E402
from recipes.xvector_distillation.settings import read_settings, write_settings  # noqa: E402
from recipes.xvector_distillation.stages import run_stages  # noqa: E402
from recipes.xvector_distillation.targets import read_targets  # noqa: E402
from recipes.xvector_distillation.teacher_source import open_teacher  # noqa: E402
from recipes.zoo.settings import read_settings as read_teacher_settings  # noqa: E402

SHORT = ("--steps", "2", "--crops", "4", "--width", "8", "--recordings", "12")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Packed features of synthetic speakers, with the tables of both parts."""
    folder = tmp_path_factory.mktemp("packed")
    train, dev = [f"t{n}" for n in range(5)], [f"d{n}" for n in range(4)]
    write_pool(folder / "train", train, ("recorded",))
    write_pool(folder / "dev", dev, ("recorded",))
    write_pool(folder / "noise", ["n"], ("noise",))
    write_table(folder / "train" / "speakers.tsv", train)
    write_table(folder / "dev.tsv", dev)
    return folder


@pytest.fixture(scope="module")
def campplus(tmp_path_factory):
    """A CAM++ with random weights, as a checkpoint of this package."""
    card = tmp_path_factory.mktemp("campplus") / "camp.json"
    write_encoder(
        card,
        build_architecture("campplus", dimension=8, seed=0),
        "campplus",
        pooling=None,
        features=FeatureConfig(window="povey", scale=1.0),
        about={"licence": "CC0-1.0", "recipe": "none"},
    )
    return card


def options(data):
    return DataOptions(data, None, data / "dev.tsv")


def test_the_embedded_encoder_embeds_features_as_it_embeds_audio():
    encoder = load_encoder()
    audio = 0.1 * np.random.default_rng(0).normal(size=48_000).astype(np.float32)
    audio *= np.linspace(0, 1, 48_000, dtype=np.float32)
    features = LogMel()(torch.from_numpy(audio)[None])
    with torch.inference_mode():
        vector = LocalTeacher(encoder.network)(features)[0].numpy()
    np.testing.assert_allclose(
        vector / np.linalg.norm(vector), encoder.embed(audio, 16_000), atol=2e-3
    )


def test_it_refuses_a_mask():
    with pytest.raises(ArgumentError, match="`mask` must be None"):
        LocalTeacher(load_encoder().network)(
            torch.zeros(1, 20, 80), torch.ones(1, 20, dtype=torch.bool)
        )


@pytest.mark.parametrize(
    ("name", "widths", "stride"),
    [("campplus", [128, 256, 512, 512], 2), ("local-tdnn", [512, 592, 1024], 4)],
)
def test_levels_have_the_frames_of_the_stride(data, campplus, name, widths, stride):
    teacher = "diarspk" if name == "local-tdnn" else str(campplus)
    source = open_teacher(make_settings(data, teacher, options(data), BudgetOptions()))
    assert source.levels == levels_of(name)
    levels = source.levels
    features = torch.randn(2, 40, 80, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = compute_levels(
            source.network, features, levels.layers, channels_last=levels.channels_last
        )
    shapes = [tuple(found.frames[layer].shape) for layer in levels.layers]
    assert shapes == [(2, 40 // stride, width) for width in widths]
    assert source.network.stride == stride
    assert (levels.narrow, levels.wide) == (
        ("xvector.transit1", "xvector.out_nonlinear")
        if name == "campplus"
        else ("network.trunk", "network.utterance.expand")
    )


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_places_are_frames_of_the_teacher_with_their_context(stride):
    places = frame_places(200, 7, 5, stride)
    assert (places % stride == 0).all()
    assert len(set(places.tolist())) == 5
    assert places[0] >= 7
    assert places[-1] <= 192
    assert places[-1] - places[0] >= 200 - 14 - 2 * stride


def test_a_limit_draws_some_recordings(data):
    pool = read_pool(data / "train")
    crops = draw_crops(pool, ("recorded",), 60, 0, limit=6)
    assert len(set(crops.rows.tolist())) == 6
    assert crops.rows.tolist() == draw_crops(pool, ("recorded",), 60, 0, limit=6).rows.tolist()
    assert len(draw_crops(pool, ("recorded",), 60, 0, limit=99).rows) == 15


def test_frame_targets_of_a_strided_teacher_are_its_frames_at_the_places(data, campplus, tmp_path):
    budget = BudgetOptions(kinds=("wide-bn",), recordings=4, steps=2)
    own = make_settings(tmp_path, str(campplus), options(data), budget)
    write_settings(own, tmp_path)
    run_stages(tmp_path, "teacher", "targets", accelerator="cpu")
    targets, source = read_targets(tmp_path), open_teacher(own)
    features = targets.crops.features(read_pool(data / "train"), np.array([3]))
    layer = source.levels.wide
    with torch.inference_mode():
        frames = compute_levels(source.network, torch.from_numpy(features), [layer]).frames[layer]
    places = frame_places(targets.crops.frames, own.context, own.places, 2)
    expected = frames[0, places // 2].numpy()
    np.testing.assert_allclose(targets.of_frames(layer)[3], expected, atol=2e-3, rtol=2e-3)
    assert targets.stride == 2


def test_encoders_without_levels_or_on_other_features_are_refused(data, tmp_path):
    for name, features, message in (
        ("resnet18", FeatureConfig(), "whose levels are not known"),
        ("ecapa-c512", FeatureConfig(frame_shift_ms=5.0), "must read 80 log-mel bins"),
    ):
        card = tmp_path / f"{name}.json"
        write_encoder(
            card,
            build_architecture(name, dimension=8, seed=0),
            name,
            pooling=None,
            features=features,
            about={"licence": "CC0-1.0", "recipe": "none"},
        )
        with pytest.raises(ArgumentError, match=message):
            make_settings(tmp_path, str(card), options(data), BudgetOptions())


def test_missing_tables_are_named(data, tmp_path):
    with pytest.raises(ArgumentError, match="--packed and --test-speakers go together"):
        make_settings(tmp_path, "diarspk", DataOptions(data), BudgetOptions())
    with pytest.raises(ArgumentError, match=r"none\.tsv: no such table; name one with --test-sp"):
        make_settings(
            tmp_path, "diarspk", DataOptions(data, None, data / "none.tsv"), BudgetOptions()
        )
    with pytest.raises(ArgumentError, match=r"--seconds must be from 0\.5 to 10\.0, got 0\.1"):
        BudgetOptions(seconds=0.1)
    with pytest.raises(ArgumentError, match="--teacher-steps must be 1 or more, got 0"):
        BudgetOptions(teacher_steps=0)


def test_a_resample_is_its_speakers_trials_repeated():
    generator = np.random.default_rng(3)
    groups = np.array(list("aabbbcccdd") * 30)
    labels = generator.random(len(groups)) < 0.3
    scores = np.round(labels + generator.normal(size=len(groups)), 1)  # with ties
    resamples = ErrorResamples(labels, groups, resamples=20, seed=1)
    rates = resamples.rates(scores)
    assert rates[0] == pytest.approx(equal_error_rate(scores, labels), abs=1e-12)
    for count, rate in zip(resamples.counts, rates, strict=True):
        times = count[np.unique(groups, return_inverse=True)[1]]
        expected = equal_error_rate(np.repeat(scores, times), np.repeat(labels, times))
        assert rate == pytest.approx(expected, abs=1e-12)


def test_the_difference_of_a_system_and_itself_is_nothing():
    generator = np.random.default_rng(0)
    groups = np.repeat([f"s{n}" for n in range(12)], 20)
    labels = np.tile(np.arange(20) < 5, 12)
    scores = labels + generator.normal(size=len(labels))
    resamples = ErrorResamples(labels, groups, resamples=50)
    rates = resamples.rates(scores)
    assert difference(rates, rates).low == difference(rates, rates).high == 0
    found = interval(rates)
    assert found.low < found.value < found.high
    better = resamples.rates(3 * labels + generator.normal(size=len(labels)))
    assert difference(better, rates).high < 0


def report(to_teacher, between, reduction=0.8):
    def bounds(value):
        return {"value": value, "low": value - 0.01, "high": value + 0.01}

    rate = {"plda": {"equal_error_rate": bounds(0.1)}}
    kind = {
        "kind": "utterance",
        "reduction": reduction,
        "student": rate,
        "student_less_teacher": bounds(to_teacher),
    }
    names = {"concatenated": "utterance+wide-bn", "single": "wide-bn"}
    return {
        "teacher": {"utterance": rate},
        "kinds": [kind],
        "concatenation": None
        if between is None
        else {**names, "concatenated_less_single": bounds(between)},
    }


@pytest.mark.parametrize(
    ("to_teacher", "between", "level", "concatenation"),
    [
        (0.05, 0.02, "not reached", "a single kind is best"),
        (0.005, -0.005, "reached, as far", "cannot be told apart"),
        (-0.05, -0.02, "better than the teacher", "concatenation is best"),
    ],
)
def test_claims_follow_the_intervals(to_teacher, between, level, concatenation):
    first, second = format_claims(report(to_teacher, between))
    assert level in first
    assert concatenation in second
    assert f"{100 * to_teacher:+.2f} (" in first


def test_claims_that_nothing_speaks_to():
    assert format_claims(report(0.1, None, reduction=0.5)) == [
        "No student is 75 % smaller than the teacher."
    ]


def test_a_study_of_two_teachers_ends_in_a_page(data, campplus, tmp_path, capsys):
    runs, page = tmp_path / "runs", tmp_path / "page.md"
    given = [str(runs), "--packed", str(data), "--test-speakers", str(data / "dev.tsv"), *SHORT]
    given += ["--accelerator", "cpu"]
    kinds = ("--kinds", "utterance", "narrow-bn", "utterance+narrow-bn")
    teachers = ("--teachers", "diarspk", str(campplus))
    assert study.main([*given, *kinds, *teachers, "--page", str(page)]) == 0
    text = page.read_text()
    fingerprint = load_encoder().fingerprint
    assert f"*teacher local-tdnn `{fingerprint}`; 12 crops of 2 s, students 2 steps" in text
    assert "## Teacher camp\n" in text
    assert text.count("Concatenated kinds:") == 2
    assert str(tmp_path) not in text
    reports = {path.parent.name: path.stat().st_mtime_ns for path in runs.glob("*/report.json")}
    assert set(reports) == {"diarspk", "camp"}
    content = json.loads((runs / "diarspk" / "report.json").read_text())
    assert content["teacher"]["architecture"] == "local-tdnn"
    assert read_settings(runs / "camp").recordings == 12
    page.unlink()
    assert study.main([*given, *teachers, "--page", str(page)]) == 0  # nothing is done again
    assert page.read_text() == text
    assert reports == {
        path.parent.name: path.stat().st_mtime_ns for path in runs.glob("*/report.json")
    }
    capsys.readouterr()
    assert study.main([str(tmp_path / "empty")]) == 1
    assert "no finished run; name --teachers" in capsys.readouterr().err
    assert study.main([str(runs), "--teachers", "a/x.json", "b/x.json"]) == 1
    assert "`teachers` must differ in their names" in capsys.readouterr().err


def test_an_architecture_is_trained_first(data, tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(
        "recipes.xvector_distillation.teacher_training.run_stages",
        lambda folder, first, last, **_: trained.append((folder, first, last)),
    )
    budget = BudgetOptions(kinds=("utterance",), teacher_steps=30, crops=4, seconds=1.5)
    own = make_settings(tmp_path, "xvector", options(data), budget)
    write_settings(own, tmp_path)
    run_stages(tmp_path, "teacher", "teacher", accelerator="cpu")
    folder = tmp_path / "teacher"
    assert trained == [(folder, "train", "average")]
    zoo = read_teacher_settings(folder / "settings.json")
    assert (zoo.architecture, zoo.train.steps, zoo.train.crops) == ("x-vector", 30, 4)
    assert (zoo.large_margin.steps, zoo.large_margin.crops) == (3, 2)
    assert own.students.frames_per_crop == own.aggregation.frames_per_crop == 150
    assert zoo.data.speakers == str(data / "train" / "speakers.tsv")
